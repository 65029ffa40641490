//! The recording of a session, in stereo.

use std::{fs, io::Cursor, path::Path, time::Duration};

use realtime_audio::{Format, Recorder, wav::Wav};
use realtime_core::transport::Instant;
use serde_json::Value;

use super::pcm16_bytes;
use crate::case::{Outcome, case, entries, file_name, json, same, text};

pub(super) fn run(folder: &Path) -> Vec<Outcome> {
    let recordings = entries(folder).into_iter().filter(|path| path.extension().is_some_and(|it| it == "json"));
    recordings.map(|path| case(format!("recording: {}", file_name(&path)), || record(folder, &path))).collect()
}

/// How often it is reported what was heard.
const REPORTS_MS: u64 = 100;

enum What {
    Received(String, Vec<u8>),
    Sent(Vec<u8>),
    Heard(String, u64),
    Over(String),
}

impl What {
    /// The order of what happens at one time.
    fn rank(&self) -> u8 {
        match self {
            Self::Received(..) => 0,
            Self::Sent(_) => 1,
            Self::Heard(..) => 2,
            Self::Over(_) => 3,
        }
    }
}

fn record(folder: &Path, path: &Path) -> Result<(), String> {
    let case = json(path)?;
    let number = |value: &Value, member: &str| value[member].as_u64().ok_or(format!("`{member}` is missing"));
    let list = |member: &str| case[member].as_array().cloned().unwrap_or_default();
    let at = |ms| Instant::from_origin(Duration::from_millis(ms));
    let rate = number(&case, "rate")? as u32;
    let stretch = |value: &Value| {
        let sample = value["value"].as_i64().and_then(|value| i16::try_from(value).ok()).ok_or("no value")?;
        Ok::<_, String>(pcm16_bytes(&vec![sample; number(value, "samples")? as usize]))
    };
    // What happened, in the order of time. What was heard is reported as a ledger does, bit by bit.
    let mut happened = Vec::new();
    for it in list("appended") {
        happened.push((number(&it, "at_ms")?, What::Sent(stretch(&it)?)));
    }
    for (index, it) in list("played").iter().enumerate() {
        // An item may come in several stretches.
        let item = format!("{}#{index}", text(it, "item"));
        happened.push((number(it, "received_at_ms")?, What::Received(item.clone(), stretch(it)?)));
        let heard_ms = number(it, "heard_ms")?;
        if heard_ms == 0 {
            continue;
        }
        let start = number(it, "play_start_ms")?;
        for ms in (REPORTS_MS..heard_ms).step_by(REPORTS_MS as usize) {
            happened.push((start + ms, What::Heard(item.clone(), ms)));
        }
        happened.push((start + heard_ms, What::Heard(item.clone(), heard_ms)));
        happened.push((start + heard_ms, What::Over(item)));
    }
    happened.sort_by_key(|(ms, what)| (*ms, what.rank()));

    let pcm = Format::pcm(rate);
    let error = |error: realtime_audio::RecordError| error.to_string();
    let mut recorder = Recorder::new(Cursor::new(Vec::new()), pcm, pcm, rate, at(0)).map_err(error)?;
    for (ms, what) in happened {
        match what {
            What::Received(item, audio) => recorder.received(&item, 0, audio.into()),
            What::Sent(audio) => recorder.sent(&audio, at(ms)),
            What::Heard(item, heard_ms) => recorder.heard(&item, 0, heard_ms, at(ms)),
            What::Over(item) => {
                recorder.cut_off(&item, 0);
                Ok(())
            }
        }
        .map_err(error)?;
    }
    let file = recorder.finish().map_err(error)?.into_inner();
    let came = Wav::parse(&file).map_err(|error| error.to_string())?;

    let expect = &case["expect"];
    same("channels", expect["channels"].as_u64(), Some(came.format().channels().into()))?;
    same("frames", expect["frames"].as_u64(), Some(came.frames()))?;
    let expected = fs::read(folder.join(text(expect, "file"))).map_err(|error| error.to_string())?;
    let expected = Wav::parse(&expected).map_err(|error| error.to_string())?;
    same("format", expected.format(), came.format())?;
    let pairs = expected.audio().chunks(4).zip(came.audio().chunks(4));
    match pairs.enumerate().find(|(_, (one, other))| one != other) {
        None => same("bytes of audio", expected.audio().len(), came.audio().len()),
        Some((at, (one, other))) => Err(format!("frame {at}: expected {one:?}, came {other:?}")),
    }
}
