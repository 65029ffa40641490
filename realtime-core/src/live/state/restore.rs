//! What a session that is lost leaves to the next one.

use super::{
    LiveState, Mute, Speaker,
    limits::{MOST_HISTORY, MOST_HISTORY_BYTES},
};
use crate::{
    live::{event::SessionInputAudioMute, types::HistoryItem},
    session::{Lost, LostReason, Plan},
    transport::Instant,
    wire::Id,
};

impl LiveState {
    /// A session that is lost is forked if it was stored, or not.
    pub(in crate::live) fn forks_when_lost(&mut self, forks: bool) {
        self.forks = forks;
    }

    /// The session that a link after a loss forks, if it does: one that was stored, of a policy that restores.
    pub(in crate::live) fn fork_of(&self) -> Option<&Id> {
        let stored = self.session.as_ref().filter(|session| session.store == Some(true))?;
        (self.forks && self.restores && !stored.id.is_empty()).then_some(&stored.id)
    }

    /// The conversation so far, as another session can be begun with it: the latest of it that one takes. Empty if nothing
    /// is to be restored.
    pub(in crate::live) fn history(&self) -> Vec<HistoryItem> {
        if !self.restores {
            return Vec::new();
        }
        let said = self.turns().map(|turn| match turn.speaker {
            Speaker::User => HistoryItem::user(&*turn.text),
            Speaker::Assistant => HistoryItem::assistant(&*turn.text),
        });
        let all: Vec<_> = self.history.iter().cloned().chain(said).collect();
        let mut room = MOST_HISTORY_BYTES;
        let fits = |item: &&HistoryItem| {
            let size: usize = item.content.iter().map(|part| part.text.len()).sum();
            room.checked_sub(size).inspect(|left| room = *left).is_some()
        };
        let latest = all.iter().rev().take(MOST_HISTORY).take_while(fits).count();
        all[all.len() - latest..].to_vec()
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
        let lost = self.work.unfinished().into_iter().map(|id| Lost::new(&id, LostReason::Unfinished)).collect();
        let plan = Plan { events, lost, ambiguous, cut_short: self.work.in_progress(), ..Plan::default() };
        let fork = self.fork_of().cloned();
        let mut next = Self::new(self.kind, self.turns.grouping().clone());
        next.most_errors = self.most_errors;
        (next.restores, next.forks) = (self.restores, self.forks);
        // What was said in a session that is forked is the service's to remember.
        next.history = if fork.is_some() { Vec::new() } else { self.history() };
        next.work.errands = self.work.errands.for_replacement();
        next.source = fork.or_else(|| self.source.clone());
        next.link_is_up(None, now);
        (plan, next)
    }
}
