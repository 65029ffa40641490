//! The session of a conversation or a transcription.

mod apply;
mod calls;
mod checks;
mod conversation;
mod input;
mod item;
mod playback;
mod responses;
mod restore;
mod scheduler;
mod totals;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use calls::Book;
pub use calls::Call;
pub(crate) use calls::Due;
pub use conversation::Conversation;
pub use input::{Input, Speech};
pub use item::{ItemState, McpStatus, PartState, Segment};
use playback::Ledger;
pub use playback::{Chunk, Heard, Playback, Unheard};
pub use responses::{ResponseState, Responses};
use restore::Creations;
use scheduler::Scheduler;
pub(crate) use scheduler::{MOST_METADATA, REQUEST, is_out_of_band};
pub use totals::{RateLimitState, Totals};

use super::{
    Changes, Memory, Plan, Setup, State, Turn,
    intent::Intent,
    requests::{Request, Requests},
};
use crate::{
    event::{ClientEvent, Event, ServerEvent},
    protocol::{Realtime, sample_bytes},
    transport::Instant,
    types::{AudioFormat, ErrorBody, SessionConfig, SessionInfo, TurnDetection},
    wire::Id,
};

/// What is known of a session that converses or transcribes.
///
/// It is what the server said, as of the last event read, and how much audio was sent.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RealtimeSession {
    /// The items, in order.
    pub conversation: Conversation,
    /// The model's responses.
    pub responses: Responses,
    /// What the user says.
    pub input: Input,
    /// What it costs.
    pub totals: Totals,
    /// The server's complaints, the latest last.
    pub errors: VecDeque<Complaint>,
    /// Types of events that were not known, the latest last.
    pub unknown: VecDeque<Box<str>>,
    /// The digits that were dialled: the last 4096.
    pub dtmf: String,
    /// The response that the server plays, over WebRTC and SIP.
    pub playing: Option<Id>,
    info: Option<Arc<SessionInfo>>,
    rate_limits: Option<Vec<RateLimitState>>,
    requests: Requests<Kind>,
    scheduler: Scheduler,
    /// None unless the playback is followed.
    ledger: Option<Box<Ledger>>,
    /// What the session itself wants to send.
    outgoing: VecDeque<ClientEvent>,
    /// None as long as nobody answers.
    calls: Option<Box<Book>>,
    intent: Intent<SessionConfig>,
    creations: Creations,
    /// Whether the model has spoken: then its voice cannot change.
    spoke: bool,
    memory: Memory,
}

/// A complaint of the server, and the event that it is about.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Complaint {
    /// What the server said.
    pub error: ErrorBody,
    /// The type of the event of ours that it names.
    pub about: Option<Box<str>>,
}

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Update,
    Create,
    Delete,
    Truncate,
    Retrieve,
    Commit,
    Clear,
    ClearOutput,
}

impl RealtimeSession {
    /// The session as the server last described it, its effective configuration with it. None before it is open.
    pub fn info(&self) -> Option<&SessionInfo> {
        self.info.as_deref()
    }

    /// The rate limits as the server last stated them. None before the first time.
    pub fn rate_limits(&self) -> Option<&[RateLimitState]> {
        self.rate_limits.as_deref()
    }

    /// How the end of a turn is found, if the server finds it.
    pub fn turn_detection(&self) -> Option<&TurnDetection> {
        self.info()?.input()?.turn_detection.as_ref()
    }

    /// How input audio is written.
    pub fn input_format(&self) -> AudioFormat {
        self.info().and_then(|info| info.input()?.format.clone()).unwrap_or_default()
    }

    /// How output audio is written, unless a response says otherwise.
    pub fn output_format(&self) -> AudioFormat {
        output_format(self.info())
    }
}

fn output_format(info: Option<&SessionInfo>) -> AudioFormat {
    info.and_then(|info| info.output()?.format.clone()).unwrap_or_default()
}

impl State<Realtime> for RealtimeSession {
    fn configure(&mut self, setup: &Setup) {
        self.ledger = setup.playback.clone().map(|settings| Box::new(Ledger::new(settings)));
        self.creations.remember(setup.restore);
        self.conversation.set_keep(setup.memory.items, setup.memory.bytes);
        self.responses.set_keep(setup.memory.responses);
        self.memory = setup.memory.clone();
    }

    fn sent(&mut self, seq: u64, event: &ClientEvent, _: Instant) {
        if let Some(id) = event.event_id() {
            self.requests.note(id, event.kind());
        }
        let (kind, subject) = match event {
            ClientEvent::SessionUpdate(update) => {
                if self.creations.is_on() {
                    self.intent.ask(seq, &update.session);
                }
                (Kind::Update, None)
            }
            ClientEvent::ConversationItemCreate(create) => {
                self.creations.asked(seq, create);
                (Kind::Create, create.item.id().cloned())
            }
            ClientEvent::ConversationItemDelete(delete) => (Kind::Delete, Some(delete.item_id.clone())),
            ClientEvent::ConversationItemTruncate(truncate) => (Kind::Truncate, Some(truncate.item_id.clone())),
            ClientEvent::ConversationItemRetrieve(retrieve) => (Kind::Retrieve, Some(retrieve.item_id.clone())),
            ClientEvent::InputAudioBufferCommit(_) => {
                self.input.commits += 1;
                (Kind::Commit, None)
            }
            ClientEvent::InputAudioBufferClear(_) => {
                self.input.clears += 1;
                (Kind::Clear, None)
            }
            ClientEvent::OutputAudioBufferClear(_) => (Kind::ClearOutput, None),
            ClientEvent::ResponseCreate(create) => {
                return self.scheduler.asked(seq, create);
            }
            ClientEvent::InputAudioBufferAppend(append) => return self.input.append(append.audio.len()),
            _ => return,
        };
        self.requests.push(Request { seq, event_id: event.event_id().cloned(), kind, subject });
    }

    fn sent_audio(&mut self, bytes: usize, _: Instant) {
        self.input.append(bytes);
    }

    fn received(&mut self, event: &mut ServerEvent, now: Instant, changes: &mut Changes) {
        self.schedule(event, now, changes);
        self.follow(event, now);
        self.note_calls(event);
        self.apply(event, now);
        self.settle(event, changes);
        for (seq, granted) in &changes.settled {
            self.intent.settle(*seq, *granted);
            self.creations.settle(*seq, *granted);
        }
        changes.turn = self.turn(event);
    }

    fn admits(&self, event: &ClientEvent, now: Instant) -> bool {
        self.admits_event(event, now)
    }

    fn deadline(&self) -> Option<Instant> {
        self.expected_until()
    }

    fn next_outgoing(&mut self) -> Option<ClientEvent> {
        self.outgoing.pop_front().or_else(|| self.take_follow_up())
    }

    fn restoration(&self, repeat_response: bool, now: Instant) -> (Plan<ClientEvent>, Self) {
        self.plan_restoration(repeat_response, now)
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

impl RealtimeSession {
    /// The response that began or ended with the event.
    fn turn(&self, event: &ServerEvent) -> Option<Turn> {
        let (id, ended) = match event {
            ServerEvent::ResponseCreated(created) => (created.response.id.as_ref()?, false),
            ServerEvent::ResponseDone(done) => (done.response.id.as_ref()?, true),
            _ => return None,
        };
        let response = self.responses.get(id)?;
        Some(if ended {
            Turn::Ended {
                id: id.clone(),
                status: response.status.clone(),
                time_to_first_token: response.time_to_first_token(),
                time_to_first_audio: response.time_to_first_audio(),
                total_tokens: response.usage.as_ref().and_then(|usage| usage.total_tokens),
            }
        } else {
            Turn::Began { id: id.clone(), out_of_band: response.out_of_band }
        })
    }

    /// Finds the request that the event answers.
    fn settle(&mut self, event: &ServerEvent, changes: &mut Changes) {
        let (kind, subject) = match event {
            ServerEvent::SessionUpdated(_) => (Kind::Update, None),
            ServerEvent::ConversationItemAdded(added) => (Kind::Create, added.item.id()),
            ServerEvent::ConversationItemDeleted(deleted) => (Kind::Delete, Some(&deleted.item_id)),
            ServerEvent::ConversationItemTruncated(truncated) => (Kind::Truncate, Some(&truncated.item_id)),
            ServerEvent::ConversationItemRetrieved(retrieved) => (Kind::Retrieve, retrieved.item.id()),
            ServerEvent::InputAudioBufferCommitted(_) => (Kind::Commit, None),
            ServerEvent::InputAudioBufferCleared(_) => (Kind::Clear, None),
            ServerEvent::OutputAudioBufferCleared(_) => (Kind::ClearOutput, None),
            ServerEvent::Error(error) => {
                if let Some(id) = &error.error.event_id {
                    let request = self.requests.refused(id).map(|request| request.seq);
                    let request = request.or_else(|| self.scheduler.refused(id));
                    changes.settled.extend(request.map(|seq| (seq, false)));
                }
                return;
            }
            _ => return,
        };
        if let Some(request) = self.requests.answered(&kind, subject) {
            changes.settled.push((request.seq, true));
        }
    }
}
