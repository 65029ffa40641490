use std::{
    error, fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    str::FromStr,
};

use realtime_core::{
    Audio,
    transport::{CloseFrame, Message, Text},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Maximum length of a line in bytes: the largest message of a connection, as JSON within JSON.
const MOST_LINE: u64 = 64 << 20;
/// Maximum total size of frames in bytes: two hours of audio in both directions.
const MOST_BYTES: usize = 1 << 30;
/// Maximum number of entries.
const MOST_ENTRIES: usize = 4 << 20;

/// The version written, and the only one read.
pub(super) const VERSION: u32 = 1;

/// A recording of one or several consecutive connections.
///
/// Created by a [`Recorder`](crate::Recorder), and can be [replayed](Self::replay). A file contains one JSON object per
/// line; lines that are empty or begin with `#` are ignored:
///
/// ```
/// use realtime_mock::{Cassette, EntryKind};
///
/// let cassette: Cassette = r#"
/// {"cassette":1}
/// {"ms":0,"link":1,"opened":"wss://api.openai.com/v1/realtime?model=gpt-realtime","headers":["authorization"]}
/// {"ms":80,"link":1,"from":"server","event":{"type":"session.created","session":{"type":"realtime"}}}
/// {"ms":90,"link":1,"from":"client","close":{"code":1000,"reason":""}}
/// {"ms":95,"link":1,"ended":null}
/// "#.parse()?;
/// assert!(matches!(cassette.entries()[1].kind, EntryKind::Received(_)));
/// # Ok::<(), realtime_mock::CassetteError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cassette {
    entries: Vec<Entry>,
    /// The line of each.
    lines: Vec<usize>,
}

/// Compares entries, regardless of their line numbers.
impl PartialEq for Cassette {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

/// An entry of a recording.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// Time in milliseconds since the first connection attempt.
    pub ms: u64,
    /// Number of the connection, starting at 1.
    pub link: u32,
    /// What happened.
    pub kind: EntryKind,
}

/// What an entry records.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EntryKind {
    /// The connection was opened.
    Opened {
        /// The URL in printable form.
        url: String,
        /// Names of the headers that were sent. Their values are not recorded.
        headers: Vec<String>,
    },
    /// The connection attempt failed.
    Failed {
        /// The reason, as text.
        error: String,
        /// The status of the refusal, if there was one.
        status: Option<u16>,
    },
    /// The client sent this message.
    Sent(Message),
    /// The server sent this message.
    Received(Message),
    /// The connection ended.
    Ended {
        /// The failure, as text. `None` if it ended gracefully.
        error: Option<String>,
    },
}

impl Entry {
    /// Creates an entry.
    pub fn new(ms: u64, link: u32, kind: EntryKind) -> Self {
        Self { ms, link, kind }
    }
}

impl Cassette {
    /// Creates a recording from entries.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let entries: Vec<_> = entries.into_iter().collect();
        // Where each will stand when it is written.
        let lines = (2..).take(entries.len()).collect();
        Self { entries, lines }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or is not a cassette.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CassetteError> {
        let file = File::open(path).map_err(|error| CassetteError::new(0, CassetteErrorKind::Io, error))?;
        Self::read(BufReader::new(file))
    }

    /// Reads a recording. Rejects lines of more than 64 MiB, and recordings of more than 1 GiB or four million entries.
    ///
    /// # Errors
    /// The input cannot be read, or is not a cassette.
    pub fn read(mut input: impl BufRead) -> Result<Self, CassetteError> {
        let (mut entries, mut lines, mut bytes, mut opened) = (Vec::new(), Vec::new(), 0, false);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let fail = |kind, source: Source| Err(CassetteError { line: number, kind, source: Some(source) });
            match (&mut input).take(MOST_LINE + 1).read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(length) if length as u64 > MOST_LINE => {
                    return fail(CassetteErrorKind::TooLarge, "a line of more than 64 MiB".into());
                }
                Ok(length) => bytes += length,
                Err(error) => return fail(CassetteErrorKind::Io, error.into()),
            }
            if bytes > MOST_BYTES || entries.len() == MOST_ENTRIES {
                return fail(CassetteErrorKind::TooLarge, "more than 1 GiB, or four million entries".into());
            }
            let text = match std::str::from_utf8(&line) {
                Ok(text) => text.trim(),
                Err(error) => return fail(CassetteErrorKind::Syntax, error.into()),
            };
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if !opened {
                match object::<Head>(text) {
                    Ok(Head { cassette: VERSION }) => opened = true,
                    Ok(Head { cassette }) => {
                        return fail(CassetteErrorKind::Version, format!("version {cassette}").into());
                    }
                    Err(source) => return fail(CassetteErrorKind::Version, source),
                }
                continue;
            }
            match object(text).and_then(Line::entry) {
                Ok(entry) => {
                    entries.push(entry);
                    lines.push(number);
                }
                Err(source) => return fail(CassetteErrorKind::Syntax, source),
            }
        }
        if !opened {
            return Err(CassetteError { line: 1, kind: CassetteErrorKind::Version, source: None });
        }
        Ok(Self { entries, lines })
    }

    /// What happened on one of its connections, and in which line each stands.
    pub(super) fn link(&self, link: u32) -> impl Iterator<Item = (usize, Entry)> + '_ {
        let all = self.lines.iter().copied().zip(&self.entries);
        all.filter(move |(_, entry)| entry.link == link).map(|(line, entry)| (line, entry.clone()))
    }

    /// The entries, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Writes the recording, one line per entry. Nothing is redacted.
    ///
    /// # Errors
    /// Writing failed.
    pub fn write(&self, mut output: impl io::Write) -> io::Result<()> {
        writeln!(output, "{}", head())?;
        self.entries.iter().try_for_each(|entry| writeln!(output, "{}", entry_line(entry)))
    }
}

impl FromStr for Cassette {
    type Err = CassetteError;

    fn from_str(text: &str) -> Result<Self, CassetteError> {
        Self::read(text.as_bytes())
    }
}

type Source = Box<dyn error::Error + Send + Sync>;

/// Failure to read a cassette.
#[derive(Debug)]
pub struct CassetteError {
    line: usize,
    kind: CassetteErrorKind,
    source: Option<Source>,
}

/// The kind of a [`CassetteError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CassetteErrorKind {
    /// The input could not be read.
    Io,
    /// The header of this version is missing.
    Version,
    /// A line is invalid.
    Syntax,
    /// The recording is too large.
    TooLarge,
}

impl CassetteError {
    fn new(line: usize, kind: CassetteErrorKind, source: impl Into<Source>) -> Self {
        Self { line, kind, source: Some(source.into()) }
    }

    /// The kind of the error.
    pub fn kind(&self) -> CassetteErrorKind {
        self.kind
    }

    /// Line number, starting at 1. 0 for the file as a whole.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for CassetteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            CassetteErrorKind::Io => "the cassette cannot be read",
            CassetteErrorKind::Version => "not a cassette of a known version",
            CassetteErrorKind::Syntax => "the line is invalid",
            CassetteErrorKind::TooLarge => "the cassette is too large",
        };
        match self.line {
            0 => f.write_str(what)?,
            line => write!(f, "line {line}: {what}")?,
        }
        match &self.source {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

/// The reason is part of the message.
impl error::Error for CassetteError {}

/// Reads the object of a line. The error says where serde gave up, without the text that it found.
fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Source> {
    // serde would take a list in a struct's place.
    if !text.starts_with('{') {
        return Err("no JSON object".into());
    }
    serde_json::from_str(text).map_err(|error| {
        let text = error.to_string();
        // The names are a cassette's own; what else serde says may repeat what it found.
        let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
        let what = match missing {
            Some((name, _)) => format!("`{name}` is missing"),
            None if error.is_data() => "a member is none of a cassette's, or has another type".into(),
            None => "no JSON".into(),
        };
        format!("{what}, at column {}", error.column()).into()
    })
}

#[derive(Serialize, Deserialize)]
struct Head {
    cassette: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Side {
    Client,
    Server,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    ms: u64,
    link: u32,
    from: Option<Side>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    text: Option<String>,
    binary: Option<Audio>,
    #[serde(default, deserialize_with = "present")]
    close: Option<Option<Close>>,
    opened: Option<String>,
    #[serde(default)]
    headers: Vec<String>,
    failed: Option<String>,
    status: Option<u16>,
    #[serde(default, deserialize_with = "present")]
    ended: Option<Option<String>>,
}

#[derive(Serialize, Deserialize)]
struct Close {
    code: u16,
    reason: String,
}

/// Null is something, too.
fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Line<'_> {
    fn entry(self) -> Result<Entry, Source> {
        let mut found = Vec::new();
        found.extend(self.event.map(|event| Message::Text(event.get().into())));
        found.extend(self.text.map(|text| Message::Text(text.into())));
        found.extend(self.binary.map(|bytes| Message::Binary(bytes.into_bytes())));
        found.extend(
            self.close.map(|close| Message::Close(close.map(|close| CloseFrame::new(close.code, close.reason)))),
        );
        let mut whats: Vec<EntryKind> = match self.from {
            Some(Side::Client) => found.into_iter().map(EntryKind::Sent).collect(),
            Some(Side::Server) => found.into_iter().map(EntryKind::Received).collect(),
            None if found.is_empty() => Vec::new(),
            None => return Err("a message without `from`".into()),
        };
        whats.extend(self.opened.map(|url| EntryKind::Opened { url, headers: self.headers }));
        whats.extend(self.failed.map(|error| EntryKind::Failed { error, status: self.status }));
        whats.extend(self.ended.map(|error| EntryKind::Ended { error }));
        match (whats.pop(), whats.is_empty()) {
            (Some(what), true) => Ok(Entry::new(self.ms, self.link, what)),
            (None, _) => Err("nothing happens in it".into()),
            (Some(_), false) => Err("more than one thing happens in it".into()),
        }
    }
}

pub(super) fn head() -> String {
    format!(r#"{{"cassette":{VERSION}}}"#)
}

/// The line of an entry.
pub(super) fn entry_line(entry: &Entry) -> String {
    let (ms, link) = (entry.ms, entry.link);
    let start = format!(r#"{{"ms":{ms},"link":{link}"#);
    let rest = match &entry.kind {
        EntryKind::Opened { url, headers } => format!(r#""opened":{},"headers":{}"#, json(url), json(headers)),
        EntryKind::Failed { error, status: None } => format!(r#""failed":{}"#, json(error)),
        EntryKind::Failed { error, status: Some(status) } => format!(r#""failed":{},"status":{status}"#, json(error)),
        EntryKind::Sent(message) => format!(r#""from":"client",{}"#, message_member(message)),
        EntryKind::Received(message) => format!(r#""from":"server",{}"#, message_member(message)),
        EntryKind::Ended { error } => format!(r#""ended":{}"#, json(error)),
    };
    format!("{start},{rest}}}")
}

fn message_member(message: &Message) -> String {
    match message {
        Message::Text(text) => text_member(text),
        // Not written by a recorder, and of no use to a player.
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => {
            format!(r#""binary":{}"#, json(&Audio::from(bytes.clone())))
        }
        Message::Close(frame) => {
            let close = frame.as_ref().map(|frame| Close { code: frame.code, reason: frame.reason.clone() });
            format!(r#""close":{}"#, json(&close))
        }
    }
}

/// JSON stands as it is, if it fits a line and has no blanks around it, which would be lost: then the file can be read by
/// people and their tools. Null would be read as no event.
fn text_member(text: &Text) -> String {
    let text = String::from_utf8_lossy(text.as_bytes());
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(raw) if raw.get() == text && text != "null" && !text.contains(['\n', '\r']) => {
            format!(r#""event":{}"#, raw.get())
        }
        _ => format!(r#""text":{}"#, json(&text)),
    }
}

fn json(value: &impl Serialize) -> String {
    // Texts, numbers, lists and structs of them: each has a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}
