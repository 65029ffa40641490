//! G.711, over all codes and all samples.

use std::{fs, path::Path};

use realtime_audio::{
    g711::{decode_pcma, decode_pcmu, encode_pcma, encode_pcmu},
    wav::Wav,
};
use serde_json::Value;

use super::{pcm16_bytes, sha256};
use crate::case::{Outcome, case, file_name, json, same, text};

struct Law {
    name: &'static str,
    decode: fn(u8) -> i16,
    encode: fn(i16) -> u8,
    /// Codes that mean what another means, and that one.
    doubled: Option<(u8, u8)>,
    /// Beyond this magnitude it clips.
    clip: u16,
    /// Half a step in each segment.
    half_steps: [u16; 8],
}

const LAWS: [Law; 2] = [
    Law {
        name: "mulaw",
        decode: decode_pcmu,
        encode: encode_pcmu,
        doubled: Some((0x7f, 0xff)),
        clip: 32_635,
        half_steps: [4, 8, 16, 32, 64, 128, 256, 512],
    },
    Law {
        name: "alaw",
        decode: decode_pcma,
        encode: encode_pcma,
        doubled: None,
        clip: u16::MAX,
        half_steps: [8, 8, 16, 32, 64, 128, 256, 512],
    },
];

pub(super) fn run(folder: &Path, path: &Path) -> Vec<Outcome> {
    let file = match json(path) {
        Ok(file) => file,
        Err(error) => return vec![Outcome { name: file_name(path), result: Err(error) }],
    };
    let mut outcomes = Vec::new();
    for law in &LAWS {
        let tables = &file[law.name];
        if tables.is_null() {
            continue;
        }
        outcomes.push(case(format!("g711.json: {} decoded", law.name), || decoded(law, tables)));
        outcomes.push(case(format!("g711.json: {} encoded", law.name), || encoded(law, tables)));
        outcomes.push(case(format!("g711.json: {} keeps its laws", law.name), || laws(law)));
    }
    let spoken = &file["speech"];
    for one in spoken.as_array().map_or(std::slice::from_ref(spoken), Vec::as_slice) {
        if !one.is_null() {
            outcomes.push(case("g711.json: speech", || speech(folder, one)));
        }
    }
    outcomes
}

fn codes() -> impl Iterator<Item = u8> {
    0..=u8::MAX
}

fn samples() -> impl Iterator<Item = i16> {
    i16::MIN..=i16::MAX
}

fn decoded(law: &Law, tables: &Value) -> Result<(), String> {
    let came: Vec<i16> = codes().map(law.decode).collect();
    if let Some(expected) = tables["decode"].as_array() {
        let expected: Vec<i64> = expected.iter().filter_map(Value::as_i64).collect();
        same("decode", expected, came.iter().map(|sample| i64::from(*sample)).collect())?;
    }
    if tables["decode_sha256_s16le"].is_string() {
        same("decode_sha256_s16le", text(tables, "decode_sha256_s16le"), &sha256(&pcm16_bytes(&came)))?;
    }
    match tables["silence"].as_u64() {
        Some(silence) => same("silence", silence, u64::from((law.encode)(0))),
        None => Ok(()),
    }
}

fn encoded(law: &Law, tables: &Value) -> Result<(), String> {
    let came: Vec<u8> = samples().map(law.encode).collect();
    let hash = sha256(&came);
    let main = text(tables, "encode_sha256");
    let also: Vec<&str> = strings(&tables["encode_sha256_also_right"]);
    if !main.is_empty() && main != hash && !also.contains(&&*hash) {
        return Err(format!("encode_sha256: expected {main} or one of {also:?}, came {hash}"));
    }
    if let Some(runs) = tables["encode_runs"].as_array().filter(|_| main == hash) {
        let starts = (1..came.len()).filter(|at| came[*at] != came[*at - 1]);
        let runs_came = std::iter::once(0).chain(starts).map(|at| (at as i64 - 32_768, u64::from(came[at])));
        let expected = runs.iter().filter_map(|run| Some((run[0].as_i64()?, run[1].as_u64()?)));
        same("encode_runs", expected.collect::<Vec<_>>(), runs_came.collect())?;
    }
    Ok(())
}

fn laws(law: &Law) -> Result<(), String> {
    for code in codes() {
        let expected = law.doubled.filter(|(double, _)| *double == code).map_or(code, |(_, means)| means);
        same(&format!("code {code:#04x} decoded and encoded"), expected, (law.encode)((law.decode)(code)))?;
    }
    for sample in samples().filter(|sample| sample.unsigned_abs() <= law.clip) {
        let code = (law.encode)(sample);
        let segment = usize::from(if law.name == "mulaw" { !code } else { code ^ 0x55 } >> 4 & 7);
        let lost = sample.abs_diff((law.decode)(code));
        if lost > law.half_steps[segment] {
            return Err(format!("{sample} loses {lost} in segment {segment}"));
        }
    }
    Ok(())
}

fn speech(folder: &Path, speech: &Value) -> Result<(), String> {
    let members = speech.as_object().ok_or("the speech has no members")?;
    let file = members.values().filter_map(Value::as_str).find(|name| name.ends_with(".wav"));
    let path = folder.join(file.ok_or("no file of speech is named")?);
    let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let samples = Wav::parse(&bytes).map_err(|error| error.to_string())?.samples::<i16>();
    let mulaw: Vec<u8> = samples.iter().map(|sample| encode_pcmu(*sample)).collect();
    let alaw: Vec<u8> = samples.iter().map(|sample| encode_pcma(*sample)).collect();
    let tandem: Vec<u8> = mulaw.iter().map(|code| encode_pcma(decode_pcmu(*code))).collect();
    // With the codes, the samples that they are decoded to are pinned down, and so is the loss.
    for (member, came) in [("mulaw_sha256", mulaw), ("alaw_sha256", alaw), ("mulaw_then_alaw_sha256", tandem)] {
        let (expected, came) = (strings(&speech[member]), sha256(&came));
        if !expected.is_empty() && !expected.contains(&&*came) {
            return Err(format!("{member}: expected one of {expected:?}, came {came}"));
        }
    }
    Ok(())
}

/// The texts of a list or of an object's members, or a single one.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::Object(members) => members.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}
