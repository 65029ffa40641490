//! One response at a time in a conversation, and which request each response answers.

use std::{collections::HashMap, time::Duration};

use super::RealtimeSession;
use crate::{
    event::{ClientEvent, ResponseCreate, ServerEvent},
    session::Changes,
    transport::Instant,
    types::{ConversationChoice, Response, ResponseConfig, TurnDetection},
    wire::{Id, Patch},
};

/// The metadata that tells which request a response answers, where their order does not.
pub(crate) const REQUEST: &str = "realtime_request";

/// The most pairs of metadata that the service takes.
pub(crate) const MOST_METADATA: usize = 16;

/// For how long after the end of the user's turn the server's own response is expected.
const EXPECTED: Duration = Duration::from_secs(2);

/// The requests for responses that are on the wire, and the responses that answer them.
#[derive(Clone, Debug, Default)]
pub(super) struct Scheduler {
    unanswered: Vec<Asked>,
    /// By the response that answers them.
    answers: HashMap<Id, Asked>,
    /// Until when the server is believed to begin a response by itself.
    expected: Option<Instant>,
}

#[derive(Clone, Debug)]
struct Asked {
    seq: u64,
    create: ResponseCreate,
    out_of_band: bool,
}

/// The most requests that are remembered while the server answers none.
const MOST: usize = 1024;

impl Scheduler {
    pub(super) fn asked(&mut self, seq: u64, create: &ResponseCreate) {
        if self.unanswered.len() == MOST {
            self.unanswered.remove(0);
        }
        let out_of_band = is_out_of_band(create.response.as_ref());
        self.unanswered.push(Asked { seq, create: create.clone(), out_of_band });
    }

    /// The ids of requests that nothing has answered.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = &Id> {
        self.unanswered.iter().filter_map(|asked| asked.create.event_id.as_ref())
    }

    /// Requests whose response has not ended, in order, with their numbers.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = (u64, &ResponseCreate)> {
        let mut all: Vec<_> = self.unanswered.iter().chain(self.answers.values()).collect();
        all.sort_by_key(|asked| asked.seq);
        all.into_iter().map(|asked| (asked.seq, &asked.create))
    }

    /// Whether a request of the conversation is on the wire that nothing has answered yet.
    fn is_asked(&self) -> bool {
        self.unanswered.iter().any(|asked| !asked.out_of_band)
    }

    /// The request that an error is about.
    pub(super) fn refused(&mut self, event_id: &Id) -> Option<u64> {
        let at = self.unanswered.iter().position(|asked| asked.create.event_id.as_ref() == Some(event_id))?;
        Some(self.unanswered.remove(at).seq)
    }

    /// A response has begun: the answer to the request that its metadata names, else to the oldest that it can answer.
    /// One that the server was to begin by itself, and that names no request, answers none.
    fn began(&mut self, response: &Response, expected: bool) -> Option<u64> {
        let out_of_band = response.conversation_id == Patch::Clear;
        let named = response.metadata.as_ref().and_then(|metadata| metadata.get(REQUEST));
        let at = match named {
            Some(name) => self.unanswered.iter().position(|asked| asked.create.event_id.as_deref() == Some(name)),
            None if expected && !out_of_band => None,
            None => self.unanswered.iter().position(|asked| asked.out_of_band == out_of_band),
        }?;
        let asked = self.unanswered.remove(at);
        let seq = asked.seq;
        if self.answers.len() < MOST
            && let Some(id) = &response.id
        {
            self.answers.insert(id.clone(), asked);
        }
        Some(seq)
    }
}

impl RealtimeSession {
    /// Whether a response of the conversation can be asked for without a refusal, as far as is known here.
    pub fn can_respond(&self, now: Instant) -> bool {
        self.responses.active().is_none()
            && !self.scheduler.is_asked()
            && self.scheduler.expected.is_none_or(|until| now >= until)
    }

    pub(super) fn admits_event(&self, event: &ClientEvent, now: Instant) -> bool {
        match event {
            ClientEvent::ResponseCreate(create) => is_out_of_band(create.response.as_ref()) || self.can_respond(now),
            _ => true,
        }
    }

    pub(super) fn expected_until(&self) -> Option<Instant> {
        self.scheduler.expected
    }

    /// Follows requests for responses: before the event is applied.
    pub(super) fn schedule(&mut self, event: &mut ServerEvent, now: Instant, changes: &mut Changes) {
        if self.scheduler.expected.is_some_and(|until| now >= until) {
            self.scheduler.expected = None;
        }
        match event {
            ServerEvent::ResponseCreated(created) => {
                let expected = self.scheduler.expected.is_some();
                if created.response.conversation_id != Patch::Clear {
                    self.scheduler.expected = None;
                }
                changes.part_of = self.scheduler.began(&created.response, expected);
                hide(&mut created.response);
            }
            ServerEvent::ResponseDone(done) => {
                let asked = done.response.id.as_ref().and_then(|id| self.scheduler.answers.remove(id));
                // One whose beginning was missed answers all the same.
                let seq = asked.map(|asked| asked.seq).or_else(|| {
                    let known = done.response.id.as_ref().is_some_and(|id| self.responses.get(id).is_some());
                    if known { None } else { self.scheduler.began(&done.response, false) }
                });
                if let (Some(_), Some(id)) = (seq, &done.response.id) {
                    self.scheduler.answers.remove(id);
                }
                hide(&mut done.response);
                changes.settled.extend(seq.map(|seq| (seq, true)));
            }
            // The turn has ended, and the server answers it by itself.
            ServerEvent::InputAudioBufferCommitted(_) if self.responds_by_itself() => {
                self.scheduler.expected = Some(now + EXPECTED);
            }
            _ if self.scheduler.answers.is_empty() => {}
            event => {
                let response = event.response_id();
                changes.part_of = response.and_then(|id| self.scheduler.answers.get(id)).map(|asked| asked.seq);
            }
        }
    }

    /// Whether the server begins a response by itself when the user's turn ends.
    fn responds_by_itself(&self) -> bool {
        match self.turn_detection() {
            Some(TurnDetection::ServerVad(vad)) => vad.create_response != Some(false),
            Some(TurnDetection::SemanticVad(vad)) => vad.create_response != Some(false),
            Some(_) | None => false,
        }
    }

    /// Whether the order of requests and responses tells which answers which: nobody else asks.
    pub(crate) fn is_order_enough(&self, config: &ResponseConfig) -> bool {
        // A server that does not describe its input may well listen for turns.
        let input = self.info().and_then(|info| info.input());
        input.is_some_and(|input| input.turn_detection.is_none()) && !is_out_of_band(Some(config))
    }
}

pub(crate) fn is_out_of_band(config: Option<&ResponseConfig>) -> bool {
    config.is_some_and(|config| config.conversation == Some(ConversationChoice::None))
}

/// Takes our own mark out of what the user sees.
fn hide(response: &mut Response) {
    if let Some(metadata) = &mut response.metadata
        && metadata.remove(REQUEST).is_some()
        && metadata.is_empty()
    {
        response.metadata = None;
    }
}
