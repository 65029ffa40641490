//! Values that are missing, or of another type.

use super::*;

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
fn true_and_false_may_be_texts() {
    for (value, read) in [
        (json!("false"), Some(false)),
        (json!("true"), Some(true)),
        (json!(false), Some(false)),
        (json!("no"), None),
        (json!(0), None),
    ] {
        let detection = json!({ "type": "server_vad", "create_response": value });
        let session = json!({ "type": "realtime", "audio": { "input": { "turn_detection": detection } } });
        let told = Told::of(&[&json!({ "type": "session.updated", "session": session }).to_string()]);
        let Some(TurnDetection::ServerVad(vad)) = told.state.turn_detection() else { panic!("{value}") };
        assert_eq!(vad.create_response, read, "{value}");
    }
}

#[test]
fn null_says_nothing_and_is_not_told_as_left_out() {
    let message = json!({ "id": "a", "type": "message", "role": null, "status": null, "content": [{ "type": "text", "text": null }] });
    let call = json!({ "id": "f", "type": "function_call", "call_id": "c", "name": null, "arguments": null });
    let told = Told::of(&[
        OPEN,
        &json!({ "type": "response.output_item.added", "response_id": "r", "output_index": null, "item": call }).to_string(),
        &json!({ "type": "response.done", "response": {
            "id": "r", "status": null, "status_details": null, "metadata": null, "usage": null, "output": [message, null],
        } })
        .to_string(),
        &json!({ "type": "rate_limits.updated", "rate_limits": null }).to_string(),
        &json!({ "type": "input_audio_buffer.speech_stopped", "item_id": "u", "audio_end_ms": null }).to_string(),
    ]);
    let left_out: Vec<_> = told.state.left_out().map(|left| &left.omission).collect();
    assert!(left_out.is_empty(), "{left_out:?}");
    let report = told.report();
    assert_eq!(
        (look(&report, "responses.r.status"), look(&report, "responses.r.output")),
        (&json!("completed"), &json!(["f", "a"]))
    );
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
fn a_type_that_comes_twice_is_the_last_wherever_it_stands() {
    let read = |members: &[&str]| ServerEvent::decode(format!("{{{}}}", members.join(",")).as_bytes());
    let text = r#""response_id":"r","item_id":"a","delta":"x""#;
    let types = [
        "response.output_text.delta",
        "response.output_audio_transcript.delta",
        "response.text.delta",
        "response.output_item.done",
        "response.done",
        "error",
        "session.created",
        // Its members are all optional, so that it reads whatever stands there.
        "input_audio_buffer.cleared",
        "vendor.thing",
    ];
    for first in types {
        for last in types {
            let [one, two] = [first, last].map(|kind| format!(r#""type":"{kind}""#));
            let plain = read(&[&two, text]);
            for (members, what) in
                [([&one, &two, text], "in front"), ([&one, text, &two], "around"), ([text, &one, &two], "behind")]
            {
                let event = read(&members);
                // An event that is kept as text has another text.
                let is_same = match (&event, &plain) {
                    (ServerEvent::Unknown(event), ServerEvent::Unknown(plain)) => event.kind == plain.kind,
                    (ServerEvent::Malformed(event), ServerEvent::Malformed(plain)) => event.kind == plain.kind,
                    (event, plain) => event == plain,
                };
                assert!(is_same, "{first} {last} {what}: {event:?}, wanted {plain:?}");
            }
        }
    }
    // Only at the top: within, it is the type of something else.
    let nested = read(&[r#""type":"response.output_item.done""#, r#""item":{"type":"message","id":"m"}"#]);
    assert_eq!(nested.recognition(), Recognition::Known);
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

#[test]
fn an_error_that_does_not_call_itself_one_is_one() {
    let told = Told::of(&[r#"{"error":{"message":"Invalid key","code":"invalid_api_key"}}"#]);
    let complaint = told.state.errors.back().unwrap();
    assert_eq!((&*complaint.error.message, complaint.error.code.as_deref()), ("Invalid key", Some("invalid_api_key")));
    for other in [r#"{"error":null}"#, r#"{"message":"x"}"#, r#"["error"]"#] {
        assert!(matches!(ServerEvent::decode(other.as_bytes()), ServerEvent::Invalid(_)), "{other}");
    }
}

#[test]
fn a_byte_order_mark_is_skipped_in_a_binary_message_too() {
    let event = ServerEvent::binary(format!("\u{feff}{CREATED}").into());
    assert!(matches!(event, ServerEvent::SessionCreated(_)), "{event:?}");
}

#[test]
fn what_is_nearly_json_costs_no_event() {
    for frame in [
        "{\"type\":\"response.done\",\"response\":{\"id\":\"r\",\"status\":\"failed\",\"usage\":{\"total_tokens\":NaN}}}",
        "{\"response\":{\"id\":\"r\",\"status\":\"failed\",\"x\":[-Infinity,Infinity]},\"type\":\"response.done\"}",
        "{\"type\":\"response.done\",\"response\":{\"id\":\"r\",\"status\":\"failed\",\"x\":\"one\ntwo\"}}",
    ] {
        let told = Told::of(&[OPEN, frame]);
        assert_eq!(look(&told.report(), "responses.r.status"), "failed", "{frame}");
        let left_out = told.state.left_out().next_back().unwrap();
        assert!(
            (&*left_out.kind, &*left_out.omission.path) == ("response.done", "")
                && left_out.omission.reason.contains("NaN")
        );
    }
    let text = Told::of(&[
        OPEN,
        "{\"type\":\"response.output_text.delta\",\"response_id\":\"r\",\"item_id\":\"a\",\"delta\":\"one\ntwo\"}",
    ]);
    assert_eq!(look(&text.report(), "items[0].text"), "one\ntwo");
    assert!(matches!(ServerEvent::decode(b"{\"type\":NaN}"), ServerEvent::Invalid(_)));
}

#[test]
fn an_item_that_does_not_say_what_it_is_is_known_by_its_members() {
    for (item, path, value) in [
        (
            json!({ "id": "i", "role": "user", "content": [{ "type": "input_text", "text": "hi" }] }),
            "items[0].text",
            "hi",
        ),
        (json!({ "id": "i", "type": null, "role": "user", "content": "hi" }), "items[0].text", "hi"),
        (json!({ "id": "i", "name": "go", "call_id": 3, "arguments": {} }), "items[0].call_id", "3"),
        (json!({ "id": "i", "call_id": "c", "output": "sunny" }), "items[0].output", "sunny"),
        (
            json!({ "id": "i", "type": "function_call", "call_id": "c", "function": { "name": "go", "arguments": "{}" } }),
            "items[0].name",
            "go",
        ),
    ] {
        let added = json!({ "type": "conversation.item.added", "item": item });
        check(&[&added.to_string()], &[(path, json!(value))]);
    }
    // What no member tells keeps its place.
    check(&[r#"{"type":"conversation.item.added","item":{"id":"i","x":1}}"#], &[("items[0].id", json!("i"))]);
}

#[test]
fn what_the_transcription_of_a_part_has_used_counts_once() {
    let completed = |text: &str| {
        json!({
            "type": "conversation.item.input_audio_transcription.completed", "item_id": "u", "transcript": text,
            "usage": { "type": "duration", "seconds": 2 },
        })
        .to_string()
    };
    let (first, second) = (completed("a"), completed("a b"));
    check(&[&first, &second], &[("items[0].transcript", json!("a b")), ("transcription_usage.seconds", json!(2.0))]);
}
