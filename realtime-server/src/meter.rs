//! Usage, rate limits, latency and errors of relayed sessions, counted by a tap.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use realtime_core::{
    Id,
    event::ServerEvent,
    live::{
        self,
        state::LiveTotals,
        types::{BackendView, ReportedUsage, SessionUsage},
    },
    session::{Histogram, realtime::Totals},
    transport::{Instant, Timer},
    types::{RateLimit, Usage},
};

use crate::{Direction, Head, Injector, Tap, Verdict};

/// How many ids are remembered, so that what is told twice counts once.
const MOST_IDS: usize = 1024;

/// Adds up what relayed sessions use: one meter for each key, or for whatever is billed. Clones are the same meter.
///
/// ```
/// use realtime_core::Client;
/// use realtime_server::{AcceptError, Incoming, Meter, relay};
///
/// async fn serve(client: &Client, incoming: Incoming, meter: &Meter) -> Result<(), AcceptError> {
///     let upstream = client.realtime().model("gpt-realtime");
///     let tap = meter.tap(upstream.timer());
///     relay(incoming, upstream, tap).await?;
///     println!("{:?}", meter.read().totals.responses);
///     Ok(())
/// }
/// ```
#[derive(Clone, Default)]
pub struct Meter(Arc<Mutex<MeterReading>>);

/// What a [`Meter`] has counted. It contains no payload.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MeterReading {
    /// Sessions that have begun.
    pub sessions: u64,
    /// Sessions that have not ended.
    pub active: u64,
    /// Usage of all sessions.
    pub totals: Totals,
    /// Usage of all Live sessions. A sideband reports what its session does: give it a meter of its own.
    pub live: LiveTotals,
    /// Responses that have ended.
    pub responses: u64,
    /// `error` events of the service.
    pub errors: u64,
    /// The rate limits that the service has reported last.
    pub rate_limits: Vec<RateLimit>,
    /// Time from the end of the user's turn, or from `response.create`, to the first output of the response.
    pub latency: Histogram,
    /// Events from clients.
    pub events_up: u64,
    /// Events from the service.
    pub events_down: u64,
    /// Bytes of the events from clients.
    pub bytes_up: u64,
    /// Bytes of the events from the service.
    pub bytes_down: u64,
}

impl Meter {
    /// Creates a meter at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The counts so far.
    pub fn read(&self) -> MeterReading {
        self.state().clone()
    }

    /// The tap for one more session. It passes every event. `timer` measures the latency.
    pub fn tap(&self, timer: Arc<dyn Timer>) -> MeterTap {
        let mut state = self.state();
        state.sessions += 1;
        state.active += 1;
        drop(state);
        MeterTap {
            meter: self.clone(),
            timer,
            totals: Totals::default(),
            responses: Seen::default(),
            billed: Seen::default(),
            parts: Seen::default(),
            live: LiveTotals::default(),
            voice: SessionUsage::default(),
            asked: None,
        }
    }

    fn state(&self) -> MutexGuard<'_, MeterReading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Meter").field(&*self.state()).finish()
    }
}

/// Counts one session for a [`Meter`]. See [`Meter::tap`].
pub struct MeterTap {
    meter: Meter,
    timer: Arc<dyn Timer>,
    totals: Totals,
    /// Responses that have ended.
    responses: Seen<Id>,
    /// Responses whose usage was added.
    billed: Seen<Id>,
    /// Parts of items whose transcription was added.
    parts: Seen<(Id, u32)>,
    live: LiveTotals,
    /// What a Live session's voice has reported last.
    voice: SessionUsage,
    /// Since when an answer is waited for.
    asked: Option<Instant>,
}

impl MeterTap {
    /// The usage of this session so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The usage of this Live session so far.
    pub fn live(&self) -> &LiveTotals {
        &self.live
    }

    fn down(&mut self, head: &Head<'_>) {
        match head.kind() {
            "input_audio_buffer.speech_stopped" | "input_audio_buffer.committed" => self.asked = Some(self.timer.now()),
            "error" => self.meter.state().errors += 1,
            "response.done" | "response.cancelled" | "response.failed" | "response.incomplete" => {
                self.response_ended(&head.decode());
            }
            "conversation.item.input_audio_transcription.completed" => self.transcribed(&head.decode()),
            "rate_limits.updated" => {
                if let ServerEvent::RateLimitsUpdated(updated) = head.decode() {
                    self.meter.state().rate_limits = updated.rate_limits;
                }
            }
            "session.usage.updated" | "session.closed" | "response.event" | "decision.event" => {
                self.live_reported(&head.decode());
            }
            kind if kind.starts_with("response.") && kind.ends_with(".delta") => {
                if let Some(asked) = self.asked.take() {
                    self.meter.state().latency.add(self.timer.now() - asked);
                }
            }
            _ => {}
        }
    }

    fn response_ended(&mut self, event: &ServerEvent) {
        let (response, response_id, beside) = match event {
            ServerEvent::ResponseDone(done) => (&done.response, &done.response_id, &done.usage),
            ServerEvent::ResponseCancelled(ended) => (&ended.response, &ended.response_id, &None),
            ServerEvent::ResponseFailed(ended) => (&ended.response, &ended.response_id, &None),
            ServerEvent::ResponseIncomplete(ended) => (&ended.response, &ended.response_id, &None),
            _ => return,
        };
        // An answer without output, such as one that was cancelled at once, says nothing of the next one.
        self.asked = None;
        let id = response.id.as_ref().or(response_id.as_ref());
        // What has no id cannot have been reported before.
        let is_new = |seen: &mut Seen<Id>| id.is_none_or(|id| seen.insert(id.clone()));
        if is_new(&mut self.responses) {
            self.meter.state().responses += 1;
        }
        // Some servers report an empty usage within the response, and the real one beside it, or in a later event.
        let usage = [&response.usage, beside].into_iter().flatten().find(|usage| **usage != Usage::default());
        if let Some(usage) = usage
            && is_new(&mut self.billed)
        {
            self.meter.state().totals.add_response(usage);
            self.totals.add_response(usage);
        }
    }

    /// An event of a Live session that may tell of its usage.
    fn live_reported(&mut self, event: &live::event::ServerEvent) {
        use live::event::ServerEvent as Event;

        match event {
            Event::SessionUsageUpdated(updated) => {
                let ReportedUsage { seconds, active_seconds, paused_seconds, .. } = *updated.usage;
                let mut voice = SessionUsage::default();
                (voice.seconds, voice.active_seconds, voice.paused_seconds) =
                    (Some(seconds), active_seconds, paused_seconds);
                self.voice_reported(voice);
            }
            Event::SessionClosed(closed) if closed.usage.seconds.is_some() => {
                self.voice_reported((*closed.usage).clone())
            }
            Event::ResponseEvent(nested) => {
                let (BackendView::Completed(response)
                | BackendView::Failed(response)
                | BackendView::Incomplete(response)) = nested.event.view()
                else {
                    return;
                };
                if response.id.as_ref().is_none_or(|id| self.responses.insert(id.clone())) {
                    self.meter.state().responses += 1;
                    if let Some(usage) = &response.usage {
                        self.meter.state().live.add_response(usage);
                        self.live.add_response(usage);
                    }
                }
            }
            Event::DecisionEvent(decided) => {
                if let Some(usage) = &decided.event.decision.usage {
                    self.meter.state().live.add_decision(usage);
                    self.live.add_decision(usage);
                }
            }
            _ => {}
        }
    }

    fn voice_reported(&mut self, voice: SessionUsage) {
        self.meter.state().live.add_voice(Some(&self.voice), &voice);
        self.live.add_voice(Some(&self.voice), &voice);
        self.voice = voice;
    }

    fn transcribed(&mut self, event: &ServerEvent) {
        let ServerEvent::ConversationItemInputAudioTranscriptionCompleted(completed) = event else { return };
        let Some(usage) = &completed.usage else { return };
        if self.parts.insert((completed.item_id.clone(), completed.content_index)) {
            self.meter.state().totals.add_transcription(usage);
            self.totals.add_transcription(usage);
        }
    }
}

impl Tap for MeterTap {
    fn event(&mut self, direction: Direction, head: &Head<'_>, _: &mut Injector) -> Verdict {
        match direction {
            Direction::Up => {
                let mut state = self.meter.state();
                state.events_up += 1;
                state.bytes_up += head.len() as u64;
                drop(state);
                if head.kind() == "response.create" {
                    self.asked = Some(self.timer.now());
                }
            }
            Direction::Down => {
                let mut state = self.meter.state();
                state.events_down += 1;
                state.bytes_down += head.len() as u64;
                drop(state);
                self.down(head);
            }
        }
        Verdict::Pass
    }
}

/// A session that was broken off has ended too.
impl Drop for MeterTap {
    fn drop(&mut self) {
        self.meter.state().active -= 1;
    }
}

impl fmt::Debug for MeterTap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeterTap").field("totals", &self.totals).finish_non_exhaustive()
    }
}

/// The latest of the things that were seen.
struct Seen<T> {
    order: VecDeque<T>,
    known: HashSet<T>,
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self { order: VecDeque::new(), known: HashSet::new() }
    }
}

impl<T: Clone + Eq + Hash> Seen<T> {
    /// Whether it is seen for the first time.
    fn insert(&mut self, thing: T) -> bool {
        if !self.known.insert(thing.clone()) {
            return false;
        }
        self.order.push_back(thing);
        if self.order.len() > MOST_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}
