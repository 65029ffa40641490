use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use realtime_core::transport::{CloseFrame, Message, Text, TransportErrorKind};

use super::dice::Dice;

/// What goes wrong with one connection, and when. Each entry strikes once.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    pub(super) connect: Option<ConnectFault>,
    pub(super) faults: Vec<(FaultTrigger, Fault)>,
}

/// What goes wrong with an attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectFault {
    /// It takes so much longer.
    Delay(Duration),
    /// The server refuses with this status.
    Refuse(StatusCode),
    /// It fails.
    Fail(TransportErrorKind),
    /// It is never answered.
    Never,
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultTrigger {
    /// Once so many messages were read: pings, close frames and injected messages count. 0 is from the beginning.
    Read(u64),
    /// Once so many messages were written. 0 is from the beginning.
    Written(u64),
    /// So long after the connection was opened.
    After(Duration),
}

/// What goes wrong with an open connection.
///
/// Messages are what a transport carries, so faults of the bytes below them have their place elsewhere: WebSocket puts
/// fragments together and TCP neither loses, doubles nor swaps anything. [`Split`](Self::Split) and
/// [`Join`](Self::Join) are a peer that gets the edges of its messages wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The server closes with this frame, and is gone.
    Close(CloseFrame),
    /// The link breaks without a close frame: reading and writing fail in this way. A cut cable is
    /// [`Io`](TransportErrorKind::Io).
    Break(TransportErrorKind),
    /// The link is dead and nobody is told: nothing arrives any more, and what is written is lost.
    HalfOpen,
    /// Nothing is read for so long; then all of it is.
    StallReads(Duration),
    /// Nothing can be written for so long.
    StallWrites(Duration),
    /// From now on every message read takes so long, one after the other. Zero ends it.
    SlowReads(Duration),
    /// From now on every message written takes so long. Zero ends it.
    SlowWrites(Duration),
    /// A message arrives that the server never sent, before whatever comes next.
    Inject(Message),
    /// The next text arrives in two messages, cut in the middle.
    Split,
    /// The next two texts arrive in one message, one behind the other. Without a second one, the first does not arrive.
    Join,
    /// The next event is left out: the server goes on with the one after it.
    Omit,
    /// The next event has another type: its name in the beta protocol if it had one, else a type that nobody knows,
    /// which is its own behind `vendor.`.
    Rename,
    /// For so long the server says nothing: what it would say meanwhile is lost. It lives all the same, and answers pings.
    Silence(Duration),
}

impl Fault {
    /// A text that is no JSON arrives.
    pub fn garbage() -> Self {
        Self::text("\u{0}}{ this is no event")
    }

    /// A binary message arrives, as the service never sends one.
    pub fn binary() -> Self {
        Self::Inject(Message::Binary(Bytes::from_static(&[0, 159, 146, 150, 255])))
    }

    /// An event arrives whose type nobody has heard of.
    pub fn unknown_event() -> Self {
        Self::text(r#"{"type":"session.surprise","event_id":"event_surprise","surprise":{"level":11}}"#)
    }

    /// This text arrives.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Inject(Message::Text(text.into()))
    }
}

impl FaultPlan {
    /// Nothing goes wrong.
    pub fn new() -> Self {
        Self::default()
    }

    /// This goes wrong with the attempt to connect.
    #[must_use]
    pub fn connect(mut self, fault: ConnectFault) -> Self {
        self.connect = Some(fault);
        self
    }

    /// This goes wrong at that moment. Of two at the same moment the first one strikes first.
    #[must_use]
    pub fn at(mut self, moment: FaultTrigger, fault: Fault) -> Self {
        self.faults.push((moment, fault));
        self
    }

    /// A plan by chance: the same seed gives the same plan.
    ///
    /// One attempt in four goes wrong or is late; an open connection has up to four faults of any kind among its first
    /// 64 messages or within its first 30 seconds, of which at most one ends it. Stalls last up to 20 seconds, and the
    /// server is silent for up to 60.
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
            // The codes that the RFC names, those of the service, and a server's own.
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
