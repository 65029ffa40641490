//! Recorded sessions, in any of the forms that they are stored in.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use anyhow::Context;
use realtime::{
    mock::{Cassette, EntryKind},
    transport::Message,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// Maximum size of a file: two hours of audio in both directions.
const MOST_BYTES: u64 = 1 << 30;
/// Maximum time of an entry, in milliseconds: a year.
const MOST_MS: u64 = 365 * 24 * 60 * 60 * 1000;

/// The sender of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    Client,
    Server,
}

/// The protocol of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    /// Conversations and transcriptions.
    Realtime,
    Translation,
    Live,
}

/// One entry of a recording.
#[derive(Debug)]
pub(crate) enum Recorded {
    /// A connection was opened: its number, and its URL if it was recorded.
    Opened(u32, Option<String>),
    /// An event.
    Event(Sender, Vec<u8>),
    /// The connection ended, possibly for this reason.
    Ended(Option<String>),
}

/// A recorded session.
#[derive(Debug)]
pub(crate) struct Recording {
    /// The entries, and when they happened, in milliseconds.
    pub(crate) entries: Vec<(u64, Recorded)>,
    /// Whether the times were recorded; otherwise they are estimated from the audio.
    pub(crate) timed: bool,
    /// The protocol of the session.
    pub(crate) protocol: Spoken,
}

/// A line of a transcript, or of a connection's `tap`.
#[derive(Deserialize)]
struct Line<'a> {
    dir: Option<&'a str>,
    #[serde(alias = "at_ms")]
    ms: Option<f64>,
    #[serde(borrow)]
    frame: Option<&'a RawValue>,
    path: Option<String>,
    code: Option<u16>,
}

impl Recording {
    /// Reads a cassette, or JSON lines: `{"dir":"s2c"|"c2s","frame":{..},"at_ms":..}`, or plain server events. `-` is
    /// standard input.
    ///
    /// # Errors
    /// The file cannot be read, is larger than 1 GiB, or contains neither.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let named = || path.display().to_string();
        let mut text = Vec::new();
        let mut input: Box<dyn BufRead> = match path.to_str() {
            Some("-") => Box::new(BufReader::new(io::stdin())),
            _ => Box::new(BufReader::new(File::open(path).with_context(named)?)),
        };
        (&mut input).take(MOST_BYTES + 1).read_to_end(&mut text).with_context(named)?;
        anyhow::ensure!(text.len() as u64 <= MOST_BYTES, "{}: larger than 1 GiB", named());
        let mut recording = match text.trim_ascii_start().starts_with(br#"{"cassette""#) {
            true => Self::from_cassette(&Cassette::read(text.as_slice()).with_context(named)?),
            false => Self::from_lines(&text).with_context(named)?,
        };
        anyhow::ensure!(!recording.entries.is_empty(), "{}: no events", named());
        recording.protocol = recording.entries.iter().find_map(|(_, entry)| spoken(entry)).unwrap_or(Spoken::Realtime);
        if !recording.timed {
            recording.estimate();
        }
        recording.order();
        Ok(recording)
    }

    fn from_cassette(cassette: &Cassette) -> Self {
        let entries = cassette.entries().iter().filter_map(|entry| {
            let recorded = match &entry.kind {
                EntryKind::Opened { url, .. } => Recorded::Opened(entry.link, Some(url.clone())),
                EntryKind::Failed { error, .. } => Recorded::Ended(Some(error.clone())),
                EntryKind::Sent(message) => of_message(Sender::Client, message)?,
                EntryKind::Received(message) => of_message(Sender::Server, message)?,
                EntryKind::Ended { error } => Recorded::Ended(error.clone()),
                _ => return None,
            };
            Some((entry.ms, recorded))
        });
        Self { entries: entries.collect(), timed: true, protocol: Spoken::Realtime }
    }

    fn from_lines(text: &[u8]) -> anyhow::Result<Self> {
        let (mut entries, mut timed, mut links, mut now) = (Vec::new(), false, 0, 0);
        for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n')) {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let read: Line<'_> =
                serde_json::from_slice(line).with_context(|| format!("line {number} is not an event"))?;
            if let Some(ms) = read.ms {
                timed = true;
                now = ms.max(0.0) as u64;
            }
            let recorded = match (read.dir, read.frame) {
                (Some("open"), _) => {
                    links += 1;
                    Recorded::Opened(links, read.path)
                }
                (Some("close"), _) => Recorded::Ended(read.code.map(|code| format!("closed with {code}"))),
                (Some("c2s"), Some(frame)) => Recorded::Event(Sender::Client, frame.get().into()),
                (Some("s2c"), Some(frame)) => Recorded::Event(Sender::Server, frame.get().into()),
                // A frame that is not valid JSON is recorded as text: nothing in it can be drawn.
                (Some(_), _) => continue,
                (None, _) => Recorded::Event(Sender::Server, line.to_vec()),
            };
            entries.push((now, recorded));
        }
        Ok(Self { entries, timed, protocol: Spoken::Realtime })
    }

    /// Makes every time at least that of the entry before it: a clock that was set back does not reverse what happened.
    fn order(&mut self) {
        let mut now = 0;
        for (ms, _) in &mut self.entries {
            now = now.max((*ms).min(MOST_MS));
            *ms = now;
        }
    }

    /// Estimates the times from the client's audio, which is sent in real time: what arrives after 2 s of it arrives
    /// at 2 s at the earliest.
    fn estimate(&mut self) {
        /// The distance of other events, so that their order remains visible.
        const STEP_MS: u64 = 20;
        let mut now = 0;
        for (ms, entry) in &mut self.entries {
            let event = match entry {
                Recorded::Event(_, raw) => serde_json::from_slice(raw).unwrap_or(Value::Null),
                _ => Value::Null,
            };
            let audio = event["audio"].as_str().filter(|_| event["type"] == "input_audio_buffer.append");
            let position = ["audio_start_ms", "audio_end_ms"].into_iter().find_map(|name| event[name].as_u64());
            now = match (audio, position.filter(|_| event["type"] != "conversation.item.truncate")) {
                // Base64 of 16-bit audio at 24 kHz.
                (Some(audio), _) => now + (audio.len() as u64 * 3 / 4 / 48).max(1),
                (None, Some(position)) => position.min(MOST_MS).max(now + STEP_MS),
                (None, None) => now + STEP_MS,
            };
            *ms = now;
        }
    }
}

fn of_message(sender: Sender, message: &Message) -> Option<Recorded> {
    match message {
        Message::Text(text) => Some(Recorded::Event(sender, text.as_bytes().to_vec())),
        Message::Binary(bytes) => Some(Recorded::Event(sender, bytes.to_vec())),
        Message::Close(frame) if sender == Sender::Server => {
            Some(Recorded::Ended(frame.as_ref().map(|frame| format!("closed with {}: {}", frame.code, frame.reason))))
        }
        _ => None,
    }
}

/// The protocol, from the first event that tells it.
fn spoken(entry: &Recorded) -> Option<Spoken> {
    let Recorded::Event(_, raw) = entry else { return None };
    let event: Value = serde_json::from_slice(raw).ok()?;
    match event["type"].as_str()? {
        "session.created" if event["session"]["type"] == "translation" => Some(Spoken::Translation),
        "session.created" => Some(Spoken::Realtime),
        "session.start" | "session.started" => Some(Spoken::Live),
        kind if kind.starts_with("transport.") => Some(Spoken::Live),
        _ => None,
    }
}
