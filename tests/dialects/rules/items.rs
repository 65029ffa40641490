//! Items, calls and transcripts.

use super::*;

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
fn arguments_that_name_no_call_belong_to_the_only_one_in_progress_and_else_nowhere() {
    let call = |id: &str| {
        json!({ "type": "response.output_item.added", "response_id": "r",
            "item": { "id": id, "type": "function_call", "status": "in_progress", "call_id": format!("call_{id}"),
                "name": "go", "arguments": "" } })
        .to_string()
    };
    let whole = |id: &str| {
        json!({ "type": "response.output_item.done", "response_id": "r",
            "item": { "id": id, "type": "function_call", "status": "completed", "call_id": format!("call_{id}"),
                "name": "go", "arguments": "{}" } })
        .to_string()
    };
    let delta = r#"{"type":"response.function_call_arguments.delta","response_id":"r","delta":"{}"}"#;
    let done = r#"{"type":"response.function_call_arguments.done","event_id":"e","arguments":"{}"}"#;
    let (one, two, over) = (call("f"), call("g"), whole("f"));
    for (frames, placed) in [
        (vec![OPEN, &one], Some("f")),
        (vec![OPEN, &one, &two], None),
        (vec![OPEN, &one, &over, &two], Some("g")),
        (vec![OPEN], None),
        (vec![OPEN, &one, &over], None),
        (vec![], None),
    ] {
        for frame in [delta, done] {
            let mut told = Told::of(&frames);
            told.hears(frame.as_bytes());
            let event = told.read.last().unwrap();
            match (event, placed) {
                (ServerEvent::ResponseFunctionCallArgumentsDelta(delta), Some(id)) => {
                    assert_eq!((&*delta.item_id, &*delta.call_id), (id, &*format!("call_{id}")));
                    let items = told.report()["items"].clone();
                    let item = items.as_array().unwrap().iter().find(|item| item["id"] == id).unwrap();
                    assert_eq!(item["arguments"], "{}");
                }
                (ServerEvent::ResponseFunctionCallArgumentsDone(done), Some(id)) => {
                    assert_eq!((&*done.item_id, &*done.call_id), (id, &*format!("call_{id}")));
                }
                (ServerEvent::Malformed(odd), None) => assert_eq!(&*odd.reason, "missing field `item_id`"),
                (event, placed) => panic!("{frames:?}: {event:?}, wanted {placed:?}"),
            }
        }
    }
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
