//! The state of a conversation or transcription session.

mod apply;
mod calls;
mod checks;
mod complete;
mod continued;
mod conversation;
mod index;
mod item;
mod latency;
mod pages;
mod playback;
mod response;
mod responses;
mod restore;
mod rooted;
mod scheduler;
mod settle;
mod snapshot;
mod totals;
mod twins;
mod unnamed;

use std::{collections::VecDeque, sync::Arc, time::Duration};

pub use crate::protocol::state::{Complaint, Input, Speech};
use calls::PendingCalls;
pub use calls::{Call, WhenInterrupted};
pub(crate) use calls::{Due, NotOpen};
pub use conversation::{Conversation, Keep};
pub(crate) use conversation::{Edit, edit};
pub use item::{ItemState, McpStatus, PartState, Segment};
use latency::Waits;
pub use latency::{Latency, ResponseLatency};
pub(crate) use playback::AudioQueue;
use playback::Ledger;
pub use playback::{Chunk, Heard, Output, Playback, Unheard};
pub use response::ResponseState;
pub use responses::Responses;
use restore::Creations;
use rooted::Rooted;
use scheduler::Scheduler;
pub(crate) use scheduler::{MOST_METADATA, REQUEST, is_out_of_band};
pub use snapshot::{InFlight, Media, SavedCall, SavedCalls, SavedItem, Snapshot};
pub use totals::{RateLimitState, Totals};
use twins::Twins;

use crate::{
    protocol::{
        event::{ErrorEvent, Event},
        sample_bytes,
        state::{
            self, NextSession, Plan, Setup, State, Timeouts,
            intent::Intent,
            remember,
            requests::{Patience, Request, Requests},
        },
        types::AudioFormat,
    },
    realtime::{
        Realtime, RealtimeSettings,
        event::{ClientEvent, ServerEvent},
        types::{Item, SessionConfig, SessionInfo, TurnDetection},
    },
    transport::Instant,
    wire::{Id, Omission},
};

type Changes = state::Changes<ServerEvent>;

/// The client's knowledge of a conversation or transcription session.
///
/// Reflects every event read so far, and how much audio was sent.
///
/// # Examples
/// ```
/// # let clock = realtime_mock::VirtualClock::new();
/// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
/// # clock.block_on(client.realtime().model("m").run(async |connection| {
/// connection.respond("Good morning!").await?.await?;
/// let state = connection.state();
/// println!("{:?}", state.responses.iter().last().map(|response| &response.status));
/// println!("{} errors, {:?}", state.errors.len(), state.totals.responses);
/// # Ok::<_, realtime_core::Error>(())
/// # }))?;
/// # Ok::<_, realtime_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RealtimeState {
    /// The conversation.
    pub conversation: Conversation,
    /// The model's responses.
    pub responses: Responses,
    /// The user's audio.
    pub input: Input,
    /// Total usage.
    pub totals: Totals,
    /// Errors reported by the server, the latest last.
    pub errors: VecDeque<Complaint>,
    /// Types of unknown events, the latest last.
    pub unknown: VecDeque<Box<str>>,
    /// DTMF digits received: the last 4096.
    pub dtmf: String,
    /// Id of the response that the server is playing, over WebRTC and SIP.
    pub playing: Option<Id>,
    info: Option<Arc<SessionInfo>>,
    rate_limits: Option<Vec<RateLimitState>>,
    requests: Requests<RequestKind>,
    scheduler: Scheduler,
    patience: Patience,
    /// Allocated on first use.
    aside: Option<Box<Aside>>,
    /// `None` unless playback is tracked.
    ledger: Option<Box<Ledger>>,
    /// Events that the session itself wants to send.
    outgoing: VecDeque<ClientEvent>,
    /// None as long as nobody answers. Shared with copies until a call comes or is answered.
    calls: Option<Arc<PendingCalls>>,
    /// Unanswered calls of the conversation that is resumed, until somebody answers.
    inherited_calls: Option<Arc<PendingCalls>>,
    /// What the conversation is restored from once its first session here is open.
    inherited: snapshot::Inherited,
    intent: Intent<SessionConfig>,
    creations: Creations,
    /// Allocated when the user has spoken, or a function is called.
    waits: Option<Arc<Waits>>,
    /// Allocated on the first delta.
    stream: Option<Box<Stream>>,
    /// Whether the model has spoken. Its voice can no longer be changed.
    spoke: bool,
    /// Whether the model's audio is kept.
    keeps_audio: bool,
    setup: Setup,
}

/// Rarely used parts of the state.
#[derive(Clone, Debug, Default)]
struct Aside {
    /// The latest error that answers no request, and when it was received.
    unclaimed: Option<(Instant, ErrorEvent)>,
    /// Id of the item that the user's current speech becomes.
    spoken: Option<Id>,
    /// Items that the client asked to insert at the front.
    rooted: Rooted,
    /// Members that did not fit, the latest last.
    left_out: VecDeque<LeftOut>,
    /// The response in progress to which the server gave no name: it goes by one of ours.
    unnamed: Option<Id>,
}

/// State carried from one delta to the next.
#[derive(Clone, Debug, Default)]
struct Stream {
    twins: Twins,
    /// First byte of an incomplete sample at the end of the current delta, and whether that ever happened.
    half: Option<u8>,
    has_halves: bool,
}

/// A member that did not fit and was left out of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// Type of the event.
    pub kind: Box<str>,
    /// Id of the event.
    pub event_id: Option<Id>,
    /// Path of the member, and why it did not fit.
    pub omission: Omission,
}

/// Kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestKind {
    Update,
    Create(Sort),
    Delete,
    Truncate,
    Retrieve,
    Commit,
    Clear,
    ClearOutput,
    Cancel,
    /// An event of an unknown type, answered only by an error that names it.
    Other,
}

/// What sort of item it is, for a server that gives it another id, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sort {
    User,
    Assistant,
    System,
    Call,
    Output,
    Approval,
    Other,
}

impl RequestKind {
    /// Whether it asks for an item as this one. A message of nobody may be anybody's.
    fn creates(self, item: &Item) -> bool {
        let Self::Create(sort) = self else { return false };
        match item {
            Item::Message(message) if message.role.as_str().is_empty() => {
                matches!(sort, Sort::User | Sort::Assistant | Sort::System)
            }
            item => Sort::of(item) == sort,
        }
    }

    /// Type of the event, if it is certain.
    fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Update => "session.update",
            Self::Create(_) => "conversation.item.create",
            Self::Delete => "conversation.item.delete",
            Self::Truncate => "conversation.item.truncate",
            Self::Retrieve => "conversation.item.retrieve",
            Self::Commit => "input_audio_buffer.commit",
            Self::Clear => "input_audio_buffer.clear",
            Self::ClearOutput => "output_audio_buffer.clear",
            Self::Cancel => "response.cancel",
            Self::Other => return None,
        })
    }
}

impl RealtimeState {
    /// The session as last described by the server, with its effective configuration. `None` before it is open.
    pub fn info(&self) -> Option<&SessionInfo> {
        self.info.as_deref()
    }

    /// Members that did not fit and were left out of events, the latest last. As many as errors are kept.
    pub fn left_out(&self) -> impl DoubleEndedIterator<Item = &LeftOut> {
        self.aside.iter().flat_map(|aside| &aside.left_out)
    }

    /// The last reported rate limits. `None` until there are any.
    pub fn rate_limits(&self) -> Option<&[RateLimitState]> {
        self.rate_limits.as_deref()
    }

    /// Turn detection settings, if on.
    pub fn turn_detection(&self) -> Option<&TurnDetection> {
        self.info()?.input()?.turn_detection.as_ref()
    }

    /// Encoding of input audio.
    pub fn input_format(&self) -> AudioFormat {
        self.info().and_then(|info| info.input()?.format.clone()).unwrap_or_default()
    }

    /// Encoding of output audio, unless a response overrides it.
    pub fn output_format(&self) -> AudioFormat {
        output_format(self.info())
    }
}

fn output_format(info: Option<&SessionInfo>) -> AudioFormat {
    info.and_then(|info| info.output()?.format.clone()).unwrap_or_default()
}

impl State<Realtime> for RealtimeState {
    fn configure(&mut self, settings: &RealtimeSettings, setup: &Setup) {
        self.ledger = settings.playback.clone().map(|settings| Box::new(Ledger::new(settings)));
        self.creations.remember(setup.restore);
        self.conversation.set_keep(settings.memory.items, settings.memory.bytes);
        self.responses.set_keep(settings.memory.responses);
        self.keeps_audio = settings.memory.audio;
        self.setup = setup.clone();
    }

    fn sent(&mut self, seq: u64, event: &ClientEvent, now: Instant) {
        if let Some(id) = event.event_id() {
            self.requests.note(id, event.kind());
        }
        self.wait_on_sent(event, now);
        let (kind, subject) = match event {
            ClientEvent::SessionUpdate(update) => {
                self.intent.ask(seq, &update.session);
                (RequestKind::Update, None)
            }
            ClientEvent::ConversationItemCreate(create) => {
                self.creations.asked(seq, create);
                if create.previous_item_id.as_deref() == Some("root") {
                    self.aside.get_or_insert_default().rooted.asked(&create.item);
                }
                (RequestKind::Create(Sort::of(&create.item)), create.item.id().cloned())
            }
            ClientEvent::ConversationItemDelete(delete) => (RequestKind::Delete, Some(delete.item_id.clone())),
            ClientEvent::ConversationItemTruncate(truncate) => (RequestKind::Truncate, Some(truncate.item_id.clone())),
            ClientEvent::ConversationItemRetrieve(retrieve) => (RequestKind::Retrieve, Some(retrieve.item_id.clone())),
            ClientEvent::InputAudioBufferCommit(_) => {
                self.input.commits += 1;
                (RequestKind::Commit, None)
            }
            ClientEvent::InputAudioBufferClear(_) => {
                self.input.clears += 1;
                (RequestKind::Clear, None)
            }
            ClientEvent::OutputAudioBufferClear(_) => (RequestKind::ClearOutput, None),
            ClientEvent::ResponseCreate(create) => {
                return self.scheduler.asked(seq, create, self.patience.asked(now));
            }
            ClientEvent::ResponseCancel(cancel) => {
                let active = || self.responses.active().map(|active| active.id.clone());
                (RequestKind::Cancel, cancel.response_id.clone().or_else(active))
            }
            ClientEvent::InputAudioBufferAppend(append) => return self.input.append(append.audio.len()),
            ClientEvent::Custom(_) | ClientEvent::Malformed(_) | ClientEvent::Invalid(_) => (RequestKind::Other, None),
        };
        let (event_id, asked) = (event.event_id().cloned(), self.patience.asked(now));
        self.requests.push(Request { seq, event_id, kind, subject, asked });
    }

    fn sent_audio(&mut self, bytes: usize, _: Instant) {
        self.input.append(bytes);
    }

    fn received(&mut self, event: &mut ServerEvent, now: Instant, changes: &mut Changes) {
        changes.repeated = self.is_second(event, changes);
        if !changes.repeated && !self.continue_delta(event, now, changes) {
            self.follow_event(event, now, changes);
        }
    }

    fn due(&self, timeouts: &Timeouts) -> Option<Instant> {
        self.first_due(timeouts)
    }

    fn expire(&mut self, timeouts: &Timeouts, now: Instant, changes: &mut Changes) {
        self.give_up(timeouts, now, changes);
        self.note_outcomes(changes);
    }

    fn is_waiting(&self) -> bool {
        self.scheduler.is_waiting() || self.requests.count(|request| request.kind != RequestKind::Other) > 0
    }

    fn admits(&self, event: &ClientEvent, now: Instant) -> bool {
        self.admits_event(event, now)
    }

    fn deadline(&self) -> Option<Instant> {
        self.expected_until()
    }

    fn has_outgoing(&self) -> bool {
        !self.outgoing.is_empty() || self.wants_follow_up()
    }

    fn next_outgoing(&mut self) -> Option<ClientEvent> {
        self.outgoing.pop_front().or_else(|| self.take_follow_up())
    }

    fn restoration(&self, repeat_response: bool, now: Instant) -> (Plan<ClientEvent>, Self) {
        self.plan_restoration(&NextSession::default(), repeat_response, now)
    }

    fn restoration_in(&self, next: &NextSession, repeat_response: bool, now: Instant) -> (Plan<ClientEvent>, Self) {
        self.plan_restoration(next, repeat_response, now)
    }

    fn resumption(&self, now: Instant) -> (Plan<ClientEvent>, Self) {
        self.plan_resumption(now)
    }

    fn still_applies(&self, event: &ClientEvent, created: &[Id], audio: usize) -> bool {
        self.makes_sense(event, created, audio)
    }

    fn created(event: &ClientEvent) -> Option<&Id> {
        match event {
            ClientEvent::ConversationItemCreate(create) => create.item.id(),
            _ => None,
        }
    }

    fn is_quiet(&self, now: Instant) -> bool {
        self.nothing_under_way(now)
    }

    fn expires_at(&self) -> Option<Duration> {
        self.info()?.expires_at().map(Duration::from_secs)
    }

    fn sample_bytes(&self) -> usize {
        self.info().and_then(|info| info.input()?.format.as_ref()).map_or(2, sample_bytes)
    }

    fn input_ms(&self, bytes: usize) -> u64 {
        self.input_format().bytes_to_ms(bytes as u64).unwrap_or_default()
    }
}

impl RealtimeState {
    fn is_second(&mut self, event: &ServerEvent, changes: &Changes) -> bool {
        Twins::concern(event) && self.stream.get_or_insert_default().twins.is_second(event, changes.reading.older_name)
    }

    /// Applies any event, step by step.
    fn follow_event(&mut self, event: &mut ServerEvent, now: Instant, changes: &mut Changes) {
        self.note_left_out(event, changes);
        self.name_unnamed(event);
        self.complete(event);
        let mut mark = self.unmark(event);
        self.begin_lost(event, now);
        self.end_lost(event, now);
        self.follow(event, now);
        self.note_calls(event);
        self.apply(event, now);
        self.wait_on_received(event, now);
        self.settle(event, &mut mark, now, changes);
        self.schedule(event, &mark, now, changes);
        self.patience.rest(self.scheduler.is_responding(), now);
        self.note_outcomes(changes);
        self.report_waits(changes);
    }

    fn note_left_out(&mut self, event: &ServerEvent, changes: &Changes) {
        for omission in &changes.reading.left_out {
            let left_out =
                LeftOut { kind: event.kind().into(), event_id: event.event_id().cloned(), omission: omission.clone() };
            remember(&mut self.aside.get_or_insert_default().left_out, left_out, self.setup.kept_errors);
        }
    }
}
