//! The link breaks while an answer plays, and the user interrupts it: before, in between, or after.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use realtime::{
    Audio, Client, Connection, Realtime,
    connection::{Notice, Reconnect, Reconnected, Update},
    event::{
        ConversationItemCreate, ConversationItemDelete, ConversationItemTruncate, Event, ResponseCreate, SessionUpdate,
    },
    mock::{MockServer, MockSession, MockTransport},
    session::Playback,
    transport::Timer,
    types::{RealtimeSessionConfig, ServerVad},
};
use serde_json::{Value, json};

use crate::{acknowledge, text};

struct Scene {
    connection: Connection<Realtime>,
    session: MockSession,
    server: MockServer,
}

const SAID: &str = "One two three four five.";

impl Scene {
    /// An answer of a second, after a question; the server finds turns.
    fn new(reconnect: Reconnect) -> Self {
        let (transport, server) = MockTransport::new();
        let client = Client::builder(transport).reconnect(reconnect).build();
        let connect = client.realtime().model("m").playback(Playback::queued());
        let connection = server.clock().block_on(connect.connect()).unwrap();
        let session = server.try_accept_as().unwrap();
        let config = RealtimeSessionConfig::default().turn_detection(ServerVad::default());
        drop(connection.session().update(config).unwrap());
        let scene = Self { connection, session, server };
        scene.step();
        scene.session.expect::<SessionUpdate>().now_or_never().unwrap();
        scene.send(json!({ "type": "session.updated", "session": session_with_turns() }));
        scene.item(
            "item_q",
            None,
            json!({ "role": "user", "content": [{ "type": "input_audio", "transcript": "Count." }] }),
        );
        scene.send(json!({ "type": "response.created", "response": { "id": "resp", "conversation_id": "conv" } }));
        scene.item("item_a", Some("item_q"), json!({ "role": "assistant", "content": [] }));
        scene.send(json!({
            "type": "response.output_audio_transcript.delta", "response_id": "resp", "item_id": "item_a",
            "output_index": 0, "content_index": 0, "delta": SAID,
        }));
        for _ in 0..10 {
            scene.send(json!({
                "type": "response.output_audio.delta", "response_id": "resp", "item_id": "item_a",
                "output_index": 0, "content_index": 0, "delta": Audio::from(vec![0; 4800]),
            }));
        }
        scene.step();
        let player = scene.connection.player().unwrap();
        assert_eq!(std::iter::from_fn(|| player.next()).count(), 10);
        scene
    }

    fn item(&self, id: &str, previous: Option<&str>, item: Value) {
        let mut item = item;
        (item["id"], item["type"]) = (id.into(), "message".into());
        self.send(json!({ "type": "conversation.item.added", "previous_item_id": previous, "item": item }));
    }

    fn send(&self, event: Value) {
        self.session.send_raw(event.to_string());
    }

    fn speech(&self) {
        self.send(json!({ "type": "input_audio_buffer.speech_started", "item_id": "item_u", "audio_start_ms": 0 }));
        self.step();
    }

    fn interrupt(&self) {
        self.connection.player().unwrap().interrupt();
    }

    /// Drives as far as it goes, and gives what became of the session before.
    fn step(&self) -> Option<Reconnected<Realtime>> {
        let mut found = None;
        let mut updates = self.connection.updates();
        while let Some(Some(update)) = updates.next().now_or_never() {
            if let Update::Notice(Notice::Reconnected(reconnected)) = update.unwrap() {
                found = Some(*reconnected);
            }
        }
        found
    }

    fn wait(&self, ms: u64) {
        self.server.clock().advance(Duration::from_millis(ms));
    }

    /// The link breaks, and another is there after a while.
    fn drop_link(&mut self, meanwhile: impl FnOnce(&Self)) -> Reconnected<Realtime> {
        self.session.drop_link();
        self.step();
        meanwhile(self);
        for _ in 0..100 {
            self.wait(10);
            let found = self.step();
            if let Some(session) = self.server.try_accept_as() {
                self.session = session;
            }
            if let Some(reconnected) = found {
                return reconnected;
            }
        }
        panic!("it was not made anew");
    }

    /// What the next session is told of the conversation, in order: item and text.
    fn restored(&self) -> Vec<(String, String)> {
        self.step();
        self.session.expect::<SessionUpdate>().now_or_never().unwrap();
        self.send(json!({ "type": "session.updated", "session": session_with_turns() }));
        self.created(2)
    }

    fn created(&self, count: usize) -> Vec<(String, String)> {
        let mut items = Vec::new();
        for _ in 0..count {
            let create = self.session.expect::<ConversationItemCreate>().now_or_never().unwrap();
            acknowledge(&self.session, &create);
            items.push((create.item.id().unwrap().to_string(), text(&create)));
        }
        self.step();
        items
    }

    fn nothing_more(&self) {
        self.step();
        let more = self.session.next().now_or_never().flatten();
        assert!(more.is_none(), "{}", more.unwrap().kind());
    }
}

fn session_with_turns() -> Value {
    json!({ "type": "realtime", "audio": { "input": { "turn_detection": { "type": "server_vad" } } } })
}

fn items(answer: &str) -> Vec<(String, String)> {
    [("item_q", "Count."), ("item_a", answer)].map(|(id, text)| (id.to_owned(), text.to_owned())).into()
}

#[test]
fn an_answer_that_plays_on_is_restored_whole() {
    let mut scene = Scene::new(Reconnect::default());
    let reconnected = scene.drop_link(|_| {});
    assert_eq!(reconnected.replayed, ["item_q", "item_a"]);
    assert_eq!(scene.restored(), items(SAID));
    scene.wait(2000);
    scene.speech();
    // All of it was heard.
    scene.nothing_more();
}

#[test]
fn an_interruption_that_the_server_had_not_confirmed_counts() {
    let mut scene = Scene::new(Reconnect::default());
    scene.wait(700);
    scene.speech();
    let truncate = scene.session.expect::<ConversationItemTruncate>().now_or_never().unwrap();
    assert_eq!(truncate.audio_end_ms, 700);
    scene.drop_link(|_| {});
    assert_eq!(scene.restored(), items("One two three"));
    scene.nothing_more();
}

#[test]
fn an_interruption_while_there_is_no_link_counts() {
    let mut scene = Scene::new(Reconnect::default());
    scene.wait(690);
    scene.drop_link(|scene| {
        scene.wait(10);
        scene.interrupt();
    });
    assert_eq!(scene.restored(), items("One two three"));
    assert_eq!(scene.connection.player().unwrap().heard("item_a").unwrap().ms, 700);
    scene.nothing_more();
}

#[test]
fn an_interruption_after_the_break_makes_the_restored_item_say_what_was_heard() {
    for by_the_user in [true, false] {
        let mut scene = Scene::new(Reconnect::default());
        scene.drop_link(|_| {});
        assert_eq!(scene.restored(), items(SAID));
        let passed = scene.server.clock().now().since_origin().as_millis() as u64;
        scene.wait(700_u64.checked_sub(passed).expect("it took no longer to reconnect"));
        if by_the_user {
            scene.speech()
        } else {
            scene.interrupt()
        }
        let heard = scene.connection.player().unwrap().heard("item_a").unwrap();
        assert_eq!((heard.ms, heard.received_ms, &*heard.transcript), (700, 1000, "One two three"));
        scene.step();
        // What is in writing cannot be truncated.
        let delete = scene.session.expect::<ConversationItemDelete>().now_or_never().unwrap();
        assert_eq!(delete.item_id, "item_a");
        scene.send(json!({ "type": "conversation.item.deleted", "item_id": "item_a" }));
        let create = scene.session.expect::<ConversationItemCreate>().now_or_never().unwrap();
        assert_eq!(create.previous_item_id.as_ref().unwrap(), "item_q");
        assert_eq!((&**create.item.id().unwrap(), &*text(&create)), ("item_a", "One two three"));
        acknowledge(&scene.session, &create);
        scene.step();
        let state = scene.connection.state();
        let said: Vec<_> = state.conversation.items().map(|item| item.item.as_message().unwrap().text()).collect();
        assert_eq!(said, ["Count.", "One two three"]);
        scene.nothing_more();
    }
}

#[test]
fn what_was_heard_survives_another_break_before_the_server_confirms_it() {
    let mut scene = Scene::new(Reconnect::default());
    scene.drop_link(|_| {});
    assert_eq!(scene.restored(), items(SAID));
    let passed = scene.server.clock().now().since_origin().as_millis() as u64;
    scene.wait(700_u64.checked_sub(passed).expect("it took no longer to reconnect"));
    scene.speech();
    scene.session.expect::<ConversationItemDelete>().now_or_never().unwrap();
    scene.session.expect::<ConversationItemCreate>().now_or_never().unwrap();
    scene.drop_link(|_| {});
    assert_eq!(scene.restored(), items("One two three"));
    scene.nothing_more();
}

#[test]
fn an_answer_to_a_turn_that_was_cut_short_is_named_and_repeated_where_asked_for() {
    for repeat in [false, true] {
        let mut scene = Scene::new(Reconnect::default().repeat_response(repeat));
        let reconnected = scene.drop_link(|_| {});
        assert_eq!(reconnected.cut_short, ["resp"]);
        scene.restored();
        if repeat {
            let create = scene.session.expect::<ResponseCreate>().now_or_never().unwrap();
            assert_eq!(create.response, None);
        }
        scene.nothing_more();
    }
}

#[test]
fn an_answer_that_was_just_about_to_begin_is_asked_for() {
    for repeat in [false, true] {
        let mut scene = Scene::new(Reconnect::default().repeat_response(repeat));
        let done = json!({ "id": "resp", "conversation_id": "conv", "status": "completed" });
        scene.send(json!({ "type": "response.done", "response": done }));
        scene
            .send(json!({ "type": "input_audio_buffer.committed", "item_id": "item_u", "previous_item_id": "item_a" }));
        let item = json!({ "role": "user", "content": [{ "type": "input_audio", "transcript": "And now?" }] });
        scene.item("item_u", Some("item_a"), item);
        scene.step();
        let reconnected = scene.drop_link(|_| {});
        assert_eq!(reconnected.cut_short, [""; 0]);
        scene.restored();
        assert_eq!(scene.created(1), [("item_u".to_owned(), "And now?".to_owned())]);
        if repeat {
            scene.session.expect::<ResponseCreate>().now_or_never().unwrap();
        }
        scene.nothing_more();
    }
}
