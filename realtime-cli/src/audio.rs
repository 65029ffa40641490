//! Audio files.

use std::{fs, path::Path, pin::Pin, time::Duration};

use anyhow::Context;
use indicatif::ProgressBar;
use realtime::{
    Connection, Realtime,
    audio::{
        Format, Level,
        wav::{self, Wav},
    },
    event::ServerEvent,
};
use tokio::time::{Instant, sleep_until};

use crate::{commands::more, failure::Failure};

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

/// How long the server may take for the rest, after the end of a recording.
const PATIENCE: Duration = Duration::from_secs(30);

/// A recording that is being sent while events are read.
pub(crate) struct Sending<'a, S> {
    connection: &'a Connection<Realtime>,
    sending: Pin<&'a mut S>,
    /// When the server has taken too long. Unset until everything is sent.
    deadline: Option<Instant>,
}

impl<'a, S: Future<Output = anyhow::Result<()>>> Sending<'a, S> {
    /// Reads events of a connection beside [`send`].
    pub(crate) fn new(connection: &'a Connection<Realtime>, sending: Pin<&'a mut S>) -> Self {
        Self { connection, sending, deadline: None }
    }

    /// Whether everything was sent.
    pub(crate) fn is_done(&self) -> bool {
        self.deadline.is_some()
    }

    /// The server still works on it: its time begins again.
    pub(crate) fn progress(&mut self) {
        self.deadline = self.deadline.map(|_| Instant::now() + PATIENCE);
    }

    /// The next event. `None` once, when everything was sent.
    ///
    /// # Errors
    /// Sending failed, the connection has ended, or the server took too long: `missing` says what for.
    pub(crate) async fn next(&mut self, missing: &'static str) -> anyhow::Result<Option<ServerEvent>> {
        let Some(deadline) = self.deadline else {
            return tokio::select! {
                sent = &mut self.sending => {
                    self.deadline = Some(Instant::now() + PATIENCE);
                    sent.map(|()| None)
                }
                event = self.connection.next() => more(event).map(Some),
            };
        };
        tokio::select! {
            event = self.connection.next() => more(event).map(Some),
            () = sleep_until(deadline) => Err(Failure::unmet(missing).into()),
        }
    }
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
