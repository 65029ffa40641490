//! Times that the user of a voice conversation notices.

use std::{collections::VecDeque, mem, sync::Arc, time::Duration};

use super::{Changes, RealtimeState};
use crate::{
    protocol::{
        state::{Histogram, Measurement},
        types::ResponseStatus,
    },
    realtime::{
        event::{ClientEvent, ServerEvent},
        types::{Item, Response, Role, StatusReason},
    },
    transport::Instant,
    wire::Id,
};

/// Maximum number of unanswered calls whose time is taken.
const MOST_CALLS: usize = 256;
/// Maximum number of measurements that wait to be reported.
const MOST_FRESH: usize = 64;

/// How long the user of a voice conversation has waited, for all responses of the connection.
///
/// The user's speech ends when `input_audio_buffer.speech_stopped` is received, or when the application commits. Where the
/// server detects the end, that is later than the last word by the silence that it waits for (`silence_duration_ms`).
/// Calls of functions belong to the answer: the wait goes on to the audio of the response after them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Latency {
    /// From the end of the user's speech to the first audio received.
    pub first_audio: Histogram,
    /// From the end of the user's speech to the first audio played, as far as [playback](super::Playback) is tracked.
    pub first_playback: Histogram,
    /// From a complete function call to the sending of its output.
    pub tools: Histogram,
    /// From the first audio of a response to its interruption: played, if playback is tracked, or else received. Zero if
    /// there was none yet.
    pub interruptions: Histogram,
}

/// The same times for one response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseLatency {
    /// From the end of the user's speech to the first audio received. `None` if it answers no speech, or has no audio.
    pub first_audio: Option<Duration>,
    /// From the end of the user's speech to the first audio played.
    pub first_playback: Option<Duration>,
    /// From its first complete function call to the sending of the output that was sent last.
    pub tools: Option<Duration>,
    /// From its first audio to its interruption. `None` if it was not interrupted.
    pub interrupted_after: Option<Duration>,
}

/// What the times are computed from, beside the responses. Shared with copies of the state until it changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Waits {
    /// All but those that the player has begun and nothing has reported yet.
    latency: Latency,
    /// When the user stopped to speak, until a response begins that answers.
    asked: Option<Instant>,
    /// Complete calls without an output: response, call, and since when.
    calls: VecDeque<(Id, Id, Instant)>,
    fresh: Vec<Measurement>,
}

impl Waits {
    fn measured(&mut self, measurement: Measurement) {
        match measurement {
            Measurement::FirstAudio(time) => self.latency.first_audio.add(time),
            Measurement::FirstPlayback(time) => self.latency.first_playback.add(time),
            Measurement::Tool(time) => self.latency.tools.add(time),
            Measurement::Interruption(time) => self.latency.interruptions.add(time),
        }
        if self.fresh.len() < MOST_FRESH {
            self.fresh.push(measurement);
        }
    }
}

impl RealtimeState {
    /// How long the user has waited, up to the last event, and the last report of the [player](crate::Player).
    ///
    /// ```
    /// # fn example(connection: &realtime_core::Connection<realtime_core::Realtime>) {
    /// let latency = connection.state().latency();
    /// println!("{:?} until something was heard", latency.first_playback.mean());
    /// # }
    /// ```
    pub fn latency(&self) -> Latency {
        let mut latency = self.waits.as_ref().map(|waits| waits.latency).unwrap_or_default();
        if let Some(ledger) = &self.ledger {
            let audio = ledger.audio().lock();
            audio.starts().unreported().for_each(|time| latency.first_playback.add(time));
        }
        latency
    }

    /// How long the user has waited for a response. `None` if it is not known, or not any more.
    pub fn latency_of(&self, response_id: &str) -> Option<ResponseLatency> {
        let response = self.responses.get(response_id)?;
        let since_asked = |at: Option<Instant>| Some(at? - response.asked?);
        let begun = self.playback_of(response_id);
        let heard = if self.ledger.is_some() { begun } else { response.first_audio };
        Some(ResponseLatency {
            first_audio: since_asked(response.first_audio),
            first_playback: since_asked(begun),
            tools: response.called.zip(response.answered).map(|(called, answered)| answered - called),
            interrupted_after: response.interrupted.map(|at| heard.map_or(Duration::ZERO, |heard| at - heard)),
        })
    }

    /// When playback of a response began.
    fn playback_of(&self, response_id: &str) -> Option<Instant> {
        let audio = self.ledger.as_ref()?.audio().lock();
        audio.starts().at(response_id)
    }

    fn waits(&mut self) -> &mut Waits {
        Arc::make_mut(self.waits.get_or_insert_default())
    }

    /// The user's turn is over, or is not a spoken one.
    fn set_asked(&mut self, asked: Option<Instant>) {
        if asked.is_some() || self.waits.as_ref().is_some_and(|waits| waits.asked.is_some()) {
            self.waits().asked = asked;
        }
    }

    /// Notes what the application sends.
    pub(super) fn wait_on_sent(&mut self, event: &ClientEvent, now: Instant) {
        match event {
            ClientEvent::InputAudioBufferCommit(_) => self.set_asked(Some(now)),
            ClientEvent::ConversationItemCreate(create) => match &create.item {
                Item::Message(message) if message.role == Role::User => self.set_asked(None),
                Item::FunctionCallOutput(output) => self.note_answer(&output.call_id, now),
                _ => {}
            },
            _ => {}
        }
    }

    /// Notes what the server says, after it was applied.
    pub(super) fn wait_on_received(&mut self, event: &ServerEvent, now: Instant) {
        match event {
            ServerEvent::InputAudioBufferSpeechStarted(_) => self.set_asked(None),
            ServerEvent::InputAudioBufferSpeechStopped(_) => self.set_asked(Some(now)),
            ServerEvent::ResponseCreated(created) => self.begin_answer(&created.response),
            ServerEvent::ResponseOutputItemDone(done) => {
                if let Item::FunctionCall(call) = &done.item
                    && let Some(call_id) = &call.call_id
                {
                    self.note_call(&done.response_id, call_id, now);
                }
            }
            ServerEvent::ResponseFunctionCallArgumentsDone(done) => {
                self.note_call(&done.response_id, &done.call_id, now);
            }
            ServerEvent::ResponseDone(done) => self.end_answer(&done.response, now),
            _ => {}
        }
    }

    /// The response answers what the user has said.
    fn begin_answer(&mut self, response: &Response) {
        let Some(asked) = self.waits.as_ref().and_then(|waits| waits.asked) else { return };
        let Some(state) = response.id.as_ref().and_then(|id| self.responses.get_mut(id)) else { return };
        if !state.out_of_band && state.asked.is_none() {
            state.asked = Some(asked);
            self.waits().asked = None;
        }
    }

    /// The first audio of a response has arrived.
    pub(super) fn first_audio(&mut self, response_id: &Id, now: Instant) {
        if let Some(asked) = self.responses.find(response_id).and_then(|response| response.asked) {
            self.waits().measured(Measurement::FirstAudio(now - asked));
        }
    }

    /// A response has ended. If it has only called functions or failed, the user waits on for the next one.
    fn end_answer(&mut self, response: &Response, now: Instant) {
        let Some(id) = &response.id else { return };
        let Some(state) = self.responses.find(id) else { return };
        let is_cut = matches!(state.reason, Some(StatusReason::TurnDetected | StatusReason::ClientCancelled));
        if state.status == ResponseStatus::Cancelled && is_cut {
            return self.note_interruption(&id.clone(), now);
        }
        let is_message = |id: &Id| self.conversation.get(id).is_some_and(|item| matches!(item.item, Item::Message(_)));
        let answers = state.first_audio.is_some() || state.output.values().any(is_message);
        if let Some(asked) = state.asked.filter(|_| !answers) {
            self.waits().asked.get_or_insert(asked);
        }
    }

    fn note_call(&mut self, response_id: &Id, call_id: &Id, now: Instant) {
        let known = |(_, call, _): &(Id, Id, Instant)| call == call_id;
        if call_id.is_empty() || self.waits.as_ref().is_some_and(|waits| waits.calls.iter().any(known)) {
            return;
        }
        if let Some(response) = self.responses.get_mut(response_id) {
            response.called.get_or_insert(now);
        }
        let calls = &mut self.waits().calls;
        if calls.len() == MOST_CALLS {
            calls.pop_front();
        }
        calls.push_back((response_id.clone(), call_id.clone(), now));
    }

    fn note_answer(&mut self, call_id: &Id, now: Instant) {
        let Some(waits) = &self.waits else { return };
        let Some(at) = waits.calls.iter().position(|(_, call, _)| call == call_id) else { return };
        let waits = self.waits();
        let Some((response_id, _, since)) = waits.calls.remove(at) else { return };
        waits.measured(Measurement::Tool(now - since));
        if let Some(response) = self.responses.get_mut(&response_id) {
            response.answered = Some(now);
        }
    }

    /// A response was interrupted.
    pub(super) fn note_interruption(&mut self, response_id: &Id, now: Instant) {
        let Some(response) = self.responses.get_mut(response_id).filter(|response| response.interrupted.is_none())
        else {
            return;
        };
        response.interrupted = Some(now);
        let time = self.latency_of(response_id).and_then(|latency| latency.interrupted_after).unwrap_or_default();
        self.waits().measured(Measurement::Interruption(time));
    }

    /// Reports what was measured since the last event.
    pub(super) fn report_waits(&mut self, changes: &mut Changes) {
        if let Some(ledger) = &self.ledger {
            let begun = ledger.audio().lock().starts_mut().report();
            for time in begun {
                self.waits().measured(Measurement::FirstPlayback(time));
            }
        }
        if self.waits.as_ref().is_some_and(|waits| !waits.fresh.is_empty()) {
            changes.measured = mem::take(&mut self.waits().fresh);
        }
    }
}
