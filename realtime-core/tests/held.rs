//! What it costs that somebody holds a view of the state while the session goes on: the same however many items it has.

use std::hint::black_box;

use allocation_counter::measure;
use realtime_core::{
    Realtime, RealtimeSettings,
    event::{Event, ServerEvent},
    session::{Changes, RealtimeState, Setup, State},
    transport::Instant,
};
use serde_json::json;

fn hear(state: &mut RealtimeState, event: serde_json::Value) {
    let mut event = ServerEvent::decode(event.to_string().as_bytes());
    State::<Realtime>::received(state, &mut event, Instant::default(), &mut Changes::default());
}

fn item(id: usize) -> serde_json::Value {
    json!({ "id": format!("item_{id}"), "type": "message", "role": "user", "status": "completed",
        "content": [{ "type": "input_text", "text": "Good morning. How are you?" }] })
}

/// A session with so many items, of which the last is an answer in progress.
fn session(items: usize) -> RealtimeState {
    let mut state = RealtimeState::default();
    State::<Realtime>::configure(&mut state, &RealtimeSettings::default(), &Setup::default().restore(true));
    for id in 0..items {
        hear(&mut state, json!({ "type": "conversation.item.added", "item": item(id) }));
    }
    for number in 0..300 {
        let response = json!({ "id": format!("resp_{number}"), "status": "in_progress" });
        hear(&mut state, json!({ "type": "response.created", "response": response }));
        let response = json!({ "id": format!("resp_{number}"), "status": "completed", "output": [] });
        hear(&mut state, json!({ "type": "response.done", "response": response }));
    }
    hear(&mut state, json!({ "type": "response.created", "response": { "id": "resp", "status": "in_progress" } }));
    hear(&mut state, delta("resp", "word "));
    state
}

/// Part of the answer of a response.
fn delta(response: &str, text: &str) -> serde_json::Value {
    json!({ "type": "response.output_text.delta", "response_id": response, "item_id": format!("answer_{response}"),
        "output_index": 0, "content_index": 0, "delta": text })
}

/// Allocations and bytes of an event's effect on a state of which a view was taken just before.
fn cost(state: &mut RealtimeState, event: serde_json::Value) -> (u64, u64) {
    let mut event = ServerEvent::decode(event.to_string().as_bytes());
    let mut changes = Changes::default();
    let info = measure(|| {
        let held = black_box(state.clone());
        State::<Realtime>::received(state, &mut event, Instant::default(), &mut changes);
        drop(held);
    });
    (info.count_total, info.bytes_total)
}

/// The events that change the state in different places: a delta, a new item, a response's end and the next one's beginning.
fn events(at: usize, response: &str, next: &str) -> [(&'static str, serde_json::Value); 4] {
    [
        ("a delta", delta(response, "more ")),
        ("a new item", json!({ "type": "conversation.item.added", "item": item(at + 1_000_000) })),
        ("an end", json!({ "type": "response.done", "response": { "id": response, "status": "completed" } })),
        ("a beginning", json!({ "type": "response.created", "response": { "id": next, "status": "in_progress" } })),
    ]
}

#[test]
fn an_event_after_a_view_was_taken_costs_the_same_however_many_items_there_are() {
    let figures = |items: usize| {
        let mut state = session(items);
        // The tables grow now and then, which is not what is measured.
        for (_, event) in events(items + 1, "resp", "resp_a") {
            hear(&mut state, event);
        }
        hear(&mut state, delta("resp_a", "word "));
        events(items, "resp_a", "resp_b").map(|(what, event)| (what, cost(&mut state, event)))
    };
    let few = figures(100);
    let many = figures(40_000);
    for ((what, (count, bytes)), (_, (count_of_many, bytes_of_many))) in few.into_iter().zip(many) {
        println!("{what}: {count} allocations, {bytes} bytes; with 40,000 items {count_of_many}, {bytes_of_many}");
        assert!(count_of_many <= count + 16, "{what}: {count_of_many} allocations, with few items {count}");
        assert!(bytes_of_many <= bytes + (8 << 10), "{what}: {bytes_of_many} bytes, with few items {bytes}");
        assert!(bytes <= 64 << 10, "{what}: {bytes} bytes");
    }
}

#[test]
fn a_view_that_is_held_for_long_costs_one_copy() {
    let mut state = session(10_000);
    let held = state.clone();
    hear(&mut state, delta("resp", "word "));
    let mut event = ServerEvent::decode(delta("resp", "word ").to_string().as_bytes());
    let info = measure(|| {
        for _ in 0..1_000 {
            State::<Realtime>::received(&mut state, &mut event, Instant::default(), &mut Changes::default());
        }
    });
    assert!(info.count_total <= 50, "{} allocations", info.count_total);
    assert_eq!(held.conversation.get("answer_resp").unwrap().text(), "word ");
    assert_eq!(state.conversation.get("answer_resp").unwrap().text().len(), "word ".len() * 1_002);
}
