use std::{convert::Infallible, fmt};

use futures::FutureExt;
use http::{HeaderMap, Uri};
use realtime_core::{
    Secret,
    auth::{Credential, Credentials},
    endpoint::{DisplayUrl, Endpoint, Handshake},
};

use crate::{SECRET, row::*};

/// Every public type that holds a secret, with one in each place.
#[test]
fn nothing_prints_a_secret() {
    let mut printed = Vec::new();
    fn print(printed: &mut Vec<String>, value: &dyn fmt::Debug) {
        printed.extend([format!("{value:?}"), format!("{value:#?}")]);
    }

    print(&mut printed, &Secret::from(SECRET));
    let credentials = [
        Credential::api_key(SECRET),
        Credential::ephemeral(SECRET),
        Credential::azure_key(SECRET),
        Credential::bearer(SECRET),
    ];
    for credential in credentials.clone() {
        print(&mut printed, &credential);
        print(&mut printed, &Credentials::from(credential));
    }
    let asked = Credentials::callback(|| async { Ok::<_, Infallible>(Credential::api_key(SECRET)) });
    print(&mut printed, &asked);

    let extras = none()
        .query("sig", SECRET)
        .query("model-key", SECRET)
        .append_query("list", SECRET)
        .header("X-Key", SECRET)
        .header("Authorization", SECRET)
        .header("API-KEY", SECRET)
        .without_header("X-Gone")
        .safety_identifier(SECRET);
    print(&mut printed, &extras);
    print(&mut printed, &none().header("Authorization: s3cr3t", "").without_header("X-Key s3cr3t"));

    let bases =
        ["https://gw/v1?sig=s3cr3t&s3cr3t", "sk-s3cr3t", "https://u:s3cr3t@gw", "https://gw/#s3cr3t", "s3cr3t://gw"];
    for base in bases {
        for endpoint in [Endpoint::gateway(base), Endpoint::azure(base), Endpoint::azure_preview(base, "v")] {
            let endpoint = endpoint.websocket_base(base).extras(extras.clone());
            print(&mut printed, &endpoint);
            for credential in &credentials {
                match endpoint.handshake(&model("m"), credential, &extras) {
                    Ok(handshake) => print(&mut printed, &handshake),
                    Err(error) => print(&mut printed, &error),
                }
            }
        }
    }
    let handshake = Endpoint::gateway(bases[0]).browser(true).handshake(&model("m"), &credentials[0], &none()).unwrap();
    print(&mut printed, &handshake);
    assert!(handshake.subprotocols[1].ends_with(SECRET));
    print(&mut printed, &handshake.url());
    printed.push(handshake.url().to_string());

    let mut foreign = Handshake::new("wss://u:s3cr3t@gw/v1?s3cr3t&a=s3cr3t".parse().unwrap());
    foreign.headers.insert("cookie", "s3cr3t".parse().unwrap());
    foreign.subprotocols = vec!["bearer.s3cr3t".into()];
    print(&mut printed, &foreign);
    printed.push(foreign.url().to_string());

    let error = Credentials::callback(|| async { Err::<Credential, _>(SECRET) });
    let error = error.resolve().now_or_never().unwrap().unwrap_err();
    print(&mut printed, &error);
    printed.push(error.to_string());

    let told: Vec<_> = printed.iter().filter(|text| text.contains(SECRET)).collect();
    assert!(told.is_empty(), "{told:#?}");
}

/// What is no secret can be read, or nobody could find a mistake.
#[test]
fn debug_shows_the_rest() {
    let endpoint = Endpoint::gateway("https://gw/v1?tenant=7&model=z").extras(none().organization("org-1"));
    let extras = none().query("call_id", "a b").query("k", "v").header("X-Key", "k").without_header("Accept");
    let shown = r#"Extras { query: call_id=a+b&k=***, headers: [("X-Key", "***"), ("Accept", "(removed)")] }"#;
    assert_eq!(format!("{extras:?}"), shown);
    let shown = concat!(
        "Endpoint { base: https://gw/v1?tenant=***&model=z, extras: Extras { query: , ",
        r#"headers: [("OpenAI-Organization", "org-1")] }, browser: false, beta: false, dialect: Current }"#,
    );
    assert_eq!(format!("{endpoint:?}"), shown);
    let extras = none().query("k", "v").header("X-Key", "k").user_agent("app/1");
    let handshake = endpoint.handshake(&model("m"), &Credential::api_key("sk-1"), &extras).unwrap();
    let shown = concat!(
        "Handshake { uri: wss://gw/v1/realtime?tenant=***&model=m&k=***, headers: [",
        r#"("authorization", "***"), ("user-agent", "app/1"), ("openai-organization", "org-1"), ("x-key", "***")], "#,
        "subprotocols: [], max_message_size: 16777216 }",
    );
    assert_eq!(format!("{handshake:?}"), shown);
    let handshake = browser().handshake(&model("m"), &Credential::api_key("sk-1"), &none().project("p")).unwrap();
    let shown = r#"subprotocols: ["realtime", "openai-insecure-api-key.***", "openai-project.p"]"#;
    assert!(format!("{handshake:?}").contains(shown), "{handshake:?}");
    let uri: Uri = "wss://u:p@gw:1/v1?deployment=d&api-version=v&intent=i&x=1&&y".parse().unwrap();
    let shown = "wss://***@gw:1/v1?deployment=d&api-version=v&intent=i&x=***&***";
    assert_eq!(DisplayUrl(&uri).to_string(), shown);
}

/// `http` itself then hides them, also from those who log a header map.
#[test]
fn headers_are_marked_as_sensitive() {
    let extras = none().organization("o").safety_identifier("u").header("X-Key", "k");
    let handshake = Endpoint::openai().handshake(&model("m"), &Credential::api_key("sk-1"), &extras).unwrap();
    let sensitive = |headers: &HeaderMap| {
        let mut names: Vec<_> =
            headers.iter().filter(|(_, value)| value.is_sensitive()).map(|(name, _)| name.to_string()).collect();
        names.sort();
        names
    };
    assert_eq!(sensitive(&handshake.headers), ["authorization", "openai-safety-identifier", "x-key"]);
}
