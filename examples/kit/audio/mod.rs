//! Sound: files, G.711, resampling, frames, pacing, recordings.

mod chunks;
mod g711;
mod measure;
mod recording;
mod resample;
mod wav;

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::case::{Outcome, entries, file_name};

pub(crate) fn run(folder: &Path) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for path in entries(folder) {
        outcomes.extend(match &*file_name(&path) {
            "chunks" => chunks::run(&path),
            "g711.json" => g711::run(folder, &path),
            "recording" => recording::run(&path),
            "resample.json" => resample::run(folder, &path),
            "wav.json" => wav::read(folder, &path),
            "wav_write.json" => wav::write(&path),
            // What the cases read.
            _ if path.is_dir() => Vec::new(),
            name => vec![Outcome { name: name.into(), result: Err("a file that is not known here".into()) }],
        });
    }
    outcomes
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pcm16_bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn pcm16_samples(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}
