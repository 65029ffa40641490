//! Ensures one active response per conversation, and matches responses to requests.

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

/// Metadata key that identifies the request of a response where their order does not.
pub(crate) const REQUEST: &str = "realtime_request";

/// Maximum number of metadata pairs accepted by the service.
pub(crate) const MOST_METADATA: usize = 16;

/// How long after the end of the user's turn the server's own response is expected.
const EXPECTED: Duration = Duration::from_secs(2);

/// How long an error that names no event counts as a tentative refusal of a request.
const DOUBT: Duration = Duration::from_secs(1);

/// Requested and active responses.
#[derive(Clone, Debug, Default)]
pub(super) struct Scheduler {
    unanswered: Vec<Asked>,
    /// Requests that timed out. A late answer belongs to them.
    given_up: Vec<Asked>,
    open: Vec<Open>,
    /// Until when the server is expected to begin a response by itself.
    expected: Option<Instant>,
    /// Whether the server returns a request's metadata, once known.
    echoes: Option<bool>,
}

/// A request.
#[derive(Clone, Debug)]
struct Asked {
    seq: u64,
    create: ResponseCreate,
    out_of_band: bool,
    time: Time,
    /// An error that counts as its refusal unless a response begins soon.
    refusal: Option<(Instant, Box<ErrorEvent>)>,
}

/// An active response.
#[derive(Clone, Debug)]
struct Open {
    id: Id,
    /// The request that it answers.
    asked: Option<Asked>,
    /// When its last event was received.
    alive: Instant,
    /// The first unmatched error since then.
    complaint: Option<(Instant, Box<ErrorEvent>)>,
}

/// Maximum number of requests and of active responses remembered.
const MOST: usize = 1024;

/// Maximum number of timed-out requests whose late answers are recognized.
const MOST_GIVEN_UP: usize = 64;

impl Scheduler {
    pub(super) fn asked(&mut self, seq: u64, create: &ResponseCreate, time: Time) {
        // Normally they time out before that.
        if self.unanswered.len() == 2 * MOST {
            self.unanswered.remove(0);
        }
        let out_of_band = is_out_of_band(create.response.as_ref());
        self.unanswered.push(Asked { seq, create: create.clone(), out_of_band, time, refusal: None });
    }

    /// Requests whose response has not ended, in order, with their numbers, and whether it has begun.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = (u64, &ResponseCreate, bool)> {
        let begun = self.open.iter().filter_map(|open| Some((open.asked.as_ref()?, true)));
        let mut all: Vec<_> = self.unanswered.iter().map(|asked| (asked, false)).chain(begun).collect();
        all.sort_by_key(|(asked, _)| asked.seq);
        all.into_iter().map(|(asked, begun)| (asked.seq, &asked.create, begun))
    }

    /// Whether a request of the conversation is unanswered.
    fn is_asked(&self) -> bool {
        self.unanswered.iter().any(|asked| !asked.out_of_band)
    }

    /// Whether a response is active or requested.
    pub(super) fn is_waiting(&self) -> bool {
        !self.unanswered.is_empty() || !self.open.is_empty()
    }

    /// Whether a response is active.
    pub(super) fn is_responding(&self) -> bool {
        !self.open.is_empty()
    }

    /// Number of requests neither answered nor refused.
    pub(super) fn outstanding(&self) -> usize {
        self.unanswered.iter().filter(|asked| asked.refusal.is_none()).count()
    }

    /// Takes the request that an error names.
    pub(super) fn refused(&mut self, event_id: &Id) -> Option<(u64, Awaited)> {
        let at = self.unanswered.iter().position(|asked| asked.create.event_id.as_ref() == Some(event_id))?;
        let asked = self.unanswered.remove(at);
        Some((asked.seq, asked.awaited()))
    }

    /// Takes an error that names no event as a tentative refusal of the only request.
    pub(super) fn doubt(&mut self, error: &ErrorEvent, now: Instant) {
        if let Some(asked) = self.unanswered.iter_mut().find(|asked| asked.refusal.is_none()) {
            asked.refusal = Some((now, Box::new(error.clone())));
        }
    }

    /// Records an unmatched error: it may have ended the active responses.
    pub(super) fn complain(&mut self, error: &ErrorEvent, now: Instant) {
        for open in &mut self.open {
            open.complaint.get_or_insert_with(|| (now, Box::new(error.clone())));
        }
    }

    /// An error that names the request which a response in progress answers. Whether there is one.
    pub(super) fn complain_of(&mut self, event_id: &Id, error: &ErrorEvent, now: Instant) -> bool {
        let asked = |open: &&mut Open| {
            open.asked.as_ref().is_some_and(|asked| asked.create.event_id.as_ref() == Some(event_id))
        };
        let Some(open) = self.open.iter_mut().find(asked) else { return false };
        open.complaint.get_or_insert_with(|| (now, Box::new(error.clone())));
        true
    }

    /// The response in progress, if there is only one.
    pub(super) fn only_open(&self) -> Option<&Id> {
        match &self.open[..] {
            [only] => Some(&only.id),
            _ => None,
        }
    }

    /// Whether a response may begin: it was asked for, or the server begins it by itself.
    fn is_expecting(&self) -> bool {
        !self.unanswered.is_empty() || self.expected.is_some()
    }

    /// A response in progress goes by another name.
    pub(super) fn rename(&mut self, before: &Id, id: &Id) {
        if let Some(at) = self.position(before) {
            self.open[at].id = id.clone();
        }
    }

    /// The request that a new response answers: the one named in its metadata, or else the only one, or else the oldest
    /// that it can answer. A response that the server was expected to begin itself, and that names no request, answers
    /// none. Also returns whether it is the late answer to a timed-out request.
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
        // A server that returns metadata would not have omitted it.
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
        // Recent ones are at the end.
        self.open.iter().rposition(|open| open.id == *id)
    }

    /// Records output of a response. Returns the request that it answers if the response is active.
    fn touch(&mut self, id: &Id, now: Instant) -> Option<Option<u64>> {
        // Recent ones are at the end.
        let open = self.open.iter_mut().rfind(|open| open.id == *id)?;
        open.alive = now;
        open.complaint = None;
        Some(open.asked.as_ref().map(|asked| asked.seq))
    }

    /// When the earliest wait times out.
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
        Instant::earliest([idle, self.failed(timeouts)])
    }

    /// When it is considered failed because of an error, if it stays idle.
    fn failed(&self, timeouts: &Timeouts) -> Option<Instant> {
        self.complaint.as_ref().and_then(|(at, _)| Some(*at + timeouts.response_error?))
    }
}

impl RealtimeState {
    /// Whether a response of the conversation can be requested without a refusal, as far as is known.
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

/// Whether the request carries this crate's metadata.
fn is_marked(asked: &Asked) -> bool {
    let config = asked.create.response.as_ref();
    config.and_then(|config| config.metadata.as_set()).is_some_and(|metadata| metadata.contains_key(REQUEST))
}
