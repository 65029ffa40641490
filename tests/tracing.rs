//! Spans tell what happens and how long it took, and never what was said.

use std::{
    collections::BTreeMap,
    fmt,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{
    FutureExt,
    future::{self, join},
};
use realtime::{
    Client,
    event::{ConversationItemCreate, ResponseCreate, SessionUpdate},
    mock::{MockSession, MockTransport},
    tools::Tools,
};
use serde_json::{Value, json};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

type Fields = BTreeMap<&'static str, String>;

/// Keeps everything that it is told.
#[derive(Clone, Default)]
struct Keeper {
    next: Arc<AtomicU64>,
    spans: Arc<Mutex<BTreeMap<u64, (&'static str, Fields)>>>,
    events: Arc<Mutex<Vec<Fields>>>,
}

struct Into<'a>(&'a mut Fields);

impl Visit for Into<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "realtime"
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut fields = Fields::new();
        span.record(&mut Into(&mut fields));
        self.spans.lock().unwrap().insert(id, (span.metadata().name(), fields));
        span::Id::from_u64(id)
    }

    fn record(&self, span: &span::Id, values: &span::Record<'_>) {
        if let Some((_, fields)) = self.spans.lock().unwrap().get_mut(&span.into_u64()) {
            values.record(&mut Into(fields));
        }
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Into(&mut fields));
        self.events.lock().unwrap().push(fields);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn a_warning_names_what_was_left_out_and_not_what_stood_there() {
    let keeper = Keeper::default();
    tracing::subscriber::with_default(keeper.clone(), || {
        let (transport, server) = MockTransport::new();
        let connection =
            server.clock().block_on(Client::builder(transport).build().realtime().model("m").connect()).unwrap();
        let session: MockSession = server.try_accept_as().unwrap();
        session.send_raw(r#"{"type":"response.done","response":{"id":"r","status_details":"hush"}}"#);
        while connection.next().now_or_never().is_some() {}
    });
    let events = keeper.events.lock().unwrap();
    let warning = events.iter().find(|event| event.get("reason").is_some()).expect("a warning");
    assert!(warning["kind"].contains("response.done"), "{warning:?}");
    assert!(warning["path"].contains("response.status_details"), "{warning:?}");
    assert!(warning["reason"].contains("a text where an object was expected"), "{warning:?}");
    assert!(!format!("{events:?}").contains("hush"), "{events:?}");
}

#[test]
fn a_connection_a_response_and_a_tool_have_spans_without_payloads() {
    let keeper = Keeper::default();
    tracing::subscriber::with_default(keeper.clone(), || {
        let (transport, server) = MockTransport::new();
        let clock = server.clock().clone();
        let client = Client::builder(transport).api_key("sk-hush").build();
        let connection = clock.block_on(client.realtime().model("m").connect()).unwrap();
        let session: MockSession = server.try_accept_as().unwrap();
        let tools = Tools::new().add_raw("lookup", "Looks up.", json!({}).into(), async |_: Value| "a hushed answer");
        drop(connection.use_tools(tools).unwrap());
        let script = async {
            session.expect::<SessionUpdate>().await;
            session.expect::<ConversationItemCreate>().await;
            session.expect::<ResponseCreate>().await;
            let send = |event: Value| session.send_raw(event.to_string());
            let call = json!({
                "id": "item", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "lookup",
                "arguments": "{\"secret\":\"hush\"}",
            });
            send(json!({ "type": "response.created", "response": { "id": "resp_1", "conversation_id": "c" } }));
            clock.sleep(Duration::from_millis(120)).await;
            send(json!({
                "type": "response.output_audio_transcript.delta", "response_id": "resp_1", "item_id": "i",
                "output_index": 0, "content_index": 0, "delta": "hushed words",
            }));
            clock.sleep(Duration::from_millis(30)).await;
            send(json!({
                "type": "response.output_audio.delta", "response_id": "resp_1", "item_id": "i", "output_index": 0,
                "content_index": 0, "delta": "AAAA",
            }));
            send(json!({
                "type": "response.output_item.done", "response_id": "resp_1", "output_index": 1, "item": call,
            }));
            send(json!({
                "type": "response.done",
                "response": { "id": "resp_1", "conversation_id": "c", "status": "completed", "usage": { "total_tokens": 9 } },
            }));
            session.expect::<ConversationItemCreate>().await;
            session.expect::<ResponseCreate>().await;
        };
        clock.block_on(async {
            let respond = async { drop(connection.respond("a hushed question").await.unwrap().await) };
            future::select(pin!(join(respond, script)), connection.driver()).await;
        });
        drop(connection);
        let _ = session.next().now_or_never();
    });
    let spans = keeper.spans.lock().unwrap();
    let find = |name: &str| &spans.values().find(|(span, _)| *span == name).unwrap_or_else(|| panic!("no {name}")).1;
    assert_eq!(find("realtime.connection")["phase"], "Closed");
    let response = find("realtime.response");
    assert_eq!((&*response["response_id"], &*response["status"]), ("resp_1", "\"completed\""));
    assert_eq!((&*response["time_to_first_token_ms"], &*response["time_to_first_audio_ms"]), ("120", "150"));
    assert_eq!(response["total_tokens"], "9");
    assert_eq!(find("realtime.tool")["name"], "\"lookup\"");
    let events = keeper.events.lock().unwrap();
    assert!(events.iter().any(|event| event.get("kind").is_some_and(|kind| kind.contains("response.done"))));
    let told = format!("{spans:?}{events:?}");
    assert!(!told.contains("hush"), "{told}");
}
