use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use realtime_core::transport::{CloseFrame, Message, Text, TransportErrorKind};

use super::dice::Dice;

/// The faults of one connection, and their triggers. Each is injected once.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use realtime_core::transport::TransportErrorKind;
/// use realtime_mock::{ConnectFault, Fault, FaultPlan, FaultTrigger, Faults, Simulator, VirtualClock};
///
/// let plan = FaultPlan::new()
///     .connect(ConnectFault::Delay(Duration::from_secs(2)))
///     .at(FaultTrigger::Read(5), Fault::Break(TransportErrorKind::Io));
/// // The first connection has these faults, and later ones have none.
/// let simulated = Simulator::new().transport(&VirtualClock::new());
/// let transport = Faults::new(simulated, move |number| if number == 1 { plan.clone() } else { FaultPlan::new() });
/// # drop(transport);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaultPlan {
    pub(super) connect: Option<ConnectFault>,
    pub(super) faults: Vec<(FaultTrigger, Fault)>,
}

/// A fault of a connection attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectFault {
    /// It takes this much longer.
    Delay(Duration),
    /// The server refuses it with this status.
    Refuse(StatusCode),
    /// It fails with an error of this kind.
    Fail(TransportErrorKind),
    /// It is never answered.
    Never,
}

/// When a fault is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultTrigger {
    /// After this many messages were read, counting pings, close frames and injected messages. 0 is the beginning.
    Read(u64),
    /// After this many messages were written. 0 is the beginning.
    Written(u64),
    /// This long after the connection was opened.
    After(Duration),
}

/// A fault of an open connection.
///
/// Faults concern messages, not the bytes below them: WebSocket reassembles fragments, and TCP does not lose, duplicate
/// or reorder data. [`Split`](Self::Split) and [`Join`](Self::Join) simulate a peer with wrong message boundaries.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The server closes with this frame and disappears.
    Close(CloseFrame),
    /// The link breaks without a close frame: reading and writing fail with this kind. A cut cable is
    /// [`Io`](TransportErrorKind::Io).
    Break(TransportErrorKind),
    /// The link is half-open: nothing arrives any more, what is written is lost, and neither side is notified.
    HalfOpen,
    /// Reading stalls for this long, then continues with everything that has arrived.
    StallReads(Duration),
    /// Writing stalls for this long.
    StallWrites(Duration),
    /// From now on, every message read takes this long, one after another. Zero ends the fault.
    SlowReads(Duration),
    /// From now on, every message written takes this long. Zero ends the fault.
    SlowWrites(Duration),
    /// A message that the server never sent arrives before the next one.
    Inject(Message),
    /// The next text arrives as two messages, split in the middle.
    Split,
    /// The next two texts arrive as one concatenated message. Without a second one, the first does not arrive.
    Join,
    /// The next event is dropped; the server continues with the one after it.
    Omit,
    /// The next event has another type: its name in the beta protocol if it had a different one, otherwise an unknown
    /// type, which is its own prefixed by `vendor.`.
    Rename,
    /// The server says nothing for this long; its events are lost. It still answers pings.
    Silence(Duration),
}

impl Fault {
    /// A text that is not JSON arrives.
    pub fn garbage() -> Self {
        Self::text("\u{0}}{ this is not an event")
    }

    /// A binary message arrives, which the service never sends.
    pub fn binary() -> Self {
        Self::Inject(Message::Binary(Bytes::from_static(&[0, 159, 146, 150, 255])))
    }

    /// An event of an unknown type arrives.
    pub fn unknown_event() -> Self {
        Self::text(r#"{"type":"session.surprise","event_id":"event_surprise","surprise":{"level":11}}"#)
    }

    /// This text arrives.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Inject(Message::Text(text.into()))
    }
}

impl FaultPlan {
    /// Creates a plan without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the fault of the connection attempt.
    #[must_use]
    pub fn connect(mut self, fault: ConnectFault) -> Self {
        self.connect = Some(fault);
        self
    }

    /// Adds a fault. Of two faults with the same trigger, the first one is injected first.
    #[must_use]
    pub fn at(mut self, moment: FaultTrigger, fault: Fault) -> Self {
        self.faults.push((moment, fault));
        self
    }

    /// Creates a random plan. The same seed gives the same plan.
    ///
    /// One connection attempt in four fails or is delayed. An open connection has up to four faults of any kind within
    /// its first 64 messages or 30 seconds, of which at most one ends it. Stalls last up to 20 seconds, and the server
    /// is silent for up to 60.
    pub fn drawn(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let mut plan = Self::new();
        if dice.below(4) == 0 {
            plan.connect = Some(match dice.below(5) {
                0 => ConnectFault::Refuse(StatusCode::SERVICE_UNAVAILABLE),
                1 => ConnectFault::Fail(TransportErrorKind::Connect),
                2 => ConnectFault::Never,
                _ => ConnectFault::Delay(dice.up_to(Duration::from_secs(3))),
            });
        }
        for _ in 0..dice.below(4) {
            let fault = match dice.below(12) {
                0 => Fault::StallReads(dice.up_to(Duration::from_secs(20))),
                1 => Fault::StallWrites(dice.up_to(Duration::from_secs(20))),
                2 => Fault::SlowReads(dice.up_to(Duration::from_millis(200))),
                3 => Fault::SlowWrites(dice.up_to(Duration::from_millis(200))),
                4 => Fault::garbage(),
                5 => Fault::binary(),
                6 => Fault::unknown_event(),
                7 => Fault::Split,
                8 => Fault::Join,
                9 => Fault::Rename,
                10 => Fault::Silence(dice.up_to(Duration::from_secs(60))),
                _ => Fault::Omit,
            };
            plan = plan.at(moment(&mut dice), fault);
        }
        if dice.below(2) == 0 {
            // Codes of the RFC, of the service, and a private one.
            const CODES: [u16; 10] = [1000, 1001, 1002, 1008, 1009, 1011, 1012, 1013, 3000, 4000];
            let end = match dice.below(4) {
                0 => Fault::HalfOpen,
                1 => Fault::Break(TransportErrorKind::Io),
                _ => Fault::Close(CloseFrame::new(CODES[dice.below(CODES.len() as u64) as usize], "drawn")),
            };
            plan = plan.at(moment(&mut dice), end);
        }
        plan
    }
}

fn moment(dice: &mut Dice) -> FaultTrigger {
    match dice.below(3) {
        0 => FaultTrigger::Read(dice.below(64)),
        1 => FaultTrigger::Written(dice.below(64)),
        _ => FaultTrigger::After(dice.up_to(Duration::from_secs(30))),
    }
}
