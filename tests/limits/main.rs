//! A hostile or broken server cannot make memory grow, nor the stack.

mod connection;
mod deep;
mod frames;
mod soak;

use std::sync::{Mutex, MutexGuard, PoisonError};

use peak_alloc::PeakAlloc;
use realtime::{
    Options, Protocol, Realtime, RealtimeSettings, Translation,
    event::Event,
    event::ResponseOutputAudioDelta,
    session::{Changes, Playback, Retention, Setup, State},
    transport::Instant,
};
use serde_json::{Value, json};

/// Counts what the whole program holds.
#[global_allocator]
static HELD: PeakAlloc = PeakAlloc;

/// So that a test measures itself alone: taken by each that holds much for a while, too.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that a session holds after so many events.
fn held<P: Protocol>(settings: &P::Settings, events: usize, mut event: impl FnMut(usize) -> Value) -> usize {
    let _alone = alone();
    let before = HELD.current_usage();
    let mut state = P::State::default();
    state.configure(settings, &Setup::default());
    for number in 0..events {
        let text = event(number).to_string();
        let mut event = P::ServerEvent::decode(text.as_bytes());
        drop(text);
        state.received(&mut event, Instant::default(), &mut Changes::default());
    }
    let held = HELD.current_usage().saturating_sub(before);
    drop(state);
    held
}

fn mib(bytes: usize) -> usize {
    bytes >> 20
}

/// In all cases more than this is sent, and less is held.
#[track_caller]
fn realtime(most_mib: usize, events: usize, event: impl FnMut(usize) -> Value) {
    let mut memory = Retention::default();
    memory.bytes = Some(4 << 20);
    let held = held::<Realtime>(&RealtimeSettings::default().memory(memory), events, event);
    assert!(mib(held) < most_mib, "{} MiB are held", mib(held));
}

fn long(kib: usize) -> String {
    "word ".repeat(kib << 10)[..kib << 10].to_owned()
}

#[test]
fn by_default_there_is_a_limit() {
    let memory = Retention::default();
    assert_eq!((memory.bytes, memory.responses), (Some(64 << 20), Some(256)));
    assert_eq!(Options::default().kept_errors, Some(64));
}

#[test]
fn one_item_that_never_ends() {
    let text = long(64);
    for (kind, member) in [
        ("response.output_text.delta", "delta"),
        ("response.output_audio_transcript.delta", "delta"),
        ("response.function_call_arguments.delta", "delta"),
        ("response.mcp_call_arguments.delta", "delta"),
        ("conversation.item.input_audio_transcription.delta", "delta"),
    ] {
        realtime(8, 160, |_| {
            json!({ "type": kind, "response_id": "r", "item_id": "i", "call_id": "c", "output_index": 0, "content_index": 0,
                    member: text })
        });
    }
}

#[test]
fn one_item_with_parts_and_segments_without_end() {
    let text = long(1);
    realtime(8, 11_000, |number| {
        json!({ "type": "conversation.item.input_audio_transcription.segment", "item_id": "i", "content_index": 0,
                "id": format!("seg_{number}"), "speaker": "A", "text": text, "start": 0, "end": 1 })
    });
    realtime(8, 11_000, |number| {
        json!({ "type": "response.output_text.delta", "response_id": "r", "item_id": "i", "output_index": 0,
                "content_index": number % 5000 * 1_000_003, "delta": text })
    });
}

#[test]
fn items_without_end() {
    let text = long(16);
    realtime(8, 700, |number| {
        json!({ "type": "conversation.item.added", "previous_item_id": null, "item": {
            "id": format!("item_{number}"), "type": "message", "role": "user",
            "content": [{ "type": "input_text", "text": text }] } })
    });
    // Of a type that nobody knows, and with ids as long as books.
    realtime(
        140,
        10_000,
        |number| json!({ "type": "conversation.item.added", "item": { "id": format!("{text}{number}"), "type": "new", "x": text } }),
    );
    // Told of by deltas alone.
    realtime(8, 700, |number| {
        json!({ "type": "response.output_text.delta", "response_id": "r", "item_id": format!("item_{number}"),
                "output_index": 0, "content_index": 0, "delta": text })
    });
}

#[test]
fn hundreds_of_thousands_of_items_keep_the_places_of_the_latest() {
    let _alone = alone();
    let mut state = <Realtime as Protocol>::State::default();
    state.configure(&RealtimeSettings::default(), &Setup::default());
    let before = HELD.current_usage();
    for number in 0..300_000 {
        let item = realtime::types::Item::user("Hi").with_id(format!("item_{number}"));
        let mut event = realtime::event::ConversationItemAdded::new(item).into();
        State::<Realtime>::received(&mut state, &mut event, Instant::default(), &mut Changes::default());
    }
    assert!(state.conversation.len() <= 1 << 18 && state.conversation.len() > 240_000);
    assert_eq!(state.conversation.ids().next_back().unwrap(), "item_299999");
    assert!(state.conversation.items().count() > 1000);
    let held = HELD.current_usage().saturating_sub(before);
    assert!(mib(held) < 130, "{} MiB are held", mib(held));
}

#[test]
fn words_that_are_books() {
    let text = long(128);
    realtime(8, 100, |number| json!({ "type": format!("{number}{text}"), "x": 1 }));
    realtime(
        8,
        40,
        |_| json!({ "type": "error", "error": { "type": text, "code": text, "message": text, "param": text, "event_id": text } }),
    );
    realtime(8, 60, |number| {
        let metadata = json!({ "a": text, text.clone(): "b" });
        json!({ "type": "response.done", "response": { "id": format!("resp_{number}"), "status": text, "metadata": metadata,
            "status_details": { "type": "failed", "reason": text, "error": { "type": text, "code": text } } } })
    });
    realtime(8, 300, |_| json!({ "type": "input_audio_buffer.dtmf_event_received", "event": text, "received_at": 1 }));
}

#[test]
fn responses_without_end() {
    realtime(
        8,
        200_000,
        |number| json!({ "type": "response.created", "response": { "id": format!("resp_{number}"), "status": "in_progress" } }),
    );
    // One response with items without end.
    let item = |number: usize| json!({ "id": format!("item_{}", number % 100), "type": "message", "role": "assistant", "content": [] });
    realtime(1, 30_000, |number| match number {
        0 => json!({ "type": "response.created", "response": { "id": "r" } }),
        _ => {
            json!({ "type": "response.output_item.added", "response_id": "r", "output_index": number, "item": item(number) })
        }
    });
}

#[test]
fn audio_that_nobody_plays() {
    let _alone = alone();
    for (playback, most) in [(Playback::default(), 8), (Playback::queued(), 150)] {
        for parts in [1, 5000] {
            let before = HELD.current_usage();
            let mut state = <Realtime as Protocol>::State::default();
            State::<Realtime>::configure(
                &mut state,
                &RealtimeSettings::default().playback(playback.clone()),
                &Setup::default(),
            );
            for number in 0..6000 {
                // 288 MB: two hours and a half.
                let item = format!("item_{}", number % parts);
                let delta = ResponseOutputAudioDelta::new("r", item, 0, 0, vec![0; 48_000]);
                State::<Realtime>::received(&mut state, &mut delta.into(), Instant::default(), &mut Changes::default());
            }
            let held = HELD.current_usage().saturating_sub(before);
            assert!(mib(held) < most, "{} MiB are held", mib(held));
        }
    }
}

#[test]
fn a_translation_without_end() {
    let text = long(64);
    for kind in ["session.output_transcript.delta", "session.input_transcript.delta", "new"] {
        let held = held::<Translation>(&(), 200, |_| json!({ "type": kind, "delta": text }));
        assert!(mib(held) < 8, "{} MiB are held", mib(held));
    }
}
