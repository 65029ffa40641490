//! A notice board: a protocol of its own, made outside of the crate by its public traits alone.
//!
//! Whoever opens a board says under which name, and is told which board it is; pinned notes are acknowledged by the id of
//! the event that pinned them; whatever is wrong is told as a `fault`. [`Onlooker`] watches a board that exists already.

use bytes::Bytes;
use realtime::{
    Awaited, Id, Protocol,
    endpoint::Target,
    event::{ErrorEvent, Event, EventOf, Recognition},
    session::{Changes, Outcome, Overdue, Plan, State, Timeouts},
    transport::{Instant, Text},
    types::ErrorBody,
};
use serde::{Deserialize, Serialize};

/// A board of one's own.
#[derive(Debug)]
pub(crate) struct Board;

/// A place in front of somebody else's board.
#[derive(Debug)]
pub(crate) struct Onlooker;

/// The protocol's own settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct BoardSettings {
    pub(crate) name: String,
    /// Whether a board that was lost is asked for again.
    pub(crate) keeps: bool,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Open {
    pub(crate) name: String,
    /// How many notes were seen on a board before.
    pub(crate) seen: usize,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Pin {
    #[serde(default)]
    pub(crate) event_id: Option<Id>,
    pub(crate) note: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Close {}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Pinned {
    pub(crate) event_id: Id,
    pub(crate) client_event_id: Option<Id>,
    pub(crate) note: String,
}

/// What the client sends.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Up {
    Open(Open),
    Pin(Pin),
    Close(Close),
}

/// What the server sends.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Down {
    Opened {
        board: String,
    },
    Pinned(Pinned),
    Fault {
        reason: String,
        #[serde(default)]
        client_event_id: Option<Id>,
    },
    Closed,
    #[serde(skip)]
    Odd(String),
}

impl Event for Up {
    const KINDS: &'static [&'static str] = &["open", "pin", "close"];

    fn decode(raw: &[u8]) -> Self {
        serde_json::from_slice(raw).unwrap()
    }

    fn binary(raw: Bytes) -> Self {
        Self::decode(&raw)
    }

    fn encode(&self) -> Text {
        serde_json::to_string(self).unwrap().into()
    }

    fn kind(&self) -> &str {
        match self {
            Self::Open(_) => "open",
            Self::Pin(_) => "pin",
            Self::Close(_) => "close",
        }
    }

    fn event_id(&self) -> Option<&Id> {
        match self {
            Self::Pin(pin) => pin.event_id.as_ref(),
            Self::Open(_) | Self::Close(_) => None,
        }
    }

    fn set_event_id(&mut self, id: Id) {
        if let Self::Pin(pin) = self {
            pin.event_id = Some(id);
        }
    }

    fn recognition(&self) -> Recognition<'_> {
        Recognition::Known
    }
}

impl Event for Down {
    const KINDS: &'static [&'static str] = &["opened", "pinned", "fault", "closed"];

    fn decode(raw: &[u8]) -> Self {
        serde_json::from_slice(raw).unwrap_or_else(|_| Self::Odd(String::from_utf8_lossy(raw).into_owned()))
    }

    fn binary(raw: Bytes) -> Self {
        Self::decode(&raw)
    }

    fn encode(&self) -> Text {
        serde_json::to_string(self).unwrap().into()
    }

    fn kind(&self) -> &str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Pinned(_) => "pinned",
            Self::Fault { .. } => "fault",
            Self::Closed => "closed",
            Self::Odd(_) => "",
        }
    }

    fn event_id(&self) -> Option<&Id> {
        match self {
            Self::Pinned(pinned) => Some(&pinned.event_id),
            _ => None,
        }
    }

    fn set_event_id(&mut self, _: Id) {}

    fn recognition(&self) -> Recognition<'_> {
        match self {
            Self::Odd(_) => Recognition::Invalid("not a message of a board"),
            _ => Recognition::Known,
        }
    }
}

macro_rules! event_of {
    ($($event:ident in $table:ident, $kind:literal;)+) => {$(
        impl EventOf<$table> for $event {
            const KIND: &'static str = $kind;

            fn get(event: &$table) -> Option<&Self> {
                if let $table::$event(event) = event { Some(event) } else { None }
            }

            fn take(event: $table) -> Result<Self, $table> {
                if let $table::$event(event) = event { Ok(event) } else { Err(event) }
            }
        }

        impl From<$event> for $table {
            fn from(event: $event) -> Self {
                Self::$event(event)
            }
        }
    )+};
}

event_of! {
    Open in Up, "open";
    Pin in Up, "pin";
    Close in Up, "close";
    Pinned in Down, "pinned";
}

/// The board as the client knows it, and what it has asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    pub(crate) board: Option<String>,
    pub(crate) notes: Vec<(Id, String)>,
    asked: Vec<(u64, Id, Instant)>,
    keeps: bool,
    refused: bool,
}

impl Notes {
    fn awaited(id: &Id) -> Awaited {
        Awaited::Event { kind: "pin".into(), event_id: Some(id.clone()) }
    }

    fn sent(&mut self, seq: u64, event: &Up, now: Instant) {
        if let Up::Pin(Pin { event_id: Some(id), .. }) = event {
            self.asked.push((seq, id.clone(), now));
        }
    }

    fn settle(&mut self, id: Option<&Id>) -> Option<(u64, Id)> {
        let at = self.asked.iter().position(|(_, asked, _)| Some(asked) == id)?;
        let (seq, id, _) = self.asked.remove(at);
        Some((seq, id))
    }

    fn received(&mut self, event: &Down, changes: &mut Changes<Down>) {
        match event {
            Down::Opened { board } => self.board = Some(board.clone()),
            Down::Pinned(pinned) => {
                // A board that is looked at again shows its latest notes again.
                if self.notes.iter().any(|(known, _)| *known == pinned.event_id) {
                    changes.repeated = true;
                    return;
                }
                self.notes.push((pinned.event_id.clone(), pinned.note.clone()));
                let granted = self.settle(pinned.client_event_id.as_ref());
                changes.settled.extend(granted.map(|(seq, _)| (seq, Outcome::Granted)));
            }
            Down::Fault { client_event_id, .. } => {
                let error = fault(event).unwrap();
                let refused = self.settle(client_event_id.as_ref());
                let refused = refused.map(|(seq, id)| (seq, Outcome::Refused(Self::awaited(&id), Box::new(error))));
                changes.settled.extend(refused);
            }
            Down::Closed | Down::Odd(_) => {}
        }
    }

    fn due(&self, timeouts: &Timeouts) -> Option<Instant> {
        let (_, _, asked) = self.asked.first()?;
        Some(*asked + timeouts.request?)
    }

    fn expire(&mut self, timeouts: &Timeouts, now: Instant, changes: &mut Changes<Down>) {
        while self.due(timeouts).is_some_and(|at| now >= at) {
            let (seq, id, asked) = self.asked.remove(0);
            changes.settled.push((seq, Outcome::Overdue(Box::new(Overdue::new(Self::awaited(&id), asked)))));
        }
    }

    fn ambiguous(&self) -> Vec<Id> {
        self.asked.iter().map(|(_, id, _)| id.clone()).collect()
    }

    fn plan(&self) -> Plan<Up> {
        let mut plan = Plan::default();
        plan.ambiguous = self.ambiguous();
        plan
    }

    /// The board that is asked for again.
    fn kept(&self) -> Option<&str> {
        self.board.as_deref().filter(|_| self.keeps && !self.refused)
    }
}

fn fault(event: &Down) -> Option<ErrorEvent> {
    let Down::Fault { reason, client_event_id } = event else { return None };
    let mut body = ErrorBody::new(reason);
    body.event_id.clone_from(client_event_id);
    Some(ErrorEvent::new(body))
}

/// What both kinds of connection have in common.
macro_rules! board {
    ($protocol:ident, $settings:ty { $($own:tt)* } { $($state:tt)* }) => {
        impl Protocol for $protocol {
            type ClientEvent = Up;
            type ServerEvent = Down;
            type State = Notes;
            type Settings = $settings;
            type Notice = std::convert::Infallible;

            fn opened(event: &Down) -> bool {
                matches!(event, Down::Opened { .. })
            }

            fn closed(event: &Down) -> bool {
                *event == Down::Closed
            }

            fn error(event: &Down) -> Option<ErrorEvent> {
                fault(event)
            }

            fn audio(_: &Up) -> Option<&[u8]> {
                None
            }

            fn append(_: &[u8]) -> Text {
                String::new().into()
            }

            $($own)*
        }

        impl State<$protocol> for Notes {
            fn sent(&mut self, seq: u64, event: &Up, now: Instant) {
                Notes::sent(self, seq, event, now);
            }

            fn sent_audio(&mut self, _: usize, _: Instant) {}

            fn received(&mut self, event: &mut Down, _: Instant, changes: &mut Changes<Down>) {
                Notes::received(self, event, changes);
            }

            fn due(&self, timeouts: &Timeouts) -> Option<Instant> {
                Notes::due(self, timeouts)
            }

            fn expire(&mut self, timeouts: &Timeouts, now: Instant, changes: &mut Changes<Down>) {
                Notes::expire(self, timeouts, now, changes);
            }

            fn input_ms(&self, _: usize) -> u64 {
                0
            }

            $($state)*
        }
    };
}

board! {
    Board, BoardSettings {
        fn opening(settings: &BoardSettings, before: &Notes) -> Option<Up> {
            Some(Up::Open(Open { name: settings.name.clone(), seen: before.notes.len() }))
        }

        fn target_after_loss(_: &BoardSettings, before: &Notes) -> Option<Target> {
            before.kept().map(|board| Target::path(["boards", board]))
        }

        fn closing() -> Option<Up> {
            Some(Up::Close(Close {}))
        }

        fn confirms_end() -> bool {
            true
        }
    } {
        fn linked(&mut self, settings: &BoardSettings, _: Instant) {
            self.keeps = settings.keeps;
        }

        fn target_refused(&mut self) -> bool {
            !std::mem::replace(&mut self.refused, true)
        }

        fn restoration(&self, _: bool, _: Instant) -> (Plan<Up>, Self) {
            (self.plan(), Self::default())
        }
    }
}

board! {
    Onlooker, () {
        fn joins() -> bool {
            true
        }
    } {
        fn resumption(&self, _: Instant) -> (Plan<Up>, Self) {
            (self.plan(), Self { asked: Vec::new(), ..self.clone() })
        }
    }
}
