//! Audio files.

use std::{fs, path::Path};

use anyhow::Context;
use indicatif::ProgressBar;
use realtime::{
    Connection, Realtime,
    audio::{
        Format, Level,
        wav::{self, Wav},
    },
};

/// The audio of the sessions.
pub(crate) const PCM: Format = Format::pcm(24_000);
/// Milliseconds of audio in one append.
pub(crate) const CHUNK_MS: u64 = 40;
/// Milliseconds of silence after a recording, so that the end of the turn is detected.
const SILENCE_MS: u64 = 1_000;

/// Reads a WAV file, converted to the sessions' audio.
///
/// # Errors
/// The file cannot be read, is not a WAV file, or contains no audio.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let named = || path.display().to_string();
    let file = fs::read(path).with_context(named)?;
    let audio = Wav::parse(&file).with_context(named)?.convert(PCM).with_context(named)?;
    anyhow::ensure!(!audio.is_empty(), "{}: no audio", named());
    Ok(audio)
}

/// The audio from the first sound to the last, as a question that is measured has it.
pub(crate) fn without_silence(mut audio: Vec<u8>) -> Vec<u8> {
    /// Quieter than this is silence.
    const SILENCE_DB: f32 = -50.0;
    let frame = PCM.ms_to_bytes(20) as usize;
    let is_sound = |frame: &[u8]| Level::of_bytes(PCM.encoding(), frame).rms_db() > SILENCE_DB;
    let start = audio.chunks(frame).take_while(|frame| !is_sound(frame)).count() * frame;
    let end = audio.chunks(frame).rposition(is_sound).map_or(0, |last| (last + 1) * frame);
    audio.truncate(end);
    audio.drain(..start.min(end));
    audio
}

/// Writes a WAV file.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(path: &Path, audio: &[u8]) -> anyhow::Result<()> {
    let named = || path.display().to_string();
    fs::write(path, wav::encode(PCM, audio)?).with_context(named)
}

/// Sends a recording, and silence after it, as fast as the connection takes it.
pub(crate) async fn send(connection: &Connection<Realtime>, recording: &[u8], bar: &ProgressBar) -> anyhow::Result<()> {
    let chunk = PCM.ms_to_bytes(CHUNK_MS) as usize;
    let silence = vec![0; PCM.ms_to_bytes(SILENCE_MS) as usize];
    for piece in recording.chunks(chunk).chain(silence.chunks(chunk)) {
        connection.ready().await?;
        connection.input_audio_buffer().append(piece)?;
        bar.inc(CHUNK_MS);
    }
    connection.flush().await?;
    bar.finish_and_clear();
    Ok(())
}
