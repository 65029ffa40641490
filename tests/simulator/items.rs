//! Items: where they stand, what is retrieved, what is cut.

use realtime::{
    Audio,
    mock::{Pace, Reply, Simulator},
    types::Item,
};
use serde_json::{Value, json};

use crate::{
    Wire,
    client::{one, silence, voice},
};

fn user(text: &str) -> Value {
    json!({ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": text }] })
}

fn order(wire: &Wire) -> Vec<String> {
    wire.simulator.sessions()[0].items().iter().map(|item| item.id().unwrap().to_string()).collect()
}

#[test]
fn an_anchor_says_where_an_item_stands() {
    let mut wire = Wire::open(Simulator::new());
    let mut create = |id: &str, previous: Value| {
        let mut item = user(id);
        item["id"] = id.into();
        let mut event = json!({ "type": "conversation.item.create", "item": item });
        if !previous.is_null() {
            event["previous_item_id"] = previous;
        }
        let [added, done] = [wire.ask(event), wire.next()];
        assert_eq!(added["previous_item_id"], done["previous_item_id"]);
        assert_eq!(added["item"]["object"], Value::Null);
        added["previous_item_id"].clone()
    };
    assert_eq!(create("b", Value::Null), Value::Null);
    assert_eq!(create("d", Value::Null), "b");
    assert_eq!(create("a", "root".into()), Value::Null);
    assert_eq!(create("c", "b".into()), "b");
    let mut duplicate = user("x");
    duplicate["id"] = "c".into();
    let error = wire.refused(json!({ "type": "conversation.item.create", "item": duplicate }));
    assert_eq!((&error["code"], &error["param"]), (&"item_create_duplicate_item_id".into(), &"item.id".into()));
    assert_eq!(order(&wire), ["a", "b", "c", "d"]);
    let deleted = wire.ask(json!({ "type": "conversation.item.delete", "item_id": "c" }));
    assert_eq!((&deleted["type"], &deleted["item_id"]), (&"conversation.item.deleted".into(), &"c".into()));
    wire.send(json!({ "type": "conversation.item.create", "item": user("x"), "previous_item_id": "b" }));
    assert_eq!(wire.next()["previous_item_id"], "b");
}

#[test]
fn every_kind_of_item_can_be_made() {
    let mut wire = Wire::open(Simulator::new());
    let call = wire.item(json!({ "type": "function_call", "name": "f", "call_id": "call_1", "arguments": "{}" }));
    wire.item(json!({ "type": "function_call_output", "call_id": "call_1", "output": "1" }));
    let ask = wire.item(json!({ "type": "mcp_approval_request", "server_label": "s", "name": "t", "arguments": "{}" }));
    let answer =
        json!({ "type": "mcp_approval_response", "approval_request_id": ask, "approve": false, "reason": null });
    wire.item(answer);
    wire.item(json!({ "type": "mcp_call", "server_label": "s", "name": "t", "arguments": "{}", "output": "1" }));
    wire.item(json!({ "type": "mcp_list_tools", "server_label": "s", "tools": [] }));
    wire.item(json!({ "type": "message", "role": "system", "content": [{ "type": "input_text", "text": "x" }] }));
    wire.item(json!({ "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "x" }] }));
    let image = json!({ "type": "input_image", "image_url": "data:image/png;base64,", "detail": "low" });
    wire.item(json!({ "type": "message", "role": "user", "status": "incomplete", "content": [image] }));
    let items = wire.simulator.sessions()[0].items();
    let prefixes: Vec<_> = items.iter().map(|item| item.id().unwrap().split('_').next().unwrap().to_owned()).collect();
    assert_eq!(prefixes, ["item", "item", "mcpr", "mcprsp", "mcp", "mcpl", "item", "item", "item"]);
    let Item::Message(image) = &items[8] else { panic!() };
    assert_eq!(image.status.as_ref().unwrap().as_str(), "completed");
    let retrieved = wire.ask(json!({ "type": "conversation.item.retrieve", "item_id": call }));
    assert_eq!(
        (&retrieved["type"], &retrieved["item"]["object"]),
        (&"conversation.item.retrieved".into(), &"realtime.item".into())
    );
}

#[test]
fn audio_comes_back_when_it_is_asked_for() {
    let mut wire = Wire::open(Simulator::new());
    wire.update(json!({ "audio": { "input": { "turn_detection": null } } }));
    let spoken = voice(200);
    wire.append(&spoken);
    wire.send(json!({ "type": "input_audio_buffer.commit" }));
    let item = wire.next()["item_id"].clone();
    assert_eq!(wire.next()["item"]["content"], json!([{ "type": "input_audio", "transcript": null }]));
    wire.next();
    let mut retrieve = |item: &Value| {
        wire.ask(json!({ "type": "conversation.item.retrieve", "item_id": item }))["item"]["content"][0].take()
    };
    let audio = |part: &Value| serde_json::from_value::<Audio>(part["audio"].clone()).unwrap();
    assert_eq!(*audio(&retrieve(&item)), spoken[..]);
    let part = json!({ "type": "input_audio", "audio": Audio::from(voice(20)), "transcript": "x" });
    let id = wire.item(json!({ "type": "message", "role": "user", "content": [part] }));
    let part = wire.ask(json!({ "type": "conversation.item.retrieve", "item_id": id }))["item"]["content"][0].take();
    assert_eq!((audio(&part).len(), &part["transcript"]), (960, &"x".into()));
}

#[test]
fn what_was_not_heard_is_cut_off() {
    let mut wire = Wire::open(Simulator::new().answer(|_| Reply::spoken("One two three", voice(500))));
    let written = wire.say("Count");
    let frames = wire.respond(json!({}));
    let item = one(&frames, "response.output_item.added")["item"]["id"].clone();
    let truncate = |item: &Value, part: u32, ms: u32| json!({ "type": "conversation.item.truncate", "item_id": item, "content_index": part, "audio_end_ms": ms });
    let error = wire.refused(truncate(&written.as_str().into(), 0, 0));
    assert_eq!(error["message"], "Only model output audio messages can be truncated");
    assert_eq!(wire.refused(truncate(&item, 1, 0))["param"], "content_index");
    let error = wire.refused(truncate(&item, 0, 501));
    assert_eq!((&error["code"], &error["param"]), (&"invalid_value".into(), &"audio_end_ms".into()));
    assert_eq!(error["message"], "Audio content of 500ms is already shorter than 501ms");
    let truncated = wire.ask(truncate(&item, 0, 250));
    assert_eq!((&truncated["type"], &truncated["audio_end_ms"]), (&"conversation.item.truncated".into(), &250.into()));
    let part = wire.ask(json!({ "type": "conversation.item.retrieve", "item_id": item }))["item"]["content"][0].take();
    assert_eq!(part["transcript"], "");
    assert_eq!(*serde_json::from_value::<Audio>(part["audio"].clone()).unwrap(), voice(500)[..12_000]);
    // Cut to nothing, it is still there.
    assert_eq!(wire.ask(truncate(&item, 0, 0))["type"], "conversation.item.truncated");
}

#[test]
fn an_answer_in_progress_can_be_retrieved_truncated_and_deleted() {
    let mut wire = Wire::open(Simulator::new().pace(Pace::LIVE).answer(|_| "a few words ".repeat(20)));
    wire.say("Hello");
    wire.send(json!({ "type": "response.create" }));
    // In the middle of its audio.
    let frames = wire.until("response.output_audio.delta");
    let id = frames.last().unwrap()["item_id"].as_str().unwrap().to_owned();
    wire.send(json!({ "type": "conversation.item.retrieve", "item_id": id }));
    let retrieved = wire.until("conversation.item.retrieved").pop().unwrap();
    let expected = json!({
        "id": id, "object": "realtime.item", "type": "message", "status": "in_progress", "role": "assistant", "content": [],
    });
    assert_eq!(retrieved["item"], expected);
    wire.send(json!({
        "type": "conversation.item.truncate", "item_id": id, "content_index": 0, "audio_end_ms": 50,
    }));
    wire.until("conversation.item.truncated");
    wire.send(json!({ "type": "conversation.item.delete", "item_id": id }));
    wire.until("conversation.item.deleted");
    // Something else may have its id now, and the answer goes on.
    wire.item(json!({ "type": "function_call", "id": id, "call_id": "c", "name": "f", "arguments": "{}" }));
    let frames = wire.until("rate_limits.updated");
    assert_eq!(one(&frames, "response.done")["response"]["status"], "completed");
    let retrieved = wire.ask(json!({ "type": "conversation.item.retrieve", "item_id": id }));
    assert_eq!(retrieved["type"], "conversation.item.retrieved");
}

#[test]
fn an_item_with_the_id_of_a_turn_that_is_being_spoken_does_no_harm() {
    let mut wire = Wire::open(Simulator::new());
    wire.update(json!({ "audio": { "input": { "transcription": { "model": "whisper-1" } } } }));
    wire.append(&voice(400));
    let started = wire.next();
    let id = started["item_id"].as_str().unwrap();
    wire.item(json!({ "type": "function_call", "id": id, "call_id": "c", "name": "f", "arguments": "{}" }));
    wire.append(&silence(600));
    let frames = wire.until("rate_limits.updated");
    assert_eq!(one(&frames, "input_audio_buffer.committed")["item_id"], id);
    let session = &wire.simulator.sessions()[0];
    assert_eq!(session.items().iter().filter(|item| item.id().is_some_and(|other| other == id)).count(), 1);
}
