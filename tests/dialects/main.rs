//! What other servers send, and leave out: whole sessions of theirs, and each rule by itself.

#[path = "../../examples/inspect/input.rs"]
#[expect(dead_code, reason = "the example reads from elsewhere too")]
mod input;
#[path = "../../examples/inspect/state.rs"]
mod state;

mod leaves;
mod once;
mod rules;
mod sessions;
mod unnamed;

use std::path::PathBuf;

use input::{Direction, Frame};
use realtime::{
    RealtimeSettings,
    event::{ClientEvent, Event, ServerEvent},
    session::{Changes, RealtimeState, Retention, Setup, State},
    transport::Instant,
};
use serde_json::Value;
use state::Report;

fn testdata(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A session that meets what a server says.
#[derive(Default)]
struct Told {
    state: RealtimeState,
    seq: u64,
    /// The events that a reader would get.
    read: Vec<ServerEvent>,
}

impl Told {
    fn new() -> Self {
        let mut told = Self::default();
        let settings = RealtimeSettings::default().memory(Retention::unlimited());
        told.state.configure(&settings, &Setup::default().kept_errors(None));
        told
    }

    fn of(frames: &[&str]) -> Self {
        let mut told = Self::new();
        frames.iter().for_each(|frame| told.hears(frame.as_bytes()));
        told
    }

    fn hears(&mut self, raw: &[u8]) {
        let mut changes = Changes::default();
        let mut event = ServerEvent::read(raw, &mut changes.reading);
        self.state.received(&mut event, Instant::default(), &mut changes);
        if !changes.repeated {
            self.read.push(event);
        }
    }

    fn says(&mut self, raw: &[u8]) {
        self.seq += 1;
        self.state.sent(self.seq, &ClientEvent::decode(raw), Instant::default());
    }

    fn frames(frames: impl IntoIterator<Item = Frame>) -> Self {
        let mut told = Self::new();
        for frame in frames {
            match frame.direction {
                Direction::FromServer => told.hears(&frame.raw),
                Direction::FromClient => told.says(&frame.raw),
            }
        }
        told
    }

    fn report(&self) -> Value {
        self.state.report()
    }
}

/// A value of a report by its path: `items[0].text`, `responses.r1.status`.
fn look<'a>(report: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(report, |value, step| {
        let (name, indexes) = step.split_once('[').map_or((step, None), |(name, rest)| (name, Some(rest)));
        let value = match value {
            Value::Array(list) => list.iter().find(|one| one["id"] == name).unwrap_or(&Value::Null),
            other => &other[name],
        };
        let indexes = indexes.into_iter().flat_map(|rest| rest.trim_end_matches(']').split("]["));
        indexes.fold(value, |value, index| &value[index.parse::<usize>().unwrap()])
    })
}
