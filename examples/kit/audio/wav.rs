//! WAV files, read and written.

use std::{fs, io::Cursor, path::Path};

use realtime_audio::{
    Encoding, Format,
    wav::{Wav, WavError, WavWriter, encode},
};
use serde_json::{Value, json};

use super::{pcm16_samples, sha256};
use crate::case::{Outcome, case, each, file_name, json, listed, same, text};

/// The names of encodings in the cases.
const ENCODINGS: [(&str, Encoding); 9] = [
    ("pcm_u8", Encoding::PcmU8),
    ("pcm_s16", Encoding::Pcm),
    ("pcm_s24", Encoding::Pcm24),
    ("pcm_s32", Encoding::Pcm32),
    ("float32", Encoding::Float32),
    ("float64", Encoding::Float64),
    ("mulaw", Encoding::Pcmu),
    ("alaw", Encoding::Pcma),
    ("pcm_s16be", Encoding::PcmBe),
];

pub(super) fn read(folder: &Path, path: &Path) -> Vec<Outcome> {
    let cases = match json(path) {
        Ok(file) => file["cases"].as_array().cloned().unwrap_or_default(),
        Err(error) => return vec![Outcome { name: file_name(path), result: Err(error) }],
    };
    cases.iter().map(|it| case(format!("wav.json: {}", text(it, "file")), || read_one(folder, it))).collect()
}

fn read_one(folder: &Path, case: &Value) -> Result<(), String> {
    let path = folder.join(text(case, "file"));
    let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    same("bytes of the file", case["bytes"].as_u64(), Some(bytes.len() as u64))?;
    let expect = &case["expect"];
    let either: Vec<_> = expect["either"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let may = |outcome| either.contains(&outcome);
    let wav = match Wav::parse(&bytes) {
        Ok(wav) => wav,
        Err(_) if may("error") => return Ok(()),
        Err(error) => return listed(expect, &json!({"error": kind(&error)})),
    };
    let format = wav.format();
    let encoding = ENCODINGS.iter().find(|(_, encoding)| *encoding == format.encoding()).map(|(name, _)| *name);
    let mut came = json!({
        "encoding": encoding,
        "channels": format.channels(),
        "rate": format.rate_hz(),
        "frames": wav.frames(),
        "seconds": format!("{}/{}", wav.frames(), format.rate_hz()),
        "ms_floor": wav.duration().as_millis() as u64,
        "truncated": wav.missing_bytes() > 0,
    });
    let samples = wav.samples::<i16>();
    let mut expect = expect.clone();
    let members = expect.as_object_mut().ok_or("nothing is expected")?;
    members.remove("either");
    let tolerance = members.remove("tolerance_lsb").and_then(|it| it.as_u64()).unwrap_or(0);
    if may("zero_frames") && samples.is_empty() {
        members.retain(|name, _| matches!(name.as_str(), "encoding" | "channels" | "rate"));
    }
    if let Some(expected) = members.remove("pcm16_reference") {
        let path = folder.join(expected.as_str().unwrap_or_default());
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        near(&pcm16_samples(&bytes), &samples, tolerance)?;
    }
    if let Some(expected) = members.remove("pcm16") {
        near(&numbers(&expected), &samples, tolerance)?;
    }
    if let Some(expected) = members.remove("first_pcm16") {
        let expected = numbers(&expected);
        near(&expected, &samples[..expected.len().min(samples.len())], tolerance)?;
    }
    came["pcm16_sha256"] = sha256(&super::pcm16_bytes(&samples)).into();
    listed(&expect, &came)
}

fn kind(error: &WavError) -> &'static str {
    match error {
        WavError::NotWav => "not_wav",
        WavError::Truncated => "truncated",
        WavError::Malformed(_) => "malformed",
        WavError::Unsupported { .. } => "unsupported",
        _ => "another",
    }
}

fn numbers(list: &Value) -> Vec<i16> {
    let number = |value: &Value| value.as_i64().and_then(|number| i16::try_from(number).ok());
    list.as_array().into_iter().flatten().filter_map(number).collect()
}

fn near(expected: &[i16], came: &[i16], tolerance: u64) -> Result<(), String> {
    same("samples", expected.len(), came.len())?;
    let far = |(one, other): &(&i16, &i16)| u64::from(one.abs_diff(**other)) > tolerance;
    match expected.iter().zip(came).enumerate().find(|(_, pair)| far(pair)) {
        None => Ok(()),
        Some((at, (one, other))) => Err(format!("sample {at}: expected {one} give or take {tolerance}, came {other}")),
    }
}

pub(super) fn write(path: &Path) -> Vec<Outcome> {
    each(path, "cases", write_one)
}

fn write_one(case: &Value) -> Result<(), String> {
    let error = |error: WavError| error.to_string();
    let number = |member: &str| case[member].as_u64().ok_or(format!("`{member}` is missing"));
    let encoding = ENCODINGS.iter().find(|(name, _)| *name == text(case, "encoding")).ok_or("an unknown encoding")?.1;
    let channels = number("channels")? as u16;
    let format = Format::new(encoding, number("rate")? as u32).with_channels(channels);
    let length = number("frames")? as usize * format.bytes_per_frame() as usize;
    let audio: Vec<u8> = (0..length).map(|at| at as u8).collect();
    let file = encode(format, &audio).map_err(error)?;
    same("file_bytes", number("file_bytes")?, file.len() as u64)?;
    let hex: String = file.iter().map(|byte| format!("{byte:02x}")).collect();
    let header = text(case, "header_hex");
    same("header_hex", header, &hex[..header.len().min(hex.len())])?;
    same("audio read back", &audio[..], Wav::parse(&file).map_err(error)?.audio())?;

    let mut stream = WavWriter::new(Cursor::new(Vec::new()), format).map_err(error)?;
    for piece in audio.chunks(333) {
        stream.write(piece).map_err(error)?;
    }
    same("the same file, streamed", file, stream.finish().map_err(error)?.into_inner())?;

    let mut pipe = WavWriter::new(Vec::new(), format).map_err(error)?;
    pipe.write(&audio).map_err(error)?;
    let file = pipe.finish_unknown().map_err(error)?;
    same("audio of unknown length read back", &audio[..], Wav::parse(&file).map_err(error)?.audio())
}
