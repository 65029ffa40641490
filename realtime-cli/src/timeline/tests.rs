//! The picture of every recorded session agrees with its expected state.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{Lane, Picture, html};
use crate::frames::Recording;

/// The recorded sessions of a folder, each with its expected state.
fn sessions(folder: &str) -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(folder);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let sessions = files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).map(|path| {
        let expected = fs::read(path.with_extension("expected.json")).unwrap();
        (path, serde_json::from_slice(&expected).unwrap())
    });
    sessions.collect()
}

/// The data that the page of a recording contains.
fn data(path: &Path) -> (Picture, Value) {
    let picture = Picture::new("test".into(), &Recording::open(path).unwrap());
    let page = html(&picture).unwrap();
    let (_, rest) = page.split_once(r#"<script id="data" type="application/json">"#).unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    (picture, serde_json::from_str(data).unwrap())
}

#[test]
fn conversations_have_their_expected_items_responses_and_usage() {
    let sessions = sessions("transcripts");
    assert!(sessions.len() >= 11);
    for (path, expected) in sessions {
        let (picture, page) = data(&path);
        if let Some(translation) = expected.get("translation") {
            for member in ["input_transcript", "output_transcript", "output_audio_bytes"] {
                assert_eq!(page["state"][member], translation[member], "{path:?}: {member}");
            }
            continue;
        }
        let items = expected["items"].as_array().unwrap();
        let drawn = page["state"]["items"].as_array().unwrap();
        assert_eq!(drawn.len(), items.len(), "{path:?}");
        for (drawn, item) in drawn.iter().zip(items) {
            for member in ["id", "text", "transcript", "audio_bytes"] {
                if let Some(expected) = item.get(member) {
                    assert_eq!(drawn[member], *expected, "{path:?}: {member} of {}", item["id"]);
                }
            }
        }
        let responses = expected["responses"].as_array().unwrap();
        for response in responses {
            let id = response["id"].as_str().unwrap();
            let span = picture.spans.iter().find(|span| span.lane == Lane::Responses && span.id == id);
            assert_eq!(span.and_then(|span| span.state.as_deref()), response["status"].as_str(), "{path:?}: {id}");
        }
        let usage = &page["state"]["usage"];
        assert!(
            *usage == expected["usage"] || usage.is_null() && expected["usage"] == serde_json::json!({}),
            "{path:?}"
        );
        let errors = picture.marks.iter().filter(|mark| mark.kind == "error").count();
        assert_eq!(errors, expected["errors"].as_array().unwrap().len(), "{path:?}");
    }
}

#[test]
fn live_sessions_have_their_expected_turns() {
    let sessions = sessions("transcripts-live");
    assert!(sessions.len() >= 13);
    for (path, expected) in sessions {
        let (picture, page) = data(&path);
        let (turns, drawn) = (expected["turns"].as_array().unwrap(), page["state"]["turns"].as_array().unwrap());
        assert_eq!(drawn.len(), turns.len(), "{path:?}");
        for (drawn, turn) in drawn.iter().zip(turns) {
            for member in ["speaker", "text", "start_ms", "end_ms"] {
                assert_eq!(drawn[member], turn[member], "{path:?}: {member}");
            }
        }
        let spans = picture.spans.iter().filter(|span| matches!(span.lane, Lane::Heard | Lane::Said));
        assert_eq!(spans.count(), turns.len(), "{path:?}");
    }
}

#[test]
fn what_was_played_ends_where_the_item_was_truncated() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/transcripts/03_barge_in.jsonl");
    let (picture, page) = data(&path);
    let items = page["state"]["items"].as_array().unwrap();
    let truncated = items.iter().filter_map(|item| Some((item["id"].as_str()?, item["truncated_ms"].as_u64()?)));
    let mut found = 0;
    for (id, heard) in truncated {
        let played = picture.spans.iter().filter(|span| span.lane == Lane::Played && span.id == id);
        assert_eq!(played.map(|span| span.end - span.start).sum::<u64>(), heard, "{id}");
        found += 1;
    }
    assert!(found > 0);
}

#[test]
fn a_text_that_ends_a_script_stays_data() {
    let file = std::env::temp_dir().join(format!("realtime-timeline-{}.jsonl", std::process::id()));
    let event =
        r#"{"type":"session.created","session":{"type":"realtime","instructions":"</script><script>alert(1)"}}"#;
    fs::write(&file, event).unwrap();
    let (picture, page) = data(&file);
    fs::remove_file(file).unwrap();
    assert_eq!(page, serde_json::to_value(&picture).unwrap());
    assert!(page["events"][0]["text"].as_str().unwrap().contains("</script>"));
}

#[test]
fn times_that_run_backwards_or_never_end_are_drawn() {
    let file = std::env::temp_dir().join(format!("realtime-times-{}.jsonl", std::process::id()));
    let call = r#"{"type":"response.function_call_arguments.done","call_id":"c","name":"f","arguments":"{}"}"#;
    let output =
        r#"{"type":"conversation.item.create","item":{"type":"function_call_output","call_id":"c","output":""}}"#;
    let audio = r#"{"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":"AAAA"}"#;
    let stopped = r#"{"type":"input_audio_buffer.speech_stopped","audio_end_ms":18446744073709551615,"item_id":"u"}"#;
    let timed = format!(
        "{{\"dir\":\"s2c\",\"at_ms\":1e300,\"frame\":{call}}}\n{{\"dir\":\"s2c\",\"at_ms\":900,\"frame\":{stopped}}}\n\
         {{\"dir\":\"s2c\",\"at_ms\":5,\"frame\":{audio}}}\n{{\"dir\":\"c2s\",\"at_ms\":-1,\"frame\":{output}}}\n"
    );
    for text in [timed, format!("{stopped}\n{audio}\n{stopped}\n{audio}\n")] {
        fs::write(&file, text).unwrap();
        let (picture, _) = data(&file);
        assert!(picture.spans.iter().all(|span| span.start <= span.end), "{:?}", picture.spans);
        assert_eq!(picture.events.len(), 4);
    }
    fs::remove_file(file).unwrap();
}
