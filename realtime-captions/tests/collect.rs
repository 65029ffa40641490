//! Captions as they come about, event by event.

use realtime_captions::{Caption, Captions, Segment, Side, json_lines, vtt};
use realtime_core::{
    Id,
    event::{Event, ServerEvent},
};
use serde_json::{Value, json};

fn apply(captions: &mut Captions, kind: &str, members: Value) -> Option<Caption> {
    let mut event = json!({ "type": kind, "content_index": 0 });
    for (name, value) in members.as_object().unwrap() {
        event[name] = value.clone();
    }
    captions.apply(&ServerEvent::decode(event.to_string().as_bytes()))
}

const TRANSCRIPTION: &str = "conversation.item.input_audio_transcription";

#[test]
fn partial_text_is_shown_and_corrected_in_place() {
    let mut captions = Captions::new().speakers("Caller", "Agent");
    assert_eq!(
        apply(&mut captions, "input_audio_buffer.speech_started", json!({"audio_start_ms": 100, "item_id": "a"})),
        None
    );
    captions.input_position(400);
    let delta = |captions: &mut Captions, text| {
        apply(captions, &format!("{TRANSCRIPTION}.delta"), json!({"item_id": "a", "delta": text})).unwrap()
    };
    delta(&mut captions, "Two coffee");
    let caption = delta(&mut captions, " please");
    assert_eq!(caption.segment, Segment::new(100, 400, "Two coffee please").speaker("Caller"));
    assert!(!caption.done);
    let stopped = json!({"audio_end_ms": 900, "item_id": "a"});
    assert_eq!(apply(&mut captions, "input_audio_buffer.speech_stopped", stopped).unwrap().segment.end_ms, 900);
    let completed = json!({"item_id": "a", "transcript": "Two coffees, please."});
    let caption = apply(&mut captions, &format!("{TRANSCRIPTION}.completed"), completed).unwrap();
    assert_eq!((&*caption.segment.text, caption.done), ("Two coffees, please.", true));
    assert_eq!(captions.segments(), [caption.segment]);
}

#[test]
fn without_turn_detection_speech_lies_between_the_commits() {
    let mut captions = Captions::new();
    for (item, position, text) in [("a", 800, "One."), ("b", 2_000, "Two.")] {
        captions.input_position(position);
        apply(&mut captions, "input_audio_buffer.committed", json!({"item_id": item}));
        apply(&mut captions, &format!("{TRANSCRIPTION}.completed"), json!({"item_id": item, "transcript": text}));
    }
    assert_eq!(captions.segments(), [Segment::new(0, 800, "One."), Segment::new(800, 2_000, "Two.")]);
}

#[test]
fn speakers_that_are_told_apart_stand_in_place_of_the_whole_text() {
    let mut captions = Captions::new().speakers("Caller", "Agent");
    apply(&mut captions, "input_audio_buffer.speech_started", json!({"audio_start_ms": 2_000, "item_id": "a"}));
    for (text, start) in [("On", 0.25), ("One.", 0.25)] {
        let segment = json!({"item_id": "a", "id": "s1", "speaker": "B", "text": text, "start": start, "end": 1.0005});
        apply(&mut captions, &format!("{TRANSCRIPTION}.segment"), segment);
    }
    apply(&mut captions, &format!("{TRANSCRIPTION}.completed"), json!({"item_id": "a", "transcript": "One."}));
    assert_eq!(captions.segments(), [Segment::new(2_250, 3_001, "One.").speaker("B")]);
}

#[test]
fn deltas_with_times_are_cut_at_pauses_and_never_counted_twice() {
    let mut captions = Captions::new();
    for (number, (text, start, end)) in
        [("Hello, ", 0.0, 300.4), ("there.", 300.5, 600.0), ("Well", 1_100.0, 1_300.0), ("!", 1_300.0, 1_300.0)]
            .into_iter()
            .enumerate()
    {
        for _ in 0..2 {
            captions.delta(Side::Output, &Id::new(&format!("e{number}")), text, start, end);
        }
    }
    assert_eq!(captions.segments(), [Segment::new(0, 600, "Hello, there."), Segment::new(1_100, 1_300, "Well!")]);
    assert_eq!(captions.side(Side::Input), []);
}

#[test]
fn a_line_of_json_is_a_segment_and_speakers_cannot_break_out_of_their_tag() {
    let segments = [Segment::new(5, 9, "b").speaker("A>\n<i>"), Segment::new(0, 5, " a ")];
    let lines = json_lines(&segments);
    let read: Vec<Segment> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, [Segment::new(0, 5, "a"), Segment::new(5, 9, "b").speaker("A> <i>")]);
    assert!(vtt(&segments).contains("<v A&gt; &lt;i&gt;>b"));
}
