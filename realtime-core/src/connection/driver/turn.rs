//! One turn: reading and writing sockets, and checking deadlines, in the order that the machine requires.

use std::{
    mem,
    task::{Context, Poll},
};

use super::{
    super::machine::{LinkId, Machine},
    Core, Shared,
    tasks::Starter,
    wait::WaitKind,
    wakers::{self, bit},
};
use crate::{
    error::ErrorKind,
    protocol::{Protocol, state::Changes},
    transport::{Instant, Received},
};

/// Maximum number of messages read from a link in one turn, so that other tasks get to run.
const MESSAGES_A_TURN: usize = 32;

impl<P: Protocol> Shared<P> {
    /// Makes one turn, in the order that the machine requires.
    pub(super) fn turn(
        &self,
        core: &mut Core<P>,
        bits: u8,
        kind: WaitKind,
        enough: &mut dyn FnMut(&mut Machine<P>) -> bool,
    ) {
        let now = self.timer.now();
        if mem::replace(&mut core.in_turn, true) {
            // The previous turn panicked, so the state may be inconsistent.
            core.machine.abort(Err(ErrorKind::Panicked.into()), self, now);
        }
        core.machine.set_reader(kind == WaitKind::Next);
        if bits & bit::QUEUE != 0 {
            core.machine.on_queued();
        }
        // In this order. A link may change its role meanwhile.
        for place in 0..3 {
            let Some(id) = core.machine.links()[place] else { continue };
            self.read(core, id, bits & bit::READ != 0, now, enough);
            self.write(core, id, bits & bit::WRITE != 0, now);
        }
        core.machine.on_timeout(self, now);
        if let [Some(id), ..] = core.machine.links() {
            self.write(core, id, false, now);
        }
        // Armed last, because the turn may have set an earlier deadline.
        let next = core.machine.poll_timeout();
        if core.alarm.set(next, &*self.timer, || wakers::waker(&self.wakers, bit::TIMER), bits & bit::TIMER != 0) {
            core.left |= bit::TIMER;
        }
        core.in_turn = false;
    }

    /// Reads a link until nothing more has arrived, the waiter has enough, or there is no room.
    fn read(
        &self,
        core: &mut Core<P>,
        id: LinkId,
        woken: bool,
        now: Instant,
        enough: &mut dyn FnMut(&mut Machine<P>) -> bool,
    ) {
        let Core { machine, sockets, starter, read_waker, left, .. } = core;
        if !machine.wants_read(id, woken, self, now) {
            return;
        }
        let in_use = machine.is_in_use(id);
        let beside;
        let waker = if in_use {
            &*read_waker
        } else {
            beside = wakers::waker(&self.wakers, bit::STANDBY);
            &beside
        };
        let Some(pumps) = sockets.pumps(id) else { return };
        let mut cx = Context::from_waker(waker);
        let mut changes = Changes::default();
        for _ in 0..MESSAGES_A_TURN {
            if in_use && enough(machine) {
                break;
            }
            if !machine.has_room(id) {
                return;
            }
            match if in_use { pumps.poll_read_raw(&mut cx) } else { pumps.poll_read(&mut cx) } {
                Poll::Pending => {
                    machine.on_read_idle(id, self, now);
                    return self.work_in_turn(machine, starter.as_ref());
                }
                Poll::Ready(Some(Ok(ref mut message))) => {
                    if let Err(text) = machine.on_message(id, message, &mut changes, self, now)
                        && !pumps.reject_text()
                    {
                        // Told as an event that is invalid.
                        let _ = machine.on_message(id, &mut Received::Message(text), &mut changes, self, now);
                    }
                    self.work_in_turn(machine, starter.as_ref());
                }
                Poll::Ready(Some(Err(error))) => return machine.on_read_end(id, Some(error), self, now),
                Poll::Ready(None) => return machine.on_read_end(id, None, self, now),
            }
        }
        *left |= if in_use { bit::READ } else { bit::STANDBY };
    }

    /// Writes to a link until nothing is left to write, or its socket is full.
    fn write(&self, core: &mut Core<P>, id: LinkId, woken: bool, now: Instant) {
        let Core { machine, sockets, write_waker, .. } = core;
        if !machine.wants_write(id, woken, now) {
            return;
        }
        let beside;
        let waker = if machine.is_in_use(id) {
            &*write_waker
        } else {
            beside = wakers::waker(&self.wakers, bit::STANDBY);
            &beside
        };
        let Some(pumps) = sockets.pumps(id) else { return };
        let mut cx = Context::from_waker(waker);
        loop {
            match pumps.poll_write(&mut cx) {
                Poll::Ready(Ok(())) => machine.on_written(id, self),
                Poll::Ready(Err(error)) => return machine.on_write_failed(id, error, now),
                Poll::Pending => return machine.on_write_pending(id, now),
            }
            let Some(message) = machine.poll_transmit(id, self, now) else { return };
            if let Err(error) = pumps.start(message) {
                return machine.on_write_failed(id, error, now);
            }
        }
    }

    /// Starts the tasks that a message makes the session ask for.
    fn work_in_turn(&self, machine: &mut Machine<P>, starter: Option<&Starter<P>>) {
        if self.start_work(machine, starter) {
            self.wakers.defer(bit::TASK);
        }
    }
}
