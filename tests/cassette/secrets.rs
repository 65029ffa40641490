//! No secret reaches the file.

use futures::FutureExt;
use realtime::{
    Client, ClientBuilder, Json,
    auth::Credential,
    endpoint::{Endpoint, Extras},
    event::{ClientEvent, Custom},
    mock::{MockSession, MockTransport, Recorder, Tape},
};
use serde_json::json;

/// What was written of what both sides say.
fn written(
    set: impl FnOnce(ClientBuilder) -> ClientBuilder,
    client: &[ClientEvent],
    server: impl Fn(&MockSession),
) -> String {
    let (transport, mock) = MockTransport::new();
    let tape = Tape::new();
    let client_side = set(Client::builder(Recorder::new(transport, tape.clone()))).build();
    mock.clock().block_on(async {
        let connection = client_side.realtime().model("m").connect().await.unwrap();
        let session = mock.accept().await;
        client.iter().for_each(|event| connection.send(event.clone()).unwrap());
        connection.flush().await.unwrap();
        server(&session);
        while let Some(Some(_)) = connection.next().now_or_never() {}
    });
    tape.text()
}

fn custom(json: serde_json::Value) -> ClientEvent {
    Custom::new(Json::from(json)).unwrap().into()
}

#[track_caller]
fn without(text: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    assert!(text.contains("***"));
}

#[test]
fn credentials_are_not_written() {
    const KEY: &str = "a.key/without+any=form";
    let leak = |session: &MockSession| {
        session
            .send_raw(json!({ "type": "error", "error": { "message": format!("Incorrect key: {KEY}.") } }).to_string());
        session.send_raw(format!("garbage with {KEY} in it"));
        session.send_binary(format!("bytes with {KEY} in them").into_bytes());
        session.close(3000, &format!("no such key: {KEY}"));
    };
    let text = written(|builder| builder.api_key(KEY), &[], leak);
    without(&text, &[KEY]);
    assert!(text.contains("Incorrect key: ***.") && text.contains("garbage with *** in it"), "{text}");
    // As a subprotocol.
    let token = "a-key-for-a-browser";
    let browser = |builder: ClientBuilder| builder.endpoint(Endpoint::openai().browser(true)).api_key(token);
    let text = written(browser, &[], |session| session.send_raw(format!("\"{token}\"")));
    without(&text, &[token]);
    // Of Azure, and in headers and a query of one's own.
    let azure = |builder: ClientBuilder| {
        let extras = Extras::new().header("x-gateway", "gateway-secret").query("token", "query-secret");
        builder
            .endpoint(Endpoint::azure("https://r.openai.azure.com").extras(extras))
            .credentials(Credential::azure_key("azure-secret"))
    };
    let text = written(azure, &[], |session| session.send_raw("azure-secret gateway-secret"));
    without(&text, &["azure-secret", "gateway-secret", "query-secret"]);
    assert!(text.contains("\"x-gateway\"") && text.contains("token=***"), "{text}");
}

#[test]
fn secrets_within_events_are_not_written() {
    let update = json!({ "type": "session.update", "session": { "type": "realtime", "tools": [
        { "type": "mcp", "server_label": "a", "server_url": "https://user:pass-word@host.example/mcp?token=in-query",
          "authorization": "mcp-authorization", "headers": { "X-Token": "in-headers", "X-List": ["in-list", 12345678] } },
        { "type": "function", "name": "f", "parameters": { "type": "object" } },
    ] } });
    let arguments = json!({ "Authorization": "in-arguments", "nested": json!({ "api-key": "in-nested" }).to_string() });
    let events = [
        custom(update),
        custom(
            json!({ "type": "x", "client_secret": { "value": "ek_0123456789abcdef", "expires_at": 1_999_999_999 } }),
        ),
        custom(json!({ "type": "x", "item": { "arguments": arguments.to_string() } })),
        custom(
            json!({ "type": "x", "said": "my key is sk-proj-0123456789_ab, or ek_abcdefgh12345678; Bearer abcdefghijkl" }),
        ),
        custom(json!({ "type": "x", "sk-as-a-key-0123456789": 1 })),
    ];
    let text = written(
        |builder| builder,
        &events,
        |session| {
            session.send_raw(r#"{"type":"x","client_secret":"cut-off-secret"#);
            session.send_raw("{\"type\":\"x\",\n\"password\":\"pretty-secret\"}");
        },
    );
    without(
        &text,
        &[
            "mcp-authorization",
            "pass-word",
            "in-query",
            "in-headers",
            "in-list",
            "12345678",
            "0123456789abcdef",
            "1999999999",
            "in-arguments",
            "in-nested",
            "proj-0123456789",
            "abcdefgh12345678",
            "abcdefghijkl",
            "as-a-key-",
            "cut-off-secret",
            "pretty-secret",
        ],
    );
    // The rest is there, so that it can be played.
    for kept in [
        r#""server_label":"a""#,
        r#""server_url":"https://***@host.example/mcp?***""#,
        r#""X-Token":"***""#,
        "my key is sk-***, or ek_***; Bearer ***",
        r#""name":"f""#,
    ] {
        assert!(text.contains(kept), "{kept} is not in {text}");
    }
}

#[test]
fn words_that_only_look_like_keys_stay() {
    let words = "a week_long task-force; ek_ sk-1; the bearer of news; basic needs; token: hello";
    let text = written(|builder| builder, &[custom(json!({ "type": "x", "token": "Hi", "said": words }))], |_| {});
    assert!(text.contains(words) && text.contains(r#""token":"Hi""#), "{text}");
}
