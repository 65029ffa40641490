//! What a session that is lost leaves to the next one.

use super::{
    ConnectionKind, LiveState, Mute, Speaker,
    limits::{MOST_HISTORY, MOST_HISTORY_BYTES},
};
use crate::{
    live::{event::SessionInputAudioMute, types::HistoryItem},
    session::{Lost, LostReason, Plan},
    transport::Instant,
    wire::Id,
};

/// A message of the conversation, with an id by which its loss can be reported.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) id: Id,
    pub(super) item: HistoryItem,
}

impl Said {
    fn bytes(&self) -> usize {
        self.item.content.iter().map(|part| part.text.len()).sum()
    }
}

/// The conversation so far, as far as another session can be begun with it.
#[derive(Default)]
struct Conversation {
    kept: Vec<Said>,
    lost: Vec<Lost>,
}

impl LiveState {
    /// What the session was configured to begin with.
    pub(in crate::live) fn began_with(&mut self, input: &[HistoryItem]) {
        // Nearly always there is none, and with each link it is the same.
        if *self.given != *input {
            self.given = input.into();
        }
    }

    /// A session that is lost is forked if it was stored, or not.
    pub(in crate::live) fn forks_when_lost(&mut self, forks: bool) {
        self.forks = forks;
    }

    /// The service has refused the fork. Whether there was one, so that a new session can be begun in its place.
    pub(in crate::live) fn fork_is_refused(&mut self) -> bool {
        let forked = self.fork_of().is_some();
        self.fork_refused |= forked;
        forked
    }

    /// The session that a link after a loss forks, if it does: one that was stored, of a policy that restores.
    pub(in crate::live) fn fork_of(&self) -> Option<&Id> {
        let stored = self.session.as_ref().filter(|session| session.store == Some(true))?;
        (self.forks && !self.fork_refused && self.restores && !stored.id.is_empty()).then_some(&stored.id)
    }

    /// The messages that another session is begun with: those that were configured, and the conversation so far. Where they
    /// are more than a session takes, the configured ones give way first, and of either the oldest.
    pub(in crate::live) fn next_input(&self) -> Vec<HistoryItem> {
        let said = self.conversation().kept;
        let given = self.given.iter().skip(self.given_lost(said.len())).cloned();
        given.chain(said.into_iter().map(|said| said.item)).collect()
    }

    /// How many of the configured messages give way to so many others.
    fn given_lost(&self, said: usize) -> usize {
        match said {
            0 => 0,
            _ => self.given.len().saturating_sub(MOST_HISTORY - said.min(MOST_HISTORY)),
        }
    }

    /// All that was said, in order.
    pub(super) fn said(&self) -> impl Iterator<Item = Said> {
        let turns = self.turns().map(|turn| {
            let item = match turn.speaker {
                Speaker::User => HistoryItem::user(&*turn.text),
                Speaker::Assistant => HistoryItem::assistant(&*turn.text),
            };
            Said { id: turn.id.clone(), item }
        });
        self.history.iter().cloned().chain(turns)
    }

    fn conversation(&self) -> Conversation {
        if self.fork_of().is_some() {
            // The service remembers it.
            return Conversation::default();
        }
        let mut all: Vec<_> = self.said().collect();
        let mut room = MOST_HISTORY_BYTES;
        let fits = |said: &&Said| room.checked_sub(said.bytes()).inspect(|left| room = *left).is_some();
        let latest = match self.kind {
            _ if !self.restores => 0,
            // A fork cannot be told what was said after the session that it goes on from.
            ConnectionKind::Fork => 0,
            _ => all.iter().rev().take(MOST_HISTORY).take_while(fits).count(),
        };
        let kept = all.split_off(all.len() - latest);
        let reason = if self.restores { LostReason::NoRoom } else { LostReason::NotAsked };
        Conversation { kept, lost: all.iter().map(|said| Lost::new(&said.id, reason)).collect() }
    }

    /// The link is gone, and another leads to the same session: what nothing answered, and the state that goes on.
    pub(in crate::live) fn resumed(&self, now: Instant) -> (Vec<Id>, Self) {
        let mut next = self.clone();
        next.elapse(now);
        (next.requests.clear(), next)
    }

    /// Another session takes the place of this one: the events that restore it, what is lost, and the state that goes on.
    pub(in crate::live) fn replaced<E: From<SessionInputAudioMute>>(&self, now: Instant) -> (Plan<E>, Self) {
        let (mut ambiguous, _) = self.resumed(now);
        let mut events = Vec::new();
        if let Some(mute) = &self.wants_mute {
            let mut event = SessionInputAudioMute::default();
            let seq = match mute {
                Mute::Granted => None,
                // A request that was on its way keeps its number: the new session answers it.
                Mute::Asked(seq) => self.requests.id_of(*seq).map(|id| {
                    ambiguous.retain(|ambiguous| ambiguous != id);
                    event.event_id = Some(id.clone());
                    *seq
                }),
            };
            events.push((seq, event.into()));
        }
        let Conversation { kept, lost: unsaid } = self.conversation();
        let refused = self.session_id().filter(|_| self.fork_refused);
        let mut lost: Vec<_> = refused.map(|id| Lost::new(id, LostReason::Refused)).into_iter().collect();
        let given = self.given.iter().enumerate().take(self.given_lost(kept.len()));
        lost.extend(given.map(|(at, item)| match item.id.as_set() {
            Some(id) => Lost::new(id, LostReason::NoRoom),
            None => Lost::new(&Id::new(&format!("input[{at}]")), LostReason::NoRoom),
        }));
        lost.extend(unsaid);
        lost.extend(self.work.unfinished().iter().map(|id| Lost::new(id, LostReason::Unfinished)));
        let mut cut_short = self.work.in_progress();
        if let Some(inherited) = &self.inherited {
            lost.extend(inherited.unfinished.iter().map(|id| Lost::new(id, LostReason::Unfinished)));
            cut_short.splice(0..0, inherited.cut_short.iter().cloned());
            ambiguous.splice(0..0, inherited.unanswered.iter().cloned());
        }
        let plan = Plan { events, lost, ambiguous, cut_short, ..Plan::default() };
        let fork = self.fork_of().cloned();
        let mut next = Self::new(self.kind, self.turns.grouping().clone());
        next.most_errors = self.most_errors;
        (next.restores, next.forks, next.given) = (self.restores, self.forks, self.given.clone());
        next.history = kept;
        next.work.errands = self.work.errands.for_replacement();
        next.source = fork.or_else(|| self.source.clone());
        next.link_is_up(None, now);
        (plan, next)
    }
}
