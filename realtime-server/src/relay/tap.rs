use std::{collections::VecDeque, fmt};

use futures::future::BoxFuture;
use realtime_core::transport::{CloseFrame, Message, Text};

use super::{Head, RelayEnd};

/// Where an event is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the service.
    Up,
    /// From the service to the client.
    Down,
}

/// A decision about an event.
#[non_exhaustive]
pub enum Verdict {
    /// It goes on as it came.
    Pass,
    /// This text goes on in its place.
    Replace(Text),
    /// Nothing goes on.
    Drop,
    /// The session ends: nothing more is relayed, and both sides are closed, the client with this frame.
    Close(CloseFrame),
    /// The future decides. Until then this direction waits, in order, and the other one continues: a moderation service
    /// that takes a second holds nothing but the events behind this one. The future needs a timeout of its own.
    Wait(BoxFuture<'static, Self>),
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "Pass",
            Self::Replace(_) => "Replace",
            Self::Drop => "Drop",
            Self::Close(_) => "Close",
            Self::Wait(_) => "Wait",
        })
    }
}

/// Looks at every event of a relayed session, first and synchronously.
///
/// `()` passes everything. A pair of taps asks the second one about what the first one passes.
///
/// ```
/// use realtime_server::{Direction, Head, Injector, Tap, Verdict};
///
/// /// Lets no client change the instructions.
/// struct Fixed;
///
/// impl Tap for Fixed {
///     fn event(&mut self, direction: Direction, head: &Head<'_>, _: &mut Injector) -> Verdict {
///         match (direction, head.kind()) {
///             (Direction::Up, "session.update") => Verdict::Drop,
///             _ => Verdict::Pass,
///         }
///     }
/// }
/// ```
pub trait Tap: Send {
    /// Decides what becomes of an event. What it injects is sent ahead of the event.
    fn event(&mut self, direction: Direction, head: &Head<'_>, injector: &mut Injector) -> Verdict;

    /// The session has ended.
    fn ended(&mut self, end: &RelayEnd) {
        let _ = end;
    }
}

impl Tap for () {
    fn event(&mut self, _: Direction, _: &Head<'_>, _: &mut Injector) -> Verdict {
        Verdict::Pass
    }
}

impl<A: Tap, B: Tap> Tap for (A, B) {
    fn event(&mut self, direction: Direction, head: &Head<'_>, injector: &mut Injector) -> Verdict {
        match self.0.event(direction, head, injector) {
            Verdict::Pass => self.1.event(direction, head, injector),
            verdict => verdict,
        }
    }

    fn ended(&mut self, end: &RelayEnd) {
        self.0.ended(end);
        self.1.ended(end);
    }
}

impl<T: Tap + ?Sized> Tap for Box<T> {
    fn event(&mut self, direction: Direction, head: &Head<'_>, injector: &mut Injector) -> Verdict {
        (**self).event(direction, head, injector)
    }

    fn ended(&mut self, end: &RelayEnd) {
        (**self).ended(end);
    }
}

/// Adds events to a relayed session.
#[derive(Default)]
pub struct Injector {
    up: VecDeque<Message>,
    down: VecDeque<Message>,
}

impl Injector {
    /// Sends an event in this direction: ahead of the event that is being decided if it goes the same way. It is not shown
    /// to the tap.
    pub fn inject(&mut self, direction: Direction, text: impl Into<Text>) {
        self.queue(direction).push_back(Message::Text(text.into()));
    }

    pub(super) fn queue(&mut self, direction: Direction) -> &mut VecDeque<Message> {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }
}

impl fmt::Debug for Injector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injector").field("up", &self.up.len()).field("down", &self.down.len()).finish()
    }
}
