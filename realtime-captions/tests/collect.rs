//! Captions as they come about, event by event.

use realtime_captions::{Caption, Captions, Segment, Side, json_lines, srt, vtt};
use realtime_core::{
    Id,
    event::{Event, InputAudioBufferSpeechStarted, ServerEvent},
    live::{
        Live,
        event::ServerEvent as LiveEvent,
        state::{ConnectionKind, Grouping, LiveState},
    },
    session::{Changes, State},
    transport::Instant,
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

/// A transcript delta of a Live session.
fn live(side: &str, id: &str, text: &str, start: f64, end: f64) -> LiveEvent {
    let delta = json!({
        "type": format!("session.{side}_transcript.delta"),
        "event_id": id, "delta": text, "start_ms": start, "end_ms": end,
    });
    let event = LiveEvent::decode(delta.to_string().as_bytes());
    assert!(!matches!(event, LiveEvent::Malformed(_) | LiveEvent::Unknown(_)), "{event:?}");
    event
}

#[test]
fn a_live_session_gives_captions_of_both_sides_that_grow_in_place() {
    let mut captions = Captions::new().speakers("Caller", "Agent");
    let events = [
        live("input", "e1", "Is the", 200.0, 430.5),
        live("input", "e2", " kitchen", 430.5, 900.0),
        // The model says "mhm" meanwhile: it is a caption of its own side, and comes late.
        live("output", "e3", "Mhm.", 400.0, 600.0),
        // A sideband that attaches again is told this once more.
        live("input", "e2", " kitchen", 430.5, 900.0),
        live("input", "e4", " open?", 900.0, 1_250.0),
        live("output", "e5", "Until", 1_600.0, 1_900.0),
        live("output", "e6", " ten.", 1_900.0, 2_200.0),
        // After half a second of silence a new caption begins.
        live("input", "e7", "Thanks!", 1_800.0, 2_100.0),
    ];
    let shown: Vec<_> = events.iter().map(|event| captions.apply_live(event)).collect();
    let text = |at: usize| shown[at].as_ref().map(|caption| (&*caption.segment.text, caption.done));
    assert_eq!(text(0), Some(("Is the", false)));
    assert_eq!(text(1), Some(("Is the kitchen", false)));
    assert_eq!(text(2), Some(("Mhm.", false)));
    assert_eq!(text(3), None);
    assert_eq!(text(4), Some(("Is the kitchen open?", false)));
    assert_eq!(shown[4].as_ref().unwrap().segment.speaker.as_deref(), Some("Caller"));
    assert_eq!(
        captions.segments(),
        [
            Segment::new(200, 1_250, "Is the kitchen open?").speaker("Caller"),
            Segment::new(400, 600, "Mhm.").speaker("Agent"),
            Segment::new(1_600, 2_200, "Until ten.").speaker("Agent"),
            Segment::new(1_800, 2_100, "Thanks!").speaker("Caller"),
        ]
    );
    assert!(srt(&captions.segments()).starts_with("1\n00:00:00,200 --> 00:00:01,250\nCaller: Is the kitchen open?\n"));
    // What says nothing changes nothing.
    let muted = LiveEvent::decode(br#"{"type":"session.input_audio.muted","event_id":"e8"}"#);
    assert_eq!(captions.apply_live(&muted), None);
}

#[test]
fn a_turn_of_a_live_session_is_a_segment() {
    let mut state = LiveState::new(ConnectionKind::Primary, Grouping::default());
    for mut event in [
        live("input", "e1", "Is the kitchen", 200.0, 900.0),
        live("input", "e2", " open?", 900.0, 1_250.0),
        live("output", "e3", "Until ten.", 1_900.0, 2_200.0),
    ] {
        State::<Live>::received(&mut state, &mut event, Instant::default(), &mut Changes::default());
    }
    state.elapse(Instant::default() + std::time::Duration::from_secs(10));
    let turns: Vec<_> = state.turns().map(Segment::from).collect();
    assert_eq!(
        turns,
        [
            Segment::new(200, 1_250, "Is the kitchen open?").speaker("user"),
            Segment::new(1_900, 2_200, "Until ten.").speaker("assistant"),
        ]
    );
}

#[test]
fn a_server_that_says_nothing_without_end_is_not_kept_without_end() {
    let mut captions = Captions::new();
    for number in 0..300_000 {
        captions.apply(&InputAudioBufferSpeechStarted::new(format!("item_{number}")).into());
        if captions.is_full() {
            break;
        }
    }
    assert!(captions.is_full());
    let mut captions = Captions::new();
    for number in 0..300_000_u32 {
        captions.delta(Side::Input, &Id::new(""), "", f64::from(number) * 1e3, f64::from(number) * 1e3 + 1.0);
    }
    assert!(captions.is_full());
}
