//! One response at a time in a conversation, and which request each response answers.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use super::{Changes, RealtimeState};
use crate::{
    error::Awaited,
    protocol::{
        event::ErrorEvent,
        state::{
            Outcome, Overdue, Timeouts,
            requests::{Asked as Time, Patience},
        },
    },
    realtime::{
        event::{ClientEvent, ResponseCancel, ResponseCreate, ServerEvent},
        types::{ConversationChoice, Item, Response, ResponseConfig, TurnDetection},
    },
    transport::Instant,
    wire::{Id, Patch},
};

/// The metadata that tells which request a response answers, where their order does not.
pub(crate) const REQUEST: &str = "realtime_request";

/// The most pairs of metadata that the service takes.
pub(crate) const MOST_METADATA: usize = 16;

/// For how long after the end of the user's turn the server's own response is expected.
const EXPECTED: Duration = Duration::from_secs(2);

/// For how long a request counts as refused by an error that does not name it only if no response begins.
const DOUBT: Duration = Duration::from_secs(1);

/// The requests for responses that are on the wire, and the responses in progress.
#[derive(Clone, Debug, Default)]
pub(super) struct Scheduler {
    unanswered: Vec<Asked>,
    /// Requests that were not answered in time. An answer that comes all the same is theirs.
    given_up: Vec<Asked>,
    open: Vec<Open>,
    /// Until when the server is believed to begin a response by itself.
    expected: Option<Instant>,
    /// Whether the server hands the metadata of a request back, once that is known.
    echoes: Option<bool>,
}

/// A request.
#[derive(Clone, Debug)]
struct Asked {
    seq: u64,
    create: ResponseCreate,
    out_of_band: bool,
    time: Time,
    /// An error that is taken for its refusal, unless a response begins soon.
    refusal: Option<(Instant, Box<ErrorEvent>)>,
}

/// A response in progress.
#[derive(Clone, Debug)]
struct Open {
    id: Id,
    /// The request that it answers.
    asked: Option<Asked>,
    /// When something of it came last.
    alive: Instant,
    /// The first error since then that answers no request.
    complaint: Option<(Instant, Box<ErrorEvent>)>,
}

/// What is asked of an event before it is applied.
#[derive(Default)]
pub(super) struct Mark {
    /// Whether it tells of a response, or of an item, for the first time.
    pub(super) is_new: bool,
    /// The request that the response names.
    request: Option<String>,
    /// The response that was active, where the event may end it.
    active: Option<Id>,
    /// A response that the event frees.
    pub(super) freed: Option<Id>,
}

/// The most requests, and the most responses, that are remembered while the server ends none.
const MOST: usize = 1024;

/// The most requests whose late answers are told from others.
const MOST_GIVEN_UP: usize = 64;

impl Scheduler {
    pub(super) fn asked(&mut self, seq: u64, create: &ResponseCreate, time: Time) {
        // Where time passes, they are given up before that.
        if self.unanswered.len() == 2 * MOST {
            self.unanswered.remove(0);
        }
        let out_of_band = is_out_of_band(create.response.as_ref());
        self.unanswered.push(Asked { seq, create: create.clone(), out_of_band, time, refusal: None });
    }

    /// The ids of requests that nothing has answered.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = &Id> {
        self.unanswered.iter().filter_map(|asked| asked.create.event_id.as_ref())
    }

    /// Requests whose response has not ended, in order, with their numbers.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = (u64, &ResponseCreate)> {
        let begun = self.open.iter().filter_map(|open| open.asked.as_ref());
        let mut all: Vec<_> = self.unanswered.iter().chain(begun).collect();
        all.sort_by_key(|asked| asked.seq);
        all.into_iter().map(|asked| (asked.seq, &asked.create))
    }

    /// Whether a request of the conversation is on the wire that nothing has answered yet.
    fn is_asked(&self) -> bool {
        self.unanswered.iter().any(|asked| !asked.out_of_band)
    }

    /// Whether a response is in progress, or a request for one is unanswered.
    pub(super) fn is_waiting(&self) -> bool {
        !self.unanswered.is_empty() || !self.open.is_empty()
    }

    /// Whether a response is in progress.
    pub(super) fn is_responding(&self) -> bool {
        !self.open.is_empty()
    }

    /// How many requests nothing has answered, and nothing has refused either.
    pub(super) fn outstanding(&self) -> usize {
        self.unanswered.iter().filter(|asked| asked.refusal.is_none()).count()
    }

    /// The request that an error names.
    pub(super) fn refused(&mut self, event_id: &Id) -> Option<(u64, Awaited)> {
        let at = self.unanswered.iter().position(|asked| asked.create.event_id.as_ref() == Some(event_id))?;
        let asked = self.unanswered.remove(at);
        Some((asked.seq, asked.awaited()))
    }

    /// An error that names nothing is taken for the refusal of the only request, unless a response begins soon.
    pub(super) fn doubt(&mut self, error: &ErrorEvent, now: Instant) {
        if let Some(asked) = self.unanswered.iter_mut().find(|asked| asked.refusal.is_none()) {
            asked.refusal = Some((now, Box::new(error.clone())));
        }
    }

    /// An error that answers no request: the responses in progress may have come to their end.
    pub(super) fn complain(&mut self, error: &ErrorEvent, now: Instant) {
        for open in &mut self.open {
            open.complaint.get_or_insert_with(|| (now, Box::new(error.clone())));
        }
    }

    /// The request that a response answers which begins now: the one that its metadata names, else the only one, else
    /// the oldest that it can answer. One that the server was to begin by itself, and that names no request, answers
    /// none. And whether it is the late answer to one that was given up.
    fn answers(&mut self, response: Option<&Response>, mark: Option<&str>, expected: bool) -> (Option<Asked>, bool) {
        let named = |asked: &Asked| mark.is_some() && asked.create.event_id.as_deref() == mark;
        if mark.is_some() {
            self.echoes = Some(true);
            if let Some(at) = self.unanswered.iter().position(named) {
                return (Some(self.unanswered.remove(at)), false);
            }
            if let Some(at) = self.given_up.iter().position(named) {
                self.given_up.remove(at);
                return (None, true);
            }
            return (None, false);
        }
        let conversation = response.map(|response| &response.conversation_id);
        let out_of_band = conversation == Some(&Patch::Clear);
        let fits = |asked: &Asked| asked.out_of_band == out_of_band;
        // A server that hands marks back has not left out the one of its answer.
        let echoes = self.echoes;
        let late = self.given_up.iter().position(|asked| fits(asked) && !(is_marked(asked) && echoes == Some(true)));
        let at = match &self.unanswered[..] {
            [] => None,
            [only] => {
                let is_late = late.is_some() && is_marked(only) && echoes == Some(true);
                let is_its_own = expected && !out_of_band && echoes != Some(false);
                let is_told_elsewhere = matches!(conversation, Some(Patch::Set(id)) if !id.is_empty());
                let is_another = only.out_of_band && is_told_elsewhere && echoes != Some(false);
                (!is_late && !is_its_own && !is_another).then_some(0)
            }
            _ if expected && !out_of_band => None,
            several => several.iter().position(fits),
        };
        match (at, late) {
            (Some(at), _) => {
                let asked = self.unanswered.remove(at);
                if is_marked(&asked) && response.is_some() {
                    self.echoes.get_or_insert(false);
                }
                (Some(asked), false)
            }
            (None, Some(late)) if !expected => {
                self.given_up.remove(late);
                (None, true)
            }
            _ => (None, false),
        }
    }

    /// The error that may have ended a response.
    pub(super) fn complaint(&self, id: &Id) -> Option<&ErrorEvent> {
        let (_, error) = self.open.get(self.position(id)?)?.complaint.as_ref()?;
        Some(&**error)
    }

    fn position(&self, id: &Id) -> Option<usize> {
        // The latest are at the end.
        self.open.iter().rposition(|open| open.id == *id)
    }

    /// Something of a response came. The request that it answers, if the response is in progress.
    fn touch(&mut self, id: &Id, now: Instant) -> Option<Option<u64>> {
        let at = self.position(id)?;
        let open = &mut self.open[at];
        open.alive = now;
        open.complaint = None;
        Some(open.asked.as_ref().map(|asked| asked.seq))
    }

    /// When the first of all that is waited for is given up.
    pub(super) fn due(&self, patience: &Patience, timeouts: &Timeouts) -> Option<Instant> {
        if self.unanswered.len() > MOST {
            return Some(Instant::default());
        }
        let requests = self.unanswered.iter().filter_map(|asked| asked.due(patience, timeouts));
        requests.chain(self.open.iter().filter_map(|open| open.due(timeouts))).min()
    }
}

impl Asked {
    fn due(&self, patience: &Patience, timeouts: &Timeouts) -> Option<Instant> {
        match &self.refusal {
            Some((at, _)) => Some(*at + DOUBT),
            None => patience.due(self.time, timeouts.request),
        }
    }

    fn awaited(&self) -> Awaited {
        Awaited::Event { kind: "response.create".into(), event_id: self.create.event_id.clone() }
    }
}

impl Open {
    fn due(&self, timeouts: &Timeouts) -> Option<Instant> {
        let idle = timeouts.response_idle.map(|timeout| self.alive + timeout);
        idle.into_iter().chain(self.failed(timeouts)).min()
    }

    /// When it has failed by an error, if it stays silent.
    fn failed(&self, timeouts: &Timeouts) -> Option<Instant> {
        self.complaint.as_ref().and_then(|(at, _)| Some(*at + timeouts.response_error?))
    }
}

impl RealtimeState {
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

    /// Before the event is applied: takes our own mark out of what the user sees.
    pub(super) fn unmark(&self, event: &mut ServerEvent) -> Mark {
        let item = |item: &Item| Mark {
            is_new: item.id().is_some_and(|id| !self.conversation.is_known(id)),
            ..Mark::default()
        };
        let mut mark = Mark::default();
        let response = match event {
            ServerEvent::ResponseCreated(created) => &mut created.response,
            ServerEvent::ResponseDone(done) => &mut done.response,
            ServerEvent::ConversationItemAdded(added) => return item(&added.item),
            ServerEvent::ConversationItemCreated(created) => return item(&created.item),
            ServerEvent::ConversationItemDone(done) => return item(&done.item),
            ServerEvent::Error(_) | ServerEvent::Unknown(_) | ServerEvent::Malformed(_) => {
                mark.active = self.responses.active().map(|active| active.id.clone());
                return mark;
            }
            _ => return mark,
        };
        mark.active = self.responses.active().map(|active| active.id.clone());
        mark.is_new = response.id.as_ref().is_some_and(|id| self.responses.get(id).is_none());
        mark.request = response.metadata.as_mut().and_then(|metadata| metadata.remove(REQUEST));
        if mark.request.is_some() && response.metadata.as_ref().is_some_and(BTreeMap::is_empty) {
            response.metadata = None;
        }
        mark
    }

    /// Once the event is applied: finds the request that it is part of the answer to, and what has ended by it.
    pub(super) fn schedule(&mut self, event: &ServerEvent, mark: &Mark, now: Instant, changes: &mut Changes) {
        if self.scheduler.expected.is_some_and(|until| now >= until) {
            self.scheduler.expected = None;
        }
        match event {
            ServerEvent::ResponseCreated(created) => {
                if let Some(id) = &created.response.id {
                    changes.part_of = match self.scheduler.touch(id, now) {
                        Some(asked) => asked,
                        None if self.is_in_progress(id) => {
                            self.begin(id.clone(), Some(&created.response), mark.request.as_deref(), now, changes)
                        }
                        None => None,
                    };
                }
            }
            ServerEvent::ResponseDone(done) => {
                // One whose beginning was missed answers all the same.
                if let Some(id) = done.response.id.as_ref().filter(|_| mark.is_new)
                    && self.responses.get(id).is_some()
                {
                    self.begin(id.clone(), Some(&done.response), mark.request.as_deref(), now, changes);
                }
            }
            // The turn has ended, and the server answers it by itself.
            ServerEvent::InputAudioBufferCommitted(_) if self.responds_by_itself() => {
                self.scheduler.expected = Some(now + EXPECTED);
            }
            event => {
                if let Some(id) = event.response_id() {
                    changes.part_of = match self.scheduler.touch(id, now) {
                        Some(asked) => asked,
                        // Its beginning was lost, or could not be read.
                        None if self.is_in_progress(id) => self.begin(id.clone(), None, None, now, changes),
                        None => None,
                    };
                    // It ends by other events.
                    return;
                }
                if let Some(id) = self.told_of(event) {
                    self.scheduler.touch(&id, now);
                }
            }
        }
        self.close(event, mark, changes);
    }

    /// Whether a response has begun and not ended.
    fn is_in_progress(&self, id: &Id) -> bool {
        self.responses.is_active(id) || self.responses.get(id).is_some_and(|response| response.done.is_none())
    }

    /// A response has begun. The number of the request that it answers.
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

    /// The response that an event tells of without naming it.
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
            ServerEvent::Unknown(unknown) => return named_in(&unknown.raw),
            ServerEvent::Malformed(malformed) => return named_in(&malformed.raw),
            _ => return None,
        };
        self.conversation.get(item)?.response_id.clone()
    }

    /// Finds the responses that have ended, and settles their requests.
    fn close(&mut self, event: &ServerEvent, mark: &Mark, changes: &mut Changes) {
        let mut ended: Vec<Open> = Vec::new();
        let named = match event {
            ServerEvent::Unknown(unknown) => named_in(&unknown.raw),
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
            // A server that leaves the id out, or gives another, means the only one there is.
            let is_told = done.is_some_and(|id| alone || id == Some(&open.id));
            let outcome = if is_told { Outcome::Granted } else { self.untold(&open.id, changes) };
            self.settle_response(open, outcome, changes);
        }
    }

    /// A response has ended, and not by the event that should end it.
    fn untold(&self, id: &Id, changes: &mut Changes) -> Outcome<ServerEvent> {
        let event = self.ending(id);
        changes.ended.push(event.clone());
        Outcome::Ended(event)
    }

    /// A response is over, and so are the requests for it and for its end.
    fn settle_response(&mut self, open: Open, outcome: Outcome<ServerEvent>, changes: &mut Changes) {
        while let Some(cancel) = self.requests.answered(&super::RequestKind::Cancel, Some(&open.id)) {
            changes.settled.push((cancel.seq, outcome.clone()));
        }
        changes.settled.extend(open.asked.map(|asked| (asked.seq, outcome)));
        changes.turns.extend(self.turn_ended(&open.id));
    }

    /// Gives up a response: with an error that may have ended it, failed, else incomplete.
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

    /// Gives up what was waited for too long.
    pub(super) fn expire_responses(&mut self, timeouts: &Timeouts, now: Instant, changes: &mut Changes) {
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
        // What was given up may be answered late.
        input.is_some_and(|input| input.turn_detection.is_none())
            && !is_out_of_band(Some(config))
            && self.scheduler.given_up.is_empty()
    }
}

pub(crate) fn is_out_of_band(config: Option<&ResponseConfig>) -> bool {
    config.is_some_and(|config| config.conversation == Some(ConversationChoice::None))
}

/// Whether the request bears our mark.
fn is_marked(asked: &Asked) -> bool {
    let config = asked.create.response.as_ref();
    config.and_then(|config| config.metadata.as_set()).is_some_and(|metadata| metadata.contains_key(REQUEST))
}

/// The response that an event names which is not understood.
fn named_in(raw: &str) -> Option<Id> {
    #[derive(Deserialize)]
    struct Named {
        response_id: Id,
    }

    serde_json::from_str::<Named>(raw).ok().map(|named| named.response_id)
}
