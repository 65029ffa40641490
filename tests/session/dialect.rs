//! An application written in the current form, at a server of the beta's.

use realtime::{
    Client, ErrorKind, Options,
    connection::{Reconnect, SendErrorKind},
    dialect::Dialect,
    endpoint::Endpoint,
    event::{ConversationItemCreate, ResponseCreate, SessionUpdate},
    mock::{MockSession, MockTransport},
    transport::Message,
    types::{
        AudioFormat, ContentPart, Message as MessageItem, RealtimeSessionConfig, Reasoning, ResponseConfig, Role,
        TranscriptionSessionConfig,
    },
};
use serde_json::{Value, json};

async fn received(session: &MockSession) -> Value {
    let Ok(Some(Message::Text(text))) = session.message().await else { panic!("no text") };
    let mut event: Value = serde_json::from_slice(text.as_bytes()).unwrap();
    event.as_object_mut().unwrap().remove("event_id").expect("every event has an id");
    event
}

fn greeting() -> String {
    let session = json!({ "id": "sess_1", "modalities": ["audio", "text"], "input_audio_format": "pcm16" });
    json!({ "type": "session.created", "session": session }).to_string()
}

#[test]
fn the_preview_endpoint_is_spoken_to_in_its_own_words_also_after_a_reconnection() {
    let (transport, server) = MockTransport::new();
    server.greet_with(Some(greeting()));
    let client = Client::builder(transport)
        .endpoint(Endpoint::azure_preview("https://r.openai.azure.com", "2025-04-01-preview"))
        .options(Options::default())
        .reconnect(Reconnect::default())
        .build();
    server.clock().block_on(async {
        let connection = client.realtime().model("d").connect().await.unwrap();
        let session = server.accept().await;
        let config = RealtimeSessionConfig::default().instructions("Be brief.").input_format(AudioFormat::Pcmu);
        let update = json!({
            "type": "session.update",
            "session": { "instructions": "Be brief.", "input_audio_format": "g711_ulaw" },
        });
        connection.send(SessionUpdate::new(config)).unwrap();
        let said = MessageItem::new(Role::Assistant, vec![ContentPart::output_text("Hello.")]).id("item_1");
        let item = json!({
            "type": "conversation.item.create",
            "item": { "id": "item_1", "type": "message", "role": "assistant",
                      "content": [{ "type": "text", "text": "Hello." }] },
        });
        connection.send(ConversationItemCreate::new(said)).unwrap();
        connection.send(ResponseCreate::default().response(ResponseConfig::default().max_output_tokens(10))).unwrap();
        let response = json!({ "type": "response.create", "response": { "max_output_tokens": 10 } });
        let driver = connection.driver();
        let script = async {
            assert_eq!(received(&session).await, update);
            assert_eq!(received(&session).await, item);
            let mut asked = received(&session).await;
            // A mark of ours, by which its response is known.
            asked["response"].as_object_mut().unwrap().remove("metadata");
            assert_eq!(asked, response);
            session.send_raw(json!({ "type": "conversation.item.created", "item": item["item"] }).to_string());
            session.drop_link();
            // The conversation is made anew in the same words.
            let session = server.accept().await;
            assert_eq!(received(&session).await, update);
            assert_eq!(received(&session).await, item);
        };
        futures::pin_mut!(driver, script);
        let first = futures::future::select(driver, script).await;
        assert!(matches!(first, futures::future::Either::Right(_)), "the connection ended");
    });
}

#[test]
fn what_the_server_has_no_words_for_is_refused_before_it_is_sent() {
    let (transport, server) = MockTransport::new();
    let gateway = Endpoint::gateway("https://gw/v1").dialect(Dialect::Flat);
    let client = Client::builder(transport).endpoint(gateway).build();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let session = server.try_accept_as().unwrap();
    let reasoning = RealtimeSessionConfig::default().reasoning(Reasoning::default());
    let transcription = TranscriptionSessionConfig::default();
    for (update, member) in [
        (SessionUpdate::new(reasoning), "session.reasoning"),
        (SessionUpdate::new(transcription), "session.type: transcription"),
    ] {
        let error = connection.send(update).unwrap_err();
        let SendErrorKind::Dialect(dialect) = error.kind() else { panic!("{error}") };
        assert_eq!(dialect.member(), member);
        assert!(matches!(realtime::Error::from(error).kind(), ErrorKind::Send(SendErrorKind::Dialect(_))));
    }
    let session: MockSession = session;
    assert_eq!(session.waiting(), 0);
}
