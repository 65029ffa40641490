//! Replay of one connection of a cassette from the server's side. No clock, no async.

use std::{
    collections::{HashMap, VecDeque},
    error, fmt,
};

use realtime_core::transport::{CloseFrame, Message, Text};
use serde_json::Value;

use super::{
    cassette::{Entry, EntryKind},
    redact::Redactor,
    rewrite::{Rewrite, rewrite},
};

/// How closely the client must follow a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Matching {
    /// Each event must equal the recorded one, in the same order, except for ids chosen by the client. Redacted values
    /// match anything.
    #[default]
    Strict,
    /// Events are matched by type only, in any order. Additional events are ignored, and recorded audio is not awaited,
    /// because it is never sent in the same chunks twice.
    ByType,
}

/// An event of the client that differs from the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    line: usize,
    expected: Option<String>,
    came: String,
    difference: Option<Box<Difference>>,
}

/// The first member in which two events differ.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Difference {
    member: String,
    recorded: Option<String>,
    came: Option<String>,
}

impl Mismatch {
    /// Type of the recorded event. `None` at the end of the recording; empty if it is not an event.
    pub fn expected(&self) -> Option<&str> {
        self.expected.as_deref()
    }

    /// Type of the event received. Empty if it is not an event.
    pub fn came(&self) -> &str {
        &self.came
    }

    /// Line number of the expected event in the cassette, starting at 1. At the end of the recording, the last line of
    /// the connection.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The first member that differs, as a JSON pointer, if the types are equal.
    pub fn member(&self) -> Option<&str> {
        self.difference.as_ref().map(|difference| &*difference.member)
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, expected, came, difference } = self;
        match (expected, difference) {
            (None, _) => write!(f, "the cassette is at its end after line {line}, and `{came}` came"),
            (Some(expected), Some(difference)) => {
                let Difference { member, recorded, came } = &**difference;
                let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
                write!(f, "line {line}: `{expected}` has {} at `{member}`, and {} came", value(recorded), value(came))
            }
            (Some(expected), None) if expected == came => {
                write!(f, "line {line}: `{expected}` is another than in the cassette")
            }
            (Some(expected), None) => write!(f, "line {line}: the cassette has `{expected}`, and `{came}` came"),
        }
    }
}

impl error::Error for Mismatch {}

/// What the server does next.
pub(super) enum Next {
    /// It says this, at this time of the recording.
    Say(Message, u64),
    /// It waits for the client.
    Listen,
    /// It ends the connection, broken or in order.
    End { broken: bool },
}

/// A connection as far as it has been played.
pub(super) struct Player {
    matching: Matching,
    redactor: Redactor,
    steps: VecDeque<Step>,
    /// The line of the last one.
    last: usize,
    /// The client's ids: the recorded one by the one that it uses now.
    names: Names,
    /// The client has closed: its frame is still to be answered, and then all is over.
    closing: Option<Option<CloseFrame>>,
    closed: bool,
}

struct Step {
    line: usize,
    ms: u64,
    kind: EntryKind,
}

impl Player {
    /// `entries` are those of one connection.
    pub(super) fn new(entries: impl Iterator<Item = (usize, Entry)>, matching: Matching, redactor: Redactor) -> Self {
        let steps = entries.map(|(line, Entry { ms, kind, .. })| Step { line, ms, kind });
        let steps = steps.filter(|step| !matches!(step.kind, EntryKind::Opened { .. } | EntryKind::Failed { .. }));
        let steps: VecDeque<_> = steps.collect();
        let last = steps.back().map_or(1, |step| step.line);
        Self { matching, redactor, steps, last, names: Names::default(), closing: None, closed: false }
    }

    pub(super) fn next(&mut self) -> Next {
        if let Some(frame) = self.closing.clone().filter(|_| !self.closed) {
            return Next::Say(Message::Close(frame), 0);
        }
        loop {
            let Some(step) = self.steps.front().filter(|_| !self.closed) else {
                // A recording that breaks off says nothing more, until the client closes.
                return if self.closed { Next::End { broken: false } } else { Next::Listen };
            };
            match &step.kind {
                EntryKind::Received(message) => return Next::Say(self.renamed(message), step.ms),
                EntryKind::Ended { error } => return Next::End { broken: error.is_some() },
                EntryKind::Sent(message) if self.is_awaited(message) => return Next::Listen,
                _ => drop(self.steps.pop_front()),
            }
        }
    }

    /// What was next has been said.
    pub(super) fn said(&mut self) {
        match self.closing {
            Some(_) => self.closed = true,
            None => drop(self.steps.pop_front()),
        }
    }

    /// Recorded events of the client that have not come.
    pub(super) fn missing(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| matches!(&step.kind, EntryKind::Sent(message) if self.is_awaited(message)))
            .count()
    }

    fn is_awaited(&self, message: &Message) -> bool {
        let audio = || kind(message).ends_with("input_audio_buffer.append");
        self.matching == Matching::Strict || !(audio() || matches!(message, Message::Close(_)))
    }

    /// The client sends something.
    pub(super) fn hear(&mut self, message: &Message) -> Result<(), Mismatch> {
        let came = kind(message);
        match message {
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(frame) => {
                let answer = self.steps.iter().find_map(|step| match &step.kind {
                    EntryKind::Received(Message::Close(frame)) => Some(frame.clone()),
                    _ => None,
                });
                self.closing = Some(answer.unwrap_or_else(|| frame.clone()));
                self.steps.retain(|step| !matches!(step.kind, EntryKind::Sent(Message::Close(_))));
                return Ok(());
            }
            Message::Text(_) | Message::Binary(_) => {}
        }
        let recorded = |step: &Step| match &step.kind {
            EntryKind::Sent(recorded) => self.matching == Matching::Strict || kind(recorded) == came,
            _ => false,
        };
        let Some(at) = self.steps.iter().position(recorded) else {
            return match self.matching {
                Matching::Strict => Err(Mismatch { line: self.last, expected: None, came, difference: None }),
                Matching::ByType => Ok(()),
            };
        };
        let Some(Step { line, kind: EntryKind::Sent(recorded), .. }) = self.steps.get(at) else { return Ok(()) };
        let (line, recorded) = (*line, recorded.clone());
        let compared = self.compare(&recorded, message);
        if self.matching == Matching::Strict
            && let Err(difference) = compared
        {
            let expected = kind(&recorded);
            let difference = difference.filter(|_| expected == came).map(Box::new);
            return Err(Mismatch { line, expected: Some(expected), came, difference });
        }
        self.steps.remove(at);
        Ok(())
    }

    /// Whether the messages are the same but for the client's ids, which are learnt; and in which member they are not.
    fn compare(&mut self, recorded: &Message, came: &Message) -> Result<(), Option<Difference>> {
        let same = |same: bool| if same { Ok(()) } else { Err(None) };
        let (Message::Text(recorded), Message::Text(came)) = (recorded, came) else { return same(recorded == came) };
        let (Ok(recorded), Ok(came)) = (recorded.to_str(), came.to_str()) else { return same(recorded == came) };
        let clean = self.redactor.json(came).unwrap_or_else(|| self.redactor.text(came));
        let (Ok(before), Ok(mut now)) =
            (serde_json::from_str::<Value>(recorded), serde_json::from_str::<Value>(&clean))
        else {
            return same(recorded == clean);
        };
        for path in ["/event_id", "/item/id"] {
            if let (Some(before), Some(now)) = (before.pointer(path), now.pointer(path))
                && let (Some(before), Some(now)) = (before.as_str(), now.as_str())
                && before != now
            {
                self.names.0.insert(before.into(), now.into());
            }
        }
        let renamed = rewrite(recorded, &self.names).and_then(|(renamed, _)| serde_json::from_str(&renamed).ok());
        let mut before = renamed.unwrap_or(before);
        // Whether a client numbers its events is its own affair.
        for event in [&mut before, &mut now] {
            if let Value::Object(event) = event {
                event.remove("event_id");
            }
        }
        difference(Some(&before), Some(&now), String::new()).map_or(Ok(()), |found| Err(Some(found)))
    }

    /// What the server says, with the ids that the client uses now.
    fn renamed(&self, message: &Message) -> Message {
        match message {
            Message::Text(text) if !self.names.0.is_empty() => {
                let renamed = text.to_str().ok().and_then(|text| rewrite(text, &self.names));
                match renamed {
                    Some((renamed, true)) => Message::Text(renamed.into()),
                    _ => Message::Text(text.clone()),
                }
            }
            message => message.clone(),
        }
    }
}

/// The first place where two values differ.
fn difference(recorded: Option<&Value>, came: Option<&Value>, member: String) -> Option<Difference> {
    match (recorded, came) {
        (recorded, came) if recorded == came => None,
        (Some(Value::Object(recorded)), Some(Value::Object(came))) => {
            let added = came.keys().filter(|key| !recorded.contains_key(*key));
            recorded.keys().chain(added).find_map(|key| {
                let name = key.replace('~', "~0").replace('/', "~1");
                difference(recorded.get(key), came.get(key), format!("{member}/{name}"))
            })
        }
        (Some(Value::Array(recorded)), Some(Value::Array(came))) => (0..recorded.len().max(came.len()))
            .find_map(|at| difference(recorded.get(at), came.get(at), format!("{member}/{at}"))),
        (recorded, came) => Some(Difference { member, recorded: recorded.map(short), came: came.map(short) }),
    }
}

/// A value in a line: the beginning of a long one.
fn short(value: &Value) -> String {
    const MOST: usize = 200;
    let text = value.to_string();
    match text.get(..text.floor_char_boundary(MOST)) {
        Some(start) if start.len() < text.len() => format!("{start}… ({} bytes)", text.len()),
        _ => text,
    }
}

#[derive(Default)]
struct Names(HashMap<String, String>);

impl Rewrite for Names {
    fn replace(&self, _: &str, text: &str) -> Option<String> {
        self.0.get(text).cloned()
    }
}

/// The type of an event. Empty for what is none.
fn kind(message: &Message) -> String {
    #[derive(serde::Deserialize)]
    struct Typed {
        r#type: String,
    }
    let text = match message {
        Message::Text(text) => text,
        Message::Close(_) => return "close".into(),
        _ => return String::new(),
    };
    serde_json::from_slice(Text::as_bytes(text)).map_or_else(|_| String::new(), |kind: Typed| kind.r#type)
}
