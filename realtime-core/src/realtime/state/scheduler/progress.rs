//! How responses begin, go on and end, and the requests for them with them.

use serde_json::value::RawValue;

use super::{
    super::{Changes, RealtimeState, RequestKind},
    Asked, EXPECTED, MOST, MOST_GIVEN_UP, Mark, Open, is_out_of_band,
};
use crate::{
    error::Awaited,
    protocol::state::{Outcome, Overdue, Timeouts},
    realtime::{
        event::{
            ResponseCancel, ServerEvent,
            server::groups::{detached_events, progress_events},
        },
        types::{Response, ResponseConfig, TurnDetection},
    },
    transport::Instant,
    wire::{Id, Members, Notes, Patch},
};

impl RealtimeState {
    /// After the event was applied, finds the request that it is part of the answer to, and what it ends.
    pub(in crate::realtime::state) fn schedule(
        &mut self,
        event: &ServerEvent,
        mark: &Mark,
        now: Instant,
        changes: &mut Changes,
    ) {
        if self.scheduler.expected.is_some_and(|until| now >= until) {
            self.scheduler.expected = None;
        }
        match event {
            ServerEvent::ResponseCreated(created) => {
                if let Some(id) = &created.response.id {
                    changes.part_of = match self.scheduler.touch(id, now) {
                        Some(asked) => asked,
                        // One that ends as it begins is told of by no other event.
                        None if self.is_in_progress(id) || mark.is_new => {
                            self.begin(id.clone(), Some(&created.response), mark.request.as_deref(), now, changes)
                        }
                        None => None,
                    };
                }
            }
            ServerEvent::ResponseDone(done) => {
                // A response whose beginning was missed still answers its request.
                if let Some(id) = done.response.id.as_ref().filter(|_| mark.is_new)
                    && self.responses.find(id).is_some()
                {
                    self.begin(id.clone(), Some(&done.response), mark.request.as_deref(), now, changes);
                }
            }
            // The turn has ended, and the server will respond by itself.
            ServerEvent::InputAudioBufferCommitted(_) if self.responds_by_itself() => {
                self.scheduler.expected = Some(now + EXPECTED);
            }
            event => {
                if let Some(id) = event.response_id() {
                    changes.part_of = match self.scheduler.touch(id, now) {
                        Some(asked) => asked,
                        // Its beginning was missed or unreadable.
                        None if self.is_in_progress(id) => self.begin(id.clone(), None, None, now, changes),
                        None => None,
                    };
                    // It is ended by other events.
                    return;
                }
                if let Some(id) = self.told_of(event) {
                    self.scheduler.touch(&id, now);
                }
            }
        }
        self.close(event, mark, changes);
    }

    /// Records more output of an active response. Returns the request that it answers, or `None` if it is not active.
    pub(in crate::realtime::state) fn alive(&mut self, id: &Id, now: Instant) -> Option<Option<u64>> {
        let asked = self.scheduler.touch(id, now)?;
        if self.scheduler.expected.is_some_and(|until| now >= until) {
            self.scheduler.expected = None;
        }
        Some(asked)
    }

    /// Whether the event tells of the beginning of a response that has ended already, and that nobody asks for again.
    pub(in crate::realtime::state) fn is_late_beginning(&self, id: &Id) -> bool {
        self.responses.find(id).is_some_and(|known| known.done.is_some()) && !self.scheduler.is_expecting()
    }

    /// Whether a response has begun and not ended.
    pub(in crate::realtime::state) fn is_in_progress(&self, id: &Id) -> bool {
        self.responses.is_active(id) || self.responses.find(id).is_some_and(|response| response.done.is_none())
    }

    /// Begins a response. Returns the number of the request that it answers.
    fn begin(
        &mut self,
        id: Id,
        response: Option<&Response>,
        mark: Option<&str>,
        now: Instant,
        changes: &mut Changes,
    ) -> Option<u64> {
        let expected = self.scheduler.expected.is_some();
        if response.is_none_or(|response| response.conversation_id != Patch::Clear) {
            self.scheduler.expected = None;
        }
        let (asked, is_late) = self.scheduler.answers(response, mark, expected);
        // Nobody waits for it any more.
        if is_late && self.is_in_progress(&id) {
            self.outgoing.push_back(ResponseCancel::default().response_id(id.clone()).into());
        }
        let seq = asked.as_ref().map(|asked| asked.seq);
        if self.scheduler.open.len() == MOST {
            let oldest = self.scheduler.open.remove(0);
            self.give_up_response(oldest, false, now, changes);
        }
        changes.turns.extend(self.turn_begun(&id));
        self.scheduler.open.push(Open { id, asked, alive: now, complaint: None });
        seq
    }

    /// The response that an event refers to without naming it.
    fn told_of(&self, event: &ServerEvent) -> Option<Id> {
        if !self.scheduler.is_responding() {
            return None;
        }
        let item = match event {
            ServerEvent::ResponseMcpCallInProgress(call) => &call.item_id,
            ServerEvent::ResponseMcpCallCompleted(call) => &call.item_id,
            ServerEvent::ResponseMcpCallFailed(call) => &call.item_id,
            ServerEvent::ConversationItemAdded(added) => added.item.id()?,
            ServerEvent::ConversationItemCreated(created) => created.item.id()?,
            ServerEvent::ConversationItemDone(done) => done.item.id()?,
            ServerEvent::Unknown(unknown) => return self.named_in(&unknown.raw),
            ServerEvent::Malformed(malformed) => return self.named_in(&malformed.raw),
            detached_events!()
            | progress_events!()
            | ServerEvent::InputAudioBufferSpeechStarted(_)
            | ServerEvent::InputAudioBufferCommitted(_)
            | ServerEvent::InputAudioBufferCleared(_)
            | ServerEvent::OutputAudioBufferCleared(_)
            | ServerEvent::ConversationItemDeleted(_)
            | ServerEvent::ConversationItemTruncated(_)
            | ServerEvent::ResponseFunctionCallArgumentsDone(_)
            | ServerEvent::ResponseOutputItemDone(_)
            | ServerEvent::ResponseCreated(_)
            | ServerEvent::ResponseDone(_)
            | ServerEvent::ConversationItemRetrieved(_)
            | ServerEvent::SessionUpdated(_)
            | ServerEvent::Error(_) => return None,
        };
        self.conversation.get(item)?.response_id.clone()
    }

    /// The response that an event names which is not understood, by its id or by an item of it.
    fn named_in(&self, raw: &str) -> Option<Id> {
        let named = Named::of(raw)?;
        let of_item = || self.conversation.get(&named.item?)?.response_id.clone();
        named.response.or_else(of_item)
    }

    /// Finds responses that have ended, and settles their requests.
    fn close(&mut self, event: &ServerEvent, mark: &Mark, changes: &mut Changes) {
        let mut ended: Vec<Open> = Vec::new();
        let named = match event {
            ServerEvent::Unknown(unknown) if self.scheduler.is_responding() => self.named_in(&unknown.raw),
            event => event.response_id().cloned(),
        };
        for id in named.iter().chain(&mark.active).chain(&mark.freed) {
            if !self.is_in_progress(id)
                && let Some(at) = self.scheduler.position(id)
            {
                ended.push(self.scheduler.open.remove(at));
            }
        }
        if ended.is_empty() {
            return;
        }
        let done = match event {
            ServerEvent::ResponseDone(done) => Some(done.response.id.as_ref()),
            _ => None,
        };
        let alone = ended.len() == 1;
        for open in ended {
            // A server that omits the id, or sends another, means the only active response.
            let is_told = done.is_some_and(|id| alone || id == Some(&open.id));
            let outcome = if is_told { Outcome::Granted } else { self.untold(&open.id, changes) };
            self.settle_response(open, outcome, changes);
        }
    }

    /// The outcome of a response that ended without its final event.
    fn untold(&self, id: &Id, changes: &mut Changes) -> Outcome<ServerEvent> {
        let event = self.ending(id);
        changes.ended.push(event.clone());
        Outcome::Ended(event)
    }

    /// Settles the request of a response that has ended, and requests to cancel it.
    fn settle_response(&mut self, open: Open, outcome: Outcome<ServerEvent>, changes: &mut Changes) {
        while let Some(cancel) = self.requests.answered(&RequestKind::Cancel, Some(&open.id)) {
            changes.settled.push((cancel.seq, outcome.clone()));
        }
        changes.settled.extend(open.asked.map(|asked| (asked.seq, outcome)));
        changes.turns.extend(self.turn_ended(&open.id));
    }

    /// Gives up a response: as failed with the error that may have ended it, or as incomplete.
    fn give_up_response(&mut self, open: Open, has_failed: bool, now: Instant, changes: &mut Changes) {
        let failure = open.complaint.as_ref().filter(|_| has_failed).map(|(_, error)| &**error);
        self.end_response(&open.id, failure, now);
        let mut outcome = self.untold(&open.id, changes);
        if failure.is_none() {
            let overdue = Overdue::new(Awaited::Response(open.id.clone()), open.alive);
            let error = open.complaint.as_ref().map(|(_, error)| (**error).clone());
            outcome = Outcome::Overdue(Box::new(overdue.error(error)));
        }
        self.settle_response(open, outcome, changes);
    }

    /// Gives up everything that has timed out.
    pub(in crate::realtime::state) fn expire_responses(
        &mut self,
        timeouts: &Timeouts,
        now: Instant,
        changes: &mut Changes,
    ) {
        let is_due = |session: &Self, asked: &Asked| {
            session.scheduler.unanswered.len() > MOST
                || asked.due(&session.patience, timeouts).is_some_and(|at| now >= at)
        };
        while let Some(at) = self.scheduler.unanswered.iter().position(|asked| is_due(self, asked)) {
            let mut asked = self.scheduler.unanswered.remove(at);
            if let Some((_, error)) = asked.refusal.take() {
                changes.settled.push((asked.seq, Outcome::Refused(asked.awaited(), error)));
                continue;
            }
            changes.settled.push((asked.seq, self.overdue(&asked)));
            if self.scheduler.given_up.len() == MOST_GIVEN_UP {
                self.scheduler.given_up.remove(0);
            }
            self.scheduler.given_up.push(asked);
        }
        let is_due = |open: &Open| open.due(timeouts).is_some_and(|at| now >= at);
        while let Some(at) = self.scheduler.open.iter().position(is_due) {
            let open = self.scheduler.open.remove(at);
            let has_failed = open.failed(timeouts).is_some_and(|at| now >= at);
            self.give_up_response(open, has_failed, now, changes);
        }
    }

    fn overdue(&self, asked: &Asked) -> Outcome<ServerEvent> {
        let overdue = Overdue::new(asked.awaited(), asked.time.at);
        Outcome::Overdue(Box::new(overdue.error(self.unclaimed_since(asked.time.at))))
    }

    /// Whether the server responds by itself at the end of the user's turn.
    fn responds_by_itself(&self) -> bool {
        match self.turn_detection() {
            Some(TurnDetection::ServerVad(vad)) => vad.create_response != Some(false),
            Some(TurnDetection::SemanticVad(vad)) => vad.create_response != Some(false),
            Some(_) | None => false,
        }
    }

    /// Whether order suffices to match responses to requests, because only this client requests any.
    pub(crate) fn is_order_enough(&self, config: &ResponseConfig) -> bool {
        // A server that does not describe its input may use turn detection.
        let input = self.info().and_then(|info| info.input());
        // Timed-out requests may be answered late.
        input.is_some_and(|input| input.turn_detection.is_none())
            && !is_out_of_band(Some(config))
            && self.scheduler.given_up.is_empty()
    }
}

/// What an event that is not understood names.
struct Named {
    response: Option<Id>,
    item: Option<Id>,
}

impl Named {
    fn of(raw: &str) -> Option<Self> {
        let value: &RawValue = serde_json::from_str(raw).ok()?;
        let mut notes = Notes::new(0);
        let members = Members::find(value, &["response_id", "response", "item_id"], None, None)?;
        let mut id = |members: &Members<'_>, name| members.optional::<Id>(name, &[], &mut notes).flatten();
        let within = members.value("response").and_then(|response| Members::find(response, &["id"], None, None));
        let response = id(&members, "response_id").or_else(|| id(&within?, "id"));
        Some(Self { response, item: id(&members, "item_id") })
    }
}
