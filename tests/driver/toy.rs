//! A protocol of a handful of events. That it runs shows that a third family of events needs no change of the
//! connection.

use realtime::{
    Awaited, Id, Protocol,
    event::{ErrorEvent, Event, EventOf, Recognition},
    session::{Changes, Outcome, Overdue, State, Timeouts},
    transport::{Instant, Text},
};
use serde::Deserialize;

#[derive(Debug)]
pub(crate) struct Toy;

/// The members of any of its messages. A hundred thousand schedules are played, so that nothing is read by way of a map.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Members<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    n: u64,
    text: String,
    audio: Vec<u8>,
}

impl<'a> Members<'a> {
    fn read(raw: &'a [u8]) -> Self {
        serde_json::from_slice(raw).unwrap_or_default()
    }
}

/// What the server sends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Down {
    Opened,
    Number(u64),
    Answer(Answer),
    Error(Box<ErrorEvent>),
    Bye,
    Odd(String),
}

/// Answers the `Ask` of the same number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer(pub u64);

/// What the client sends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Up {
    Ask(u64),
    Say(String),
    Audio(Vec<u8>),
    Commit,
    Quit,
}

impl Event for Down {
    const KINDS: &'static [&'static str] = &["opened", "number", "answer", "error", "bye"];

    fn decode(raw: &[u8]) -> Self {
        let Members { kind, n, .. } = Members::read(raw);
        match kind {
            "opened" => Self::Opened,
            "number" => Self::Number(n),
            "answer" => Self::Answer(Answer(n)),
            "error" => Self::Error(Box::new(serde_json::from_slice(raw).unwrap())),
            "bye" => Self::Bye,
            _ => Self::Odd(String::from_utf8_lossy(raw).into_owned()),
        }
    }

    fn binary(raw: bytes::Bytes) -> Self {
        Self::Odd(format!("{} bytes", raw.len()))
    }

    fn encode(&self) -> Text {
        match self {
            Self::Number(n) | Self::Answer(Answer(n)) => format!(r#"{{"n":{n},"type":"{}"}}"#, self.kind()).into(),
            Self::Error(error) => {
                let mut value = serde_json::to_value(error).unwrap();
                value["type"] = "error".into();
                value.to_string().into()
            }
            Self::Odd(text) => text.clone().into(),
            plain => format!(r#"{{"type":"{}"}}"#, plain.kind()).into(),
        }
    }

    fn kind(&self) -> &str {
        match self {
            Self::Opened => "opened",
            Self::Number(_) => "number",
            Self::Answer(_) => "answer",
            Self::Error(_) => "error",
            Self::Bye => "bye",
            Self::Odd(_) => "",
        }
    }

    fn event_id(&self) -> Option<&Id> {
        None
    }

    fn set_event_id(&mut self, _: Id) {}

    fn recognition(&self) -> Recognition<'_> {
        match self {
            Self::Odd(_) => Recognition::Invalid("odd"),
            _ => Recognition::Known,
        }
    }
}

impl EventOf<Down> for Answer {
    const KIND: &'static str = "answer";

    fn get(event: &Down) -> Option<&Self> {
        match event {
            Down::Answer(answer) => Some(answer),
            _ => None,
        }
    }

    fn take(event: Down) -> Result<Self, Down> {
        match event {
            Down::Answer(answer) => Ok(answer),
            other => Err(other),
        }
    }
}

impl Event for Up {
    const KINDS: &'static [&'static str] = &["ask", "say", "audio", "commit", "quit"];

    fn decode(raw: &[u8]) -> Self {
        let Members { kind, n, text, audio } = Members::read(raw);
        match kind {
            "ask" => Self::Ask(n),
            "audio" => Self::Audio(audio),
            "commit" => Self::Commit,
            "quit" => Self::Quit,
            _ => Self::Say(text),
        }
    }

    fn binary(raw: bytes::Bytes) -> Self {
        Self::decode(&raw)
    }

    fn encode(&self) -> Text {
        let kind = self.kind();
        match self {
            Self::Ask(n) => format!(r#"{{"n":{n},"type":"{kind}"}}"#),
            Self::Say(text) => format!(r#"{{"text":{},"type":"{kind}"}}"#, serde_json::to_string(text).unwrap()),
            Self::Audio(audio) => format!(r#"{{"audio":{},"type":"{kind}"}}"#, serde_json::to_string(audio).unwrap()),
            Self::Commit | Self::Quit => format!(r#"{{"type":"{kind}"}}"#),
        }
        .into()
    }

    fn kind(&self) -> &str {
        match self {
            Self::Ask(_) => "ask",
            Self::Say(_) => "say",
            Self::Audio(_) => "audio",
            Self::Commit => "commit",
            Self::Quit => "quit",
        }
    }

    fn event_id(&self) -> Option<&Id> {
        None
    }

    fn set_event_id(&mut self, _: Id) {}

    fn recognition(&self) -> Recognition<'_> {
        Recognition::Known
    }
}

impl Protocol for Toy {
    type ClientEvent = Up;
    type ServerEvent = Down;
    type State = Asked;
    type Settings = ();
    type Notice = std::convert::Infallible;

    fn opened(event: &Down) -> bool {
        *event == Down::Opened
    }

    fn closing() -> Option<Up> {
        Some(Up::Quit)
    }

    fn closed(event: &Down) -> bool {
        *event == Down::Bye
    }

    fn error(event: &Down) -> Option<ErrorEvent> {
        match event {
            Down::Error(error) => Some((**error).clone()),
            _ => None,
        }
    }

    fn audio(event: &Up) -> Option<&[u8]> {
        match event {
            Up::Audio(audio) => Some(audio),
            _ => None,
        }
    }

    fn is_audio_barrier(event: &Up) -> bool {
        *event == Up::Commit
    }

    fn append(audio: &[u8]) -> Text {
        Up::Audio(audio.into()).encode()
    }
}

/// The questions without an answer; an error answers the oldest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(Vec<(u64, u64, Instant)>);

fn question() -> Awaited {
    Awaited::Event { kind: "ask".into(), event_id: None }
}

impl State<Toy> for Asked {
    fn sent(&mut self, seq: u64, event: &Up, now: Instant) {
        if let Up::Ask(n) = event {
            self.0.push((seq, *n, now));
        }
    }

    fn sent_audio(&mut self, _: usize, _: Instant) {}

    fn received(&mut self, event: &mut Down, _: Instant, changes: &mut Changes<Down>) {
        let (at, outcome) = match event {
            Down::Answer(Answer(n)) => (self.0.iter().position(|(_, asked, _)| asked == n), Outcome::Granted),
            Down::Error(error) => ((!self.0.is_empty()).then_some(0), Outcome::Refused(question(), error.clone())),
            _ => return,
        };
        if let Some(at) = at {
            changes.settled.push((self.0.remove(at).0, outcome));
        }
    }

    fn due(&self, timeouts: &Timeouts) -> Option<Instant> {
        let (_, _, asked) = self.0.first()?;
        Some(*asked + timeouts.request?)
    }

    fn expire(&mut self, timeouts: &Timeouts, now: Instant, changes: &mut Changes<Down>) {
        while self.due(timeouts).is_some_and(|at| now >= at) {
            let (seq, _, asked) = self.0.remove(0);
            changes.settled.push((seq, Outcome::Overdue(Box::new(Overdue::new(question(), asked)))));
        }
    }

    fn input_ms(&self, bytes: usize) -> u64 {
        bytes as u64 / 48
    }
}
