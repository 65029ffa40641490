//! The state of a translation session.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use crate::{
    error::Awaited,
    protocol::{
        event::Event,
        state::{
            Changes, Complaint, Input, Outcome, Overdue, Plan, Setup, State, Timeouts,
            intent::Intent,
            limits::{MOST_TRANSCRIPT, append_latest, clip_error, words},
            remember,
            requests::{Patience, Request, Requests},
        },
        types::AudioFormat,
    },
    translation::{
        Translation, TranslationSnapshot,
        event::{ClientEvent, ServerEvent, SessionUpdate},
        types::{TranslationSessionConfig, TranslationSessionInfo},
    },
    transport::Instant,
    wire::Id,
};

/// The client's knowledge of a translation session.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TranslationState {
    /// Transcript of the user's speech, if the session transcribes it: the last 4 MiB.
    pub input_transcript: String,
    /// Translation as text: the last 4 MiB.
    pub output_transcript: String,
    /// Bytes of translated speech received.
    pub output_audio_bytes: u64,
    /// Number of deltas of translated speech received.
    pub output_audio_events: u64,
    /// Position of the latest output in the stream in milliseconds, if reported.
    pub elapsed_ms: Option<u64>,
    /// Whether the server has ended the session.
    pub closed: bool,
    /// Input audio sent.
    pub input: Input,
    /// Errors reported by the server, the latest last.
    pub errors: VecDeque<Complaint>,
    /// Types of unknown events, the latest last.
    pub unknown: VecDeque<Box<str>>,
    pub(super) info: Option<TranslationSessionInfo>,
    pub(super) requests: Requests<RequestKind>,
    pub(super) intent: Intent<TranslationSessionConfig>,
    setup: Setup,
    /// What the session is restored from once it is open for the first time.
    pub(super) inherited: Option<Arc<TranslationSnapshot>>,
}

/// Never paused: a translation has no responses.
const CLOCK: Patience = Patience::new();

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestKind {
    Update,
    Close,
    Other,
}

impl TranslationState {
    /// The session as last described by the server. `None` before it is open.
    pub fn info(&self) -> Option<&TranslationSessionInfo> {
        self.info.as_ref()
    }

    fn answered(&mut self, kind: RequestKind, changes: &mut Changes<ServerEvent>) {
        if let Some(request) = self.requests.answered(&kind, None) {
            changes.settled.push((request.seq, Outcome::Granted));
        }
    }

    /// Takes the request that an error refuses: the one it names, or else the only one.
    fn refused(&mut self, named: Option<&Id>) -> Option<Request<RequestKind>> {
        if let Some(id) = named {
            if let Some(request) = self.requests.refused(id) {
                return Some(request);
            }
            if self.requests.kind_of(id).is_some() {
                return None;
            }
        }
        let is_known = |request: &Request<RequestKind>| request.kind != RequestKind::Other;
        let only = match self.requests.count(is_known) {
            0 => self.requests.only(|_| true),
            _ => self.requests.only(is_known),
        };
        self.requests.take(only?)
    }

    fn awaited(&self, request: &Request<RequestKind>) -> Awaited {
        let kind = match request.kind {
            RequestKind::Update => "session.update",
            RequestKind::Close => "session.close",
            RequestKind::Other => {
                let noted = request.event_id.as_ref().and_then(|id| self.requests.kind_of(id));
                noted.unwrap_or("an event without an id")
            }
        };
        Awaited::Event { kind: kind.into(), event_id: request.event_id.clone() }
    }

    fn note_outcomes(&mut self, changes: &Changes<ServerEvent>) {
        for (seq, outcome) in &changes.settled {
            if let Some(granted) = outcome.granted() {
                self.intent.settle(*seq, granted);
            }
        }
    }
}

impl State<Translation> for TranslationState {
    fn configure(&mut self, (): &(), setup: &Setup) {
        self.setup = setup.clone();
    }

    fn sent(&mut self, seq: u64, event: &ClientEvent, now: Instant) {
        if let Some(id) = event.event_id() {
            self.requests.note(id, event.kind());
        }
        let kind = match event {
            ClientEvent::SessionUpdate(update) => {
                self.intent.ask(seq, &update.session);
                RequestKind::Update
            }
            ClientEvent::SessionClose(_) => RequestKind::Close,
            ClientEvent::SessionInputAudioBufferAppend(append) => return self.input.append(append.audio.len()),
            _ => RequestKind::Other,
        };
        let (event_id, asked) = (event.event_id().cloned(), CLOCK.asked(now));
        self.requests.push(Request { seq, event_id, kind, subject: None, asked });
    }

    fn sent_audio(&mut self, bytes: usize, _: Instant) {
        self.input.append(bytes);
    }

    fn received(&mut self, event: &mut ServerEvent, _: Instant, changes: &mut Changes<ServerEvent>) {
        match event {
            ServerEvent::SessionOutputAudioDelta(delta) => {
                self.output_audio_bytes += delta.delta.len() as u64;
                self.output_audio_events += 1;
                self.elapsed_ms = delta.elapsed_ms.or(self.elapsed_ms);
            }
            ServerEvent::SessionOutputTranscriptDelta(delta) => {
                append_latest(&mut self.output_transcript, &delta.delta, MOST_TRANSCRIPT);
                self.elapsed_ms = delta.elapsed_ms.or(self.elapsed_ms);
            }
            ServerEvent::SessionInputTranscriptDelta(delta) => {
                append_latest(&mut self.input_transcript, &delta.delta, MOST_TRANSCRIPT);
                self.elapsed_ms = delta.elapsed_ms.or(self.elapsed_ms);
            }
            ServerEvent::SessionCreated(created) => self.info = Some(created.session.clone()),
            ServerEvent::SessionUpdated(updated) => {
                self.info = Some(updated.session.clone());
                self.answered(RequestKind::Update, changes);
            }
            ServerEvent::SessionClosed(_) => {
                self.closed = true;
                self.answered(RequestKind::Close, changes);
            }
            ServerEvent::Error(error) => {
                let id = error.error.event_id.as_ref();
                let about = id.and_then(|id| self.requests.kind_of(id)).map(Into::into);
                if let Some(request) = self.refused(id) {
                    let outcome = Outcome::Refused(self.awaited(&request), error.clone());
                    changes.settled.push((request.seq, outcome));
                }
                let complaint = Complaint { error: clip_error(&error.error), about };
                remember(&mut self.errors, complaint, self.setup.kept_errors);
            }
            ServerEvent::Unknown(unknown) => {
                remember(&mut self.unknown, words(&unknown.kind).into(), self.setup.kept_errors);
            }
            ServerEvent::Malformed(_) | ServerEvent::Invalid(_) => {}
        }
        self.note_outcomes(changes);
    }

    fn due(&self, timeouts: &Timeouts) -> Option<Instant> {
        self.requests.due(&CLOCK, timeouts.request)
    }

    fn expire(&mut self, timeouts: &Timeouts, now: Instant, changes: &mut Changes<ServerEvent>) {
        while let Some(request) = self.requests.expired(now, &CLOCK, timeouts.request) {
            let overdue = Overdue::new(self.awaited(&request), request.asked.at);
            changes.settled.push((request.seq, Outcome::Overdue(Box::new(overdue))));
        }
    }

    fn is_waiting(&self) -> bool {
        self.requests.count(|request| request.kind != RequestKind::Other) > 0
    }

    fn restoration(&self, _: bool, _: Instant) -> (Plan<ClientEvent>, Self) {
        let mut next = self.clone();
        let inherited = next.inherited.take();
        let before = inherited.iter().flat_map(|inherited| &inherited.unanswered);
        let ambiguous = before.chain(self.requests.open().map(|(_, id)| id)).cloned().collect();
        let mut plan = Plan { ambiguous, ..Plan::default() };
        if (self.setup.restore || inherited.is_some())
            && let Some(config) = next.intent.take_all()
        {
            plan.events.push((None, SessionUpdate::new(config).into()));
        }
        next.requests.clear();
        (plan, next)
    }

    fn expires_at(&self) -> Option<Duration> {
        self.info.as_ref()?.expires_at.map(Duration::from_secs)
    }

    fn input_ms(&self, bytes: usize) -> u64 {
        AudioFormat::pcm().bytes_to_ms(bytes as u64).unwrap_or_default()
    }
}
