//! What is refused, and in which words.

use bytes::Bytes;
use realtime::{
    Audio,
    mock::{Pace, Simulator},
    transport::Message,
};
use serde_json::{Value, json};

use crate::{
    Wire,
    client::{handshake, voice},
};

/// The code and the parameter of an error, which must name the event.
fn told(error: &Value) -> (&str, &str) {
    assert_eq!((&error["type"], &error["event_id"]), (&"invalid_request_error".into(), &"evt_1".into()), "{error}");
    assert!(!error["message"].as_str().unwrap().is_empty());
    (error["code"].as_str().unwrap(), error["param"].as_str().unwrap_or(""))
}

#[test]
fn what_is_no_event() {
    let mut wire = Wire::open(Simulator::new());
    for text in ["{", "", "[]", "\"x\"", "\u{feff}{}"] {
        wire.send_message(Message::Text(text.into()));
        let error = wire.next()["error"].take();
        assert_eq!((&error["code"], &error["event_id"]), (&"invalid_json".into(), &Value::Null), "{text}");
    }
    wire.send_message(Message::Binary(Bytes::from_static(b"{}")));
    assert_eq!(wire.next()["error"]["code"], "invalid_event");
    assert_eq!(told(&wire.refused(json!({ "event_id": "evt_1" }))), ("missing_required_parameter", "type"));
    assert_eq!(told(&wire.refused(json!({ "event_id": "evt_1", "type": 1 }))), ("invalid_type", "type"));
    let error = wire.refused(json!({ "type": "output_audio_buffer.clear", "event_id": "evt_1" }));
    assert_eq!(told(&error), ("invalid_value", "type"));
    assert!(error["message"].as_str().unwrap().starts_with(
        "Invalid value: 'output_audio_buffer.clear'. Supported values are: 'session.update', 'session.close', "
    ));
    let long = "x".repeat(513);
    let error = wire.refused(json!({ "type": "response.cancel", "event_id": long }));
    assert_eq!((&error["code"], &error["param"]), (&"string_above_max_length".into(), &"event_id".into()));
    // None of it did any harm.
    wire.say("still here");
}

#[test]
fn members_that_do_not_fit() {
    let mut wire = Wire::open(Simulator::new());
    let update = |session: Value| json!({ "type": "session.update", "session": session });
    let vad = |members: Value| {
        let mut vad = json!({ "type": "server_vad" });
        vad.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        update(json!({ "type": "realtime", "audio": { "input": { "turn_detection": vad } } }))
    };
    let item = |item: Value| json!({ "type": "conversation.item.create", "item": item });
    let message = |role: &str, part: Value| item(json!({ "type": "message", "role": role, "content": [part] }));
    let pairs = |count: usize| (0..count).map(|at| (at.to_string(), "x".into())).collect::<serde_json::Map<_, _>>();
    let respond = |response: Value| json!({ "type": "response.create", "response": response });
    const MISSING: &str = "missing_required_parameter";
    const UNKNOWN: &str = "unknown_parameter";
    const VAD: &str = "session.audio.input.turn_detection";
    for (mut event, code, param) in [
        (json!({ "type": "session.update" }), MISSING, "session"),
        (update(json!({})), MISSING, "session.type"),
        (update(json!({ "type": null })), MISSING, "session.type"),
        (update(json!({ "type": "chat" })), "invalid_value", "session.type"),
        (update(json!({ "type": 3 })), "invalid_type", "session.type"),
        (update(json!({ "type": "transcription" })), "invalid_parameter", ""),
        (update(json!({ "type": "realtime", "model": "another" })), "invalid_value", "session.model"),
        (update(json!({ "type": "realtime", "voice": "alloy" })), UNKNOWN, "session.voice"),
        (update(json!({ "type": "realtime", "instructions": 1 })), "invalid_type", "session.instructions"),
        (
            update(json!({ "type": "realtime", "max_output_tokens": 0 })),
            "integer_below_min_value",
            "session.max_output_tokens",
        ),
        (
            update(json!({ "type": "realtime", "max_output_tokens": "many" })),
            "invalid_value",
            "session.max_output_tokens",
        ),
        (update(json!({ "type": "realtime", "max_output_tokens": [] })), "invalid_type", "session.max_output_tokens"),
        (
            update(json!({ "type": "realtime", "output_modalities": ["smell"] })),
            "invalid_value",
            "session.output_modalities[0]",
        ),
        (
            update(json!({ "type": "realtime", "audio": { "output": { "speed": 9 } } })),
            "decimal_above_max_value",
            "session.audio.output.speed",
        ),
        (update(json!({ "type": "realtime", "tools": [{ "type": "mcp" }] })), MISSING, "session.tools[0].server_label"),
        (
            update(json!({ "type": "realtime", "tool_choice": { "type": "function" } })),
            MISSING,
            "session.tool_choice.name",
        ),
        (vad(json!({ "threshold": 1.5 })), "decimal_above_max_value", &format!("{VAD}.threshold")),
        (vad(json!({ "prefix_padding_ms": 0.5 })), "invalid_type", &format!("{VAD}.prefix_padding_ms")),
        (vad(json!({ "idle_timeout_ms": 4999 })), "integer_below_min_value", &format!("{VAD}.idle_timeout_ms")),
        (vad(json!({ "idle_timeout_ms": 30001 })), "integer_above_max_value", &format!("{VAD}.idle_timeout_ms")),
        (vad(json!({ "eagerness": "low" })), UNKNOWN, &format!("{VAD}.eagerness")),
        (item(json!({ "type": "poem" })), "invalid_value", "item.type"),
        (item(json!({ "type": "item_reference", "id": "x" })), "invalid_value", "item.type"),
        (item(json!({ "type": "message", "role": "user" })), MISSING, "item.content"),
        (message("user", json!({ "type": "input_text" })), MISSING, "item.content[0].text"),
        (message("user", json!({ "type": "output_text", "text": "x" })), "invalid_value", "item.content[0].type"),
        (message("system", json!({ "type": "input_audio", "audio": "" })), "invalid_value", "item.content[0].type"),
        (message("assistant", json!({ "type": "output_audio", "transcript": "x" })), MISSING, "item.content[0].text"),
        (message("user", json!({ "type": "input_audio", "audio": "?" })), "invalid_value", "item.content[0].audio"),
        (
            item(json!({ "type": "function_call_output", "call_id": "call_x", "output": "" })),
            "invalid_tool_call_id",
            "",
        ),
        (
            item(json!({ "type": "mcp_approval_response", "approval_request_id": "x", "approve": true })),
            "item_create_invalid_approval_request_id",
            "item.approval_request_id",
        ),
        (json!({ "type": "conversation.item.truncate", "item_id": "x", "content_index": 0 }), MISSING, "audio_end_ms"),
        (
            json!({ "type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": 1.5 }),
            "invalid_type",
            "audio_end_ms",
        ),
        (
            json!({ "type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": 1 }),
            "item_truncate_invalid_item_id",
            "item_id",
        ),
        (json!({ "type": "conversation.item.delete" }), MISSING, "item_id"),
        (json!({ "type": "conversation.item.delete", "item_id": "x" }), "item_delete_invalid_item_id", "item_id"),
        (json!({ "type": "conversation.item.retrieve", "item_id": "x" }), "item_retrieve_invalid_item_id", "item_id"),
        (json!({ "type": "input_audio_buffer.append" }), MISSING, "audio"),
        (json!({ "type": "input_audio_buffer.append", "audio": "no base64" }), "invalid_value", "audio"),
        (
            json!({ "type": "input_audio_buffer.append", "audio": Audio::from(vec![0; (15 << 20) + 1]) }),
            "invalid_value",
            "audio",
        ),
        (json!({ "type": "input_audio_buffer.commit", "now": true }), UNKNOWN, "now"),
        (json!({ "type": "input_audio_buffer.commit" }), "input_audio_buffer_commit_empty", ""),
        (respond(json!({ "conversation": "yes" })), "invalid_value", "response.conversation"),
        (respond(json!({ "metadata": pairs(17) })), "object_above_max_properties", "response.metadata"),
        (respond(json!({ "metadata": { "x": 1 } })), "invalid_type", "response.metadata.x"),
        (respond(json!({ "metadata": { "x": "y".repeat(513) } })), "string_above_max_length", "response.metadata.x"),
        (respond(json!({ "metadata": { "x".repeat(65): "y" } })), "string_above_max_length", "response.metadata"),
        (
            respond(json!({ "input": [{ "type": "item_reference", "id": "item_x" }] })),
            "invalid_value",
            "response.input[0].id",
        ),
        (
            respond(json!({ "input": [{ "type": "message", "role": "user", "content": [{ "type": "input_text" }] }] })),
            MISSING,
            "response.input[0].content[0].text",
        ),
        (respond(json!({ "temperature": 1 })), UNKNOWN, "response.temperature"),
        (json!({ "type": "response.cancel" }), "response_cancel_not_active", ""),
        (json!({ "type": "response.cancel", "response_id": "resp_x" }), "response_cancel_not_active", ""),
    ] {
        event["event_id"] = "evt_1".into();
        assert_eq!(told(&wire.refused(event.clone())), (code, param), "{event}");
    }
    let session = &wire.simulator.sessions()[0];
    assert!(session.items().is_empty() && session.audio_ms() == 0);
    assert!(session.received().iter().all(|received| received.refused.is_some()));
}

#[test]
fn a_refused_update_is_discarded_whole() {
    let mut wire = Wire::open(Simulator::new());
    let before = wire.simulator.sessions()[0].config();
    wire.refused(json!({
        "type": "session.update",
        "session": { "type": "realtime", "instructions": "Be brief.", "audio": { "output": { "speed": 7 } } },
    }));
    assert_eq!(wire.simulator.sessions()[0].config(), before);
    assert_eq!(wire.update(json!({})), before);
}

#[test]
fn the_voice_stays_once_it_was_heard() {
    let mut wire = Wire::open(Simulator::new());
    assert_eq!(
        wire.update(json!({ "audio": { "output": { "voice": "cedar" } } }))["audio"]["output"]["voice"],
        "cedar"
    );
    wire.say("Hello");
    wire.respond(json!({}));
    let voice = |voice: &str| {
        let session = json!({ "type": "realtime", "instructions": "x", "audio": { "output": { "voice": voice } } });
        json!({ "type": "session.update", "session": session })
    };
    let error = wire.refused(voice("marin"));
    assert_eq!((&error["code"], &error["param"]), (&"cannot_update_voice".into(), &Value::Null));
    assert_eq!(wire.ask(voice("cedar"))["type"], "session.updated");
}

#[test]
fn one_response_at_a_time() {
    let mut wire = Wire::open(Simulator::new().pace(Pace::LIVE));
    wire.say("Hello");
    let created = wire.ask(json!({ "type": "response.create" }));
    let error = wire.refused(json!({ "type": "response.create", "event_id": "evt_1" }));
    assert_eq!(told(&error), ("conversation_already_has_active_response", ""));
    assert!(error["message"].as_str().unwrap().contains(created["response"]["id"].as_str().unwrap()));
    // One that is out of band does not mind.
    let created = wire.ask(json!({ "type": "response.create", "response": { "conversation": "none" } }));
    assert_eq!((&created["type"], &created["response"]["conversation_id"]), (&"response.created".into(), &Value::Null));
}

#[test]
fn a_transcription_has_no_responses() {
    let mut wire = Wire::connect(Simulator::new(), handshake("?intent=transcription"));
    assert_eq!(wire.next()["session"]["type"], "transcription");
    let error = wire.refused(json!({ "type": "response.create", "event_id": "evt_1" }));
    assert_eq!(told(&error), ("response_create_not_supported", ""));
    let session = json!({ "type": "realtime" });
    let error = wire.refused(json!({ "type": "session.update", "session": session }));
    assert_eq!(error["code"], "invalid_parameter");
    wire.append(&voice(50));
    let error = wire.refused(json!({ "type": "input_audio_buffer.commit" }));
    assert!(error["message"].as_str().unwrap().ends_with("but buffer only has 50.00ms of audio."));
}
