//! No secret reaches the file.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use realtime::{
    Client, ClientBuilder, Json,
    auth::Credential,
    endpoint::{Endpoint, Extras, Handshake},
    event::{ClientEvent, Custom},
    mock::{MockSession, MockTransport, Recorder, Tape},
    transport::{Duplex, Timer, Transport, TransportError},
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

/// What a server says of a credential that it was given, in every way in which it could.
fn echoes(secret: &str) -> Vec<String> {
    let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = |text: &str| json!(realtime::Audio::from(text.as_bytes())).as_str().unwrap().to_owned();
    let url_safe = |text: &str| base64(text).replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned();
    let mut echoes = vec![secret.to_owned(), percent, hex];
    for text in [secret.to_owned(), format!(":{secret}"), format!("user:{secret}"), format!("ab{secret}z")] {
        echoes.extend([base64(&text), url_safe(&text)]);
    }
    echoes
}

#[test]
fn a_credential_that_the_server_echoes_is_not_written_in_any_encoding() {
    const SECRET: &str = "p?ss>w/rd+~1";
    let cookie = |secret: &str| Extras::new().header("cookie", format!("theme=dark; sid={secret}; a=b"));
    let query = |secret: &str| Extras::new().query("sig", secret);
    let basic = |_: &str| Extras::new().header("authorization", "Basic dXNlcjpwP3NzPncvcmQrfjE=");
    for extras in [&cookie as &dyn Fn(&str) -> Extras, &query, &basic] {
        let echoes = echoes(SECRET);
        let leak = |session: &MockSession| {
            for echo in &echoes {
                session
                    .send_raw(json!({ "type": "error", "error": { "message": format!("not {echo}!") } }).to_string());
                session
                    .send_raw(json!({ "type": "x", "list": [echo], "within": json!([echo]).to_string() }).to_string());
                session.send_raw(format!("garbage {echo}, cut off"));
                session.send_binary(format!("bytes {echo}").into_bytes());
            }
            session.close(3000, &format!("no {}", echoes[1]));
        };
        let set = |builder: ClientBuilder| builder.endpoint(Endpoint::openai().extras(extras(SECRET)));
        let text = written(set, &[], leak);
        let shown: Vec<_> = echoes.iter().map(String::as_str).collect();
        without(&text, &shown);
        assert!(text.contains("not ***!") && text.contains("garbage ***, cut off"), "{text}");
    }
}

#[test]
fn members_that_are_named_like_a_secret_are_not_written_however_they_are_spelled() {
    let names = [
        "clientSecret",
        "ClientSecret",
        "client-secret",
        "accessToken",
        "access_token",
        "AccessToken",
        "refreshToken",
        "idToken",
        "sessionToken",
        "apiKey",
        "APIKey",
        "x-api-key",
        "Ocp-Apim-Subscription-Key",
        "privateKey",
        "dbPassword",
        "awsSecretAccessKey",
        "Set-Cookie",
        "proxyAuthorization",
        "credentials",
    ];
    let events: Vec<_> = names
        .iter()
        .enumerate()
        .flat_map(|(number, name)| {
            let value = format!("hidden-{number}");
            let said = format!("{name}=hidden-{number}-in-words, \"{name}\": \"hidden-{number}-in-json\"");
            [
                custom(json!({ "type": "x", *name: value, "other": { *name: { "value": value, "list": [value] } } })),
                custom(json!({ "type": "x", "arguments": json!({ *name: value }).to_string() })),
                custom(json!({ "type": "x", "said": said })),
            ]
        })
        .collect();
    let text = written(
        |builder| builder,
        &events,
        |session| {
            session.send_raw(r#"{"type":"x","url":"https://h.example/a?b=c&token=hidden-in-url&sig=hidden-sig-1"}"#);
            session.send_raw(
                r#"{"type":"x","said":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJoaWRkZW4ifQ.c2lnbmF0dXJlLWhpZGRlbg"}"#,
            );
            session.send_raw(r#"{"type":"x","clientSecret":"hidden-cut-off"#);
        },
    );
    without(&text, &["hidden-", "aGlkZGVu", "c2lnbmF0dXJl"]);
    assert!(text.contains("b=c&token=***&sig=***"), "{text}");
}

#[test]
fn a_cookie_that_the_server_sets_is_a_secret_too() {
    /// Sets a cookie.
    #[derive(Debug)]
    struct Setting(MockTransport);

    #[async_trait]
    impl Transport for Setting {
        async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
            let mut duplex = self.0.connect(handshake).await?;
            duplex.headers.insert("set-cookie", "sid=given-by-the-server; Path=/; HttpOnly".parse().unwrap());
            Ok(duplex)
        }

        fn timer(&self) -> Arc<dyn Timer> {
            self.0.timer()
        }
    }

    let (transport, mock) = MockTransport::new();
    let tape = Tape::new();
    let client = Client::builder(Recorder::new(Setting(transport), tape.clone())).build();
    mock.clock().block_on(async {
        let connection = client.realtime().model("m").connect().await.unwrap();
        mock.accept().await.send_raw(r#"{"type":"x","your":"given-by-the-server"}"#);
        while let Some(Some(_)) = connection.next().now_or_never() {}
    });
    without(&tape.text(), &["given-by-the-server"]);
}
