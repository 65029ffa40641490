//! Resampling: how long, how good, and the same however it is cut.

use std::{f64::consts::TAU, fs, path::Path};

use realtime_audio::{Converter, Format, wav::Wav};
use serde_json::Value;

use super::{
    measure::{left_over_db, sine_db, speech_db},
    pcm16_bytes, pcm16_samples,
};
use crate::case::{Outcome, case, file_name, json, same, text};

/// How many samples are pushed at once, in turn.
const PIECES: [usize; 5] = [1, 7, 160, 333, 4_800];

pub(super) fn run(folder: &Path, path: &Path) -> Vec<Outcome> {
    let file = match json(path) {
        Ok(file) => file,
        Err(error) => return vec![Outcome { name: file_name(path), result: Err(error) }],
    };
    let must = |target: &str| file["targets"][target]["must_db"].as_f64().ok_or(format!("no target for {target}"));
    let list = |member: &str| file[member].as_array().cloned().unwrap_or_default();
    let mut outcomes = Vec::new();
    let mut add = |name: String, check: &dyn Fn() -> Result<(), String>| {
        outcomes.push(case(format!("resample.json: {name}"), check));
    };
    for it in &list("sines") {
        add(format!("{} to {} Hz, a sine of {} Hz", it["from"], it["to"], it["hz"]), &|| sine(it, must("sine")?));
    }
    for it in &list("above_nyquist") {
        add(format!("{} to {} Hz, a tone of {} Hz", it["from"], it["to"], it["hz"]), &|| above(it, must("left_over")?));
    }
    for it in &list("speech") {
        add(format!("{} to {} Hz, speech", it["from"], it["to"]), &|| speech(folder, it, must("speech")?));
    }
    for pair in &list("pairs") {
        let rates = || Ok::<_, String>((rate(&pair[0])?, rate(&pair[1])?));
        add(format!("{} to {} Hz, silence", pair[0], pair[1]), &|| rates().and_then(|(from, to)| silence(from, to)));
        add(format!("{} to {} Hz, a square", pair[0], pair[1]), &|| rates().and_then(|(from, to)| square(from, to)));
    }
    outcomes
}

fn rate(value: &Value) -> Result<u32, String> {
    value.as_u64().and_then(|rate| u32::try_from(rate).ok()).ok_or(format!("{value} is no rate"))
}

/// The output, which must be as long as it should be and not depend on the pieces of the input.
fn resample(input: &[i16], from: u32, to: u32) -> Result<Vec<i16>, String> {
    let mut converter = Converter::new(Format::pcm(from), Format::pcm(to)).map_err(|error| error.to_string())?;
    let bytes = pcm16_bytes(input);
    let mut whole = converter.convert(&bytes).to_vec();
    whole.extend_from_slice(converter.finish());
    let (mut pieces, mut rest, mut sizes) = (Vec::new(), &bytes[..], PIECES.iter().cycle());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at((2 * sizes.next().unwrap_or(&1)).min(rest.len()));
        pieces.extend_from_slice(converter.convert(piece));
        rest = after;
    }
    pieces.extend_from_slice(converter.finish());
    if whole != pieces {
        return Err("in pieces, the samples are others than at once".into());
    }
    let exact = (input.len() as f64 * f64::from(to) / f64::from(from)).round();
    count(exact as u64, whole.len() as u64 / 2)?;
    Ok(pcm16_samples(&whole))
}

fn count(expected: u64, came: u64) -> Result<(), String> {
    if expected.abs_diff(came) <= 1 { Ok(()) } else { Err(format!("samples: expected {expected}, came {came}")) }
}

fn tone(case: &Value) -> Result<(Vec<i16>, Vec<i16>, u32), String> {
    let (from, to) = (rate(&case["from"])?, rate(&case["to"])?);
    let (hz, seconds) = (case["hz"].as_f64().ok_or("no hz")?, case["seconds"].as_f64().ok_or("no seconds")?);
    let sample = |n: usize| 32_768.0 * 0.5 * (TAU * hz * n as f64 / f64::from(from) + 0.3).sin();
    let input: Vec<i16> = (0..(seconds * f64::from(from)) as usize).map(|n| sample(n).round() as i16).collect();
    let output = resample(&input, from, to)?;
    if let Some(samples) = case["samples_in"].as_u64() {
        same("samples_in", samples, input.len() as u64)?;
    }
    if let Some(samples) = case["samples_out"].as_u64() {
        count(samples, output.len() as u64)?;
    }
    Ok((input, output, to))
}

fn sine(case: &Value, must: f64) -> Result<(), String> {
    let (_, output, to) = tone(case)?;
    at_least(must, sine_db(&output, to, case["hz"].as_f64().unwrap_or_default()))
}

fn above(case: &Value, must: f64) -> Result<(), String> {
    let (input, output, to) = tone(case)?;
    let left = left_over_db(&output, to, &input);
    if left < must { Ok(()) } else { Err(format!("left over: expected less than {must} dB, came {left:.1} dB")) }
}

fn speech(folder: &Path, case: &Value, must: f64) -> Result<(), String> {
    let (from, to) = (rate(&case["from"])?, rate(&case["to"])?);
    let read = |member: &str, rate: u32| {
        let path = folder.join(text(case, member));
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let wav = Wav::parse(&bytes).map_err(|error| error.to_string())?;
        same("rate of the file", rate, wav.format().rate_hz())?;
        Ok::<_, String>(wav.samples::<i16>())
    };
    let (input, reference) = (read("input", from)?, read("reference", to)?);
    let output = resample(&input, from, to)?;
    same("samples_in", case["samples_in"].as_u64(), Some(input.len() as u64))?;
    count(case["samples_out"].as_u64().unwrap_or_default(), output.len() as u64)?;
    at_least(must, speech_db(&reference, &output, to, case["band_hz"].as_f64().ok_or("no band_hz")?))
}

fn at_least(must: f64, came: f64) -> Result<(), String> {
    if came >= must { Ok(()) } else { Err(format!("expected {must} dB or more, came {came:.1} dB")) }
}

fn silence(from: u32, to: u32) -> Result<(), String> {
    let output = resample(&vec![0; from as usize / 2], from, to)?;
    match output.iter().find(|sample| **sample != 0) {
        None => Ok(()),
        Some(sample) => Err(format!("expected silence, came a sample of {sample}")),
    }
}

/// A full-scale square wave may clip, but never wraps.
fn square(from: u32, to: u32) -> Result<(), String> {
    let high = |n: u64| (200 * n / u64::from(from)).is_multiple_of(2);
    let length = u64::from(from) / 2;
    let input: Vec<i16> = (0..length).map(|n| if high(n) { 32_767 } else { -32_768 }).collect();
    let output = resample(&input, from, to)?;
    for (at, sample) in output.iter().enumerate() {
        let seconds = at as f64 / f64::from(to);
        let half_wave = seconds * 200.0;
        let from_edge = (half_wave - half_wave.round()).abs() / 200.0;
        // Edges lie at whole samples of the input, which may be one later; the ends are edges, too.
        if from_edge < 0.001 + 1.0 / f64::from(from) {
            continue;
        }
        if (*sample > 0) != ((half_wave as u64).is_multiple_of(2)) {
            return Err(format!("sample {at} is {sample}, on the wrong side"));
        }
    }
    Ok(())
}
