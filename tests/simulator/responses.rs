//! Responses: their order, their ends, what they read and what they cost.

use std::time::Duration;

use realtime::{
    mock::{Pace, Reply, Simulator},
    transport::Timer,
    types::Failure,
};
use serde_json::{Value, json};

use crate::{
    Wire,
    client::{deltas, kinds, one},
};

#[test]
fn the_frames_of_a_text_in_order() {
    let mut wire = Wire::open(Simulator::new().answer(|_| Reply::pieces(["Hi", " there,", " friend!"])));
    wire.say("Hello");
    let frames = wire.respond(json!({ "output_modalities": ["text"], "metadata": { "topic": "greeting" } }));
    assert_eq!(
        kinds(&frames),
        [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
            "rate_limits.updated",
        ]
    );
    assert_eq!(deltas(&frames, "response.output_text.delta"), "Hi there, friend!");
    let padded = |frame: &Value| (1..=16).contains(&frame["obfuscation"].as_str().unwrap().len());
    assert!(frames.iter().filter(|frame| frame["type"] == "response.output_text.delta").all(padded));
    for kind in ["response.created", "response.done"] {
        assert_eq!(one(&frames, kind)["response"]["metadata"], json!({ "topic": "greeting" }));
    }
    assert_eq!(wire.clock.now().since_origin(), Duration::ZERO);
}

#[test]
fn audio_is_as_long_as_its_words_and_its_words_come_before() {
    for (format, per_ms) in [(json!({ "type": "audio/pcm", "rate": 24_000 }), 48), (json!({ "type": "audio/pcma" }), 8)]
    {
        let mut wire =
            Wire::open(Simulator::new().obfuscation(false).answer(|_| "Loud and clear! How can I help you?"));
        wire.update(json!({ "audio": { "output": { "format": format } } }));
        wire.say("Hello");
        let frames = wire.respond(json!({}));
        const WORDS: &str = "response.output_audio_transcript.delta";
        assert_eq!(deltas(&frames, WORDS), "Loud and clear! How can I help you?");
        assert!(frames.iter().all(|frame| frame["obfuscation"].is_null()));
        let (mut ms, mut letters) = (0, 0);
        for frame in &frames {
            match frame["type"].as_str().unwrap() {
                WORDS => letters += frame["delta"].as_str().unwrap().len(),
                "response.output_audio.delta" => {
                    let audio: realtime::Audio = serde_json::from_value(frame["delta"].clone()).unwrap();
                    ms += audio.len() / per_ms;
                    // What is heard so far was told before.
                    assert!(letters * 66 >= ms - 200, "{letters} letters, {ms} ms");
                }
                _ => {}
            }
        }
        assert!((2300..2400).contains(&ms), "{ms}");
        let usage = &one(&frames, "response.done")["response"]["usage"];
        assert_eq!(usage["output_token_details"]["audio_tokens"], ms.div_ceil(50));
        let [total, input, output] =
            ["total", "input", "output"].map(|it| usage[format!("{it}_tokens")].as_u64().unwrap());
        assert_eq!(total, input + output);
    }
}

#[test]
fn its_pace_is_kept() {
    let pace = Pace::INSTANT.first(Duration::from_millis(500)).text(Duration::from_millis(100)).audio(2.0);
    let mut wire = Wire::open(Simulator::new().pace(pace).answer(|turn| match turn.is_spoken() {
        true => Reply::spoken("x", vec![1; 48_000]),
        false => Reply::text("One two three four"),
    }));
    let at = |wire: &Wire| wire.clock.now().since_origin().as_millis();
    wire.send(json!({ "type": "response.create", "response": { "output_modalities": ["text"] } }));
    wire.until("response.created");
    assert_eq!(at(&wire), 0);
    wire.until("response.output_text.delta");
    assert_eq!(at(&wire), 600);
    wire.until("rate_limits.updated");
    assert_eq!(at(&wire), 900);
    wire.respond(json!({}));
    assert_eq!(at(&wire), 900 + 500 + 500);
}

#[test]
fn the_tokens_end() {
    let mut wire = Wire::open(Simulator::new().answer(|_| "one two three four five six seven eight"));
    let frames = wire.respond(json!({ "output_modalities": ["text"], "max_output_tokens": 5 }));
    let response = &one(&frames, "response.done")["response"];
    assert_eq!(
        (&response["status"], &response["status_details"]["reason"]),
        (&"incomplete".into(), &"max_output_tokens".into())
    );
    assert!(response["usage"]["output_tokens"].as_u64().unwrap() <= 5);
    let text = deltas(&frames, "response.output_text.delta");
    assert_eq!(
        (&response["output"][0]["content"][0]["text"], &response["output"][0]["status"]),
        (&text.into(), &"incomplete".into())
    );
    let reason = |answer: Reply| {
        let mut wire = Wire::open(Simulator::new().answer(move |_| answer.clone()));
        one(&wire.respond(json!({})), "response.done")["response"].clone()
    };
    let filtered = reason(Reply::text("Well,").and(Reply::incomplete("content_filter")));
    assert_eq!(
        (&filtered["status"], &filtered["status_details"]["reason"]),
        (&"incomplete".into(), &"content_filter".into())
    );
    let failure = Failure::default().kind("server_error").code("oops").message("No.");
    let failed = reason(Reply::failed(failure));
    assert_eq!((&failed["status"], &failed["status_details"]["error"]["code"]), (&"failed".into(), &"oops".into()));
    assert_eq!((&failed["output"], &failed["usage"]), (&json!([]), &Value::Null));
    assert_eq!(reason(Reply::nothing())["output"], json!([]));
}

#[test]
fn out_of_band_it_leaves_the_conversation_alone() {
    let simulator = Simulator::new().pace(Pace::LIVE).answer(|turn| {
        let topic = turn.metadata("topic").unwrap_or("none").to_owned();
        format!("{topic}: {} items, {:?}, {}", turn.items().len(), turn.text(), turn.is_out_of_band())
    });
    let mut wire = Wire::open(simulator);
    wire.update(json!({ "output_modalities": ["text"] }));
    let first = wire.say("The first");
    wire.say("The second");
    let reference = json!({ "type": "item_reference", "id": first });
    let inline = json!({ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "Inline" }] });
    for (topic, input) in [("a", json!([reference])), ("b", json!([reference, inline])), ("c", json!([]))] {
        let response = json!({ "conversation": "none", "metadata": { "topic": topic }, "input": input });
        wire.send(json!({ "type": "response.create", "response": response }));
    }
    wire.send(json!({ "type": "response.create" }));
    let mut frames = Vec::new();
    while frames.iter().filter(|frame: &&Value| frame["type"] == "response.done").count() < 4 {
        frames.push(wire.next());
    }
    let mut said: Vec<_> = frames
        .iter()
        .filter(|frame| frame["type"] == "response.done")
        .map(|frame| {
            (
                frame["response"]["conversation_id"].is_null(),
                frame["response"]["output"][0]["content"][0]["text"].clone(),
            )
        })
        .collect();
    said.sort_by_key(|(_, text)| text.to_string());
    assert_eq!(
        said,
        [
            (true, "a: 1 items, \"The first\", true".into()),
            (true, "b: 2 items, \"Inline\", true".into()),
            (true, "c: 0 items, \"\", true".into()),
            (false, "none: 2 items, \"The second\", false".into()),
        ]
    );
    // They were streamed at the same time, and only one of them into the conversation.
    let first_done = frames.iter().position(|frame| frame["type"] == "response.done").unwrap();
    assert_eq!(frames[..first_done].iter().filter(|frame| frame["type"] == "response.output_item.added").count(), 4);
    one(&frames, "conversation.item.added");
    assert_eq!(wire.simulator.sessions()[0].items().len(), 3);
}

#[test]
fn a_response_is_stopped_by_its_id() {
    let mut wire = Wire::open(Simulator::new().pace(Pace::LIVE).answer(|_| "word ".repeat(100)));
    let other = json!({ "conversation": "none", "output_modalities": ["text"] });
    let id = wire.ask(json!({ "type": "response.create", "response": other }))["response"]["id"].clone();
    wire.ask(json!({ "type": "response.create" }));
    wire.until("response.output_text.delta");
    wire.send(json!({ "type": "response.cancel", "response_id": id }));
    let frames = wire.until("response.done");
    let done = frames.last().unwrap();
    assert_eq!((&done["response"]["id"], &done["response"]["status"]), (&id, &"cancelled".into()));
    assert_eq!(done["response"]["status_details"], json!({ "type": "cancelled", "reason": "client_cancelled" }));
    let text = done["response"]["output"][0]["content"][0]["text"].as_str().unwrap();
    assert!(!text.is_empty() && text.len() < 100, "{text}");
    // The other goes on.
    wire.until("response.output_audio.delta");
}

#[test]
fn rate_limits_fall_and_rise_again() {
    let mut wire = Wire::open(Simulator::new().answer(|_| "word ".repeat(1000)));
    let remaining =
        |frames: &[Value]| one(frames, "rate_limits.updated")["rate_limits"][0]["remaining"].as_u64().unwrap();
    let text = json!({ "output_modalities": ["text"] });
    let first = remaining(&wire.respond(text.clone()));
    let second = remaining(&wire.respond(text.clone()));
    assert!(second < first && first < 15_000_000);
    wire.clock.advance(Duration::from_secs(10));
    assert!(remaining(&wire.respond(text)) > second);
}

#[test]
fn the_default_answer_is_amiable() {
    let mut wire = Wire::open(Simulator::new());
    let tool = json!({ "type": "function", "name": "look", "parameters": { "type": "object" } });
    wire.update(json!({ "output_modalities": ["text"], "tools": [tool] }));
    let answer = |frames: &[Value]| one(frames, "response.done")["response"]["output"][0].clone();
    assert_eq!(answer(&wire.respond(json!({})))["content"][0]["text"], "I am listening.");
    wire.say("Hello");
    assert_eq!(answer(&wire.respond(json!({})))["content"][0]["text"], "You said: Hello");
    let call = answer(&wire.respond(json!({ "tool_choice": "required" })));
    assert_eq!(
        (&call["type"], &call["name"], &call["arguments"]),
        (&"function_call".into(), &"look".into(), &"{}".into())
    );
    wire.item(json!({ "type": "function_call_output", "call_id": call["call_id"], "output": "42" }));
    assert_eq!(answer(&wire.respond(json!({ "tool_choice": "required" })))["content"][0]["text"], "The answer is: 42");
    let chosen = json!({ "type": "function", "name": "find" });
    assert_eq!(answer(&wire.respond(json!({ "tool_choice": chosen, "input": [] })))["name"], "find");
}
