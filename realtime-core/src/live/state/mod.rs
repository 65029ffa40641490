//! What is known of a Live session: fed with every event in both directions, in the order of the wire.
//!
//! Time is an argument; nothing here reads a clock.
//!
//! ```
//! # let clock = realtime_mock::VirtualClock::new();
//! # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
//! # clock.block_on(client.live().model("gpt-live-1.1").run(async |live| {
//! live.session().input_audio().mute()?.await?;
//! let state = live.state();
//! assert!(state.input_muted);
//! println!("{:?}: {}", state.phase, state.output_transcript);
//! for turn in state.turns() {
//!     println!("{turn:?}");
//! }
//! # Ok::<_, realtime_core::Error>(())
//! # }))?;
//! # Ok::<_, realtime_core::Error>(())
//! ```

mod command;
mod context;
mod errands;
mod limits;
mod parts;
mod receive;
mod requests;
mod restore;
mod seen;
mod snapshot;
mod tally;
mod tasks;
mod totals;
mod turn;
mod turns;
mod words;
mod work;

use std::{collections::VecDeque, sync::Arc};

use serde_json::Value;

pub use self::{
    command::ContextKind,
    context::{Append, AppendState, Fixture, FixtureState},
    parts::*,
    snapshot::{LiveSnapshot, SavedTurn},
    tasks::{CallOutput, DelegationStatus, LiveCall, LiveDelegation, LiveResponse, ResponsePhase},
    totals::LiveTotals,
    turn::{Grouping, LiveTurn, Speaker, TurnEnd},
};
use self::{
    command::{Command, Commands},
    context::Contexts,
    limits::{Log, MOST_ENTRIES, MOST_GAPS},
    requests::{Asked, Requests},
    restore::Said,
    seen::{Seen, Sent},
    turns::Turns,
};
pub(super) use self::{
    errands::{DueCall, DueTask},
    receive::refusal,
    work::Work,
};
use crate::{
    live::types::{CallError, ContextWindow, HistoryItem, Number, Reported, SessionResource},
    protocol::sample_bytes,
    session::{LinkEnd, Setup},
    transport::Instant,
    types::AudioFormat,
    wire::{Id, Json},
};

/// State of a Live session.
///
/// Lists keep the latest thousands of their entries, and texts their first or last megabytes: what a server says without
/// end does not make the state grow without end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LiveState {
    /// Kind of connection.
    pub kind: ConnectionKind,
    /// Number of links so far.
    pub connections: u32,
    /// Phase of the session.
    pub phase: LivePhase,
    /// Whether the input is muted, by this connection or another.
    pub input_muted: bool,
    /// Whether inference is paused for want of speech.
    pub paused: bool,
    /// Transcript of the user's speech: the last 4 MiB.
    pub input_transcript: String,
    /// Transcript of the model's speech: the last 4 MiB.
    pub output_transcript: String,
    /// Usage of the voice, as last reported. Cumulative.
    pub usage: Option<Json>,
    /// Utilization of the voice's context, as last reported.
    pub context_window: Option<Reported<ContextWindow>>,
    /// Errors of the server, the latest last.
    pub errors: VecDeque<LiveComplaint>,
    /// Codes of notices, the latest last.
    pub infos: VecDeque<Box<str>>,
    /// Types of events that are not known, the latest last.
    pub unknown: VecDeque<Box<str>>,
    /// Types of known events that did not fit, the latest last.
    pub malformed: VecDeque<&'static str>,
    /// Number of messages that were not events.
    pub undecodable: u64,
    /// Number of repeated events that were suppressed.
    pub duplicates: u64,
    /// Keys of a telephone.
    pub keys: Keys,
    /// State of a telephone call.
    pub call: Option<CallState>,
    /// Why it could not be set up.
    pub call_error: Option<Reported<CallError>>,
    /// All audio.
    pub audio: AudioCounts,
    /// How the session, or the link to it, ended. `None` while there is a link.
    pub ending: Option<Ending>,
    session: Option<Reported<SessionResource>>,
    attached_to: Option<Id>,
    source: Option<Id>,
    was_started: bool,
    is_linked: bool,
    contexts: Contexts,
    work: Work,
    decisions: Log<LiveDecision>,
    decision_requests: Log<Option<Id>>,
    decision_items: Log<Id>,
    decision_usage: Value,
    gaps_ms: Log<(Number, Number)>,
    output_end: Option<Number>,
    turns: Turns,
    requests: Requests,
    seen: Seen,
    sent: Sent,
    most_errors: Option<usize>,
    restores: bool,
    /// Whether a stored session that is lost is forked, and whether the service has refused that.
    forks: bool,
    fork_refused: bool,
    /// What the session was configured to begin with.
    given: Arc<[HistoryItem]>,
    /// Whether this side, or another, wants the input to be muted.
    wants_mute: Option<Mute>,
    /// The conversation of previous sessions, with which this one was started.
    history: Vec<Said>,
    /// What the session is restored from once it is open for the first time.
    inherited: Option<Arc<LiveSnapshot>>,
}

impl Default for LiveState {
    fn default() -> Self {
        Self::new(ConnectionKind::Primary, Grouping::default())
    }
}

impl LiveState {
    /// Nothing is known yet.
    pub fn new(kind: ConnectionKind, grouping: Grouping) -> Self {
        Self {
            kind,
            connections: 0,
            phase: LivePhase::Opening,
            input_muted: false,
            paused: false,
            input_transcript: String::new(),
            output_transcript: String::new(),
            usage: None,
            context_window: None,
            errors: VecDeque::new(),
            infos: VecDeque::new(),
            unknown: VecDeque::new(),
            malformed: VecDeque::new(),
            undecodable: 0,
            duplicates: 0,
            keys: Keys::default(),
            call: None,
            call_error: None,
            audio: AudioCounts::default(),
            ending: None,
            session: None,
            attached_to: None,
            source: None,
            was_started: false,
            is_linked: false,
            contexts: Contexts::default(),
            work: Work::default(),
            decisions: Log::sized(MOST_ENTRIES, |decision| decision.decision.json().as_str().len()),
            decision_requests: Log::new(MOST_ENTRIES),
            decision_items: Log::new(MOST_ENTRIES),
            decision_usage: Value::Null,
            gaps_ms: Log::new(MOST_GAPS),
            output_end: None,
            turns: Turns::new(grouping),
            requests: Requests::default(),
            seen: Seen::default(),
            sent: Sent::default(),
            most_errors: Some(64),
            restores: false,
            forks: false,
            fork_refused: false,
            given: Arc::default(),
            wants_mute: None,
            history: Vec::new(),
            inherited: None,
        }
    }

    /// A link to the session is up: the session that a sideband attaches to, or that a fork goes on from.
    pub fn link_is_up(&mut self, session_id: Option<Id>, now: Instant) {
        self.elapse(now);
        self.connections = self.connections.saturating_add(1);
        self.is_linked = true;
        self.ending = None;
        match self.kind {
            ConnectionKind::Sideband => {
                self.attached_to = session_id.or(self.attached_to.take());
                self.phase = LivePhase::Open;
            }
            ConnectionKind::Fork => self.source = session_id.or(self.source.take()),
            ConnectionKind::Primary => {}
        }
    }

    /// The link is gone.
    pub fn link_is_gone(&mut self, by: LinkEnd, code: Option<u16>, now: Instant) {
        self.elapse(now);
        self.is_linked = false;
        let ending = self.ending.get_or_insert_default();
        ending.by = Some(by);
        ending.code = code;
        if ending.confirmed {
            return;
        }
        self.phase = if self.is_sideband() && self.phase != LivePhase::Closing {
            LivePhase::Detached
        } else if self.session.is_none() && !self.errors.is_empty() {
            LivePhase::Refused
        } else {
            LivePhase::Lost
        };
    }

    /// Nothing more is read or sent: the application lets go of the session, and of re-attaching to it.
    pub fn ended(&mut self, now: Instant) {
        self.turns.close(TurnEnd::Manual, ms(now));
        if !self.is_linked {
            self.contexts.settle();
        }
    }

    /// Lets time pass: turns end by silence too.
    pub fn elapse(&mut self, now: Instant) {
        self.turns.elapse(ms(now));
    }

    /// When time alone changes a turn, in milliseconds on the clock of `now`.
    pub fn turn_deadline(&self) -> Option<Instant> {
        let at = self.turns.deadline()?;
        Some(Instant::from_origin(std::time::Duration::try_from_secs_f64(at.max(0.0) / 1000.0).ok()?))
    }

    /// The session as it was last reported.
    pub fn session(&self) -> Option<&Reported<SessionResource>> {
        self.session.as_ref()
    }

    /// The session's id: as it was last reported, before that the one attached to.
    pub fn session_id(&self) -> Option<&Id> {
        self.session.as_ref().map(|session| &session.id).filter(|id| !id.is_empty()).or(self.attached_to.as_ref())
    }

    /// The stored session that a fork goes on from.
    pub fn source_session_id(&self) -> Option<&Id> {
        self.source.as_ref()
    }

    /// The conversation, as turns in the order in which they were first seen.
    pub fn turns(&self) -> impl DoubleEndedIterator<Item = &LiveTurn> + ExactSizeIterator {
        self.turns.iter()
    }

    /// The clip that is being played.
    pub fn fixture(&self) -> Option<&Fixture> {
        self.fixtures().find(|fixture| fixture.state == FixtureState::Playing)
    }

    /// Clips, those of other connections too, in order.
    pub fn fixtures(&self) -> impl DoubleEndedIterator<Item = &Fixture> + ExactSizeIterator {
        self.contexts.fixtures.iter()
    }

    /// Contexts that this connection added, in order.
    pub fn appends(&self) -> impl DoubleEndedIterator<Item = &Append> + ExactSizeIterator {
        self.contexts.appends.iter()
    }

    /// Tasks that the voice handed over, in order.
    pub fn delegations(&self) -> impl DoubleEndedIterator<Item = &LiveDelegation> + ExactSizeIterator {
        self.work.delegations.iter()
    }

    /// Status of a task.
    pub fn delegation_status(&self, delegation: &LiveDelegation) -> DelegationStatus {
        self.work.status(delegation)
    }

    /// Responses of the backend, in order.
    pub fn responses(&self) -> impl DoubleEndedIterator<Item = &LiveResponse> + ExactSizeIterator {
        self.work.responses.iter()
    }

    /// Calls of functions of the application, in order.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &LiveCall> + ExactSizeIterator {
        self.work.calls.iter()
    }

    /// Whether the backend waits for `response.create`: no response is in progress, every call has its output, and the
    /// backend has not been asked to go on.
    pub fn continue_is_owed(&self) -> bool {
        self.work.continue_is_owed()
    }

    /// Number of `response.create` events sent, and of those refused.
    pub fn continues(&self) -> (u64, u64) {
        (self.work.continues_sent, self.work.continues_refused)
    }

    /// Answers of the decision model, in order.
    pub fn decisions(&self) -> impl DoubleEndedIterator<Item = &LiveDecision> + ExactSizeIterator {
        self.decisions.iter()
    }

    /// The ids of the `decision.create` that were sent, in order.
    pub fn decision_requests(&self) -> impl DoubleEndedIterator<Item = Option<&Id>> + ExactSizeIterator {
        self.decision_requests.iter().map(Option::as_ref)
    }

    /// The ids of the items for future decisions, in order.
    pub fn decision_items(&self) -> impl DoubleEndedIterator<Item = &Id> + ExactSizeIterator {
        self.decision_items.iter()
    }

    /// Tokens that the backend used, added up.
    pub fn backend_usage(&self) -> &Value {
        &self.work.usage
    }

    /// Tokens that the decision model used, added up.
    pub fn decision_usage(&self) -> &Value {
        &self.decision_usage
    }

    /// Holes in the output audio, as a sideband sees it: where one ends and the next begins on the session's timeline,
    /// in milliseconds.
    pub fn output_gaps_ms(&self) -> impl DoubleEndedIterator<Item = (Number, Number)> + ExactSizeIterator {
        self.gaps_ms.iter().copied()
    }

    fn is_sideband(&self) -> bool {
        self.kind == ConnectionKind::Sideband
    }

    pub(super) fn configured(&mut self, kind: ConnectionKind, setup: &Setup) {
        self.kind = kind;
        self.most_errors = setup.kept_errors;
        self.restores = setup.restore;
    }

    /// An event of ours goes onto the wire.
    pub(super) fn note_sent(&mut self, seq: u64, event: &impl Commands, now: Instant) {
        self.elapse(now);
        let event_id = event.event_id().filter(|id| !id.is_empty());
        if let Some(event_id) = event_id {
            self.sent.insert(event_id, event.kind());
        }
        let command = event.command();
        if let Some(asked) = Asked::by(&command) {
            match asked {
                Asked::Mute => self.wants_mute = Some(Mute::Asked(seq)),
                Asked::Unmute => self.wants_mute = None,
                _ => {}
            }
            self.requests.push(seq, event_id.cloned(), asked, now);
        }
        match command {
            Command::Audio(audio) => self.audio.appended.add(audio.len()),
            Command::Fixture(audio) => {
                self.audio.fixture.add(audio.len());
                self.contexts.fixtures.push(Fixture {
                    client_event_id: event_id.cloned(),
                    state: FixtureState::Requested,
                    bytes: Some(audio.len() as u64),
                });
            }
            Command::Context(kind, delegation_id) => {
                self.contexts.appends.push(Append {
                    kind,
                    client_event_id: event_id.cloned(),
                    delegation_id: delegation_id.cloned(),
                    state: AppendState::Pending,
                    interval_ms: None,
                });
            }
            Command::DecisionCreate => {
                self.decision_requests.push(event_id.cloned());
            }
            Command::ResponseItemCreate(item) => self.work.answered(item, event_id),
            Command::ResponseCreate => self.work.continued(event_id),
            Command::Close if matches!(self.phase, LivePhase::Opening | LivePhase::Open) => {
                self.phase = LivePhase::Closing;
            }
            _ => {}
        }
    }

    /// Input audio of this length, in bytes, is written.
    pub(super) fn note_audio(&mut self, bytes: usize, now: Instant) {
        self.elapse(now);
        self.audio.appended.add(bytes);
    }

    /// What handlers are to do, and what they have done.
    pub(super) fn work_mut(&mut self) -> &mut Work {
        &mut self.work
    }

    pub(super) fn work(&self) -> &Work {
        &self.work
    }

    /// Whether the backend may have to be asked to go on.
    pub(super) fn may_continue(&self) -> bool {
        self.phase == LivePhase::Open && self.work.may_continue()
    }

    /// Whether the backend is to be asked to go on.
    pub(super) fn next_continue(&mut self) -> bool {
        self.phase == LivePhase::Open && self.work.next_continue()
    }

    /// The encoding of the input, as the session has it.
    pub(super) fn input_format(&self) -> AudioFormat {
        let audio = self.session.as_ref().and_then(|session| session.audio.as_ref());
        audio.and_then(|audio| audio.format.as_deref().cloned()).unwrap_or_default()
    }

    pub(super) fn input_sample_bytes(&self) -> usize {
        sample_bytes(&self.input_format())
    }

    pub(super) fn input_length_ms(&self, bytes: usize) -> u64 {
        self.input_format().bytes_to_ms(bytes as u64).unwrap_or_default()
    }
}

/// Why the input is to be muted.
#[derive(Clone, Debug, PartialEq)]
enum Mute {
    /// It is muted.
    Granted,
    /// The request with this number asks for it.
    Asked(u64),
}

/// An id that is one.
fn id(of: &Option<Id>) -> Option<&Id> {
    of.as_ref().filter(|id| !id.is_empty())
}

/// A point in time, in milliseconds. Whole ones stay whole.
fn ms(now: Instant) -> f64 {
    now.since_origin().as_nanos() as f64 / 1e6
}
