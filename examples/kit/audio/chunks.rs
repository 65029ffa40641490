//! Cutting into frames, and pacing them.

use std::{path::Path, time::Duration};

use realtime_audio::{Encoding, Format, Frames, Pacer, Rest};
use realtime_core::transport::Instant;
use serde_json::{Value, json};

use crate::case::{Outcome, each, entries, file_name, listed, same, text};

pub(super) fn run(folder: &Path) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for path in entries(folder) {
        outcomes.extend(match &*file_name(&path) {
            "chunks.json" => {
                let mut outcomes = each(&path, "cases", cut);
                outcomes.extend(each(&path, "frame_bytes", frame_bytes));
                outcomes.extend(each(&path, "not_whole", not_whole));
                outcomes
            }
            "pacing.json" => each(&path, "cases", pace),
            name => vec![Outcome { name: name.into(), result: Err("a file that is not known here".into()) }],
        });
    }
    outcomes
}

fn format(case: &Value) -> Result<Format, String> {
    let rate = number(case, "rate")? as u32;
    let encoding = match text(case, "encoding") {
        "pcm16" | "" => Encoding::Pcm,
        "l16" | "pcm16be" => Encoding::PcmBe,
        "pcmu" => Encoding::Pcmu,
        "pcma" => Encoding::Pcma,
        other => return Err(format!("an unknown encoding: {other}")),
    };
    Ok(Format::new(encoding, rate))
}

fn number(case: &Value, member: &str) -> Result<u64, String> {
    case[member].as_u64().ok_or(format!("`{member}` is missing"))
}

fn numbers(case: &Value, member: &str) -> Vec<u64> {
    case[member].as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
}

fn cut(case: &Value) -> Result<(), String> {
    let format = format(case)?;
    let mut frames = Frames::new(format, number(case, "frame_ms")? as u32).map_err(|error| error.to_string())?;
    same("frame_bytes", number(case, "frame_bytes")?, frames.frame_bytes() as u64)?;
    // Bytes that tell where they came from.
    let mut counter = (0..=250_u8).cycle();
    let (mut pushed, mut out, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for bytes in numbers(case, "pushes_bytes") {
        let piece: Vec<u8> = counter.by_ref().take(bytes as usize).collect();
        pushed.extend_from_slice(&piece);
        frames.push(&piece);
        let mut count = 0_u64;
        while let Some(frame) = frames.next_frame() {
            same("length of a frame", number(case, "frame_bytes")?, frame.len() as u64)?;
            out.extend_from_slice(frame);
            count += 1;
        }
        whole.push(count);
    }
    same("whole_frames_after_each_push", numbers(case, "whole_frames_after_each_push"), whole)?;
    let rest = match text(case, "flush") {
        "short" => Rest::Short,
        "padded" => Rest::Padded,
        "dropped" => Rest::Dropped,
        other => return Err(format!("an unknown flush: {other}")),
    };
    let last = frames.finish(rest).unwrap_or_default().to_vec();
    let after = pushed.len() - out.len() - frames.left_over();
    let pad = if rest == Rest::Padded { last.len() - after.min(last.len()) } else { 0 };
    listed(
        &json!({
            "at_flush": case["at_flush"], "left_over_half_sample": case["left_over_half_sample"],
            "pad_bytes": case["pad_bytes"], "silence_byte": case["silence_byte"],
        }),
        &json!({
            "at_flush": last.len(), "left_over_half_sample": frames.left_over(),
            "pad_bytes": pad, "silence_byte": format.encoding().silence(),
        }),
    )?;
    same("padding", true, last[last.len() - pad..].iter().all(|byte| *byte == format.encoding().silence()))?;
    out.extend_from_slice(&last[..last.len() - pad]);
    let expected = if rest == Rest::Dropped { out.len() } else { pushed.len() - frames.left_over() };
    same("the bytes in order", &pushed[..expected], &out[..])
}

fn frame_bytes(case: &Value) -> Result<(), String> {
    let frames = Frames::new(format(case)?, number(case, "ms")? as u32).map_err(|error| error.to_string())?;
    same("bytes", number(case, "bytes")?, frames.frame_bytes() as u64)
}

fn not_whole(case: &Value) -> Result<(), String> {
    match Frames::new(format(case)?, number(case, "ms")? as u32) {
        Err(_) => Ok(()),
        Ok(frames) => Err(format!("expected an error, came frames of {} bytes", frames.frame_bytes())),
    }
}

/// What can happen at a time, in the order in which it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Push(u64),
    Clear,
    Wake,
}

fn pace(case: &Value) -> Result<(), String> {
    let length = Duration::from_millis(number(case, "frame_ms")?);
    let mut pacer = Pacer::new(length).with_lead(case["lead_frames"].as_u64().unwrap_or(0) as u32);
    let at = |ms| Instant::from_origin(Duration::from_millis(ms));
    let mut timeline = Vec::new();
    for push in case["pushes"].as_array().into_iter().flatten() {
        timeline.push((number(push, "at_ms")?, What::Push(number(push, "frames")?)));
    }
    timeline.extend(numbers(case, "cleared_at_ms").into_iter().map(|ms| (ms, What::Clear)));
    let wakes = numbers(case, "sender_wakes_at_ms");
    timeline.extend(wakes.iter().map(|ms| (*ms, What::Wake)));
    timeline.sort();

    let (mut next, mut sent) = (0_u64, Vec::new());
    let mut timeline = timeline.into_iter().peekable();
    loop {
        // A sender without a list of its own wakes whenever a frame is due.
        let due = pacer.due().filter(|_| wakes.is_empty()).map(|due| due.since_origin().as_millis() as u64);
        let (now, what) = match (timeline.peek().copied(), due) {
            (Some((now, _)), Some(due)) if due < now => (due, What::Wake),
            (Some(event), _) => {
                timeline.next();
                event
            }
            (None, Some(due)) => (due, What::Wake),
            (None, None) => break,
        };
        match what {
            What::Push(frames) => {
                for _ in 0..frames {
                    pacer.push(next, at(now)).map_err(|error| error.to_string())?;
                    next += 1;
                }
            }
            What::Clear => pacer.clear(),
            What::Wake => {
                while let Some(frame) = pacer.poll(at(now)) {
                    sent.push(json!({"at_ms": now, "frame": frame}));
                }
            }
        }
    }
    listed(&json!({"sent": case["sent"]}), &json!({ "sent": sent }))
}
