//! What others stumbled over. Each is a frame or two, told to the session alone.
//!
//! The traps that need a link are tests elsewhere: `tests/reconnect` (a server that dies after every greeting, a function
//! that finishes after a drop), `tests/driver` (200 unread deltas, a close while a write is stalled), `tests/limits` (slow
//! readers), `tests/session/barge_in.rs` (two queued items), and the tables of `realtime-core` (URLs, secrets).

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::FutureExt;
use realtime::{
    Options, Realtime, RealtimeSettings,
    event::{ClientEvent, ConversationItemTruncate, Event, EventOf, ResponseCreate, ServerEvent, SessionUpdate},
    session::{Changes, Playback, RealtimeState, Setup, State},
    transport::Instant,
    types::{AudioConfig, AudioFormat, AudioInput, RealtimeSessionConfig, ResponseConfig},
};
use serde_json::{Value, json};

use crate::open;

#[derive(Default)]
struct Told {
    state: RealtimeState,
    now: Instant,
}

impl Told {
    fn playing() -> Self {
        let mut told = Self::default();
        let settings = RealtimeSettings::default().playback(Playback::default());
        State::<Realtime>::configure(&mut told.state, &settings, &Setup::default());
        told
    }

    fn event(&mut self, event: Value) {
        let mut event = ServerEvent::decode(event.to_string().as_bytes());
        assert!(!matches!(event, ServerEvent::Malformed(_)), "{event:?}");
        self.state.received(&mut event, self.now, &mut Changes::default());
    }

    fn item(&mut self, id: &str, previous: Value) {
        let item = json!({ "id": id, "type": "message", "role": "user", "content": [] });
        self.event(json!({ "type": "conversation.item.added", "previous_item_id": previous, "item": item }));
    }

    fn order(&self) -> Vec<String> {
        self.state.conversation.ids().map(ToString::to_string).collect()
    }

    /// A spoken answer of so many milliseconds.
    fn speaks(&mut self, item: &str, ms: usize) {
        let response = json!({ "id": "r", "conversation_id": "c", "status": "in_progress", "output": [] });
        self.event(json!({ "type": "response.created", "response": response }));
        let item_json = json!({ "id": item, "type": "message", "role": "assistant", "content": [] });
        self.event(json!({ "type": "conversation.item.added", "previous_item_id": null, "item": item_json }));
        self.event(json!({
            "type": "response.output_audio.delta", "response_id": "r", "item_id": item, "output_index": 0,
            "content_index": 0, "delta": "AAAA".repeat(ms * 48 / 3),
        }));
    }

    fn truncations(&mut self) -> Vec<(String, u64)> {
        let outgoing = std::iter::from_fn(|| State::<Realtime>::next_outgoing(&mut self.state));
        let all: Vec<ClientEvent> = outgoing.collect();
        let truncate = |event: &ClientEvent| {
            ConversationItemTruncate::get(event).map(|cut| (cut.item_id.to_string(), cut.audio_end_ms))
        };
        all.iter().filter_map(truncate).collect()
    }
}

#[test]
fn truncate_with_0_ms_heard() {
    let mut told = Told::playing();
    told.speaks("item_a", 300);
    // Before a single sample could be heard.
    told.event(json!({ "type": "input_audio_buffer.speech_started", "item_id": "item_u", "audio_start_ms": 0 }));
    assert_eq!(told.truncations(), [("item_a".to_owned(), 0)]);
    assert_eq!(told.state.heard().map(|heard| heard.ms).collect::<Vec<_>>(), [0]);
}

#[test]
fn speech_started_after_output_audio_done_while_audio_still_plays() {
    let mut told = Told::playing();
    told.speaks("item_a", 3000);
    told.event(json!({
        "type": "response.output_audio.done", "response_id": "r", "item_id": "item_a", "output_index": 0, "content_index": 0,
    }));
    told.event(
        json!({ "type": "response.done", "response": { "id": "r", "conversation_id": "c", "status": "completed" } }),
    );
    told.now = Instant::from_origin(Duration::from_millis(1250));
    told.event(json!({ "type": "input_audio_buffer.speech_started", "item_id": "item_u", "audio_start_ms": 0 }));
    assert_eq!(told.truncations(), [("item_a".to_owned(), 1250)]);
}

#[test]
fn user_item_id_compared_with_assistant_item_id() {
    let mut told = Told::playing();
    told.speaks("item_a", 300);
    // The id is the one that the user's turn will have; it is never the one that is playing.
    told.event(json!({ "type": "input_audio_buffer.speech_started", "item_id": "item_u", "audio_start_ms": 0 }));
    assert!(told.truncations().iter().all(|(item, _)| item == "item_a"));
}

#[test]
fn a_delta_after_cancel_is_dropped() {
    let mut told = Told::playing();
    told.speaks("item_a", 300);
    told.event(json!({ "type": "input_audio_buffer.speech_started", "item_id": "item_u", "audio_start_ms": 0 }));
    told.truncations();
    told.event(json!({
        "type": "response.output_audio.delta", "response_id": "r", "item_id": "item_a", "output_index": 0,
        "content_index": 0, "delta": "AAAA",
    }));
    told.event(json!({ "type": "input_audio_buffer.speech_started", "item_id": "item_v", "audio_start_ms": 0 }));
    assert_eq!(told.truncations(), [], "it was queued to be played");
}

#[test]
fn previous_item_id_null_unknown_deleted() {
    let mut told = Told::default();
    told.item("a", Value::Null);
    told.item("b", json!("a"));
    told.item("c", json!("nobody"));
    told.event(json!({ "type": "conversation.item.deleted", "item_id": "b" }));
    told.item("d", json!("b"));
    told.item("e", json!("a"));
    told.item("f", Value::Null);
    // Null is the front only where nothing stands yet, or where the client asked for that: some servers write it always.
    assert_eq!(told.order(), ["a", "e", "c", "d", "f"]);
}

#[test]
fn transcript_before_its_item() {
    let mut told = Told::default();
    told.event(json!({
        "type": "conversation.item.input_audio_transcription.completed", "item_id": "u", "content_index": 0,
        "transcript": "Hello?",
    }));
    // Nobody has announced it, and it has something to show.
    assert_eq!(told.order(), ["u"]);
    let item = json!({ "id": "u", "type": "message", "role": "user", "content": [{ "type": "input_audio" }] });
    told.event(json!({ "type": "conversation.item.added", "previous_item_id": null, "item": item }));
    assert_eq!(told.state.conversation.get("u").unwrap().transcript(), "Hello?");
}

#[test]
fn a_second_session_created() {
    let mut told = Told::default();
    told.event(
        json!({ "type": "session.created", "session": { "type": "realtime", "id": "s1", "instructions": "A" } }),
    );
    told.item("a", Value::Null);
    told.event(json!({ "type": "session.created", "session": { "type": "realtime", "id": "s2" } }));
    // Its session counts, and what was said stays.
    assert_eq!(told.order(), ["a"]);
    let info = serde_json::to_value(told.state.info().unwrap()).unwrap();
    assert_eq!((&info["id"], &info["instructions"]), (&json!("s2"), &Value::Null));
}

#[test]
fn unknown_and_malformed_events() {
    let (connection, session, server) = open(Options::default());
    drop(server.clock().block_on(connection.next()));
    for frame in
        [r#"{"type":"response.song.delta","x":1}"#, r#"{"type":"conversation.item.added"}"#, "{", "[]", "null", "\u{0}"]
    {
        session.send_raw(frame);
        let event = server.clock().block_on(connection.next()).unwrap().unwrap();
        assert!(
            matches!(event, ServerEvent::Unknown(_) | ServerEvent::Malformed(_) | ServerEvent::Invalid(_)),
            "{frame}: {event:?}"
        );
    }
    session.send_raw(r#"{"type":"input_audio_buffer.cleared"}"#);
    assert!(matches!(connection.next().now_or_never(), Some(Some(Ok(ServerEvent::InputAudioBufferCleared(_))))));
}

#[test]
fn a_tap_is_given_the_text_of_every_event() {
    let (connection, session, server) = open(Options::default());
    drop(server.clock().block_on(connection.next()));
    let told = Arc::new(Mutex::new(Vec::new()));
    let tap = {
        let told = told.clone();
        connection.tap(move |event: &ServerEvent, text| {
            told.lock().unwrap().push((event.kind().to_owned(), text.to_str().unwrap().to_owned()));
        })
    };
    // What has no place in the typed event is there, and what could not be read too.
    let frames = [
        (r#"{"type":"input_audio_buffer.cleared","vendor":{"x":1}}"#, "input_audio_buffer.cleared"),
        (r#"{"type":"response.done","response":{"id":"r","usage":"little"}}"#, "response.done"),
        (r#"{ "type": "vendor.thing", "x": 1.50 }"#, "vendor.thing"),
        ("[]", ""),
    ];
    for (frame, _) in frames {
        session.send_raw(frame);
        server.clock().block_on(connection.next()).unwrap().unwrap();
    }
    let expected = frames.map(|(frame, kind)| (kind.to_owned(), frame.to_owned()));
    assert_eq!(*told.lock().unwrap(), expected);
    assert!(connection.off(tap));
}

#[test]
fn turn_detection_null_versus_absent() {
    let format = AudioConfig::default().input(AudioInput::default().format(AudioFormat::pcm()));
    let json = |config: RealtimeSessionConfig| -> Value {
        serde_json::from_slice(ClientEvent::from(SessionUpdate::new(config)).encode().as_bytes()).unwrap()
    };
    let absent = json(RealtimeSessionConfig::default().audio(format));
    assert_eq!(absent["session"]["audio"]["input"].as_object().unwrap().keys().collect::<Vec<_>>(), ["format"]);
    let null = json(RealtimeSessionConfig::default().turn_detection(realtime::Patch::Clear));
    assert_eq!(null["session"]["audio"]["input"], json!({ "turn_detection": null }));
}

#[test]
fn response_create_serialised_under_a_wrong_key() {
    let create = ClientEvent::from(ResponseCreate::default().response(ResponseConfig::default().instructions("Sing.")));
    let json: Value = serde_json::from_slice(create.encode().as_bytes()).unwrap();
    assert_eq!(json, json!({ "type": ResponseCreate::KIND, "response": { "instructions": "Sing." } }));
}
