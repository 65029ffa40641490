use serde_json::{Value, json};

use super::*;

/// What is sent in place of an event of the current form.
fn flat(event: Value) -> Result<Value, &'static str> {
    let text = event.to_string();
    let event = ClientEvent::decode(text.as_bytes());
    let sent = Dialect::Flat.encode(&event).map_err(DialectError::member)?;
    let current = Dialect::Current.encode(&event).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(current.as_bytes()).unwrap(),
        serde_json::from_str::<Value>(&text).unwrap()
    );
    assert!(sent.to_str().unwrap().starts_with(r#"{"type":"#), "the type stands first");
    Ok(serde_json::from_slice(sent.as_bytes()).unwrap())
}

fn update(session: Value) -> Value {
    json!({ "type": "session.update", "event_id": "e1", "session": session })
}

fn create(response: Value) -> Value {
    json!({ "type": "response.create", "response": response })
}

fn item(item: Value) -> Value {
    json!({ "type": "conversation.item.create", "previous_item_id": "root", "item": item })
}

#[test]
fn a_sessions_members_stand_at_its_top() {
    let tool = json!({ "type": "function", "name": "f", "parameters": { "type": "object" } });
    let current = json!({
        "type": "realtime",
        "model": "m",
        "output_modalities": ["text"],
        "instructions": "Be brief.",
        "audio": {
            "input": {
                "format": { "type": "audio/pcmu" },
                "transcription": { "model": "whisper-1", "language": "en" },
                "noise_reduction": { "type": "near_field" },
                "turn_detection": { "type": "semantic_vad", "eagerness": "low" },
            },
            "output": { "format": { "type": "audio/pcma" }, "voice": "alloy", "speed": 1.25 },
        },
        "include": ["item.input_audio_transcription.logprobs"],
        "tracing": "auto",
        "tools": [tool],
        "tool_choice": { "type": "function", "name": "f" },
        "max_output_tokens": 100,
        "truncation": "auto",
        "prompt": { "id": "p1" },
    });
    let older = json!({
        "model": "m",
        "modalities": ["text"],
        "instructions": "Be brief.",
        "voice": "alloy",
        "speed": 1.25,
        "input_audio_format": "g711_ulaw",
        "output_audio_format": "g711_alaw",
        "input_audio_transcription": { "model": "whisper-1", "language": "en" },
        "input_audio_noise_reduction": { "type": "near_field" },
        "turn_detection": { "type": "semantic_vad", "eagerness": "low" },
        "include": ["item.input_audio_transcription.logprobs"],
        "tracing": "auto",
        "tools": [tool],
        "tool_choice": { "type": "function", "name": "f" },
        "max_response_output_tokens": 100,
        "truncation": "auto",
        "prompt": { "id": "p1" },
    });
    assert_eq!(flat(update(current)), Ok(update(older)));
}

#[test]
fn what_is_not_set_is_not_sent_and_null_stays_null() {
    for (current, older) in [
        (json!({ "type": "realtime" }), json!({})),
        (
            json!({ "type": "realtime", "audio": { "input": { "turn_detection": null } } }),
            json!({ "turn_detection": null }),
        ),
        (
            json!({ "type": "realtime", "audio": { "input": { "transcription": null, "noise_reduction": null } } }),
            json!({ "input_audio_transcription": null, "input_audio_noise_reduction": null }),
        ),
        (
            json!({ "type": "realtime", "tracing": null, "prompt": null, "tools": [] }),
            json!({ "tracing": null, "prompt": null, "tools": [] }),
        ),
        (json!({ "type": "realtime", "max_output_tokens": "inf" }), json!({ "max_response_output_tokens": "inf" })),
        // Audio never came without its text.
        (json!({ "type": "realtime", "output_modalities": ["audio"] }), json!({ "modalities": ["text", "audio"] })),
        (
            json!({ "type": "realtime", "audio": { "output": { "format": { "type": "audio/pcm", "rate": 24000 } } } }),
            json!({ "output_audio_format": "pcm16" }),
        ),
        // Words of the server's own.
        (
            json!({ "type": "realtime", "audio": { "output": { "format": "opus", "voice": { "type": "v", "name": "n" } } } }),
            json!({ "output_audio_format": "opus", "voice": { "type": "v", "name": "n" } }),
        ),
    ] {
        assert_eq!(flat(update(current.clone())), Ok(update(older)), "{current}");
    }
}

#[test]
fn a_response_is_configured_in_the_older_words() {
    let input = |kind: &str| {
        json!([
            { "type": "item_reference", "id": "item_1" },
            { "type": "message", "role": "assistant", "content": [{ "type": kind, "text": "Hello." }] },
        ])
    };
    let current = json!({
        "output_modalities": ["audio"],
        "instructions": "Briefly.",
        "audio": { "output": { "format": { "type": "audio/pcmu" }, "voice": "echo" } },
        "tools": [],
        "tool_choice": "none",
        "max_output_tokens": "inf",
        "conversation": "none",
        "metadata": { "k": "v" },
        "input": input("output_text"),
    });
    let older = json!({
        "modalities": ["text", "audio"],
        "instructions": "Briefly.",
        "voice": "echo",
        "output_audio_format": "g711_ulaw",
        "tools": [],
        "tool_choice": "none",
        "max_output_tokens": "inf",
        "conversation": "none",
        "metadata": { "k": "v" },
        "input": input("text"),
    });
    assert_eq!(flat(create(current)), Ok(create(older)));
    let bare = json!({ "type": "response.create", "event_id": "e1" });
    assert_eq!(flat(bare.clone()), Ok(bare));
}

#[test]
fn parts_have_their_older_names() {
    let message = |role: &str, text: &str, audio: &str| {
        let content = json!([{ "type": text, "text": "t" }, { "type": audio, "transcript": "a" }]);
        item(json!({ "id": "i1", "type": "message", "role": role, "content": content }))
    };
    let current = message("assistant", "output_text", "output_audio");
    assert_eq!(flat(current), Ok(message("assistant", "text", "audio")));
    let said = message("user", "input_text", "input_audio");
    assert_eq!(flat(said.clone()), Ok(said));
    let output = item(json!({ "type": "function_call_output", "call_id": "c1", "output": "{}" }));
    assert_eq!(flat(output.clone()), Ok(output));
}

#[test]
fn what_cannot_be_said_is_an_error() {
    let realtime = |name: &str, value: Value| update(json!({ "type": "realtime", name: value }));
    let image = json!([{ "type": "input_text", "text": "t" }, { "type": "input_image", "image_url": "data:," }]);
    let rate = json!({ "type": "audio/pcm", "rate": 16000 });
    for (event, member) in [
        (update(json!({ "type": "transcription" })), "session.type: transcription"),
        (realtime("reasoning", json!({ "effort": "low" })), "session.reasoning"),
        (realtime("parallel_tool_calls", json!(true)), "session.parallel_tool_calls"),
        (realtime("audio", json!({ "input": { "format": rate } })), "session.audio.input.format.rate"),
        (realtime("audio", json!({ "output": { "format": rate } })), "session.audio.output.format.rate"),
        (realtime("audio", json!({ "output": { "voice": { "id": "voice_1" } } })), "session.audio.output.voice.id"),
        (realtime("tools", json!([{ "type": "mcp", "server_label": "s" }])), "session.tools: mcp"),
        (realtime("tool_choice", json!({ "type": "mcp", "server_label": "s" })), "session.tool_choice: mcp"),
        (create(json!({ "reasoning": { "effort": "low" } })), "response.reasoning"),
        (create(json!({ "parallel_tool_calls": false })), "response.parallel_tool_calls"),
        (create(json!({ "audio": { "output": { "format": rate } } })), "response.audio.output.format.rate"),
        (create(json!({ "audio": { "output": { "voice": { "id": "v" } } } })), "response.audio.output.voice.id"),
        (create(json!({ "tools": [{ "type": "mcp", "server_label": "s" }] })), "response.tools: mcp"),
        (create(json!({ "tool_choice": { "type": "mcp", "server_label": "s" } })), "response.tool_choice: mcp"),
        (item(json!({ "type": "message", "role": "user", "content": image })), "item.content: input_image"),
        (
            create(json!({ "input": [{ "type": "message", "role": "user", "content": image }] })),
            "item.content: input_image",
        ),
        (
            item(json!({ "type": "mcp_approval_response", "approval_request_id": "r", "approve": true })),
            "item.type: mcp_approval_response",
        ),
    ] {
        assert_eq!(flat(event.clone()), Err(member), "{event}");
    }
    let error = DialectError { member: "session.reasoning" };
    assert!(error.to_string().contains("`session.reasoning`"), "{error}");
}

#[test]
fn all_else_is_said_alike() {
    for event in [
        json!({ "type": "input_audio_buffer.append", "audio": "AAA=" }),
        json!({ "type": "input_audio_buffer.commit" }),
        json!({ "type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 120 }),
        json!({ "type": "response.cancel", "response_id": "r" }),
        json!({ "type": "session.finish" }),
        update(json!({ "type": "of its own", "turn_detection": null })),
    ] {
        assert_eq!(flat(event.clone()), Ok(event));
    }
}
