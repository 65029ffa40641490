//! Caption file formats.

use std::fmt::Write;

use crate::{Segment, segment::one_line};

/// Writes SubRip (`.srt`): numbered cues, sorted by start and end. Segments without text are omitted. The speaker
/// precedes the text, followed by a colon.
///
/// # Examples
/// ```
/// use realtime_captions::{Segment, srt};
///
/// assert_eq!(srt(&[Segment::new(320, 1_480, "Hello.")]), "1\n00:00:00,320 --> 00:00:01,480\nHello.\n\n");
/// ```
pub fn srt(segments: &[Segment]) -> String {
    let mut text = String::new();
    for (number, cue) in (1..).zip(cues(segments)) {
        let speaker = cue.speaker.map(|speaker| format!("{speaker}: ")).unwrap_or_default();
        let (start, end) = (time(cue.start_ms, ','), time(cue.end_ms, ','));
        // Writing to a `String` does not fail.
        let _ = write!(text, "{number}\n{start} --> {end}\n{speaker}{}\n\n", cue.lines.join("\n"));
    }
    text
}

/// Writes WebVTT (`.vtt`): cues sorted by start and end. Segments without text are omitted. The speaker is a voice tag.
///
/// # Examples
/// ```
/// use realtime_captions::{Segment, vtt};
///
/// assert_eq!(vtt(&[Segment::new(320, 1_480, "Hello.")]), "WEBVTT\n\n00:00:00.320 --> 00:00:01.480\nHello.\n");
/// ```
pub fn vtt(segments: &[Segment]) -> String {
    let mut text = String::from("WEBVTT\n");
    for cue in cues(segments) {
        let speaker = cue.speaker.map(|speaker| format!("<v {}>", escape(&speaker))).unwrap_or_default();
        let (start, end) = (time(cue.start_ms, '.'), time(cue.end_ms, '.'));
        let _ = write!(text, "\n{start} --> {end}\n{speaker}{}\n", escape(&cue.lines.join("\n")));
    }
    text
}

/// Writes one JSON object per line and segment: `start_ms`, `end_ms`, `text`, and `speaker` if known. Sorted by start and
/// end.
///
/// # Examples
/// ```
/// use realtime_captions::{Segment, json_lines};
///
/// assert_eq!(json_lines(&[Segment::new(320, 1_480, "Hello.")]), "{\"start_ms\":320,\"end_ms\":1480,\"text\":\"Hello.\"}\n");
/// ```
pub fn json_lines(segments: &[Segment]) -> String {
    let mut text = String::new();
    for cue in cues(segments) {
        let Cue { start_ms, end_ms, lines, speaker } = cue;
        let segment = Segment { start_ms, end_ms, text: lines.join("\n"), speaker };
        // Numbers and strings can always be serialized.
        text.push_str(&serde_json::to_string(&segment).unwrap_or_default());
        text.push('\n');
    }
    text
}

struct Cue {
    start_ms: u64,
    end_ms: u64,
    lines: Vec<String>,
    speaker: Option<String>,
}

/// Segments that have text, sorted by start and end; equal ones keep their order.
fn cues(segments: &[Segment]) -> Vec<Cue> {
    let cue = |segment: &Segment| Cue {
        start_ms: segment.start_ms,
        end_ms: segment.end_ms,
        lines: segment.lines().collect(),
        speaker: segment.speaker.as_deref().map(one_line).filter(|speaker| !speaker.is_empty()),
    };
    let mut cues: Vec<_> = segments.iter().map(cue).filter(|cue| !cue.lines.is_empty()).collect();
    cues.sort_by_key(|cue| (cue.start_ms, cue.end_ms));
    cues
}

/// Formats a time as `01:02:03,004`, with more digits from 100 hours on.
fn time(ms: u64, point: char) -> String {
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    format!("{:02}:{:02}:{seconds:02}{point}{ms:03}", minutes / 60, minutes % 60)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
