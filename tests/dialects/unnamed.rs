//! Responses and items to which the server gives no id: nothing that is said in them is lost, and nothing stands twice.

use serde_json::{Value, json};

use super::{Told, look};

const OPEN: &str = r#"{"type":"response.created","response":{"id":"r","status":"in_progress"}}"#;
const NEXT: &str = r#"{"type":"response.created","response":{"id":"n","status":"in_progress"}}"#;

#[track_caller]
fn check(frames: &[&str], wanted: &[(&str, Value)]) {
    let report = Told::of(frames).report();
    for (path, value) in wanted {
        assert_eq!(look(&report, path), value, "{frames:?}: {path}");
    }
}

fn delta(word: &str, more: &str) -> String {
    format!(r#"{{"type":"response.output_text.delta","delta":"{word}"{more}}}"#)
}

#[test]
fn a_stream_without_an_item_belongs_to_the_one_at_its_place() {
    let added = |id: &str, index: u32| {
        format!(
            r#"{{"type":"response.output_item.added","response_id":"r","output_index":{index},"item":{{"id":"{id}","type":"message","role":"assistant"}}}}"#
        )
    };
    let (first, second) = (added("a", 0), added("b", 1));
    for none in ["", r#","item_id":"""#, r#","item_id":null"#] {
        let (x, y) =
            (delta("x", &format!(r#","output_index":0{none}"#)), delta("y", &format!(r#","output_index":1{none}"#)));
        check(
            &[OPEN, &first, &second, &x, &y, &x],
            &[("item_count", json!(2)), ("items[0].text", json!("xx")), ("items[1].text", json!("y"))],
        );
    }
}

#[test]
fn a_stream_without_an_item_begins_one_in_each_response() {
    let empty = r#","item_id":"""#;
    let (x, y) = (delta("x", empty), delta("y", ""));
    let done = r#"{"type":"response.done","response":{"status":"completed"}}"#;
    let audio = r#"{"type":"response.output_audio.delta","delta":"AQA="}"#;
    check(
        &[OPEN, &x, &x, done, NEXT, &y, audio, done],
        &[
            ("item_count", json!(2)),
            ("items[0].text", json!("xx")),
            ("items[1].text", json!("y")),
            ("items[1].audio_bytes", json!(2)),
            ("items[1].role", json!("assistant")),
        ],
    );
}

#[test]
fn an_item_without_an_id_is_told_once() {
    let hello = r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"hello"}]}"#;
    let done = format!(r#"{{"type":"response.done","response":{{"id":"r","output":[{hello}]}}}}"#);
    let item = format!(r#"{{"type":"response.output_item.done","item":{hello}}}"#);
    let added = r#"{"type":"response.output_item.added","item":{"type":"message","role":"assistant","content":[]}}"#;
    let (named, unnamed) = (delta("hello", r#","item_id":"a""#), delta("hello", ""));
    for frames in [
        &[OPEN, &done][..],
        &[OPEN, &item, &done],
        &[OPEN, &named, &done],
        &[OPEN, &unnamed, &done],
        &[OPEN, added, &unnamed, &item, &done],
        &[OPEN, &unnamed, &done, &done],
    ] {
        check(frames, &[("item_count", json!(1)), ("items[0].text", json!("hello"))]);
    }
    let call = r#"{"type":"function_call","name":"go","call_id":"c","arguments":"{}"}"#;
    let arguments = r#"{"type":"response.function_call_arguments.done","call_id":"c","name":"go","arguments":"{}"}"#;
    let item = format!(r#"{{"type":"response.output_item.done","item":{call}}}"#);
    let done = format!(r#"{{"type":"response.done","response":{{"id":"r","output":[{call}]}}}}"#);
    for frames in
        [&[OPEN, &done][..], &[OPEN, &item, &done], &[OPEN, arguments, &item, &done], &[OPEN, arguments, &done]]
    {
        check(frames, &[("item_count", json!(1)), ("items[0].name", json!("go")), ("items[0].call_id", json!("c"))]);
    }
}

#[test]
fn an_announcement_without_an_id_is_of_the_only_item_that_was_asked_for() {
    let mut told = Told::new();
    told.says(br#"{"type":"conversation.item.create","item":{"id":"u","type":"message","role":"user","content":[]}}"#);
    told.hears(br#"{"type":"conversation.item.created","item":{"type":"message","role":"user","content":"hi"}}"#);
    assert_eq!(look(&told.report(), "items[0].id"), "u");
    // Nobody asked for these.
    for kind in ["added", "added", "done"] {
        let frame = format!(
            r#"{{"type":"conversation.item.{kind}","item":{{"type":"message","role":"user","content":"ho"}}}}"#
        );
        told.hears(frame.as_bytes());
    }
    let report = told.report();
    assert_eq!((look(&report, "items[1].text"), look(&report, "item_count")), (&json!("ho"), &json!(3)));
}

#[test]
fn a_transcription_without_an_item_is_of_what_was_said_last() {
    let done = r#"{"type":"conversation.item.input_audio_transcription.completed","transcript":"hi"}"#;
    let committed = r#"{"type":"input_audio_buffer.committed","item_id":"u"}"#;
    check(&[committed, done], &[("items[0].id", json!("u")), ("items[0].transcript", json!("hi"))]);
    check(&[done], &[("item_count", json!(0))]);
}

#[test]
fn a_response_without_an_id_has_one_of_ours_until_it_is_told() {
    let created = r#"{"type":"response.created","response":{"status":"in_progress"}}"#;
    let done = r#"{"type":"response.done","response":{"status":"completed"}}"#;
    let named = delta("x", r#","item_id":"a","response_id":"r""#);
    let unnamed = delta("x", r#","item_id":"a""#);
    check(&[created, &named, done], &[("responses.r.status", json!("completed")), ("active_response", Value::Null)]);
    check(
        &[created, &unnamed, done, created, done],
        &[
            ("responses.response_1.status", json!("completed")),
            ("responses.response_2.status", json!("completed")),
            ("active_response", Value::Null),
            ("items[0].text", json!("x")),
        ],
    );
    for empty in [r#"{"id":"","status":"in_progress"}"#, r#"{"id":null}"#, "null", "7"] {
        let created = format!(r#"{{"type":"response.created","response":{empty}}}"#);
        check(&[&created], &[("active_response", json!("response_1"))]);
    }
}

#[test]
fn what_names_no_response_is_of_the_only_one_also_out_of_band() {
    let apart = r#"{"type":"response.created","response":{"id":"r","conversation_id":null}}"#;
    let word = delta("x", r#","item_id":"a""#);
    for done in [r#"{"type":"response.done"}"#, r#"{"type":"response.cancelled"}"#, r#"{"type":"response.failed"}"#] {
        let report = Told::of(&[apart, &word, done]).report();
        assert_ne!(report["responses"][0]["status"], "in_progress", "{done}");
        assert_eq!(report["item_count"], 0);
    }
}

#[test]
fn a_beginning_that_comes_after_its_end_begins_nothing() {
    let done = r#"{"type":"response.done","response":{"id":"r","status":"completed"}}"#;
    for frames in [&[done, OPEN][..], &[OPEN, done, OPEN]] {
        check(frames, &[("active_response", Value::Null), ("responses.r.status", json!("completed"))]);
    }
    // It is late, and no sign that the next one is over.
    check(&[OPEN, done, NEXT, OPEN], &[("active_response", json!("n")), ("responses.n.status", json!("in_progress"))]);
    // Asked for again, it is another response that bears the same id.
    let done = r#"{"type":"response.done","response":{"id":"r","status":"completed","usage":{"total_tokens":5}}}"#;
    let mut told = Told::of(&[OPEN, done]);
    told.says(br#"{"type":"response.create","event_id":"e"}"#);
    told.hears(OPEN.as_bytes());
    assert_eq!(look(&told.report(), "active_response"), "r");
    told.hears(done.as_bytes());
    assert_eq!(look(&told.report(), "usage.total_tokens"), 10);
}
