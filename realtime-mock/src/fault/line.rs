//! What both halves of a faulty connection share.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
    time::Duration,
};

use realtime_core::transport::{CloseFrame, Instant, Message, Timer, TransportErrorKind};

use super::{Fault, FaultKind, FaultTrigger, Log};

/// The state of one connection.
pub(super) struct Line {
    connection: u64,
    opened: Instant,
    pub(super) timer: Arc<dyn Timer>,
    log: Arc<Log>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What has not struck yet.
    faults: Vec<(FaultTrigger, Fault)>,
    read: u64,
    written: u64,
    end: Option<End>,
    half_open: bool,
    reads_stalled: Option<Instant>,
    writes_stalled: Option<Instant>,
    slow_reads: Duration,
    slow_writes: Duration,
    injected: VecDeque<Message>,
    splits: usize,
    joins: usize,
    omits: usize,
    renames: usize,
    silent: Option<Instant>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// How the connection ended.
#[derive(Clone)]
pub(super) enum End {
    /// The close frame is still to be read.
    Closing(CloseFrame),
    Closed,
    Broken(TransportErrorKind),
}

/// What a reader is to do.
pub(super) enum Reading {
    Ended(End),
    Give(Message),
    /// Nothing, until then.
    Wait(Option<Instant>),
    /// To ask the inner transport. When it has nothing, to look here again then.
    Ask(Option<Instant>),
}

/// What a writer is to do.
pub(super) enum Writing {
    Ended(End),
    /// To drop the message and say that it was written.
    Lose,
    Wait(Instant),
    /// To write, after so long.
    Write(Duration),
}

/// How a received text is delivered.
pub(super) enum Edges {
    Keep,
    Split,
    Join,
    Omit,
    Rename,
}

impl Line {
    pub(super) fn new(
        connection: u64,
        timer: Arc<dyn Timer>,
        faults: Vec<(FaultTrigger, Fault)>,
        log: Arc<Log>,
    ) -> Self {
        let state = Mutex::new(State { faults, ..State::default() });
        Self { connection, opened: timer.now(), timer, log, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, lets what is due strike, and wakes both halves outside the lock if anything struck.
    fn with<T>(&self, change: impl FnOnce(&mut State, Instant) -> T) -> T {
        let now = self.timer.now();
        let mut state = self.state();
        let struck = self.strike(&mut state, now);
        let output = change(&mut state, now);
        let struck = self.strike(&mut state, now) || struck;
        let wakers = if struck { [state.reader.take(), state.writer.take()] } else { [None, None] };
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
        output
    }

    /// Whether anything was due.
    fn strike(&self, state: &mut State, now: Instant) -> bool {
        let mut struck = false;
        while state.end.is_none() {
            let (read, written) = (state.read, state.written);
            let due = |(moment, _): &(FaultTrigger, Fault)| match *moment {
                FaultTrigger::Read(messages) => read >= messages,
                FaultTrigger::Written(messages) => written >= messages,
                FaultTrigger::After(time) => now >= self.opened + time,
            };
            let Some(at) = state.faults.iter().position(due) else { break };
            let (_, fault) = state.faults.remove(at);
            self.log.note(self.connection, now, FaultKind::Fault(fault.clone()));
            state.suffer(fault, now);
            struck = true;
        }
        struck
    }

    /// When the next fault strikes by itself.
    fn next(&self, state: &State) -> Option<Instant> {
        let times = state.faults.iter().filter_map(|(moment, _)| match *moment {
            FaultTrigger::After(time) => Some(self.opened + time),
            FaultTrigger::Read(_) | FaultTrigger::Written(_) => None,
        });
        times.min().filter(|_| state.end.is_none())
    }

    pub(super) fn reading(&self, cx: &Context<'_>) -> Reading {
        self.with(|state, now| {
            state.reader = Some(cx.waker().clone());
            if let Some(end) = state.end.clone() {
                if let End::Closing(_) = end {
                    state.end = Some(End::Closed);
                }
                return Reading::Ended(end);
            }
            let next = self.next(state);
            if state.half_open {
                return Reading::Wait(next);
            }
            if let Some(until) = state.reads_stalled.filter(|until| *until > now) {
                return Reading::Wait(Some(next.map_or(until, |next| next.min(until))));
            }
            match state.injected.pop_front() {
                Some(message) => {
                    state.read += 1;
                    Reading::Give(message)
                }
                None => Reading::Ask(next),
            }
        })
    }

    /// How long a message that has come is held back.
    pub(super) fn slow_reads(&self) -> Duration {
        self.state().slow_reads
    }

    /// A text has come from the inner transport.
    pub(super) fn edges(&self) -> Edges {
        self.with(|state, now| {
            if state.silent.is_some_and(|until| until > now) {
                Edges::Omit
            } else if let Some(left) = state.omits.checked_sub(1) {
                state.omits = left;
                Edges::Omit
            } else if let Some(left) = state.renames.checked_sub(1) {
                state.renames = left;
                Edges::Rename
            } else if let Some(left) = state.splits.checked_sub(1) {
                state.splits = left;
                Edges::Split
            } else if let Some(left) = state.joins.checked_sub(1) {
                state.joins = left;
                Edges::Join
            } else {
                Edges::Keep
            }
        })
    }

    /// A message was handed out.
    pub(super) fn has_read(&self) {
        self.with(|state, _| state.read += 1);
    }

    pub(super) fn writing(&self, cx: &Context<'_>) -> Writing {
        self.with(|state, now| {
            state.writer = Some(cx.waker().clone());
            if let Some(end) = state.end.clone() {
                return Writing::Ended(end);
            }
            if state.half_open {
                return Writing::Lose;
            }
            match state.writes_stalled.filter(|until| *until > now) {
                Some(until) => Writing::Wait(self.next(state).map_or(until, |next| next.min(until))),
                None => Writing::Write(state.slow_writes),
            }
        })
    }

    /// A message was written, or lost as if it had been.
    pub(super) fn has_written(&self) {
        self.with(|state, _| state.written += 1);
    }
}

impl State {
    fn suffer(&mut self, fault: Fault, now: Instant) {
        match fault {
            Fault::Close(frame) => self.end = Some(End::Closing(frame)),
            Fault::Break(kind) => self.end = Some(End::Broken(kind)),
            Fault::HalfOpen => self.half_open = true,
            Fault::StallReads(time) => self.reads_stalled = Some(now + time),
            Fault::StallWrites(time) => self.writes_stalled = Some(now + time),
            Fault::SlowReads(time) => self.slow_reads = time,
            Fault::SlowWrites(time) => self.slow_writes = time,
            Fault::Inject(message) => self.injected.push_back(message),
            Fault::Split => self.splits += 1,
            Fault::Join => self.joins += 1,
            Fault::Omit => self.omits += 1,
            Fault::Rename => self.renames += 1,
            Fault::Silence(time) => self.silent = Some(now + time),
        }
    }
}
