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
    Client, Options,
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

/// A response that answers a question and calls a function, as it is told to a subscriber.
fn told(options: Options) -> Keeper {
    let keeper = Keeper::default();
    tracing::subscriber::with_default(keeper.clone(), || {
        let (transport, server) = MockTransport::new();
        let clock = server.clock().clone();
        let client = Client::builder(transport).api_key("sk-secret").options(options).build();
        let connection = clock.block_on(client.realtime().model("gpt-m").connect()).unwrap();
        let session: MockSession = server.try_accept_as().unwrap();
        let tools = Tools::new().add_raw("lookup", "Looks up.", json!({}).into(), async |_: Value| "a secret answer");
        drop(connection.use_tools(tools).unwrap());
        let script = async {
            session.expect::<SessionUpdate>().await;
            session.expect::<ConversationItemCreate>().await;
            session.expect::<ResponseCreate>().await;
            let send = |event: Value| session.send_raw(event.to_string());
            let call = json!({
                "id": "item", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "lookup",
                "arguments": "{\"secret\":\"secret\"}",
            });
            send(json!({ "type": "conversation.created", "conversation": { "id": "conv_1" } }));
            send(json!({ "type": "response.created", "response": { "id": "resp_1", "conversation_id": "conv_1" } }));
            clock.sleep(Duration::from_millis(120)).await;
            send(json!({
                "type": "response.output_audio_transcript.delta", "response_id": "resp_1", "item_id": "i",
                "output_index": 0, "content_index": 0, "delta": "hushed \"words\"",
            }));
            clock.sleep(Duration::from_millis(30)).await;
            send(json!({
                "type": "response.output_audio.delta", "response_id": "resp_1", "item_id": "i", "output_index": 0,
                "content_index": 0, "delta": "AAAA",
            }));
            send(json!({
                "type": "response.output_item.added", "response_id": "resp_1", "output_index": 0,
                "item": { "id": "i", "type": "message", "role": "assistant" },
            }));
            send(json!({
                "type": "response.output_item.done", "response_id": "resp_1", "output_index": 1, "item": call,
            }));
            send(json!({ "type": "response.done", "response": {
                "id": "resp_1", "conversation_id": "conv_1", "status": "completed", "usage": {
                    "total_tokens": 130, "input_tokens": 100, "output_tokens": 30,
                    "input_token_details": { "audio_tokens": 80, "cached_tokens": 60 },
                    "output_token_details": { "audio_tokens": 20 },
                },
            } }));
            session.expect::<ConversationItemCreate>().await;
            session.expect::<ResponseCreate>().await;
            send(json!({ "type": "response.created", "response": { "id": "resp_2", "conversation_id": "conv_1" } }));
            send(json!({ "type": "response.done", "response": {
                "id": "resp_2", "status": "failed", "status_details": {
                    "type": "failed", "error": { "type": "server_error", "code": "overloaded", "message": "secret" },
                },
            } }));
            clock.sleep(Duration::from_millis(1)).await;
        };
        clock.block_on(async {
            let respond = async { drop(connection.respond("a secret question").await.unwrap().await) };
            future::select(pin!(join(respond, script)), connection.driver()).await;
        });
        drop(connection);
        let _ = session.next().now_or_never();
    });
    keeper
}

impl Keeper {
    /// The spans of this name.
    fn spans(&self, name: &str) -> Vec<Fields> {
        let spans = self.spans.lock().unwrap();
        spans.values().filter(|(span, _)| *span == name).map(|(_, fields)| fields.clone()).collect()
    }

    /// All that was told.
    fn all(&self) -> String {
        format!("{:?}{:?}", self.spans.lock().unwrap(), self.events.lock().unwrap())
    }
}

#[test]
fn spans_have_the_names_of_the_conventions() {
    let keeper = told(Options::default());
    let [connection] = &keeper.spans("realtime.connection")[..] else { panic!() };
    let has = |fields: &Fields, expected: &[(&'static str, &str)]| {
        let expected: Fields = expected.iter().map(|(name, value)| (*name, (*value).into())).collect();
        assert_eq!(*fields, expected);
    };
    has(
        connection,
        &[("gen_ai.provider.name", "\"openai\""), ("gen_ai.request.model", "\"gpt-m\""), ("phase", "Closed")],
    );
    let [answer, failed] = &keeper.spans("realtime.response")[..] else { panic!() };
    has(
        answer,
        &[
            ("gen_ai.conversation.id", "\"conv_1\""),
            ("gen_ai.operation.name", "\"chat\""),
            ("gen_ai.provider.name", "\"openai\""),
            ("gen_ai.request.model", "\"gpt-m\""),
            ("gen_ai.response.finish_reasons", "[\"completed\"]"),
            ("gen_ai.response.id", "\"resp_1\""),
            ("gen_ai.response.time_to_first_chunk", "0.12"),
            ("gen_ai.usage.audio.input_tokens", "80"),
            ("gen_ai.usage.audio.output_tokens", "20"),
            ("gen_ai.usage.cache_read.input_tokens", "60"),
            ("gen_ai.usage.input_tokens", "100"),
            ("gen_ai.usage.output_tokens", "30"),
            ("otel.kind", "\"client\""),
            ("otel.name", "\"chat gpt-m\""),
            ("out_of_band", "false"),
            ("time_to_first_audio_ms", "150"),
        ],
    );
    assert_eq!((&*failed["error.type"], &*failed["otel.status_code"]), ("\"overloaded\"", "\"ERROR\""));
    let [tool] = &keeper.spans("realtime.tool")[..] else { panic!() };
    has(
        tool,
        &[
            ("gen_ai.operation.name", "\"execute_tool\""),
            ("gen_ai.tool.call.id", "\"call_1\""),
            ("gen_ai.tool.name", "\"lookup\""),
            ("gen_ai.tool.type", "\"function\""),
            ("otel.kind", "\"internal\""),
            ("otel.name", "\"execute_tool lookup\""),
        ],
    );
    let events = keeper.events.lock().unwrap();
    assert!(events.iter().any(|event| event.get("kind").is_some_and(|kind| kind.contains("response.done"))));
}

#[test]
fn what_was_said_is_told_only_if_it_is_asked_for() {
    let keeper = told(Options::default());
    let all = keeper.all();
    assert!(!all.contains("hushed") && !all.contains("secret") && !all.contains("gen_ai.output.messages"), "{all}");
    let keeper = told(Options::default().trace_content(true));
    let answer = &keeper.spans("realtime.response")[0];
    let messages = json!([{
        "role": "assistant", "parts": [{ "type": "text", "content": "hushed \"words\"" }], "finish_reason": "completed",
    }]);
    let told: String = serde_json::from_str(&answer["gen_ai.output.messages"]).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap(), messages);
    // Secrets, questions, arguments and outputs are not content of the answer.
    assert!(!keeper.all().contains("secret"), "{}", keeper.all());
}
