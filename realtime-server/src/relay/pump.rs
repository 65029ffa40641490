//! The two directions of a relayed session, in one future.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, Either, select},
};
use realtime_core::{
    connection::{LinkSendError, OpenLink, SendErrorKind},
    transport::{CloseFrame, Message},
};

use super::{Direction, Head, Injector, RelayEnd, Tap, Verdict};

/// How many events one turn relays before it lets other tasks run.
const EVENTS_A_TURN: usize = 64;
/// How many of them one way before the other.
const EVENTS_AT_ONCE: usize = 16;
/// How long a decision may take.
const DECISION: Duration = Duration::from_secs(30);

/// Relays until both links have ended.
pub(super) async fn pump<T: Tap>(client: OpenLink, upstream: OpenLink, tap: T) -> RelayEnd {
    let mut pump = Pump {
        client: Side::new(client),
        upstream: Side::new(upstream),
        tap,
        injector: Injector::default(),
        closed_by_tap: false,
    };
    poll_fn(|cx| pump.poll(cx)).await;
    let end = pump.end();
    pump.tap.ended(&end);
    end
}

struct Pump<T> {
    client: Side,
    upstream: Side,
    tap: T,
    injector: Injector,
    closed_by_tap: bool,
}

/// One link, and the direction that begins at it.
struct Side {
    link: OpenLink,
    /// Whether nothing more is relayed from it.
    over: bool,
    /// The event that waits for a decision.
    held: Option<(Message, BoxFuture<'static, Verdict>)>,
    /// The close frame for the other side, once everything of this one was relayed.
    carry: Option<CloseFrame>,
    events: u64,
    bytes: u64,
}

impl Side {
    fn new(link: OpenLink) -> Self {
        Self { link, over: false, held: None, carry: None, events: 0, bytes: 0 }
    }

    /// Relays nothing more from it.
    fn stop(&mut self) {
        (self.over, self.held, self.carry) = (true, None, None);
    }
}

impl<T: Tap> Pump<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..EVENTS_A_TURN / EVENTS_AT_ONCE {
            let up = self.steps(cx, Direction::Up);
            let down = self.steps(cx, Direction::Down);
            if self.client.link.end().is_some() && self.upstream.link.end().is_some() {
                return Poll::Ready(());
            }
            if !up && !down {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes steps in one direction, until there is nothing more to relay or others are to have their turn. What was
    /// relayed is written when the other link is driven: what has arrived together leaves together.
    fn steps(&mut self, cx: &mut Context<'_>, direction: Direction) -> bool {
        let mut news = false;
        for _ in 0..EVENTS_AT_ONCE {
            if !self.step(cx, direction) {
                break;
            }
            news = true;
        }
        news
    }

    /// Drives the link where this direction begins, and relays at most one event of it. Whether the links must be driven
    /// again, because there is something new for one of them.
    fn step(&mut self, cx: &mut Context<'_>, direction: Direction) -> bool {
        if let Some(verdict) = self.decided(cx, direction) {
            return verdict;
        }
        let mut news = self.send_injected(direction);
        let is_waiting = !self.injector.queue(direction).is_empty();
        let (from, to) = self.sides(direction);
        if from.held.is_none()
            && (!is_waiting || to.link.end().is_some())
            && let Some(frame) = from.carry.take()
        {
            to.stop();
            to.link.finish(frame);
            news = true;
        }
        // Back pressure: what the other side does not take is not read here.
        let wanted = !from.over && from.held.is_none() && !is_waiting && to.link.has_room();
        let had_room = from.link.has_room();
        match from.link.poll_message(cx, wanted) {
            Poll::Ready(Some(Ok(message))) => {
                from.events += 1;
                from.bytes += message.len() as u64;
                self.decide(direction, message);
                true
            }
            Poll::Ready(_) if !from.over => {
                from.over = true;
                // What was read and not relayed yet goes first.
                from.carry = Some(carried(direction, &from.link));
                true
            }
            // Room has come for the other direction.
            Poll::Ready(_) | Poll::Pending => news || (!had_room && from.link.has_room()),
        }
    }

    /// The decision that this direction waits for, if it does. `Some` if nothing else can be done for it now.
    fn decided(&mut self, cx: &mut Context<'_>, direction: Direction) -> Option<bool> {
        let (from, _) = self.sides(direction);
        let (_, future) = from.held.as_mut()?;
        let Poll::Ready(verdict) = future.as_mut().poll(cx) else { return None };
        let (message, _) = from.held.take()?;
        self.carry_out(direction, message, verdict);
        Some(true)
    }

    fn decide(&mut self, direction: Direction, message: Message) {
        let verdict = self.tap.event(direction, &Head::new(&message), &mut self.injector);
        // Injected ahead of the event. What does not fit now goes as soon as it does, and the event behind it.
        self.send_injected(Direction::Up);
        self.send_injected(Direction::Down);
        self.carry_out(direction, message, verdict);
    }

    fn carry_out(&mut self, direction: Direction, message: Message, verdict: Verdict) {
        match verdict {
            Verdict::Pass => self.send(direction, message),
            Verdict::Replace(text) => self.send(direction, Message::Text(text)),
            Verdict::Drop => {}
            Verdict::Wait(future) => {
                let (from, _) = self.sides(direction);
                let timer = from.link.timer();
                let late = timer.sleep_until(timer.now() + DECISION);
                let bounded = select(future, late).map(|decided| match decided {
                    Either::Left((verdict, _)) => verdict,
                    Either::Right(_) => Verdict::Close(CloseFrame::new(1011, "an event was not decided on in time")),
                });
                from.held = Some((message, bounded.boxed()));
            }
            Verdict::Close(frame) => self.close(frame),
        }
    }

    /// Relays an event. There is room, unless something was injected.
    fn send(&mut self, direction: Direction, message: Message) {
        let queue = self.injector.queue(direction);
        if !queue.is_empty() {
            return queue.push_back(message);
        }
        self.push(direction, message);
    }

    /// Gives a message to the link where this direction ends. Whether it was taken.
    fn push(&mut self, direction: Direction, message: Message) -> bool {
        let (from, to) = self.sides(direction);
        match to.link.send(message) {
            Ok(()) => true,
            Err(LinkSendError { kind: SendErrorKind::Full, message, .. }) => {
                self.injector.queue(direction).push_front(message);
                false
            }
            Err(LinkSendError { kind: SendErrorKind::TooLarge { .. }, .. }) => {
                // Its sender is told, as by any server with a limit.
                from.stop();
                from.link.finish(CloseFrame::new(1009, "the event is larger than the relay allows"));
                to.stop();
                to.link.finish(CloseFrame::new(1011, "the other side sent too large an event"));
                true
            }
            // It is closing: its end is reported by its own direction.
            Err(_) => true,
        }
    }

    /// Sends what was injected, as far as there is room. Whether anything was sent.
    fn send_injected(&mut self, direction: Direction) -> bool {
        let mut sent = false;
        while let Some(message) = self.injector.queue(direction).pop_front() {
            if !self.push(direction, message) {
                break;
            }
            sent = true;
        }
        sent
    }

    /// Ends the session because the tap says so.
    fn close(&mut self, frame: CloseFrame) {
        self.closed_by_tap = true;
        self.client.stop();
        self.upstream.stop();
        self.client.link.finish(frame);
        self.upstream.link.finish(CloseFrame::new(1000, ""));
    }

    fn sides(&mut self, direction: Direction) -> (&mut Side, &mut Side) {
        match direction {
            Direction::Up => (&mut self.client, &mut self.upstream),
            Direction::Down => (&mut self.upstream, &mut self.client),
        }
    }

    fn end(&self) -> RelayEnd {
        let end = |side: &Side| side.link.end().cloned().unwrap_or(Ok(()));
        RelayEnd {
            client: end(&self.client),
            upstream: end(&self.upstream),
            client_close: self.client.link.peer_close().cloned(),
            upstream_close: self.upstream.link.peer_close().cloned(),
            closed_by_tap: self.closed_by_tap,
            events_up: self.client.events,
            events_down: self.upstream.events,
            bytes_up: self.client.bytes,
            bytes_down: self.upstream.bytes,
        }
    }
}

/// The close frame for the other side of a link that has ended.
fn carried(direction: Direction, ended: &OpenLink) -> CloseFrame {
    match (ended.peer_close(), direction) {
        // 1005 stands for a frame without a code. Others are never sent, or say something of this hop alone.
        (Some(frame), _) if matches!(frame.code, 1000 | 1001 | 1003 | 1005 | 1007..=1014 | 3000..=4999) => {
            frame.clone()
        }
        (_, Direction::Up) => CloseFrame::new(1001, "the client is gone"),
        (_, Direction::Down) => CloseFrame::new(1011, "the service is gone"),
    }
}
