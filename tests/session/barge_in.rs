//! The user speaks while the audio of two items waits to be played.

use std::time::Duration;

use futures::{FutureExt, future::join};
use realtime::{
    Audio, Connection, ErrorKind, Options, Player, Realtime, RealtimeSettings,
    event::{ConversationItemDelete, ConversationItemTruncate, ResponseCancel, ServerEvent},
    mock::{MockSession, VirtualClock},
    session::{Playback, realtime::Unheard},
    transport::Timer,
};
use serde_json::{Value, json};

use crate::{open, open_with};

/// How the audio of a scene is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Pcm,
    Ulaw,
    Alaw,
}

impl Format {
    fn json(self) -> Value {
        match self {
            Self::Pcm => json!({ "type": "audio/pcm", "rate": 24000 }),
            Self::Ulaw => json!({ "type": "audio/pcmu" }),
            Self::Alaw => json!({ "type": "audio/pcma" }),
        }
    }

    fn bytes_a_ms(self) -> usize {
        if self == Self::Pcm { 48 } else { 8 }
    }

    fn samples(self, ms: u64) -> u64 {
        ms * if self == Self::Pcm { 24 } else { 8 }
    }
}

struct Scene {
    connection: Connection<Realtime>,
    session: MockSession,
    clock: VirtualClock,
    player: Player,
    format: Format,
}

impl Scene {
    /// A session that detects turns; `interrupts` says whether the server cancels by itself.
    fn new(format: Format, playback: Playback, interrupts: bool) -> Self {
        let settings = RealtimeSettings::default().playback(playback);
        let (connection, session, server) = open_with(Options::default(), settings);
        let scene =
            Self { player: connection.player().unwrap(), connection, session, clock: server.clock().clone(), format };
        scene.send(json!({
            "type": "session.updated",
            "session": { "type": "realtime", "audio": {
                "input": { "turn_detection": { "type": "server_vad", "interrupt_response": interrupts } },
                "output": { "format": format.json() },
            } },
        }));
        scene
    }

    fn send(&self, event: Value) {
        self.session.send_raw(event.to_string());
    }

    /// A response that says two things: 1,000 ms and 600 ms long.
    fn two_items(&self) {
        self.send(json!({ "type": "response.created", "response": { "id": "resp", "conversation_id": "conv" } }));
        for (index, (item, ms)) in [("item_a", 1000), ("item_b", 600)].into_iter().enumerate() {
            self.transcript(item, index, "One two three four five.");
            for _ in 0..ms / 100 {
                self.audio(item, index, 100);
            }
            self.send(json!({
                "type": "response.output_audio.done", "response_id": "resp", "item_id": item,
                "output_index": index, "content_index": 0,
            }));
        }
        self.read();
    }

    fn transcript(&self, item: &str, index: usize, text: &str) {
        self.send(json!({
            "type": "response.output_audio_transcript.delta", "response_id": "resp", "item_id": item,
            "output_index": index, "content_index": 0, "delta": text,
        }));
    }

    fn audio(&self, item: &str, index: usize, ms: usize) {
        let audio = Audio::from(vec![0; ms * self.format.bytes_a_ms()]);
        self.send(json!({
            "type": "response.output_audio.delta", "response_id": "resp", "item_id": item,
            "output_index": index, "content_index": 0, "delta": audio,
        }));
    }

    fn speech(&self) {
        self.send(json!({ "type": "input_audio_buffer.speech_started", "item_id": "item_u", "audio_start_ms": 0 }));
        self.read();
    }

    /// Reads all that has arrived.
    fn read(&self) -> Vec<ServerEvent> {
        let next = || self.connection.next().now_or_never().flatten();
        std::iter::from_fn(next).map(Result::unwrap).collect()
    }

    /// The item of the next piece of audio that is handed out.
    fn chunk(&self) -> Option<String> {
        Some(self.player.next()?.into_chunk()?.item_id.to_string())
    }

    /// Takes all that is handed out: "flush", or the item.
    fn output(&self) -> Vec<String> {
        std::iter::from_fn(|| self.player.next())
            .map(|output| output.into_chunk().map_or("flush".into(), |chunk| chunk.item_id.to_string()))
            .collect()
    }

    fn nothing_more(&self) {
        assert!(self.session.next().now_or_never().is_none());
    }

    fn truncated(&self, item: &str, ms: u64) {
        let truncate = self.session.expect::<ConversationItemTruncate>().now_or_never().unwrap();
        assert_eq!((&*truncate.item_id, truncate.content_index, truncate.audio_end_ms), (item, 0, ms));
    }
}

const FORMATS: [Format; 3] = [Format::Pcm, Format::Ulaw, Format::Alaw];

#[test]
fn two_queued_audio_items_at_barge_in_by_samples_played() {
    for format in FORMATS {
        for ms in [0, 1, 333, 999] {
            let scene = Scene::new(format, Playback::default(), true);
            scene.two_items();
            scene.player.played(format.samples(ms));
            scene.speech();
            scene.truncated("item_a", ms);
            scene.truncated("item_b", 0);
            scene.nothing_more();
        }
    }
}

#[test]
fn two_queued_audio_items_at_barge_in_by_the_clock() {
    for format in FORMATS {
        for ms in [0, 1, 333, 999] {
            let scene = Scene::new(format, Playback::default(), true);
            scene.two_items();
            scene.clock.advance(Duration::from_millis(ms));
            scene.speech();
            scene.truncated("item_a", ms);
            scene.truncated("item_b", 0);
            scene.nothing_more();
        }
    }
}

#[test]
fn the_second_item_plays_after_the_first() {
    for format in FORMATS {
        let scene = Scene::new(format, Playback::default(), true);
        scene.two_items();
        scene.clock.advance(Duration::from_millis(1250));
        assert_eq!(scene.player.position(), Some(("item_b".into(), 0, 250)));
        assert_eq!(scene.player.unheard_ms(), 350);
        scene.speech();
        // The first was heard to its end and stays whole.
        scene.truncated("item_b", 250);
        scene.nothing_more();
    }
}

#[test]
fn a_mark_says_what_was_heard() {
    let scene = Scene::new(Format::Pcm, Playback::default(), true);
    scene.two_items();
    scene.player.mark("item_b", 0, 20);
    scene.clock.advance(Duration::from_secs(9));
    scene.speech();
    scene.truncated("item_b", 20);
    scene.nothing_more();
}

#[test]
fn more_than_was_received_is_never_heard() {
    let scene = Scene::new(Format::Pcm, Playback::default(), true);
    scene.send(json!({ "type": "response.created", "response": { "id": "resp", "conversation_id": "conv" } }));
    scene.audio("item_a", 0, 100);
    scene.read();
    // The item goes on, but nothing more has come.
    scene.clock.advance(Duration::from_secs(2));
    scene.speech();
    scene.truncated("item_a", 100);
    scene.nothing_more();
}

#[test]
fn a_gap_in_the_audio_is_not_heard() {
    let scene = Scene::new(Format::Pcm, Playback::default(), true);
    scene.send(json!({ "type": "response.created", "response": { "id": "resp", "conversation_id": "conv" } }));
    scene.audio("item_a", 0, 100);
    scene.read();
    scene.clock.advance(Duration::from_secs(1));
    scene.audio("item_a", 0, 100);
    scene.read();
    scene.clock.advance(Duration::from_millis(40));
    scene.speech();
    scene.truncated("item_a", 140);
}

#[test]
fn what_is_unheard_can_be_deleted() {
    let mut playback = Playback::default();
    playback.unheard = Unheard::Delete;
    let scene = Scene::new(Format::Pcm, playback, true);
    scene.two_items();
    scene.player.played(24 * 5);
    scene.speech();
    scene.truncated("item_a", 5);
    let delete = scene.session.expect::<ConversationItemDelete>().now_or_never().unwrap();
    assert_eq!(delete.item_id, "item_b");
    scene.nothing_more();
}

#[test]
fn late_deltas_never_reach_playback() {
    let scene = Scene::new(Format::Pcm, Playback::queued(), true);
    scene.two_items();
    assert_eq!(scene.player.read(&mut [1; 480]), 480);
    scene.speech();
    scene.truncated("item_a", 10);
    scene.truncated("item_b", 0);
    scene.audio("item_b", 1, 100);
    scene.audio("item_c", 2, 100);
    let late = scene.read();
    assert_eq!(late.len(), 2, "they stay in the stream");
    assert_eq!((scene.player.read(&mut [1; 480]), scene.player.next(), scene.player.unheard_ms()), (0, None, 0));
    // The next response is played.
    scene.send(json!({
        "type": "response.done", "response": { "id": "resp", "conversation_id": "conv", "status": "cancelled" },
    }));
    scene.send(json!({ "type": "response.created", "response": { "id": "resp_2", "conversation_id": "conv" } }));
    scene.send(json!({
        "type": "response.output_audio.delta", "response_id": "resp_2", "item_id": "item_d",
        "output_index": 0, "content_index": 0, "delta": "AAAA",
    }));
    scene.read();
    assert_eq!(scene.chunk().unwrap(), "item_d");
}

#[test]
fn the_response_is_cancelled_only_if_the_server_does_not_do_it() {
    for interrupts in [true, false] {
        let scene = Scene::new(Format::Pcm, Playback::default(), interrupts);
        scene.two_items();
        scene.speech();
        scene.truncated("item_a", 0);
        scene.truncated("item_b", 0);
        if !interrupts {
            let cancel = scene.session.expect::<ResponseCancel>().now_or_never().unwrap();
            assert_eq!(cancel.response_id.unwrap(), "resp");
        }
        scene.nothing_more();
    }
}

#[test]
fn speech_that_tells_neither_its_time_nor_its_item_interrupts_too() {
    let scene = Scene::new(Format::Pcm, Playback::default(), true);
    scene.two_items();
    scene.clock.advance(Duration::from_millis(333));
    scene.send(json!({ "type": "input_audio_buffer.speech_started" }));
    scene.read();
    scene.truncated("item_a", 333);
    scene.truncated("item_b", 0);
    scene.nothing_more();
}

#[test]
fn speech_started_after_the_response_while_audio_still_plays() {
    let scene = Scene::new(Format::Pcm, Playback::default(), false);
    scene.two_items();
    scene.send(json!({
        "type": "response.done", "response": { "id": "resp", "conversation_id": "conv", "status": "completed" },
    }));
    scene.read();
    scene.clock.advance(Duration::from_millis(500));
    scene.speech();
    scene.truncated("item_a", 500);
    scene.truncated("item_b", 0);
    // There is no response left to cancel.
    scene.nothing_more();
}

#[test]
fn nothing_is_cut_off_when_all_was_heard() {
    let scene = Scene::new(Format::Pcm, Playback::default(), true);
    scene.two_items();
    scene.clock.advance(Duration::from_secs(2));
    scene.speech();
    scene.nothing_more();
}

#[test]
fn the_user_interrupts_by_a_button() {
    let scene = Scene::new(Format::Ulaw, Playback::default(), true);
    scene.two_items();
    scene.clock.advance(Duration::from_millis(700));
    scene.clock.block_on(join(
        async {
            scene.player.interrupt();
            scene.connection.flush().await.unwrap();
        },
        async {
            let truncate = scene.session.expect::<ConversationItemTruncate>().await;
            assert_eq!((&*truncate.item_id, truncate.audio_end_ms), ("item_a", 700));
            let truncate = scene.session.expect::<ConversationItemTruncate>().await;
            assert_eq!((&*truncate.item_id, truncate.audio_end_ms), ("item_b", 0));
            scene.session.expect::<ResponseCancel>().await;
        },
    ));
    let heard = scene.player.heard("item_a").unwrap();
    assert_eq!((heard.ms, heard.received_ms, &*heard.transcript), (700, 1000, "One two three"));
    assert_eq!(scene.player.heard("item_b").unwrap().transcript, "");
    assert!(scene.clock.now().since_origin() < Duration::from_secs(1));
}

#[test]
fn without_playback_there_is_no_player() {
    let (connection, ..) = open(Options::default());
    let error = connection.player().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoPlayback));
    assert_eq!(error.to_string(), "playback is not tracked: set `Connect::playback`");
}

#[test]
fn audio_and_interruptions_are_handed_out_in_one_order() {
    let scene = Scene::new(Format::Pcm, Playback::queued(), true);
    scene.two_items();
    assert_eq!(scene.chunk().as_deref(), Some("item_a"));
    // An interruption and the next answer arrive together, behind more of the old one.
    scene.audio("item_b", 1, 100);
    scene.send(json!({ "type": "input_audio_buffer.speech_started", "item_id": "item_u", "audio_start_ms": 0 }));
    let done = json!({ "id": "resp", "conversation_id": "conv", "status": "cancelled" });
    scene.send(json!({ "type": "response.done", "response": done }));
    scene.send(json!({ "type": "response.created", "response": { "id": "resp_2", "conversation_id": "conv" } }));
    scene.send(json!({
        "type": "response.output_audio.delta", "response_id": "resp_2", "item_id": "item_c",
        "output_index": 0, "content_index": 0, "delta": "AAAA",
    }));
    // Only the first of them is read by the application: what it hands out is in order all the same.
    assert!(matches!(scene.connection.next().now_or_never(), Some(Some(Ok(ServerEvent::ResponseOutputAudioDelta(_))))));
    assert_eq!(scene.output(), ["flush", "item_c"]);
    scene.read();
    assert_eq!(scene.output(), [""; 0]);
    // Where nothing was handed out since, there is nothing to drop.
    scene.speech();
    assert_eq!(scene.output(), ["flush"]);
    scene.speech();
    assert_eq!(scene.output(), [""; 0]);
}

#[test]
fn audio_that_nobody_took_was_not_heard() {
    for format in FORMATS {
        let scene = Scene::new(format, Playback::queued(), true);
        scene.two_items();
        scene.clock.advance(Duration::from_millis(1500));
        assert_eq!(scene.player.unheard_ms(), 1600);
        scene.speech();
        scene.truncated("item_a", 0);
        scene.truncated("item_b", 0);
        scene.nothing_more();
    }
}

#[test]
fn audio_plays_from_when_it_is_handed_out_and_no_further() {
    let scene = Scene::new(Format::Pcm, Playback::queued(), true);
    scene.two_items();
    scene.clock.advance(Duration::from_millis(700));
    // 300 ms of it.
    assert_eq!([scene.chunk(), scene.chunk(), scene.chunk()].map(Option::unwrap), ["item_a"; 3]);
    scene.clock.advance(Duration::from_millis(120));
    assert_eq!(scene.player.position(), Some(("item_a".into(), 0, 120)));
    scene.clock.advance(Duration::from_secs(5));
    assert_eq!(scene.player.position(), Some(("item_a".into(), 0, 300)));
    scene.speech();
    scene.truncated("item_a", 300);
    scene.truncated("item_b", 0);
}

#[test]
fn between_two_marks_the_clock_goes_on_up_to_what_was_handed_out() {
    let scene = Scene::new(Format::Pcm, Playback::queued(), true);
    scene.two_items();
    (0..6).for_each(|_| drop(scene.chunk().unwrap()));
    // The far end is a second behind, as its marks tell.
    scene.clock.advance(Duration::from_secs(1));
    scene.player.mark("item_a", 0, 100);
    assert_eq!(scene.player.position(), Some(("item_a".into(), 0, 100)));
    scene.clock.advance(Duration::from_millis(80));
    assert_eq!(scene.player.position(), Some(("item_a".into(), 0, 180)));
    scene.player.mark("item_a", 0, 150);
    scene.clock.advance(Duration::from_millis(40));
    assert_eq!(scene.player.position(), Some(("item_a".into(), 0, 190)));
    // A mark is a word of the far end, but nothing is heard that it never got.
    scene.player.mark("item_a", 0, 5000);
    scene.clock.advance(Duration::from_secs(9));
    scene.speech();
    scene.truncated("item_a", 600);
    scene.truncated("item_b", 0);
}
