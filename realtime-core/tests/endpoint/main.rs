//! The golden table of URLs and headers, the properties that hold for all of them, and the silence about secrets.

mod errors;
mod headers;
mod requests;
mod row;
mod secrets;
mod urls;

use std::{
    convert::Infallible,
    error::Error,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::FutureExt;
use proptest::prelude::*;
use realtime_core::{
    auth::{Credential, CredentialError, Credentials},
    endpoint::{DEFAULT_MAX_MESSAGE_SIZE, Endpoint, EndpointError, Extras, Handshake},
};

use row::*;

/// Is never printed, whatever it is part of.
const SECRET: &str = "s3cr3t";

fn table() -> Vec<Row> {
    [
        urls::plain(),
        urls::whole_addresses(),
        requests::paths(),
        urls::azure_rows(),
        headers::headers(),
        headers::browser_rows(),
        errors::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn golden() {
    let mut wrong = Vec::new();
    for row in table() {
        let found = row.result().map(|handshake| {
            assert_eq!(handshake.max_message_size, DEFAULT_MAX_MESSAGE_SIZE);
            let headers = handshake.headers.iter();
            let mut headers: Vec<_> =
                headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
            headers.sort();
            Want { url: handshake.uri.to_string(), headers, subprotocols: handshake.subprotocols }
        });
        if found != row.want {
            wrong.push(format!("{}\n  found {found:?}\n  want  {:?}", row.name, row.want));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_callback_is_asked_every_time() {
    let asked = Arc::new(AtomicUsize::new(0));
    let credentials = Credentials::callback({
        let asked = asked.clone();
        move || {
            let count = asked.fetch_add(1, Ordering::Relaxed);
            async move { Ok::<_, Infallible>(Credential::bearer(format!("token-{count}"))) }
        }
    });
    let resolve = |credentials: &Credentials| credentials.resolve().now_or_never().unwrap().unwrap();
    assert_eq!(resolve(&credentials), Credential::bearer("token-0"));
    assert_eq!(resolve(&credentials.clone()), Credential::bearer("token-1"));

    let fixed = Credentials::from(Credential::None);
    assert_eq!(resolve(&fixed), Credential::None);
}

#[test]
fn a_callbacks_error_is_kept() {
    let credentials = Credentials::callback(|| async { Err(fmt::Error) });
    let error = credentials.resolve().now_or_never().unwrap().unwrap_err();
    assert!(error.source().unwrap().is::<fmt::Error>());
}

#[test]
fn types_can_be_shared() {
    fn shared<T: Send + Sync + Unpin + 'static>() {}
    shared::<Endpoint>();
    shared::<Extras>();
    shared::<Handshake>();
    shared::<EndpointError>();
    shared::<Credential>();
    shared::<Credentials>();
    shared::<CredentialError>();
    fn sent<T: Send>(_: T) {}
    sent(Credentials::from(Credential::None).resolve());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A form decoder reads what was given.
    #[test]
    fn texts_round_trip(name in "\\PC{0,20}[a-z]", key in "x\\PC{0,10}", value in any::<String>()) {
        let extras = none().query(&key, &value);
        let handshake = Endpoint::openai().handshake(&model(&name), &Credential::None, &extras).unwrap();
        let query = form_urlencoded::parse(handshake.uri.query().unwrap().as_bytes()).into_owned();
        prop_assert_eq!(query.collect::<Vec<_>>(), [("model".to_owned(), name), (key, value)]);
    }

    /// Any base URL gives a WebSocket's URL or one of the errors, and all mistakes are found before the URL is built.
    #[test]
    fn any_base_is_judged(base in prop_oneof![any::<String>(), "(https?|WSS?)://[ -~]{0,40}"]) {
        let edge = Endpoint::openai().websocket_base(&*base);
        match Endpoint::exact(&*base).handshake(&model("m"), &Credential::None, &none()) {
            Ok(handshake) => prop_assert!(base.ends_with(handshake.uri.query().unwrap_or_default())),
            Err(error) => prop_assert_ne!(error, EndpointError::TooLong),
        }
        for endpoint in [Endpoint::gateway(&*base), Endpoint::azure(&*base), edge] {
            match endpoint.handshake(&model("m"), &Credential::None, &none()) {
                Ok(handshake) => {
                    prop_assert!(matches!(handshake.uri.scheme_str(), Some("ws" | "wss")));
                    prop_assert!(!handshake.uri.host().unwrap().is_empty());
                    prop_assert!(handshake.uri.path().ends_with("/realtime"));
                    prop_assert!(!handshake.uri.path().ends_with("/realtime/realtime"));
                    prop_assert!(handshake.uri.query().unwrap().ends_with("model=m"));
                }
                Err(error) => prop_assert_ne!(error, EndpointError::TooLong),
            }
            let _ = format!("{endpoint:?}");
        }
    }

    /// Wherever a secret is, what is printed does not have it.
    #[test]
    fn redaction_is_complete(secret in "[A-Z0-9]{12,40}", name in "x[a-z]{1,8}") {
        let base = format!("https://gw/v1?{name}={secret}&{secret}");
        let extras = none().query(&name, &secret).append_query(&name, &secret).header(&*name, &*secret);
        let endpoint = Endpoint::gateway(base).extras(extras.clone());
        let handshake = endpoint.handshake(&model("m"), &Credential::api_key(&*secret), &extras).unwrap();
        let printed = format!("{endpoint:?} {extras:?} {handshake:?} {}", handshake.url());
        prop_assert!(!printed.contains(&secret), "{}", printed);
        prop_assert!(handshake.uri.to_string().contains(&secret));
    }
}
