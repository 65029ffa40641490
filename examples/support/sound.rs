//! Recordings as an input: any WAV file, in the session's format.

#[path = "recording.rs"]
mod recording;

use std::error::Error;

use realtime::{Connection, Realtime, audio::Format};

/// The session's audio.
pub(crate) const PCM: Format = Format::pcm(24_000);
/// Milliseconds of audio in one append.
pub(crate) const PIECE_MS: u64 = 40;
/// Milliseconds of silence behind a recording, so that the end of the turn is found.
const SILENCE_MS: u64 = 1_000;

/// Bytes of so many milliseconds.
pub(crate) fn bytes(ms: u64) -> usize {
    PCM.ms_to_bytes(ms) as usize
}

/// The audio of a WAV file, in the session's format.
pub(crate) fn read(path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    recording::read(path, PCM)
}

/// Sends a recording, and a silence behind it.
pub(crate) async fn speak(connection: &Connection<Realtime>, recording: &[u8]) -> Result<(), Box<dyn Error>> {
    let silence = vec![0; bytes(SILENCE_MS)];
    for piece in recording.chunks(bytes(PIECE_MS)).chain(silence.chunks(bytes(PIECE_MS))) {
        connection.ready().await?;
        connection.input_audio_buffer().append(piece)?;
    }
    connection.flush().await?;
    eprintln!("sent {} ms of audio", PCM.bytes_to_ms(recording.len() as u64));
    Ok(())
}
