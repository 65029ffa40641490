//! What is said twice counts once, and what is said once is not lost.

use base64_turbo::STANDARD;
use realtime::event::{ResponseOutputAudioDelta, ResponseOutputTextDelta, ServerEvent};
use serde_json::{Value, json};

use super::{Told, look};

const OPEN: &str = r#"{"type":"response.created","response":{"id":"r","status":"in_progress"}}"#;

fn delta(kind: &str, delta: &str) -> String {
    json!({ "type": kind, "event_id": delta, "response_id": "r", "item_id": "a", "output_index": 0, "content_index": 0,
        "delta": delta })
    .to_string()
}

/// The text that is left, and what a reader gets, after deltas under the newer (N) and the older (O) name.
fn told(order: &str) -> (String, String) {
    let mut told = Told::of(&[OPEN]);
    for (name, piece) in order.split(' ').map(|step| step.split_at(1)) {
        let kind = if name == "N" { "response.output_text.delta" } else { "response.text.delta" };
        told.hears(delta(kind, piece).as_bytes());
    }
    let pieces = told.read.iter().filter_map(|event| match event {
        ServerEvent::ResponseOutputTextDelta(delta) => Some(delta.delta.as_str()),
        _ => None,
    });
    let read: String = pieces.collect();
    (look(&told.report(), "items[0].text").as_str().unwrap().to_owned(), read)
}

#[test]
fn two_names_of_one_delta_count_once_in_either_order() {
    for (order, text) in [
        ("Na Oa", "a"),
        ("Oa Na", "a"),
        ("Na Oa Nb Ob", "ab"),
        ("Oa Na Nb Ob", "ab"),
        ("Na Oa Na Oa", "aa"),
        ("Na Oa Oa", "aa"),
        ("Na Oa Oa Na", "aa"),
        ("Na Na", "aa"),
        ("Oa Oa", "aa"),
        ("Na Ob Nc", "abc"),
        ("Na Ob Nb", "ab"),
        ("Na Nb Ob Oa", "aba"),
    ] {
        assert_eq!(told(order), (text.into(), text.into()), "{order}");
    }
}

#[test]
fn audio_under_two_names_is_played_once_and_no_other_is_taken_for_it() {
    let mut told = Told::of(&[OPEN]);
    let piece = |fill: u8, odd: usize| {
        let mut bytes = vec![fill; 4_800];
        bytes[odd] = 1;
        STANDARD.encode(&bytes)
    };
    let mut expected = 0;
    for (kind, audio, counts) in [
        ("response.output_audio.delta", piece(0, 0), true),
        ("response.audio.delta", piece(0, 0), false),
        // From here on both names are known to be in use, and every byte is looked at.
        ("response.output_audio.delta", piece(0, 77), true),
        ("response.audio.delta", piece(0, 78), true),
        ("response.output_audio.delta", piece(0, 78), false),
        ("response.audio.delta", piece(0, 78), true),
    ] {
        told.hears(delta(kind, &audio).as_bytes());
        expected += if counts { 4_800 } else { 0 };
        assert_eq!(look(&told.report(), "items[0].audio_bytes"), &json!(expected), "{kind}");
    }
    let heard = told.read.iter().filter(|event| matches!(event, ServerEvent::ResponseOutputAudioDelta(_)));
    assert_eq!(heard.count() * 4_800, expected);
}

#[test]
fn twins_may_differ_in_their_padding_and_their_ids() {
    let mut told = Told::of(&[OPEN]);
    let frame = |kind: &str, id: &str, padding: &str| {
        let mut frame: Value = serde_json::from_str(&delta(kind, "word")).unwrap();
        frame["event_id"] = id.into();
        frame["obfuscation"] = padding.into();
        frame.to_string()
    };
    told.hears(frame("response.output_audio_transcript.delta", "1", "xx").as_bytes());
    told.hears(frame("response.audio_transcript.delta", "2", "yyyy").as_bytes());
    assert_eq!(look(&told.report(), "items[0].transcript"), "word");
    // The ends are told once too.
    for kind in ["response.output_audio_transcript.done", "response.audio_transcript.done"] {
        let done = json!({ "type": kind, "response_id": "r", "item_id": "a", "transcript": "word" });
        told.hears(done.to_string().as_bytes());
    }
    let ends = told.read.iter().filter(|event| matches!(event, ServerEvent::ResponseOutputAudioTranscriptDone(_)));
    assert_eq!(ends.count(), 1);
}

#[test]
fn an_item_announced_three_times_stands_once() {
    let mut told = Told::new();
    for kind in ["conversation.item.added", "conversation.item.created", "conversation.item.done"] {
        let frame = json!({ "type": kind, "previous_item_id": null, "item": { "id": "u", "type": "message", "role": "user",
            "content": [{ "type": "input_text", "text": "Hi." }] } });
        told.hears(frame.to_string().as_bytes());
    }
    let report = told.report();
    assert_eq!((look(&report, "item_count"), look(&report, "items[0].text")), (&json!(1), &json!("Hi.")));
}

#[test]
fn what_a_response_costs_counts_once() {
    let done = |usage: Value| json!({ "type": "response.done", "response": { "id": "r", "usage": usage } }).to_string();
    let mut told = Told::of(&[OPEN]);
    for (usage, total) in [(json!({}), 0), (json!({ "total_tokens": 9 }), 9), (json!({ "total_tokens": 11 }), 9)] {
        told.hears(done(usage).as_bytes());
        assert_eq!(look(&told.report(), "usage.total_tokens").as_u64().unwrap_or_default(), total);
    }
}

#[test]
fn a_sample_that_is_cut_in_two_is_put_together() {
    let bytes: Vec<u8> = (0..=250).collect();
    for cuts in [vec![1, 2, 3], vec![3, 1, 1, 1], vec![2, 5, 2], vec![251], vec![1; 251], vec![0, 7, 0, 7]] {
        let mut told = Told::of(&[OPEN]);
        let (mut rest, mut sent) = (&bytes[..], 0);
        for cut in cuts {
            let (piece, after) = rest.split_at(cut);
            (rest, sent) = (after, sent + cut);
            let audio = STANDARD.encode(piece);
            told.hears(delta("response.output_audio.delta", &audio).as_bytes());
            // Every byte counts at once, also the half of a sample.
            assert_eq!(look(&told.report(), "items[0].audio_bytes").as_u64().unwrap_or_default(), sent as u64);
        }
        let audio: Vec<_> = told
            .read
            .iter()
            .filter_map(|event| match event {
                ServerEvent::ResponseOutputAudioDelta(ResponseOutputAudioDelta { delta, .. }) => Some(delta),
                _ => None,
            })
            .collect();
        assert!(audio.iter().all(|piece| piece.len() % 2 == 0), "a reader gets whole samples");
        let joined: Vec<u8> = audio.iter().flat_map(|piece| piece.iter().copied()).collect();
        assert_eq!(joined, bytes[..sent / 2 * 2]);
    }
}

#[test]
fn a_delta_that_is_no_text_is_a_delta_of_nothing() {
    let mut told = Told::of(&[OPEN]);
    told.hears(delta("response.output_text.delta", "Hi").as_bytes());
    told.hears(br#"{"type":"response.output_text.delta","response_id":"r","item_id":"a","delta":["x"]}"#);
    let Some(ServerEvent::ResponseOutputTextDelta(ResponseOutputTextDelta { delta, .. })) = told.read.last() else {
        panic!("{:?}", told.read)
    };
    assert!(delta.is_empty());
    let left_out = told.state.left_out().next().unwrap();
    assert_eq!((&*left_out.kind, &*left_out.omission.path), ("response.output_text.delta", "delta"));
    assert_eq!(&*left_out.omission.reason, "a list where a text was expected");
}
