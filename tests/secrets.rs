//! Keys, tokens and the values of headers are shown nowhere.

use std::{error::Error as _, fmt::Debug};

use http::{HeaderMap, StatusCode};
use realtime::{
    Client, ErrorKind, Patch, Secret,
    auth::{Credential, Credentials},
    endpoint::{Endpoint, Extras},
    event::{ClientEvent, Custom, Event, ServerEvent, SessionUpdate},
    mock::{MockSession, MockTransport},
    tools::Tools,
    types::{McpTool, RealtimeSessionConfig, SessionConfig, Tool},
};
use serde_json::json;

const SECRET: &str = "hush-hush-0123456789";

#[track_caller]
fn hides(shown: impl AsRef<str>) {
    assert!(!shown.as_ref().contains("hush"), "a secret is shown: {}", shown.as_ref());
}

#[track_caller]
fn debug_hides(value: &impl Debug) {
    hides(format!("{value:?}"));
    hides(format!("{value:#?}"));
}

/// An error, and all that caused it.
#[track_caller]
fn error_hides(error: &realtime::Error) {
    debug_hides(error);
    hides(error.to_string());
    let mut cause = error.source();
    while let Some(error) = cause {
        hides(error.to_string());
        hides(format!("{error:?}"));
        cause = error.source();
    }
}

fn extras() -> Extras {
    Extras::new().header("X-Gateway-Key", SECRET).query("token", SECRET).safety_identifier(SECRET)
}

#[test]
fn settings_show_no_secret() {
    debug_hides(&Secret::from(SECRET));
    let all = [
        Credential::api_key(SECRET),
        Credential::ephemeral(SECRET),
        Credential::azure_key(SECRET),
        Credential::bearer(SECRET),
    ];
    for credential in all {
        debug_hides(&credential);
        debug_hides(&Credentials::from(credential.clone()));
        let (transport, server) = MockTransport::new();
        let builder = Client::builder(transport)
            .endpoint(Endpoint::gateway(format!("https://gateway.example/v1?key={SECRET}")).extras(extras()))
            .credentials(credential)
            .extras(extras());
        debug_hides(&builder);
        let client = builder.build();
        debug_hides(&client);
        let connect = client.realtime().model("m").header("X-Other", SECRET).query("other", SECRET);
        debug_hides(&connect);
        let connection = server.clock().block_on(connect.connect()).unwrap();
        debug_hides(&connection);
        debug_hides(&connection.sender());
        debug_hides(&connection.state());
        let session: MockSession = server.try_accept_as().unwrap();
        // It was sent, and is shown all the same nowhere.
        assert!(session.handshake().uri.to_string().contains(SECRET));
        debug_hides(&session);
        debug_hides(session.handshake());
        debug_hides(&server);
    }
    debug_hides(&extras());
}

#[test]
fn tools_of_an_mcp_server_show_no_secret() {
    let tool = McpTool::new("server").authorization(SECRET).header("X-Key", SECRET);
    debug_hides(&tool);
    debug_hides(&Tool::from(tool.clone()));
    debug_hides(&Tools::new().mcp(tool.clone()));
    let config = RealtimeSessionConfig::default().tools([tool]).tracing(Patch::Clear);
    debug_hides(&SessionConfig::from(config.clone()));
    let event: ClientEvent = SessionUpdate::new(config).into();
    debug_hides(&event);
    // An event that is kept as text shows none of it.
    let text = event.encode();
    assert!(text.to_str().unwrap().contains(SECRET));
    debug_hides(&text);
    let raw = json!({ "type": "new.event", "authorization": SECRET });
    debug_hides(&ServerEvent::decode(raw.to_string().as_bytes()));
    debug_hides(&Custom::new(raw.into()).unwrap());
    let malformed = json!({ "type": "conversation.item.added", "item": SECRET });
    for broken in [malformed, json!([SECRET]), json!({ "type": 7, "key": SECRET })] {
        debug_hides(&ServerEvent::decode(broken.to_string().as_bytes()));
    }
}

#[test]
fn errors_show_no_secret() {
    let connect = |base: &str, credential: Credentials| {
        let (transport, server) = MockTransport::new();
        let client = Client::builder(transport).base_url(base).credentials(credential).extras(extras()).build();
        server.refuse_next(StatusCode::FORBIDDEN, HeaderMap::new(), format!("{SECRET} is wrong"));
        server.clock().block_on(client.realtime().model("m").connect()).unwrap_err()
    };
    let key = || Credentials::from(Credential::api_key(SECRET));
    error_hides(&connect(&format!("https://user:{SECRET}@host/v1"), key()));
    error_hides(&connect(&format!("{SECRET}://host"), key()));
    error_hides(&connect("https://host/v1", Credential::api_key(format!("{SECRET}\n")).into()));
    let refused = connect("https://host/v1", key());
    error_hides(&refused);
    match refused.kind() {
        // Who asks for the body gets it.
        ErrorKind::Transport(error) => assert!(error.body().is_some_and(|body| body.starts_with(SECRET.as_bytes()))),
        other => panic!("{other:?}"),
    }
    let asked = Credentials::callback(|| async { Err::<Credential, _>(std::io::Error::other("no token")) });
    error_hides(&connect("https://host/v1", asked));
}

#[test]
fn an_event_that_is_handed_back_shows_no_secret() {
    let (transport, server) = MockTransport::new();
    let client = Client::builder(transport).options(realtime::Options::default().max_outbound(16)).build();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let tool = McpTool::new("server").authorization(SECRET);
    let error = connection.send(SessionUpdate::new(RealtimeSessionConfig::default().tools([tool]))).unwrap_err();
    debug_hides(&error);
    hides(error.to_string());
    error_hides(&error.into());
}
