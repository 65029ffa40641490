//! Spans and events for `tracing`.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tracing::{Instrument, Level, Span, field::Empty, level_filters::LevelFilter};

use super::{
    names,
    on::{Note, Subject},
};
use crate::{
    protocol::{
        state::{ResponseTransition, TokenCounts},
        types::ResponseStatus,
    },
    wire::Id,
};

/// Whether anybody may want to know of each message. Checks the level only, because anything more would call the
/// subscriber.
pub(super) fn traces_messages() -> bool {
    LevelFilter::current() >= Level::TRACE
}

/// The spans of a connection: its own, and one per active response.
pub(super) struct Tracer {
    connection: Span,
    /// Allocated while a response is active.
    responses: Mutex<Option<Box<Active>>>,
}

#[derive(Default)]
struct Active(HashMap<Id, Span>);

impl Tracer {
    pub(super) fn new(Subject { provider, model }: Subject<'_>) -> Self {
        let connection = tracing::info_span!(
            target: "realtime", "realtime.connection", phase = Empty,
            { names::PROVIDER } = provider, { names::MODEL } = model,
        );
        Self { connection, responses: Mutex::default() }
    }

    pub(super) fn tell(&self, subject: Subject<'_>, notes: Vec<Note>) {
        for note in notes {
            self.connection.in_scope(|| self.tell_one(subject, note));
        }
    }

    fn tell_one(&self, Subject { provider, model }: Subject<'_>, note: Note) {
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
            Note::Turn(ResponseTransition::Began { id, out_of_band, conversation_id }) => {
                let span = tracing::info_span!(
                    target: "realtime", "realtime.response", out_of_band, time_to_first_audio_ms = Empty,
                    { names::SPAN_NAME } = span_name("chat", model),
                    { names::SPAN_KIND } = "client",
                    { names::SPAN_STATUS } = Empty,
                    { names::OPERATION } = "chat",
                    { names::PROVIDER } = provider,
                    { names::MODEL } = model,
                    { names::CONVERSATION } = conversation_id.as_deref(),
                    { names::RESPONSE } = id.as_str(),
                    { names::FINISH_REASONS } = Empty,
                    { names::FIRST_CHUNK } = Empty,
                    { names::INPUT_TOKENS } = Empty,
                    { names::CACHED_TOKENS } = Empty,
                    { names::AUDIO_INPUT_TOKENS } = Empty,
                    { names::OUTPUT_TOKENS } = Empty,
                    { names::AUDIO_OUTPUT_TOKENS } = Empty,
                    { names::OUTPUT_MESSAGES } = Empty,
                    { names::ERROR } = Empty,
                );
                self.responses().get_or_insert_default().0.insert(id, span);
            }
            Note::Turn(ResponseTransition::Ended {
                id,
                status,
                time_to_first_token,
                time_to_first_audio,
                tokens,
                error,
                content,
            }) => {
                let Some(span) = self.end(&id) else { return };
                span.record(names::FINISH_REASONS, tracing::field::debug([status.as_str()]));
                if let Some(time) = time_to_first_token {
                    span.record(names::FIRST_CHUNK, time.as_secs_f64());
                }
                if let Some(time) = time_to_first_audio {
                    span.record("time_to_first_audio_ms", time.as_millis() as u64);
                }
                record_tokens(&span, &tokens);
                if status == ResponseStatus::Failed {
                    span.record(names::SPAN_STATUS, "ERROR");
                    span.record(names::ERROR, error.as_deref().unwrap_or("_OTHER"));
                }
                if let Some(content) = content {
                    span.record(names::OUTPUT_MESSAGES, &*content);
                }
                span.in_scope(|| tracing::debug!(target: "realtime", status = status.as_str(), "response done"));
            }
            Note::Ended { .. } | Note::Measured(_) => {}
        }
    }

    fn end(&self, id: &Id) -> Option<Span> {
        let mut responses = self.responses();
        let active = responses.as_mut()?;
        let span = active.0.remove(id);
        if active.0.is_empty() {
            *responses = None;
        }
        span
    }

    fn responses(&self) -> std::sync::MutexGuard<'_, Option<Box<Active>>> {
        self.responses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a function's future in its own span.
    pub(super) fn tool<F: Future>(
        &self,
        name: &str,
        call_id: Option<&Id>,
        future: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        let span = tracing::info_span!(
            target: "realtime", parent: &self.connection, "realtime.tool",
            { names::SPAN_NAME } = span_name("execute_tool", Some(name)),
            { names::SPAN_KIND } = "internal",
            { names::OPERATION } = "execute_tool",
            { names::TOOL } = name,
            { names::TOOL_TYPE } = "function",
            { names::CALL } = call_id.map(Id::as_str),
        );
        future.instrument(span)
    }
}

fn span_name(operation: &str, of: Option<&str>) -> String {
    match of {
        Some(of) => format!("{operation} {of}"),
        None => operation.into(),
    }
}

fn record_tokens(span: &Span, tokens: &TokenCounts) {
    let counts = [
        (names::INPUT_TOKENS, tokens.input),
        (names::CACHED_TOKENS, tokens.cached_input),
        (names::AUDIO_INPUT_TOKENS, tokens.audio_input),
        (names::OUTPUT_TOKENS, tokens.output),
        (names::AUDIO_OUTPUT_TOKENS, tokens.audio_output),
    ];
    for (name, count) in counts {
        if let Some(count) = count {
            span.record(name, count);
        }
    }
}
