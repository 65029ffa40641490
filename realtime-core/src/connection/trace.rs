//! Spans and events for `tracing`: types and sizes, never payloads.
//!
//! What happens under the connection's lock is recorded there and emitted after the lock is released, because a
//! subscriber is foreign code.

#[cfg(feature = "tracing")]
pub(super) use on::*;

#[cfg(not(feature = "tracing"))]
pub(super) use off::*;

#[cfg(feature = "tracing")]
mod on {
    use std::{
        collections::HashMap,
        sync::{Mutex, PoisonError},
    };

    use tracing::{Level, Span, field::Empty, level_filters::LevelFilter};

    use super::super::notice::Phase;
    use crate::{
        protocol::state::ResponseTransition,
        wire::{Id, Omission},
    };

    /// Records of one turn for the tracer.
    #[derive(Default)]
    pub(in super::super) struct TraceLog(Vec<Note>);

    enum Note {
        Message { sent: bool, kind: String, bytes: usize },
        LeftOut { kind: String, omission: Omission },
        Phase(Phase),
        Turn(ResponseTransition),
    }

    impl TraceLog {
        pub(in super::super) fn message(&mut self, sent: bool, kind: &str, bytes: usize) {
            // Checks the level only, because anything more would call the subscriber.
            if LevelFilter::current() >= Level::TRACE {
                self.0.push(Note::Message { sent, kind: kind.into(), bytes });
            }
        }

        /// A member that did not fit and was left out.
        pub(in super::super) fn left_out(&mut self, kind: &str, omissions: Vec<Omission>) {
            self.0.extend(omissions.into_iter().map(|omission| Note::LeftOut { kind: kind.into(), omission }));
        }

        pub(in super::super) fn phase(&mut self, phase: Phase) {
            self.0.push(Note::Phase(phase));
        }

        pub(in super::super) fn turns(&mut self, turns: Vec<ResponseTransition>) {
            self.0.extend(turns.into_iter().map(Note::Turn));
        }
    }

    /// The spans of a connection: its own, and one per active response.
    pub(in super::super) struct Tracer {
        connection: Span,
        responses: Mutex<HashMap<Id, Span>>,
    }

    impl Tracer {
        pub(in super::super) fn new() -> Self {
            let connection = tracing::info_span!(target: "realtime", "realtime.connection", phase = Empty);
            Self { connection, responses: Mutex::default() }
        }

        pub(in super::super) fn tell(&self, notes: TraceLog) {
            for note in notes.0 {
                self.connection.in_scope(|| self.tell_one(note));
            }
        }

        fn tell_one(&self, note: Note) {
            match note {
                Note::Message { sent: true, kind, bytes } => tracing::trace!(target: "realtime", kind, bytes, "sent"),
                Note::Message { sent: false, kind, bytes } => {
                    tracing::trace!(target: "realtime", kind, bytes, "received");
                }
                Note::LeftOut { kind, omission } => {
                    tracing::warn!(target: "realtime", kind, path = omission.path, reason = omission.reason, "left out");
                }
                Note::Phase(phase) => {
                    self.connection.record("phase", tracing::field::debug(phase));
                    tracing::debug!(target: "realtime", ?phase, "connection");
                }
                Note::Turn(ResponseTransition::Began { id, out_of_band }) => {
                    let span = tracing::info_span!(
                        target: "realtime", "realtime.response", response_id = %id, out_of_band, status = Empty,
                        time_to_first_token_ms = Empty, time_to_first_audio_ms = Empty, total_tokens = Empty,
                    );
                    self.responses().insert(id, span);
                }
                Note::Turn(ResponseTransition::Ended {
                    id,
                    status,
                    time_to_first_token,
                    time_to_first_audio,
                    total_tokens,
                }) => {
                    let Some(span) = self.responses().remove(&id) else { return };
                    span.record("status", status.as_str());
                    if let Some(time) = time_to_first_token {
                        span.record("time_to_first_token_ms", time.as_millis() as u64);
                    }
                    if let Some(time) = time_to_first_audio {
                        span.record("time_to_first_audio_ms", time.as_millis() as u64);
                    }
                    if let Some(tokens) = total_tokens {
                        span.record("total_tokens", tokens);
                    }
                    span.in_scope(|| tracing::debug!(target: "realtime", status = status.as_str(), "response done"));
                }
            }
        }

        fn responses(&self) -> std::sync::MutexGuard<'_, HashMap<Id, Span>> {
            self.responses.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// Runs a function's future in its own span.
        pub(in super::super) fn tool<F: Future>(
            &self,
            name: &str,
            call_id: Option<&Id>,
            future: F,
        ) -> impl Future<Output = F::Output> + use<F> {
            use tracing::Instrument;

            let call_id = call_id.map(Id::as_str);
            let span =
                tracing::info_span!(target: "realtime", parent: &self.connection, "realtime.tool", name, call_id);
            future.instrument(span)
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use super::super::notice::Phase;
    use crate::{
        protocol::state::ResponseTransition,
        wire::{Id, Omission},
    };

    #[derive(Default)]
    pub(in super::super) struct TraceLog(());

    impl TraceLog {
        pub(in super::super) fn message(&mut self, _: bool, _: &str, _: usize) {}

        pub(in super::super) fn left_out(&mut self, _: &str, _: Vec<Omission>) {}

        pub(in super::super) fn phase(&mut self, _: Phase) {}

        pub(in super::super) fn turns(&mut self, _: Vec<ResponseTransition>) {}
    }

    pub(in super::super) struct Tracer;

    impl Tracer {
        pub(in super::super) fn new() -> Self {
            Self
        }

        pub(in super::super) fn tell(&self, _: TraceLog) {}

        pub(in super::super) fn tool<F: Future>(&self, _: &str, _: Option<&Id>, future: F) -> F {
            future
        }
    }
}
