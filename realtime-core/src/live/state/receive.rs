//! What an event of the server changes.

use super::{
    CallState, ContextKind, Ending, FixtureState, LiveComplaint, LiveDecision, LivePhase, LiveState, Mute,
    context::AppendState,
    id,
    limits::{MOST_ID, MOST_KEYS, MOST_TRANSCRIPT},
    ms,
    requests::{Asked, Expired},
    tally::add,
    turn::{Fragment, Speaker, TurnEnd},
};
use crate::{
    error::Awaited,
    event::{ErrorEvent, Event},
    live::{
        event::{self as live, ServerEvent},
        types::{DtmfKey, LiveError, Number, Reported, SessionResource},
    },
    session::{
        Changes, Outcome, Overdue, Timeouts,
        limits::{append_latest, words},
        remember,
    },
    transport::Instant,
    types::ErrorBody,
    wire::Id,
};

impl LiveState {
    /// An event arrived. One that came before is left out of everything.
    pub(in crate::live) fn note_received(
        &mut self,
        event: &ServerEvent,
        now: Instant,
        changes: &mut Changes<ServerEvent>,
    ) {
        self.elapse(now);
        match event {
            ServerEvent::Unknown(unknown) => {
                remember(&mut self.unknown, words(&unknown.kind).into(), self.most_errors);
                return;
            }
            ServerEvent::Malformed(malformed) => {
                remember(&mut self.malformed, malformed.kind, self.most_errors);
                return;
            }
            ServerEvent::Invalid(_) => {
                self.undecodable += 1;
                return;
            }
            _ => {}
        }
        if let Some(event_id) = event.event_id().filter(|id| !id.is_empty())
            && self.seen.insert(event_id)
        {
            self.duplicates += 1;
            changes.repeated = true;
            return;
        }
        self.settle(event, changes);
        self.apply(event, now);
    }

    /// Finds the request that an event answers.
    fn settle(&mut self, event: &ServerEvent, changes: &mut Changes<ServerEvent>) {
        let (asked, answered) = match event {
            ServerEvent::SessionUpdated(event) => (Asked::Update, &event.client_event_id),
            ServerEvent::SessionClosed(event) => (Asked::Close, &event.client_event_id),
            ServerEvent::SessionInputAudioMuted(event) => (Asked::Mute, &event.client_event_id),
            ServerEvent::SessionInputAudioUnmuted(event) => (Asked::Unmute, &event.client_event_id),
            ServerEvent::SessionOutputAudioFixturePlaying(event) => (Asked::Fixture, &event.client_event_id),
            ServerEvent::SessionInstructionsAppended(event) => {
                (Asked::Context(ContextKind::Instructions), &event.client_event_id)
            }
            ServerEvent::SessionThinkingAppended(event) => {
                (Asked::Context(ContextKind::Thinking), &event.client_event_id)
            }
            ServerEvent::SessionCommentaryAppended(event) => {
                (Asked::Context(ContextKind::Commentary), &event.client_event_id)
            }
            ServerEvent::DecisionItemCreated(event) => (Asked::DecisionItem, &event.client_event_id),
            ServerEvent::DecisionItemDeleted(event) => {
                (Asked::DecisionItemGone(event.item_id.clone()), &event.client_event_id)
            }
            // It names no request, only what else may have caused it.
            ServerEvent::DecisionEvent(event) if event.delegation_id.is_none() && event.trigger_id.is_none() => {
                (Asked::Decision, &None)
            }
            ServerEvent::TransportDtmfSent(event) => (Asked::Dtmf, &event.client_event_id),
            ServerEvent::Error(error) => {
                let named = id(&error.error.client_event_id).or_else(|| id(&error.client_event_id));
                if let Some(id) = named
                    && let Some(seq) = self.requests.refused(id)
                {
                    let refused = Outcome::Refused(self.awaited(Some(id)), Box::new(refusal(error)));
                    changes.settled.push((seq, refused));
                }
                return;
            }
            _ => return,
        };
        // A decision is no other connection's: it has no sender at all.
        let is_sideband = self.is_sideband() && asked != Asked::Decision;
        let granted = self.requests.granted(&asked, id(answered), is_sideband);
        changes.settled.extend(granted.map(|seq| (seq, Outcome::Granted)));
    }

    /// When the oldest request is given up.
    pub(in crate::live) fn first_due(&self, timeouts: &Timeouts) -> Option<Instant> {
        self.requests.due(timeouts)
    }

    /// Gives up requests that nothing has answered in time.
    pub(in crate::live) fn give_up(&mut self, timeouts: &Timeouts, now: Instant, changes: &mut Changes<ServerEvent>) {
        while let Some(Expired { seq, event_id, at }) = self.requests.expired(timeouts, now) {
            let overdue = Overdue::new(self.awaited(event_id.as_ref()), at);
            changes.settled.push((seq, Outcome::Overdue(Box::new(overdue))));
        }
    }

    fn awaited(&self, event_id: Option<&Id>) -> Awaited {
        let kind = event_id.and_then(|id| self.sent.kind_of(id)).unwrap_or("an event without an id");
        Awaited::Event { kind: kind.into(), event_id: event_id.cloned() }
    }

    fn apply(&mut self, event: &ServerEvent, now: Instant) {
        let sideband = self.is_sideband();
        match event {
            ServerEvent::SessionOutputAudioDelta(audio) => {
                self.audio.output.add(audio.delta.len());
                if let (Some(start), Some(end)) = (audio.start_ms, audio.end_ms) {
                    self.timed_output(start, end);
                }
            }
            ServerEvent::SessionInputAudioAppend(audio) => self.audio.reflected_input.add(audio.audio.len()),
            ServerEvent::SessionInputTranscriptDelta(delta) => {
                append_latest(&mut self.input_transcript, &delta.delta, MOST_TRANSCRIPT);
                self.fragment(Speaker::User, &delta.event_id, &delta.delta, (delta.start_ms, delta.end_ms), now);
            }
            ServerEvent::SessionOutputTranscriptDelta(delta) => {
                append_latest(&mut self.output_transcript, &delta.delta, MOST_TRANSCRIPT);
                self.fragment(Speaker::Assistant, &delta.event_id, &delta.delta, (delta.start_ms, delta.end_ms), now);
            }
            ServerEvent::SessionStarted(started) => {
                self.was_started = true;
                if self.phase == LivePhase::Opening {
                    self.phase = LivePhase::Open;
                }
                self.described(&started.session);
            }
            ServerEvent::SessionUpdated(updated) => self.described(&updated.session),
            ServerEvent::SessionClosed(closed) => {
                self.described(&closed.session);
                self.usage = Some(closed.usage.json().clone());
                self.phase = LivePhase::Closed;
                let ending = self.ending.get_or_insert_with(Ending::default);
                ending.reason = Some(closed.reason.clone());
                ending.confirmed = true;
                self.contexts.settle();
                self.turns.close(TurnEnd::SessionClosed, ms(now));
            }
            ServerEvent::SessionPaused(_) => self.paused = true,
            ServerEvent::SessionResumed(_) => self.paused = false,
            ServerEvent::SessionInputAudioMuted(_) => {
                self.input_muted = true;
                self.wants_mute = Some(Mute::Granted);
            }
            ServerEvent::SessionInputAudioUnmuted(_) => {
                self.input_muted = false;
                self.wants_mute = None;
            }
            ServerEvent::SessionOutputAudioFixturePlaying(playing) => {
                self.contexts.fixture(id(&playing.client_event_id), FixtureState::Playing, sideband);
            }
            ServerEvent::SessionOutputAudioFixturePlayed(played) => {
                self.contexts.fixture(id(&played.client_event_id), FixtureState::Played, sideband);
            }
            ServerEvent::SessionInstructionsAppended(appended) => {
                let interval = (appended.start_ms, appended.end_ms);
                self.appended(ContextKind::Instructions, id(&appended.client_event_id), interval);
            }
            ServerEvent::SessionThinkingAppended(appended) => {
                let interval = (appended.start_ms, appended.end_ms);
                self.appended(ContextKind::Thinking, id(&appended.client_event_id), interval);
            }
            ServerEvent::SessionCommentaryAppended(appended) => {
                let interval = (appended.start_ms, appended.end_ms);
                self.appended(ContextKind::Commentary, id(&appended.client_event_id), interval);
            }
            ServerEvent::SessionDelegationCreated(created) => {
                let created_id = &created.delegation.id;
                let mut appends = self.contexts.appends.iter();
                let answered = appends.any(|append| {
                    append.state == AppendState::Appended && append.delegation_id.as_ref() == Some(created_id)
                });
                let decided = self.decisions.iter().any(|decision| decision.delegation_id.as_ref() == Some(created_id));
                if !created_id.is_empty()
                    && let Some((delegation, errands)) = self.work.delegation(created_id)
                {
                    delegation.target = Some(created.delegation.target.clone());
                    delegation.offset_ms = Some(created.offset_ms);
                    delegation.response_id = id(&created.delegation.response_id).cloned();
                    delegation.answered |= answered;
                    delegation.decided |= decided;
                    errands.hand_task(delegation);
                }
            }
            ServerEvent::ResponseEvent(nested) => self.work.backend(id(&nested.delegation_id), &nested.event),
            ServerEvent::DecisionEvent(decided) => {
                let decision = &decided.event.decision;
                if let Some(usage) = &decision.usage {
                    add(&mut self.decision_usage, &usage.to_value());
                }
                let decision = LiveDecision {
                    event_id: short(&decided.event_id),
                    delegation_id: short(&decided.delegation_id),
                    trigger_id: short(&decided.trigger_id),
                    source_event_id: short(&decided.source_event_id),
                    decision: decision.clone(),
                };
                if let Some(delegation) = decision.delegation_id.as_ref().and_then(|id| self.work.known(id)) {
                    delegation.decided = true;
                }
                self.decisions.push(decision);
            }
            ServerEvent::DecisionItemCreated(created) => {
                let item = created.item.id();
                if !item.is_empty() && item.len() <= MOST_ID && self.decision_items().all(|known| known != item) {
                    self.decision_items.push(item.clone());
                }
            }
            ServerEvent::DecisionItemDeleted(deleted) => self.decision_items.retain(|item| *item != deleted.item_id),
            ServerEvent::SessionUsageUpdated(updated) => {
                self.usage = Some(updated.usage.json().clone());
                if let Some(window) = &updated.context_window {
                    self.context_window = Some(window.clone());
                }
            }
            ServerEvent::Error(error) => self.complained(&error.error, &error.client_event_id),
            ServerEvent::Info(info) => remember(&mut self.infos, words(&info.code).into(), self.most_errors),
            ServerEvent::TransportRinging(_) => self.call_is(CallState::Ringing),
            ServerEvent::TransportAnswered(_) => self.call_is(CallState::Answered),
            ServerEvent::TransportFailed(failed) => {
                self.call_is(CallState::Failed);
                self.call_error = Some(failed.error.clone());
            }
            ServerEvent::TransportDtmfReceived(key) => press(&mut self.keys.received, &key.event),
            ServerEvent::TransportDtmfSent(key) => press(&mut self.keys.sent, &key.event),
            ServerEvent::TransportDtmfSend(key) => press(&mut self.keys.legacy, &key.event),
            ServerEvent::Unknown(_) | ServerEvent::Malformed(_) | ServerEvent::Invalid(_) => {}
        }
    }

    fn described(&mut self, session: &Reported<SessionResource>) {
        self.session = Some(session.clone());
    }

    fn call_is(&mut self, state: CallState) {
        self.call = Some(state);
        self.call_error = None;
    }

    fn timed_output(&mut self, start: Number, end: Number) {
        if let Some(before) = self.output_end.filter(|before| start > *before) {
            self.gaps_ms.push((before, start));
        }
        self.output_end = Some(self.output_end.filter(|before| *before > end).unwrap_or(end));
    }

    /// A fragment of a transcript. One with times that are none joins no turn.
    fn fragment(
        &mut self,
        speaker: Speaker,
        event_id: &Option<Id>,
        text: &str,
        (start, end): (Number, Number),
        now: Instant,
    ) {
        let (Some(id), Some(start), Some(end)) = (id(event_id), start.whole(), end.whole()) else { return };
        if end >= start {
            let fragment = Fragment { id: id.clone(), speaker, text: text.into(), start, end };
            self.turns.arrive(fragment, ms(now));
        }
    }

    fn appended(&mut self, kind: ContextKind, answered: Option<&Id>, interval_ms: (Number, Number)) {
        let sideband = self.is_sideband();
        let task = self.contexts.appended(kind, answered, interval_ms, sideband);
        if let Some(delegation) = task.and_then(|id| self.work.known(&id)) {
            delegation.answered = true;
        }
    }

    fn complained(&mut self, error: &LiveError, outer: &Option<Id>) {
        let client_event_id = id(&error.client_event_id).or_else(|| id(outer));
        let about = client_event_id.and_then(|id| self.sent.kind_of(id)).map(Into::into);
        if let Some(event_id) = client_event_id {
            self.contexts.refused(event_id);
            self.work.refused(event_id);
        }
        let complaint = LiveComplaint {
            error: clipped(error),
            client_event_id: client_event_id.filter(|id| id.len() <= MOST_ID).cloned(),
            about,
            fatal: !self.was_started && !self.is_sideband() || error.is_final(),
        };
        remember(&mut self.errors, complaint, self.most_errors);
    }
}

fn short(of: &Option<Id>) -> Option<Id> {
    id(of).filter(|id| id.len() <= MOST_ID).cloned()
}

fn press(keys: &mut String, key: &DtmfKey) {
    append_latest(keys, words(key.as_str()), MOST_KEYS);
}

/// An error without more words than it needs.
fn clipped(error: &LiveError) -> LiveError {
    let mut error = error.clone();
    error.message.truncate(words(&error.message).len());
    for text in [&mut error.kind, &mut error.code, &mut error.param].into_iter().flatten() {
        text.truncate(words(text).len());
    }
    error.client_event_id = error.client_event_id.filter(|id| id.len() <= MOST_ID);
    error
}

/// An error in the words that all protocols have in common.
pub(in crate::live) fn refusal(event: &live::ErrorEvent) -> ErrorEvent {
    let error = &event.error;
    let mut body = ErrorBody::new(&*error.message);
    (body.kind, body.code, body.param) = (error.kind.clone(), error.code.clone(), error.param.clone());
    body.event_id = id(&error.client_event_id).or_else(|| id(&event.client_event_id)).cloned();
    ErrorEvent::new(body)
}
