//! How long the user waited, to the millisecond.

use std::time::Duration;

use futures::FutureExt;
use realtime::{
    Connection, Options, Player, Realtime, RealtimeSettings,
    mock::{MockSession, VirtualClock},
    session::{Histogram, Playback, realtime::ResponseLatency},
    types::Item,
};
use serde_json::{Value, json};

use crate::open_with;

struct Scene {
    connection: Connection<Realtime>,
    session: MockSession,
    clock: VirtualClock,
    /// In milliseconds.
    now: u64,
}

impl Scene {
    fn new(settings: RealtimeSettings) -> Self {
        let (connection, session, server) = open_with(Options::default(), settings);
        Self { connection, session, clock: server.clock().clone(), now: 0 }
    }

    /// Reads what there is, and waits until this time.
    fn wait(&mut self, ms: u64) {
        while self.connection.next().now_or_never().is_some() {}
        self.clock.advance(Duration::from_millis(ms - self.now));
        self.now = ms;
    }

    /// The server says something at this time.
    fn at(&mut self, ms: u64, event: Value) {
        self.wait(ms);
        self.session.send_raw(event.to_string());
        self.wait(ms);
    }

    fn speech(&mut self, from: u64, to: u64) {
        self.at(from, json!({ "type": "input_audio_buffer.speech_started", "item_id": "item_u", "audio_start_ms": 0 }));
        self.at(to, json!({ "type": "input_audio_buffer.speech_stopped", "item_id": "item_u", "audio_end_ms": 0 }));
    }

    fn begin(&mut self, ms: u64, id: &str) {
        self.at(ms, json!({ "type": "response.created", "response": { "id": id, "conversation_id": "conv" } }));
    }

    fn end(&mut self, ms: u64, id: &str, details: Value) {
        let status = if details.is_null() { "completed" } else { "cancelled" };
        self.at(
            ms,
            json!({
                "type": "response.done", "response": { "id": id, "status": status, "status_details": details },
            }),
        );
    }

    /// A hundred milliseconds of audio.
    fn audio(&mut self, ms: u64, response: &str) {
        self.at(
            ms,
            json!({
                "type": "response.output_audio.delta", "response_id": response, "item_id": format!("item_{response}"),
                "output_index": 0, "content_index": 0, "delta": realtime::Audio::from(vec![0; 4_800]),
            }),
        );
    }

    fn call(&mut self, ms: u64, response: &str, call: &str) {
        self.at(
            ms,
            json!({
                "type": "response.output_item.done", "response_id": response, "output_index": 0, "item": {
                    "type": "function_call", "id": format!("item_{call}"), "status": "completed", "call_id": call,
                    "name": "f", "arguments": "{}",
                },
            }),
        );
    }

    fn answer(&mut self, ms: u64, call: &str) {
        self.wait(ms);
        drop(self.connection.conversation().item().create(Item::function_call_output(call, "done")).unwrap());
        self.wait(ms);
    }

    fn player(&self) -> Player {
        self.connection.player().unwrap()
    }

    fn of(&self, response: &str) -> [Option<u64>; 4] {
        let ResponseLatency { first_audio, first_playback, tools, interrupted_after, .. } =
            self.connection.state().latency_of(response).unwrap();
        [first_audio, first_playback, tools, interrupted_after].map(|time| Some(time?.as_millis() as u64))
    }
}

/// How many durations, and their sum in milliseconds.
fn sum(histogram: &Histogram) -> (u64, u128) {
    (histogram.count, histogram.sum.as_millis())
}

#[test]
fn from_speech_to_audio_received_played_and_interrupted() {
    let mut scene = Scene::new(RealtimeSettings::default().playback(Playback::queued()));
    let mut buffer = [0; 2_400];
    scene.speech(0, 1_000);
    scene.begin(1_100, "a");
    scene.audio(1_300, "a");
    scene.audio(1_310, "a");
    assert_eq!(scene.of("a"), [Some(300), None, None, None]);
    scene.wait(1_350);
    assert_eq!(scene.player().read(&mut buffer), 2_400);
    // Known at once, though no event has come since.
    assert_eq!(scene.of("a"), [Some(300), Some(350), None, None]);
    assert_eq!(sum(&scene.connection.state().latency().first_playback), (1, 350));
    scene.player().read(&mut buffer);
    scene.speech(2_350, 3_000);
    assert_eq!(scene.of("a"), [Some(300), Some(350), None, Some(1_000)]);
    scene.end(3_010, "a", json!({ "type": "cancelled", "reason": "turn_detected" }));
    scene.begin(3_050, "b");
    scene.audio(3_100, "b");
    scene.end(3_200, "b", Value::Null);
    let latency = scene.connection.state().latency();
    assert_eq!((sum(&latency.first_audio), latency.first_audio.max), ((2, 400), Duration::from_millis(300)));
    assert_eq!(latency.first_audio.buckets[..5], [0, 1, 1, 2, 2], "100 ms and 300 ms");
    assert_eq!((sum(&latency.first_playback), sum(&latency.interruptions)), ((1, 350), (1, 1_000)));
    assert_eq!(scene.of("b"), [Some(100), None, None, None]);
    assert_eq!(latency.tools, Histogram::default());
}

#[test]
fn the_clock_plays_what_nobody_reports() {
    let mut scene = Scene::new(RealtimeSettings::default().playback(Playback::default()));
    scene.speech(0, 1_000);
    scene.begin(1_100, "a");
    scene.audio(1_300, "a");
    scene.begin(1_310, "b");
    // Waits until the audio before it was heard.
    scene.audio(1_320, "b");
    scene.end(1_330, "a", Value::Null);
    scene.audio(1_450, "b");
    assert_eq!(scene.of("a"), [Some(300), Some(300), None, None]);
    assert_eq!(scene.connection.state().latency_of("b").unwrap().first_playback, None, "it answers no speech");
    assert_eq!(sum(&scene.connection.state().latency().first_playback), (1, 300));
}

#[test]
fn calls_of_functions_are_part_of_the_wait() {
    let mut scene = Scene::new(RealtimeSettings::default());
    scene.speech(0, 1_000);
    scene.begin(1_100, "calls");
    scene.call(1_400, "calls", "one");
    scene.call(1_500, "calls", "two");
    // Told again.
    scene.call(1_550, "calls", "two");
    scene.end(1_600, "calls", Value::Null);
    scene.answer(1_650, "one");
    scene.answer(2_000, "two");
    // Said twice, and to a call that nobody made.
    scene.answer(2_010, "two");
    scene.answer(2_020, "three");
    scene.begin(2_100, "says");
    scene.audio(2_200, "says");
    scene.end(2_300, "says", Value::Null);
    assert_eq!(scene.of("calls"), [None, None, Some(600), None]);
    assert_eq!(scene.of("says"), [Some(1_200), None, None, None]);
    let latency = scene.connection.state().latency();
    assert_eq!((sum(&latency.first_audio), sum(&latency.tools)), ((1, 1_200), (2, 750)));
}

#[test]
fn what_answers_no_speech_has_not_been_waited_for() {
    let mut scene = Scene::new(RealtimeSettings::default());
    scene.speech(0, 1_000);
    scene.at(1_050, json!({ "type": "response.created", "response": { "id": "beside", "conversation_id": null } }));
    scene.audio(1_060, "beside");
    // Typed instead.
    scene.wait(5_000);
    drop(scene.connection.conversation().item().create(Item::user("typed")).unwrap());
    scene.begin(5_100, "typed");
    scene.audio(5_200, "typed");
    scene.end(5_300, "typed", Value::Null);
    // The user goes on to speak before anything answers.
    scene.speech(6_000, 6_100);
    scene.speech(6_200, 7_000);
    scene.begin(7_100, "late");
    scene.audio(7_150, "late");
    // The server tells of the interruption only by the end of the response.
    scene.end(7_450, "late", json!({ "type": "cancelled", "reason": "client_cancelled" }));
    // The application ends the turn.
    scene.wait(8_000);
    drop(scene.connection.input_audio_buffer().commit().unwrap());
    scene.begin(8_100, "pushed");
    scene.audio(8_250, "pushed");
    let all = ["beside", "typed", "late", "pushed"].map(|response| scene.of(response));
    assert_eq!(all.map(|times| times[0]), [None, None, Some(150), Some(250)]);
    assert_eq!(all[2], [Some(150), None, None, Some(300)]);
    assert_eq!(sum(&scene.connection.state().latency().interruptions), (1, 300));
}
