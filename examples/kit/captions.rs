//! Timed text, or the events that it comes from, to SRT and WebVTT.

use std::{fs, path::Path};

use realtime::{
    captions::{Captions, Layout, Segment, Side, srt, vtt},
    event::{Event, ServerEvent},
    live,
};
use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::case::{Outcome, case, entries, equal, file_name, json, same, text};

pub(crate) fn run(folder: &Path) -> Vec<Outcome> {
    let paths = entries(folder).into_iter().filter(|path| path.extension().is_some_and(|it| it == "json"));
    paths.map(|path| case(file_name(&path), || one(&path))).collect()
}

fn one(path: &Path) -> Result<(), String> {
    let case = json(path)?;
    let captions = collect(&case);
    let came = match case["events"].is_array() {
        true => captions.segments(),
        false => serde_json::from_value(case["segments"].clone()).map_err(|error| error.to_string())?,
    };
    match text(&case, "check") {
        "exact" => exact(path, &case, &came),
        "either" => either(&case, &came),
        "invariants" if case["joined"].is_object() => sides(&case, &captions),
        "invariants" => layout(&case, &came),
        other => Err(format!("a check that is not known here: {other:?}")),
    }
}

fn collect(case: &Value) -> Captions {
    let mut captions = Captions::new();
    for event in case["events"].as_array().into_iter().flatten() {
        let line = event.to_string();
        // Each kind of session knows its own events, and neither knows the other's.
        captions.apply(&ServerEvent::decode(line.as_bytes()));
        captions.apply_live(&live::event::ServerEvent::decode(line.as_bytes()));
    }
    captions
}

fn exact(path: &Path, case: &Value, came: &[Segment]) -> Result<(), String> {
    if case["events"].is_array() && case["segments"].is_array() {
        let expected = &case["segments"];
        let came = as_listed(came);
        if !equal(expected, &came) {
            return Err(format!("expected the segments {expected}, came {came}"));
        }
    }
    let plain = |text: &str| text.replace("\r\n", "\n").trim_end_matches('\n').to_owned();
    for (extension, came) in [("srt", srt(came)), ("vtt", vtt(came))] {
        let expected = fs::read_to_string(path.with_extension(extension)).map_err(|error| error.to_string())?;
        same(extension, plain(&expected), plain(&came))?;
    }
    Ok(())
}

fn as_listed(segments: &[Segment]) -> Value {
    serde_json::to_value(segments).unwrap_or_default()
}

fn either(case: &Value, came: &[Segment]) -> Result<(), String> {
    let came = as_listed(came);
    let readings = case["either"].as_array().ok_or("no readings are listed")?;
    if readings.iter().any(|reading| equal(&reading["segments"], &came)) {
        return Ok(());
    }
    Err(format!("expected one of {}, came {came}", json!(readings)))
}

/// The cues of one side of a Live session.
fn sides(case: &Value, captions: &Captions) -> Result<(), String> {
    for (name, side) in [("input", Side::Input), ("output", Side::Output)] {
        let cues = captions.side(side);
        let joined: String = cues.iter().map(|cue| bare(&cue.text)).collect();
        same(name, bare(text(&case["joined"], name)), joined)?;
        let span = &case["spans"][name];
        in_order(&cues, span[0].as_u64().unwrap_or_default(), span[1].as_u64().unwrap_or(u64::MAX))?;
    }
    same(
        "cues of both sides",
        captions.segments().len(),
        captions.side(Side::Input).len() + captions.side(Side::Output).len(),
    )
}

fn in_order(cues: &[Segment], from: u64, to: u64) -> Result<(), String> {
    let mut before = from;
    for cue in cues {
        if cue.start_ms < before || cue.end_ms <= cue.start_ms || cue.end_ms > to {
            return Err(format!("not in order between {from} and {to}: {cue:?}"));
        }
        before = cue.end_ms;
    }
    Ok(())
}

fn layout(case: &Value, segments: &[Segment]) -> Result<(), String> {
    let number = |member: &str, other| case["options"][member].as_u64().map_or(other, |it| it as usize);
    let layout = Layout::new(number("max_columns", 42), number("max_lines", 2));
    let mut written = Vec::new();
    for segment in segments {
        let cues = layout.apply(std::slice::from_ref(segment));
        let joined: String = cues.iter().map(|cue| bare(&cue.text)).collect();
        same("text", bare(&segment.text), joined)?;
        let clusters = |text: &str| -> Vec<String> {
            text.graphemes(true).filter(|it| !it.trim().is_empty()).map(Into::into).collect()
        };
        let shown: Vec<_> = cues.iter().flat_map(|cue| clusters(&cue.text)).collect();
        same("clusters", clusters(&segment.text), shown)?;
        in_order(&cues, segment.start_ms, segment.end_ms)?;
        for cue in &cues {
            let lines: Vec<_> = cue.text.lines().collect();
            if lines.len() > layout.max_lines || lines.iter().any(|line| columns(line) > layout.max_columns) {
                return Err(format!("a cue is larger than {layout:?}: {:?}", cue.text));
            }
            same("speaker", &segment.speaker, &cue.speaker)?;
        }
        written.extend(cues);
    }
    // Every cue is in both formats.
    same("cues in SRT", written.len(), srt(&written).matches(" --> ").count())?;
    same("cues in WebVTT", written.len(), vtt(&written).matches(" --> ").count())
}

/// Without any white space.
fn bare(text: &str) -> String {
    text.split_whitespace().collect()
}

/// One column a grapheme cluster, or two if it is wide.
fn columns(line: &str) -> usize {
    line.graphemes(true).map(|cluster| cluster.width().clamp(1, 2)).sum()
}
