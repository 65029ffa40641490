//! What one client makes the service do, it does in its time: nothing is made before it is sent, and nothing costs more
//! in a long session than in a short one.

use std::time::{Duration, Instant};

use futures::FutureExt;
use realtime::{
    mock::{Pace, Simulator, VirtualClock},
    transport::{Message, Timer, Transport},
    types::Item,
};
use serde_json::{Value, json};

use crate::{
    Wire,
    client::{handshake, kinds, one, silence, voice},
};

/// Far more than it takes, and far less than it took when each item looked at all others: minutes.
const BOUND: Duration = Duration::from_secs(60);

#[test]
fn a_hundred_thousand_items_cost_as_much_each_as_the_first() {
    let began = Instant::now();
    let mut wire = Wire::open(Simulator::new());
    let mut create = |item: Value, previous: Value| {
        wire.send(json!({ "type": "conversation.item.create", "item": item, "previous_item_id": previous }));
        let [added, done] = [wire.raw(), wire.raw()];
        assert_eq!(
            (&added["type"], &done["type"]),
            (&json!("conversation.item.added"), &json!("conversation.item.done"))
        );
        added["previous_item_id"].clone()
    };
    let message = |id: String| {
        let content = json!([{ "type": "input_text", "text": "Hello" }]);
        json!({ "id": id, "type": "message", "role": "user", "content": content })
    };
    assert_eq!(create(message("middle".into()), Value::Null), Value::Null);
    // At the end, at the start, behind the first one, and the output of the first call: 100,000 of them together.
    create(
        json!({ "type": "function_call", "id": "call", "call_id": "c", "name": "f", "arguments": "{}" }),
        Value::Null,
    );
    let mut last = json!("call");
    for number in 1..=24_999 {
        assert_eq!(create(message(format!("end_{number}")), Value::Null), last);
        let id = format!("out_{number}");
        let output = json!({ "type": "function_call_output", "id": id, "call_id": "c", "output": "1" });
        assert_eq!(create(output, Value::Null), format!("end_{number}"));
        last = id.into();
        assert_eq!(create(message(format!("start_{number}")), json!("root")), Value::Null);
        assert_eq!(create(message(format!("behind_{number}")), json!("middle")), "middle");
    }
    let mut one_by_id = |kind: &str, id: &str| {
        wire.send(json!({ "type": kind, "item_id": id }));
        wire.raw()
    };
    for number in 1..=24_999 {
        let retrieved = one_by_id("conversation.item.retrieve", &format!("end_{number}"));
        assert_eq!(retrieved["item"]["id"], format!("end_{number}"));
        assert_eq!(
            one_by_id("conversation.item.delete", &format!("start_{number}"))["type"],
            "conversation.item.deleted"
        );
    }
    let items = wire.simulator.sessions()[0].items();
    let ids: Vec<_> = items.iter().filter_map(|item| item.id()).map(ToString::to_string).collect();
    assert_eq!(ids.len(), 2 + 3 * 24_999);
    assert_eq!(ids[..3], ["middle", "behind_24999", "behind_24998"]);
    assert_eq!(ids[ids.len() - 3..], ["out_24998", "end_24999", "out_24999"]);
    // The model has read all of it.
    let frames = wire.respond(json!({ "output_modalities": ["text"] }));
    let read = &one(&frames, "response.done")["response"]["usage"]["input_tokens"];
    // Each message is 4 and 2 tokens, each output 4 and 1, the call 4 and 1, the instructions 11, and all together 8.
    assert_eq!(*read, 6 + 24_999 * (6 + 5 + 6) + 5 + 11 + 8);
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
}

#[test]
fn many_responses_and_transcripts_at_once_cost_as_much_each_as_one() {
    const MANY: usize = 2_000;
    let began = Instant::now();
    let mut wire = Wire::open(Simulator::new().pace(Pace::LIVE));
    wire.update(json!({ "audio": { "input": { "turn_detection": null, "transcription": { "model": "whisper-1" } } } }));
    let mut frames = Vec::new();
    for _ in 0..MANY {
        wire.send(json!({ "type": "response.create", "response": {
            "conversation": "none", "output_modalities": ["text"], "input": [],
        } }));
        frames.push(wire.next());
        wire.append(&silence(100));
        wire.send(json!({ "type": "input_audio_buffer.commit" }));
        frames.extend(wire.until("conversation.item.done"));
    }
    frames.extend(wire.during(60_000));
    let count = |kind: &str| frames.iter().filter(|frame| frame["type"] == kind).count();
    assert_eq!(count("response.done"), MANY);
    assert_eq!(count("conversation.item.input_audio_transcription.completed"), MANY);
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
}

/// Two and a half hours of speech: 440 MB.
fn long_answer() -> Simulator {
    Simulator::new().answer(|_| "a word ".repeat(20_000))
}

#[test]
fn a_long_answer_is_made_as_it_is_read() {
    let mut wire = Wire::open(long_answer());
    wire.send(json!({ "type": "response.create" }));
    // What the client says next is taken once it has read what was to be said before: of that 4 MiB are made ahead.
    let cancel = || Message::Text(json!({ "type": "response.cancel" }).to_string().into());
    assert!(!wire.try_send(cancel()));
    let mut bytes = 0;
    while bytes < 8 << 20 {
        bytes += wire.next().to_string().len();
        assert!(!wire.try_send(cancel()));
    }
    assert_eq!(wire.simulator.sessions()[0].received().len(), 1);
    assert_eq!(wire.clock.now().since_origin(), Duration::ZERO);
    let item = wire.simulator.sessions()[0].items();
    assert!(matches!(&item[..], [Item::Message(answer)] if answer.content.is_empty()), "{item:?}");
}

#[test]
fn turns_within_one_append_do_not_make_whole_answers() {
    let clock = VirtualClock::new();
    let simulator = long_answer();
    let mut duplex = clock.block_on(simulator.transport(&clock).connect(handshake("?model=m"))).unwrap();
    // Two turns: the second interrupts the answer to the first, for that could not be sent at once.
    let audio = [voice(400), silence(600), voice(400), silence(600)].concat();
    let append = json!({ "type": "input_audio_buffer.append", "audio": realtime::Audio::from(audio) });
    let sent = duplex.write.send(Message::Text(append.to_string().into())).now_or_never();
    assert!(matches!(sent, Some(Ok(()))));
    let (mut frames, mut bytes) = (Vec::new(), 0);
    while frames.iter().filter(|frame: &&Value| frame["type"] == "response.created").count() < 2 {
        let Some(Message::Text(text)) = clock.block_on(duplex.read.receive()).unwrap() else { continue };
        bytes += text.as_bytes().len();
        frames.push(serde_json::from_slice(text.as_bytes()).unwrap());
    }
    let done = one(&frames, "response.done");
    assert_eq!(done["response"]["status_details"], json!({ "type": "cancelled", "reason": "turn_detected" }));
    assert!((4 << 20..5 << 20).contains(&bytes), "{bytes}");
    assert!(kinds(&frames).ends_with(&["response.created"]));
}
