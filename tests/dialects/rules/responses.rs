//! Responses and errors.

use super::*;

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
        (json!({ "error": { "type": 7, "message": ["x"], "code": "c" } }), "x", Some("c")),
        (json!({ "error": { "message": { "text": "No." } } }), "No.", None),
        (json!({ "error": { "error": { "message": "No.", "code": 7 } } }), "No.", Some("7")),
        (json!({ "error": { "detail": "No." } }), "No.", None),
        (json!({ "error": ["No."] }), "No.", None),
        (json!({ "errors": [{ "message": "No." }, { "message": "Nor so." }] }), "No.", None),
        (json!({ "reason": "No." }), "No.", None),
        (json!({ "data": { "message": "No." } }), "No.", None),
        (json!({ "data": "AAAA" }), "", None),
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
