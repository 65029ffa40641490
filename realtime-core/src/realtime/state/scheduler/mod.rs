//! One response at a time in a conversation, and which request each response answers.

mod mark;
mod progress;

use std::time::Duration;

pub(super) use mark::Mark;

use super::RealtimeState;
use crate::{
    error::Awaited,
    protocol::{
        event::ErrorEvent,
        state::{
            Timeouts,
            requests::{Asked as Time, Patience},
        },
    },
    realtime::{
        event::{ClientEvent, ResponseCreate},
        types::{ConversationChoice, Response, ResponseConfig},
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
}

pub(crate) fn is_out_of_band(config: Option<&ResponseConfig>) -> bool {
    config.is_some_and(|config| config.conversation == Some(ConversationChoice::None))
}

/// Whether the request bears our mark.
fn is_marked(asked: &Asked) -> bool {
    let config = asked.create.response.as_ref();
    config.and_then(|config| config.metadata.as_set()).is_some_and(|metadata| metadata.contains_key(REQUEST))
}
