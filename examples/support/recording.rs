//! Recordings to send to a session.

use std::{error::Error, fs};

use realtime::audio::{Format, wav::Wav};

/// Reads the audio of a WAV file in the session's format.
pub(crate) fn read(path: &str, format: Format) -> Result<Vec<u8>, Box<dyn Error>> {
    let file = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let wav = Wav::parse(&file).map_err(|error| format!("{path}: {error}"))?;
    let audio = wav.convert(format).map_err(|error| format!("{path}: {error}"))?;
    if audio.is_empty() { Err(format!("{path}: no audio").into()) } else { Ok(audio) }
}
