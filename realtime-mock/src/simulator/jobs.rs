//! The futures and streams of a responder, polled where the client reads.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use realtime_core::{
    transport::{Instant, Timer},
    types::Failure,
};

use super::{
    Responder, ResponsePart,
    session::model::{Ask, Demand, failure},
    settings::Settings,
    transport::Line,
};

/// Number of turns that are transcribed at a time.
const TRANSCRIBING: usize = 4;

/// What a responder says.
pub(super) enum Told {
    Transcript(Result<String, Failure>),
    /// The next part of a response, or its end.
    Part(Option<Result<ResponsePart, Failure>>),
}

/// What a responder is doing for one session.
pub(super) struct Jobs {
    responder: Option<Arc<dyn Responder>>,
    timeout: Duration,
    list: Vec<Job>,
}

struct Job {
    /// The response, or the item.
    id: String,
    work: Work,
    /// When the next part is too late. Only while it is awaited.
    deadline: Option<Instant>,
}

enum Work {
    Transcribe(BoxFuture<'static, Result<String, Failure>>),
    Respond(BoxStream<'static, Result<ResponsePart, Failure>>),
}

impl Jobs {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { responder: settings.responder.clone(), timeout: settings.responder_timeout, list: Vec::new() }
    }

    /// Drops what nobody needs any more.
    pub(super) fn sweep(&mut self, line: &Line) {
        if self.list.is_empty() {
            return;
        }
        let gone: Vec<_> = {
            let mut session = line.session();
            self.list.extract_if(.., |job| session.demand(&job.id) == Demand::Gone).collect()
        };
        // Outside of the lock.
        drop(gone);
    }

    /// Polls what is wanted now. Returns whether the session was told something.
    pub(super) fn poll(&mut self, line: &Line, timer: &dyn Timer, cx: &mut Context<'_>) -> bool {
        let Some(responder) = &self.responder else { return false };
        let transcribing = |list: &[Job]| list.iter().filter(|job| matches!(job.work, Work::Transcribe(_))).count();
        loop {
            let ask = line.session().next_ask(transcribing(&self.list) < TRANSCRIBING);
            let Some(ask) = ask else { break };
            self.list.push(begin(responder, ask));
        }
        let mut news = false;
        for job in &mut self.list {
            if line.session().demand(&job.id) != Demand::Now {
                continue;
            }
            let polled = match &mut job.work {
                Work::Transcribe(future) => future.poll_unpin(cx).map(Told::Transcript),
                Work::Respond(stream) => stream.poll_next_unpin(cx).map(Told::Part),
            };
            let now = timer.now();
            let told = match polled {
                Poll::Ready(told) => told,
                Poll::Pending if *job.deadline.get_or_insert(now + self.timeout) > now => continue,
                Poll::Pending => job.work.late(),
            };
            job.deadline = None;
            line.tell(&job.id, told, now);
            news = true;
        }
        self.sweep(line);
        news
    }

    /// When the first of what is awaited is too late.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.list.iter().filter_map(|job| job.deadline).min()
    }
}

/// Asks the responder. Its panic is its failure: the session goes on.
fn begin(responder: &Arc<dyn Responder>, ask: Ask) -> Job {
    let responder = responder.clone();
    let (id, work) = match ask {
        Ask::Transcribe(id, utterance) => {
            let transcribe = AssertUnwindSafe(async move { responder.transcribe(utterance).await }).catch_unwind();
            (id, Work::Transcribe(transcribe.map(|heard| heard.unwrap_or_else(|_| Err(panicked()))).boxed()))
        }
        Ask::Respond(id, turn) => {
            // Within a stream, so that a panic before the first part is caught too.
            let parts = stream::once(async move { responder.respond(turn) }).flatten();
            let parts = AssertUnwindSafe(parts).catch_unwind();
            (id, Work::Respond(parts.map(|part| part.unwrap_or_else(|_| Err(panicked()))).boxed()))
        }
    };
    Job { id, work, deadline: None }
}

impl Work {
    /// What the session is told if the responder takes too long.
    fn late(&self) -> Told {
        match self {
            Self::Transcribe(_) => {
                Told::Transcript(Err(failure("transcription_timeout", "The model took too long to transcribe.")))
            }
            Self::Respond(_) => {
                Told::Part(Some(Err(failure("response_timeout", "The model took too long to respond."))))
            }
        }
    }
}

/// What a panic said was printed where it happened, and is not for the client.
fn panicked() -> Failure {
    failure("internal_error", "The model failed.")
}
