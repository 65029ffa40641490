//! Each rule of reading what other servers send, by itself.

use realtime::{
    event::{Event, Reading, Recognition, ServerEvent},
    types::{AudioFormat, SessionInfo, TurnDetection},
};
use serde_json::{Value, json};

use super::{Told, look};

const OPEN: &str = r#"{"type":"response.created","response":{"id":"r","status":"in_progress"}}"#;
const CREATED: &str = r#"{"type":"session.created","session":{"type":"realtime","id":"s","model":"m"}}"#;

/// Reads frames and compares values of the report. Every frame must be known.
#[track_caller]
fn check(frames: &[&str], wanted: &[(&str, Value)]) {
    for frame in frames {
        let event = ServerEvent::decode(frame.as_bytes());
        assert_eq!(event.recognition(), Recognition::Known, "{frame}: {event:?}");
    }
    let report = Told::of(frames).report();
    for (path, value) in wanted {
        let got = look(&report, path);
        let nothing = |value: &Value| value.is_null() || *value == "" || *value == json!([]);
        assert!(got == value || (nothing(got) && nothing(value)), "{frames:?}: {path} is {got}, wanted {value}");
    }
}

#[test]
fn what_is_missing_is_not_said() {
    for (frame, path, value) in [
        (
            r#"{"type":"response.output_text.delta","response_id":"r","item_id":"a","delta":"x"}"#,
            "items[0].content[0].text",
            json!("x"),
        ),
        (r#"{"type":"response.output_text.delta","item_id":"a","delta":"x"}"#, "items[0].text", json!("x")),
        (
            r#"{"type":"response.text.delta","response_id":"r","item_id":"a","content_index":null,"delta":"x"}"#,
            "items[0].content[0].text",
            json!("x"),
        ),
        (r#"{"type":"input_audio_buffer.speech_started"}"#, "input_audio.speech_active", json!(true)),
        (r#"{"type":"response.content_part.added","response_id":"r","item_id":"a"}"#, "items", json!([])),
        (r#"{"type":"response.content_part.done","response_id":"r","item_id":"a"}"#, "items", json!([])),
        (
            r#"{"type":"response.output_item.added","response_id":"r","item":{"id":"f","type":"function_call","name":"go"}}"#,
            "items[0].arguments",
            json!(""),
        ),
        (r#"{"type":"conversation.item.added","item":{"id":"m","type":"message"}}"#, "items[0].id", json!("m")),
        (
            r#"{"type":"conversation.item.added","item":{"id":"l","type":"mcp_list_tools"}}"#,
            "items[0].tool_names",
            json!([]),
        ),
        (
            r#"{"type":"conversation.item.added","item":{"id":"l","type":"mcp_list_tools","tools":[{"name":"n"}]}}"#,
            "items[0].tool_names",
            json!(["n"]),
        ),
        (
            r#"{"type":"conversation.item.input_audio_transcription.segment","item_id":"u","text":"x"}"#,
            "items[0].segments",
            json!([["", "", "x"]]),
        ),
        (r#"{"type":"output_audio_buffer.started"}"#, "playing_response", json!("r")),
        (r#"{"type":"input_audio_buffer.dtmf_event_received"}"#, "dtmf", json!("")),
        (r##"{"type":"input_audio_buffer.dtmf_event_received","digit":"#"}"##, "dtmf", json!("#")),
        (r#"{"type":"input_audio_buffer.committed"}"#, "input_audio.committed", json!(1)),
        (r#"{"type":"rate_limits.updated"}"#, "rate_limits", json!([])),
        (r#"{"type":"conversation.created"}"#, "conversation_id", Value::Null),
    ] {
        check(&[OPEN, frame], &[(path, value)]);
    }
}

#[test]
fn content_may_be_null_missing_or_a_text() {
    for (content, parts) in [
        (r#","content":null"#, json!([])),
        ("", json!([])),
        (r#","content":[]"#, json!([])),
        (r#","content":"Hi.""#, json!(["Hi."])),
        (r#","content":[null,{"type":"text","text":"Hi."}]"#, json!(["", "Hi."])),
        (r#","content":["Hi."]"#, json!(["Hi."])),
        (r#","content":[{"type":"hologram"},{"text":"Hi."}]"#, json!(["", "Hi."])),
        (r#","content":7"#, json!([])),
    ] {
        let frame = format!(
            r#"{{"type":"conversation.item.added","item":{{"id":"m","type":"message","role":"assistant"{content}}}}}"#
        );
        let report = Told::of(&[&frame]).report();
        let texts: Value =
            look(&report, "items[0].content").as_array().unwrap().iter().map(|part| part["text"].clone()).collect();
        assert_eq!(texts, parts, "{content}");
    }
}

#[test]
fn a_value_of_another_type_is_read_where_its_meaning_is_plain() {
    let limit = |member: &str, value: Value| {
        let frame =
            json!({ "type": "rate_limits.updated", "rate_limits": [{ "name": "n", member: value }] }).to_string();
        Told::of(&[&frame]).report()["rate_limits"][0][member].clone()
    };
    for (member, value, read) in [
        ("remaining", json!("12"), json!(12)),
        ("remaining", json!(12.7), json!(12)),
        ("remaining", json!("12.7"), json!(12)),
        ("remaining", json!(-3), json!(0)),
        ("remaining", json!(true), Value::Null),
        ("remaining", json!("many"), Value::Null),
        ("remaining", json!(""), Value::Null),
        ("remaining", json!([1]), Value::Null),
        ("reset_seconds", json!("3.2"), json!(3.2)),
        ("reset_seconds", json!("6ms"), Value::Null),
        ("reset_seconds", json!("NaN"), Value::Null),
        ("reset_seconds", json!(false), Value::Null),
        ("name", json!(7), json!(null)),
    ] {
        assert_eq!(limit(member, value.clone()), read, "{member} {value}");
    }
}

#[test]
fn an_id_may_be_a_number() {
    check(
        &[
            r#"{"type":"response.created","response":{"id":1}}"#,
            r#"{"type":"conversation.item.added","previous_item_id":null,"item":{"id":7,"type":"message","role":"user","content":[]}}"#,
            r#"{"type":"conversation.item.added","previous_item_id":7,"item":{"id":"b","type":"message","role":"user","content":[]}}"#,
            r#"{"type":"response.done","response":{"id":1.0,"status":"completed"}}"#,
        ],
        &[("items[0].id", json!("7")), ("items[1].id", json!("b")), ("active_response", Value::Null)],
    );
}

#[test]
fn a_member_that_comes_twice_is_what_it_was_last_and_a_mark_in_front_is_none() {
    check(
        &[
            r#"{"type":"conversation.item.added","item":{"id":"a"},"item":{"id":"x","id":"b","type":"message","role":"user","content":"One","content":"Two"}}"#,
        ],
        &[("item_count", json!(1)), ("items[0].id", json!("b")), ("items[0].text", json!("Two"))],
    );
    check(
        &[OPEN, "\u{feff}{\"type\":\"response.done\",\"response\":{\"id\":\"r\"}}"],
        &[("active_response", Value::Null)],
    );
}

#[test]
fn a_response_ends_by_its_id_and_status_whatever_else_cannot_be_read() {
    for (response, status) in [
        (
            json!({ "id": "r", "status": "completed", "output": [{ "id": "i", "type": "message", "role": "assistant" }] }),
            "completed",
        ),
        (
            json!({ "id": "r", "status": "failed", "status_details": "unimplemented", "output": 7, "metadata": [] }),
            "failed",
        ),
        (json!({ "id": "r", "status": "completed", "output": [null, 1, "x", [], {}] }), "completed"),
        (json!({ "id": "r", "usage": "much", "audio": "loud", "conversation_id": {} }), "completed"),
        (json!({ "id": "r", "status": 7 }), "completed"),
        (json!({ "id": "r", "status": "in_progress" }), "completed"),
        (json!({ "output": [] }), "completed"),
        (json!({ "id": "another", "status": "cancelled" }), "cancelled"),
        (json!("r"), "completed"),
        (Value::Null, "completed"),
    ] {
        let done = json!({ "type": "response.done", "response": response }).to_string();
        check(&[OPEN, &done], &[("active_response", Value::Null), ("responses.r.status", json!(status))]);
    }
    let beside =
        r#"{"type":"response.done","response_id":"r","response":{"status":"cancelled"},"usage":{"total_tokens":5}}"#;
    check(&[OPEN, beside], &[("responses.r.status", json!("cancelled")), ("usage.total_tokens", json!(5))]);
}

#[test]
fn ends_by_other_names_end_what_they_name_unless_it_has_ended() {
    for (kind, status) in
        [("response.cancelled", "cancelled"), ("response.failed", "failed"), ("response.incomplete", "incomplete")]
    {
        let ended =
            [("active_response", Value::Null), ("responses.r.status", json!(status)), ("unknown_events", json!([]))];
        for members in
            [json!({ "response_id": "r" }), json!({ "response": { "id": "r", "status": "in_progress" } }), json!({})]
        {
            let mut frame = members;
            frame["type"] = kind.into();
            check(&[OPEN, &frame.to_string()], &ended);
        }
        let done = r#"{"type":"response.done","response":{"id":"r","status":"completed"}}"#;
        let named = json!({ "type": kind, "response_id": "r" }).to_string();
        check(&[OPEN, done, &named], &[("responses.r.status", json!("completed"))]);
    }
}

#[test]
fn what_is_created_with_an_end_has_ended_and_with_another_status_is_in_progress() {
    for (status, is_active) in [
        ("in_progress", true),
        ("incomplete", true),
        ("queued", true),
        ("completed", false),
        ("failed", false),
        ("cancelled", false),
    ] {
        let frame = json!({ "type": "response.created", "response": { "id": "r", "status": status } }).to_string();
        let active = if is_active { json!("r") } else { Value::Null };
        check(&[&frame], &[("active_response", active)]);
    }
}

#[test]
fn items_of_one_index_stand_in_the_order_of_their_arrival_and_the_end_tells_the_order() {
    let item = |id: &str| {
        json!({ "type": "response.output_item.added", "response_id": "r", "output_index": 0,
            "item": { "id": id, "type": "message", "role": "assistant", "content": [] } })
        .to_string()
    };
    let (a, b, c) = (item("a"), item("b"), item("c"));
    check(&[OPEN, &a, &b, &c, &a], &[("responses.r.output", json!(["a", "b", "c"]))]);
    let done = |ids: &[&str]| {
        let output: Vec<_> = ids.iter().map(|id| json!({ "id": id, "type": "message", "role": "assistant" })).collect();
        json!({ "type": "response.done", "response": { "id": "r", "output": output } }).to_string()
    };
    for (told, order) in [
        (vec!["c", "a", "b"], json!(["c", "a", "b"])),
        (vec!["c", "a"], json!(["c", "a", "b"])),
        (vec![], json!(["a", "b", "c"])),
        (vec!["a", "b", "c", "d"], json!(["a", "b", "c", "d"])),
    ] {
        check(&[OPEN, &a, &b, &c, &done(&told)], &[("responses.r.output", order)]);
    }
}

#[test]
fn an_error_is_told_in_any_shape() {
    for (frame, message, code) in [
        (json!({ "error": "Model not found" }), "Model not found", None),
        (json!({ "error": "Model not found", "code": "model_not_found" }), "Model not found", Some("model_not_found")),
        (json!({ "message": "No." }), "No.", None),
        (json!({ "message": "No.", "code": 400 }), "No.", Some("400")),
        (json!({ "error": { "message": "No.", "code": 400 } }), "No.", Some("400")),
        (json!({ "error": { "type": "server_error" } }), "", None),
        (json!({ "error": { "type": 7, "message": ["x"], "code": "c" } }), "", Some("c")),
        (json!({ "error": {}, "message": "Outside." }), "Outside.", None),
        (json!({ "error": null }), "", None),
        (json!({}), "", None),
    ] {
        let mut frame = frame;
        frame["type"] = "error".into();
        let told = Told::of(&[&frame.to_string()]);
        let complaint = told.state.errors.back().unwrap();
        assert_eq!((&*complaint.error.message, complaint.error.code.as_deref()), (message, code), "{frame}");
    }
}

#[test]
fn nothing_active_frees_what_was_held_for_active() {
    for error in [
        json!({ "code": "response_cancel_not_active", "message": "m" }),
        json!({ "message": "Cancellation failed: no active response found" }),
    ] {
        let frame = json!({ "type": "error", "error": error }).to_string();
        let text = r#"{"type":"response.output_text.delta","response_id":"r","item_id":"a","delta":"Ye"}"#;
        check(&[OPEN, text, &frame], &[("active_response", Value::Null), ("responses.r.status", json!("incomplete"))]);
    }
}

#[test]
fn a_session_opens_by_whatever_tells_of_one() {
    for frame in [
        json!({ "type": "session.created" }),
        json!({ "type": "session.created", "id": "s" }),
        json!({ "type": "session.created", "session": null }),
        json!({ "type": "session.created", "session": "s" }),
        json!({ "type": "session.created", "session": { "expires_at": "2026-11-26T10:00:00Z", "id": "s" } }),
        json!({ "type": "session.created", "session": { "expires_at": 1785200000.5, "prompt": {}, "tools": {}, "id": 7 } }),
        json!({ "type": "session.created", "session": { "audio": { "input": { "noise_reduction": "near_field" } } } }),
        json!({ "type": "session.updated", "session": {} }),
        json!({ "type": "conversation.created" }),
    ] {
        let text = frame.to_string();
        let event = ServerEvent::decode(text.as_bytes());
        assert_eq!(event.recognition(), Recognition::Known, "{frame}");
        assert!(<realtime::Realtime as realtime::Protocol>::opened(&event), "{frame}");
        // Also in a binary message.
        let binary = ServerEvent::binary(text.clone().into_bytes().into());
        assert_eq!(binary, event);
    }
}

/// The session that a server tells of.
fn session(session: Value) -> (SessionInfo, Reading) {
    let mut reading = Reading::default();
    let frame = json!({ "type": "session.created", "session": session }).to_string();
    let ServerEvent::SessionCreated(created) = ServerEvent::read(frame.as_bytes(), &mut reading) else {
        panic!("{frame}")
    };
    (created.session, reading)
}

#[test]
fn a_flat_session_is_read_into_the_nested_one() {
    let (info, reading) = session(json!({
        "id": "s", "object": "realtime.session", "model": "m", "modalities": ["text", "audio"], "voice": "alloy", "speed": "1.5",
        "input_audio_format": "g711_ulaw", "output_audio_format": "g711_alaw",
        "input_audio_transcription": { "model": "whisper-1" }, "input_audio_noise_reduction": { "type": "far_field" },
        "turn_detection": { "type": "server_vad", "threshold": 0.5 }, "max_response_output_tokens": "inf",
        "tools": [{ "type": "function", "function": { "name": "go", "description": "d" } }], "temperature": 0.8,
    }));
    assert_eq!(reading.left_out, []);
    let (input, output) = (info.input().unwrap(), info.output().unwrap());
    assert_eq!((&input.format, &output.format), (&Some(AudioFormat::Pcmu), &Some(AudioFormat::Pcma)));
    assert_eq!(input.transcription.as_ref().unwrap().model.as_deref(), Some("whisper-1"));
    assert!(input.noise_reduction.is_some());
    assert!(matches!(&input.turn_detection, Some(TurnDetection::ServerVad(vad)) if vad.threshold == Some(0.5)));
    assert_eq!((&output.voice, output.speed), (&Some("alloy".into()), Some(1.5)));
    let SessionInfo::Realtime(session) = info else { panic!() };
    let names: Vec<_> =
        session.tools.iter().flatten().map(|tool| serde_json::to_value(tool).unwrap()["name"].clone()).collect();
    assert_eq!(names, ["go"]);
    assert_eq!(serde_json::to_value(&session.output_modalities).unwrap(), json!(["text", "audio"]));
    assert!(session.max_output_tokens.is_some());
}

#[test]
fn what_stands_where_it_does_today_wins_over_what_is_flat() {
    let formats = |nested: Value| {
        let (info, _) =
            session(json!({ "output_audio_format": "g711_ulaw", "audio": { "output": { "format": nested } } }));
        info.output().unwrap().format.clone()
    };
    assert_eq!(formats(json!({ "type": "audio/pcma" })), Some(AudioFormat::Pcma));
    assert_eq!(formats(Value::Null), Some(AudioFormat::Pcmu));
    assert_eq!(formats(json!("not specified")), Some(AudioFormat::Pcmu));
    for (flat, format) in [
        (json!("pcm16"), Some(AudioFormat::pcm())),
        (json!("pcm"), Some(AudioFormat::pcm())),
        (json!("pcm24"), Some(AudioFormat::pcm())),
        (json!("not specified"), None),
        (json!(""), None),
        (Value::Null, None),
        (json!({ "type": "audio/pcm", "rate": "16000" }), Some(AudioFormat::Pcm { rate: 16_000 })),
        (json!({ "type": "audio/pcm", "sample_rate": 16000.0 }), Some(AudioFormat::Pcm { rate: 16_000 })),
    ] {
        let (info, _) = session(json!({ "input_audio_format": flat }));
        assert_eq!(info.input().and_then(|input| input.format.clone()), format, "{flat}");
    }
    let flat = json!({ "type": "server_vad" });
    for (nested, is_on) in [
        (json!({}), true),
        (json!({ "turn_detection": null }), false),
        (json!({ "turn_detection": { "type": null } }), false),
    ] {
        let (info, reading) = session(json!({ "turn_detection": flat, "audio": { "input": nested } }));
        assert_eq!(info.input().is_some_and(|input| input.turn_detection.is_some()), is_on, "{nested}");
        assert_eq!(reading.left_out, []);
    }
    for none in [Value::Null, json!(false), json!({ "type": null })] {
        let (info, _) = session(json!({ "turn_detection": none }));
        assert!(info.input().is_none_or(|input| input.turn_detection.is_none()), "{none}");
    }
}

#[test]
fn a_flat_g711_session_is_cut_where_it_should_be() {
    let created = r#"{"type":"session.created","session":{"id":"s","output_audio_format":"g711_ulaw"}}"#;
    // A second of it, and cut at 333 ms.
    let audio = "/".repeat(8_000 / 3 * 4);
    let delta = format!(r#"{{"type":"response.audio.delta","response_id":"r","item_id":"a","delta":"{audio}"}}"#);
    let cut = r#"{"type":"conversation.item.truncated","item_id":"a","content_index":0,"audio_end_ms":333}"#;
    check(&[created, OPEN, &delta, cut], &[("items[0].audio_bytes", json!(333 * 8))]);
    // Where it is not said how much was kept, nothing is cut but the words.
    let words = r#"{"type":"response.audio_transcript.delta","response_id":"r","item_id":"a","delta":"Hm"}"#;
    let unsaid = r#"{"type":"conversation.item.truncated","item_id":"a"}"#;
    check(
        &[created, OPEN, &delta, words, unsaid],
        &[("items[0].audio_bytes", json!(7_998)), ("items[0].transcript", json!(""))],
    );
}

#[test]
fn an_update_need_not_repeat_what_the_session_is() {
    let update = r#"{"type":"session.updated","session":{"instructions":"Two.","modalities":["text"]}}"#;
    check(
        &[CREATED, update],
        &[("session.id", json!("s")), ("session.model", json!("m")), ("session.instructions", json!("Two."))],
    );
    let created = r#"{"type":"session.created","session":{"type":"transcription","id":"s"}}"#;
    let update = r#"{"type":"session.updated","session":{"input_audio_format":"pcm16"}}"#;
    check(&[created, update], &[("session.id", json!("s")), ("session.type", json!("transcription"))]);
}

#[test]
fn a_call_told_by_its_arguments_alone_is_an_item() {
    let done = |call: &str, response: &str| {
        json!({ "type": "response.function_call_arguments.done", "response_id": response, "call_id": call, "name": "go",
            "arguments": { "a": 1 } })
        .to_string()
    };
    let ended = |id: &str| json!({ "type": "response.done", "response": { "id": id, "output": null } }).to_string();
    let next = r#"{"type":"response.created","response":{"id":"r2"}}"#;
    // A model may number its calls anew.
    let report =
        Told::of(&[OPEN, &done("k", "r"), &done("k", ""), &ended("r"), next, &done("k", "r2"), &ended("r2")]).report();
    assert_eq!(look(&report, "item_count"), 2);
    for at in ["items[0]", "items[1]"] {
        let item = look(&report, at);
        assert_eq!(
            (&item["call_id"], &item["name"], &item["arguments"]),
            (&json!("k"), &json!("go"), &json!(r#"{"a":1}"#))
        );
    }
    assert_ne!(look(&report, "items[0].id"), look(&report, "items[1].id"));
}

#[test]
fn arguments_that_are_empty_erase_nothing_and_an_object_is_its_text() {
    let delta = r#"{"type":"response.function_call_arguments.delta","response_id":"r","item_id":"f","call_id":"k","delta":"{}"}"#;
    for (arguments, kept) in
        [(json!(null), "{}"), (json!(""), "{}"), (json!({ "b": 2 }), r#"{"b":2}"#), (json!("x"), "x")]
    {
        let done =
            json!({ "type": "response.function_call_arguments.done", "item_id": "f", "call_id": "k", "name": "go",
            "arguments": arguments })
            .to_string();
        check(&[OPEN, delta, &done], &[("items[0].arguments", json!(kept))]);
    }
}

#[test]
fn the_words_of_an_audio_part_may_stand_in_its_text() {
    let part =
        r#"{"type":"response.content_part.done","response_id":"r","item_id":"a","part":{"type":"audio","text":"Hm."}}"#;
    check(&[OPEN, part], &[("items[0].transcript", json!("Hm.")), ("items[0].content[0].text", json!(""))]);
    let empty = r#"{"type":"response.content_part.done","response_id":"r","item_id":"a","part":{"type":"audio","text":"","transcript":""}}"#;
    check(&[OPEN, part, empty], &[("items[0].transcript", json!("Hm."))]);
}

#[test]
fn a_transcript_may_come_again_and_the_last_that_is_not_empty_stands() {
    let completed = |text: &str, usage: &str| {
        format!(
            r#"{{"type":"conversation.item.input_audio_transcription.completed","item_id":"u","transcript":"{text}","usage":{usage}}}"#
        )
    };
    check(
        &[&completed("Hel", "null"), &completed("Hello", r#"{"seconds":"1.5"}"#), &completed("", r#""much""#)],
        &[("items[0].transcript", json!("Hello")), ("items[0].role", json!("user"))],
    );
    for (usage, tokens, seconds) in [
        (r#"{"type":"tokens","total_tokens":22}"#, json!(22), json!(0.0)),
        (r#"{"total_tokens":22}"#, json!(22), json!(0.0)),
        (r#"{"type":"duration","seconds":"3.5"}"#, Value::Null, json!(3.5)),
        (r#"{"seconds":3.5}"#, Value::Null, json!(3.5)),
        ("{}", json!(0), json!(0.0)),
        ("7", Value::Null, json!(0.0)),
    ] {
        check(
            &[&completed("Hi", usage)],
            &[
                ("transcription_usage.tokens.total_tokens", tokens),
                ("transcription_usage.seconds", seconds),
                ("items[0].transcript", json!("Hi")),
            ],
        );
    }
}

#[test]
fn only_null_stands_outside_the_conversation() {
    for (response, aside) in [
        (json!({ "id": "r" }), false),
        (json!({ "id": "r", "conversation_id": "" }), false),
        (json!({ "id": "r", "conversation_id": 7 }), false),
        (json!({ "id": "r", "conversation_id": [] }), false),
        (json!({ "id": "r", "conversation_id": null }), true),
    ] {
        let frame = json!({ "type": "response.created", "response": response }).to_string();
        check(&[&frame], &[("responses.r.out_of_band", json!(aside))]);
    }
}

#[test]
fn audio_is_read_in_any_base64() {
    for (text, bytes) in [
        ("AQID", 3),
        ("AQI=", 2),
        ("AQI", 2),
        ("AQ==", 1),
        ("AQ", 1),
        ("-_-_", 3),
        ("+/+/", 3),
        ("AQ\\nID", 3),
        (" AQID ", 3),
        ("AR==", 1),
        ("", 0),
    ] {
        let frame =
            format!(r#"{{"type":"response.output_audio.delta","response_id":"r","item_id":"a","delta":"{text}"}}"#);
        check(&[OPEN, &frame], &[]);
        let report = Told::of(&[OPEN, &frame]).report();
        assert_eq!(look(&report, "items[0].audio_bytes").as_u64().unwrap_or_default(), bytes, "{text:?}");
    }
}

#[test]
fn what_is_left_out_is_told_with_its_path() {
    let frame = json!({ "type": "response.done", "event_id": "e", "response": { "id": "r", "status": "completed",
        "status_details": "none", "output": [{ "id": "a", "type": "message", "role": "assistant", "content": [{ "type": "text", "text": [] }] }],
        "usage": { "total_tokens": "many" } } });
    let told = Told::of(&[OPEN, &frame.to_string()]);
    let told: Vec<_> = told
        .state
        .left_out()
        .map(|left| (&*left.omission.path, &*left.omission.reason))
        .map(|(path, reason)| format!("{path}: {reason}"))
        .collect();
    assert_eq!(
        told,
        [
            "response.status_details: a text where an object was expected",
            "response.output[0].content[0].text: a list where a text was expected",
            "response.usage.total_tokens: a text where a whole number was expected",
        ]
    );
}
