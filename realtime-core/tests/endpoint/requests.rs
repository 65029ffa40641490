//! Requests of the REST API, and WebSockets at any path.

use http::Method;
use realtime_core::{
    auth::Credential,
    endpoint::{Endpoint, EndpointError, Target},
};

use crate::row::*;

const PATH: &[&str] = &["realtime", "client_secrets"];

#[test]
fn a_request_goes_where_the_websocket_would() {
    for (endpoint, url) in [
        (Endpoint::openai(), "https://api.openai.com/v1/realtime/client_secrets"),
        (Endpoint::gateway("http://gw:8080/v1/"), "http://gw:8080/v1/realtime/client_secrets"),
        (Endpoint::gateway("ws://gw/v1"), "http://gw/v1/realtime/client_secrets"),
        (Endpoint::gateway("wss://gw/v1?k=v&model=m"), "https://gw/v1/realtime/client_secrets?k=v"),
        (Endpoint::gateway("https://gw/v1/realtime?model=m"), "https://gw/v1/realtime/client_secrets"),
        (Endpoint::openai().websocket_base("wss://edge/rt"), "https://api.openai.com/v1/realtime/client_secrets"),
        (azure(), "https://r.openai.azure.com/openai/v1/realtime/client_secrets"),
        (
            Endpoint::gateway("https://gw?b=2").extras(none().query("a", "1").query("b", "1")),
            "https://gw/realtime/client_secrets?a=1&b=2",
        ),
    ] {
        let request = endpoint.request(Method::POST, PATH, &Credential::api_key("sk-1"), &none()).unwrap();
        assert_eq!((request.method(), &*request.uri().to_string()), (&Method::POST, url));
        assert_eq!(request.headers()["authorization"], "Bearer sk-1");
        assert!(request.headers()["authorization"].is_sensitive());
    }
    let extras = none().query("dcid", "0").safety_identifier("u");
    let request = azure().request(Method::GET, PATH, &Credential::azure_key("k1"), &extras).unwrap();
    assert_eq!(*request.uri(), "https://r.openai.azure.com/openai/v1/realtime/client_secrets?dcid=0");
    assert_eq!(
        (&request.headers()["api-key"], &request.headers()["openai-safety-identifier"]),
        (&"k1".parse().unwrap(), &"u".parse().unwrap())
    );
}

#[test]
fn where_there_is_no_rest_the_error_says_what_to_use() {
    for (endpoint, path, error) in [
        (Endpoint::exact("wss://gw/x"), PATH, EndpointError::ExactRest),
        (preview(), PATH, EndpointError::PreviewRest),
        (Endpoint::gateway("gw"), PATH, EndpointError::Scheme),
        (Endpoint::openai(), &["calls", ""], EndpointError::PathSegment),
        (Endpoint::openai(), &["calls", "."], EndpointError::PathSegment),
        (Endpoint::openai(), &["..", "calls"], EndpointError::PathSegment),
    ] {
        let found = endpoint.request(Method::POST, path, &Credential::None, &none()).unwrap_err();
        assert_eq!(found, error);
        assert!(found.to_string().contains(": "), "{found}");
    }
}

pub(crate) fn paths() -> Vec<Row> {
    vec![
        row("a path").to(Target::path(["live", "sessions"])).url("wss://api.openai.com/v1/live/sessions"),
        row("a path with an id")
            .to(Target::path(["live", "sessions", "a/b c?d#e%", "attach"]))
            .url("wss://api.openai.com/v1/live/sessions/a%2Fb%20c%3Fd%23e%25/attach"),
        row("a Live session that is forked")
            .to(Target::path(["live", "sessions", "live_1", "fork"]))
            .url("wss://api.openai.com/v1/live/sessions/live_1/fork"),
        row("a sideband that wants a goodbye")
            .base("http://gw:8080/v1/")
            .to(Target::path(["live", "sessions", "live_1", "attach"]))
            .query("graceful_close", "true")
            .url("ws://gw:8080/v1/live/sessions/live_1/attach?graceful_close=true"),
        row("a Live session at Azure, with its key")
            .at(azure())
            .by(Credential::azure_key("k"))
            .to(Target::path(["live", "sessions"]))
            .sends("wss://r.openai.azure.com/openai/v1/live/sessions", &[("api-key", "k"), USER_AGENT]),
        row("a path, a query")
            .base("https://gw/v1?k=v&model=d")
            .to(Target::path(["live", "sessions"]))
            .query("model", "m")
            .url("wss://gw/v1/live/sessions?k=v&model=m"),
        row("a path at Azure")
            .at(azure())
            .to(Target::path(["live", "sessions"]))
            .url("wss://r.openai.azure.com/openai/v1/live/sessions"),
        row("a whole address of another protocol")
            .base("https://gw/v1/live/sessions")
            .url("wss://gw/v1/realtime?model=m"),
        row("a path with an empty part").to(Target::path(["live", ""])).fails(EndpointError::PathSegment),
        row("a path with dots").to(Target::path(["live", ".."])).fails(EndpointError::PathSegment),
    ]
}
