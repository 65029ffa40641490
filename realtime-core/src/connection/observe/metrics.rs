//! Metrics by the facade of the crate `metrics`: names, labels, and when they change.
//!
//! Labels are bounded: a model is what the application connects to, a status one of the protocol's or `other`, and nothing
//! that a server or a user says becomes one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use metrics::{
    Counter, Gauge, Label, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use super::on::{Note, Subject};
use crate::{
    connection::notice::Phase,
    protocol::{
        state::{Measurement, ResponseTransition, TokenCounts},
        types::ResponseStatus,
    },
};

const CONNECTIONS: &str = "realtime_connections";
const SESSIONS: &str = "realtime_sessions_total";
const RECONNECTS: &str = "realtime_reconnects_total";
const ENDS: &str = "realtime_connection_ends_total";
const EVENTS: &str = "realtime_events_total";
const EVENT_BYTES: &str = "realtime_event_bytes_total";
const LEFT_OUT: &str = "realtime_members_left_out_total";
const ACTIVE_RESPONSES: &str = "realtime_responses_active";
const RESPONSES: &str = "realtime_responses_total";
const TOKENS: &str = "realtime_tokens_total";
const AUDIO_TOKENS: &str = "realtime_audio_tokens_total";
const CACHED_TOKENS: &str = "realtime_cached_tokens_total";
const FIRST_TOKEN: &str = "realtime_response_first_token_seconds";
const FIRST_AUDIO: &str = "realtime_speech_to_audio_seconds";
const FIRST_PLAYBACK: &str = "realtime_speech_to_playback_seconds";
const TOOL: &str = "realtime_tool_seconds";
const INTERRUPTION: &str = "realtime_interruption_seconds";

/// Describes all metrics to the recorder that is installed: call it once, after installing one.
///
/// The guide lists them, on its page about traces and metrics. A connection reports its traffic to the recorder that was
/// installed when the connection was made.
pub fn describe_metrics() {
    describe_gauge!(CONNECTIONS, "Connections, by phase");
    describe_counter!(SESSIONS, "Sessions that were opened, also by reconnecting");
    describe_counter!(RECONNECTS, "Sessions that replaced one whose link was lost");
    describe_counter!(ENDS, "Connections that have ended, by outcome");
    describe_counter!(EVENTS, "Events, by direction");
    describe_counter!(EVENT_BYTES, Unit::Bytes, "Size of the events as JSON, by direction");
    describe_counter!(LEFT_OUT, "Members of received events that did not fit and were left out");
    describe_gauge!(ACTIVE_RESPONSES, "Responses in progress");
    describe_counter!(RESPONSES, "Responses that have ended, by status");
    describe_counter!(TOKENS, "Tokens of responses, by direction");
    describe_counter!(AUDIO_TOKENS, "Audio tokens among them, by direction");
    describe_counter!(CACHED_TOKENS, "Cached tokens among the input");
    describe_histogram!(FIRST_TOKEN, Unit::Seconds, "From the beginning of a response to its first output");
    describe_histogram!(FIRST_AUDIO, Unit::Seconds, "From the end of the user's speech to the first audio received");
    describe_histogram!(FIRST_PLAYBACK, Unit::Seconds, "From the end of the user's speech to the first audio played");
    describe_histogram!(TOOL, Unit::Seconds, "From a complete function call to the sending of its output");
    describe_histogram!(INTERRUPTION, Unit::Seconds, "From the first audio of a response to its interruption");
}

/// Messages of a turn, received and sent.
#[derive(Default)]
pub(super) struct Traffic([(u64, u64); 2]);

impl Traffic {
    pub(super) fn add(&mut self, sent: bool, bytes: usize) {
        let (events, size) = &mut self.0[usize::from(sent)];
        *events += 1;
        *size += bytes as u64;
    }
}

/// The metrics of a connection.
pub(super) struct Meter {
    /// Events and their bytes, received and sent.
    traffic: [(Counter, Counter); 2],
    active: Gauge,
    counted: Mutex<Counted>,
}

/// What the gauges count of this connection.
#[derive(Default)]
struct Counted {
    phase: Option<Phase>,
    responses: u32,
    was_open: bool,
}

impl Meter {
    pub(super) fn new(subject: Subject<'_>) -> Self {
        let with = |direction| with(subject, "direction", direction);
        let traffic = ["received", "sent"]
            .map(|direction| (counter!(EVENTS, with(direction)), counter!(EVENT_BYTES, with(direction))));
        let meter = Self { traffic, active: gauge!(ACTIVE_RESPONSES, labels(subject)), counted: Mutex::default() };
        meter.enter(subject, Phase::Connecting);
        meter
    }

    pub(super) fn tell(&self, subject: Subject<'_>, notes: &[Note], traffic: &Traffic) {
        for ((events, bytes), (count, size)) in self.traffic.iter().zip(traffic.0) {
            if count > 0 {
                events.increment(count);
                bytes.increment(size);
            }
        }
        notes.iter().for_each(|note| self.tell_one(subject, note));
    }

    fn tell_one(&self, subject: Subject<'_>, note: &Note) {
        match note {
            Note::LeftOut { .. } => count(subject, LEFT_OUT, 1),
            Note::Phase(phase) => self.enter(subject, *phase),
            Note::Ended { graceful } => {
                let outcome = if *graceful { "graceful" } else { "error" };
                counter!(ENDS, with(subject, "outcome", outcome)).increment(1);
                // Their ends will not come.
                let responses = std::mem::take(&mut self.counted().responses);
                self.active.decrement(responses);
            }
            Note::Turn(ResponseTransition::Began { .. }) => {
                self.counted().responses += 1;
                self.active.increment(1);
            }
            Note::Turn(ResponseTransition::Ended { status, time_to_first_token, tokens, .. }) => {
                let is_counted = {
                    let mut counted = self.counted();
                    let before = counted.responses;
                    counted.responses = before.saturating_sub(1);
                    before > 0
                };
                if is_counted {
                    self.active.decrement(1);
                }
                counter!(RESPONSES, with(subject, "status", known(status))).increment(1);
                if let Some(time) = time_to_first_token {
                    histogram!(FIRST_TOKEN, labels(subject)).record(*time);
                }
                count_tokens(subject, tokens);
            }
            Note::Measured(measured) => {
                let (name, time) = match measured {
                    Measurement::FirstAudio(time) => (FIRST_AUDIO, time),
                    Measurement::FirstPlayback(time) => (FIRST_PLAYBACK, time),
                    Measurement::Tool(time) => (TOOL, time),
                    Measurement::Interruption(time) => (INTERRUPTION, time),
                };
                histogram!(name, labels(subject)).record(*time);
            }
            #[cfg(feature = "tracing")]
            Note::Message { .. } => {}
        }
    }

    /// The connection goes from one phase to another.
    fn enter(&self, subject: Subject<'_>, phase: Phase) {
        let (before, again) = {
            let mut counted = self.counted();
            let again = phase == Phase::Open && std::mem::replace(&mut counted.was_open, true);
            (counted.phase.replace(phase), again)
        };
        if phase == Phase::Open && before != Some(Phase::Open) {
            count(subject, SESSIONS, 1);
            count(subject, RECONNECTS, u64::from(again));
        }
        for (phase, change) in [(before, -1.0), (Some(phase), 1.0)] {
            if let Some(phase) = phase.filter(|phase| *phase != Phase::Closed) {
                gauge!(CONNECTIONS, with(subject, "phase", name(phase))).increment(change);
            }
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count_tokens(subject: Subject<'_>, tokens: &TokenCounts) {
    let directed = [
        (TOKENS, "input", tokens.input),
        (TOKENS, "output", tokens.output),
        (AUDIO_TOKENS, "input", tokens.audio_input),
        (AUDIO_TOKENS, "output", tokens.audio_output),
    ];
    for (name, direction, count) in directed {
        if let Some(count) = count {
            counter!(name, with(subject, "direction", direction)).increment(count);
        }
    }
    count(subject, CACHED_TOKENS, tokens.cached_input.unwrap_or_default());
}

fn count(subject: Subject<'_>, name: &'static str, count: u64) {
    if count > 0 {
        counter!(name, labels(subject)).increment(count);
    }
}

/// The labels that everything has.
fn labels(Subject { provider, model }: Subject<'_>) -> Vec<Label> {
    vec![Label::new("provider", provider), Label::new("model", model.unwrap_or("none").to_owned())]
}

fn with(subject: Subject<'_>, name: &'static str, value: &'static str) -> Vec<Label> {
    let mut labels = labels(subject);
    labels.push(Label::new(name, value));
    labels
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Connecting => "connecting",
        Phase::Opening => "opening",
        Phase::Open => "open",
        Phase::Reconnecting => "reconnecting",
        Phase::Closing => "closing",
        Phase::Closed => "closed",
    }
}

/// A status as a label. What a server makes up is not one.
fn known(status: &ResponseStatus) -> &'static str {
    match status {
        ResponseStatus::InProgress => "in_progress",
        ResponseStatus::Completed => "completed",
        ResponseStatus::Cancelled => "cancelled",
        ResponseStatus::Incomplete => "incomplete",
        ResponseStatus::Failed => "failed",
        _ => "other",
    }
}
