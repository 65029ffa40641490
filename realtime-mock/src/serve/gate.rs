use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::Future,
    pin::pin,
    rc::Rc,
    time::Duration,
};

use async_io::Timer;
use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, select},
};

/// How many clients a server takes, and for how long it waits for what one of them wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connections: usize,
    pub(super) handshakes: usize,
    pub(super) handshake_timeout: Duration,
}

/// Counts the clients of one server.
pub(super) struct Gate {
    pub(super) limits: Limits,
    open: Cell<usize>,
    /// Those that have not said yet what they want, the oldest first.
    waiting: RefCell<VecDeque<(u64, oneshot::Sender<()>)>>,
    next: Cell<u64>,
}

/// A client that has not said yet what it wants.
pub(super) struct Waiting {
    gate: Rc<Gate>,
    number: u64,
    deadline: Timer,
    evicted: oneshot::Receiver<()>,
}

/// A client that has not said in time what it wants.
#[derive(Debug)]
pub(super) enum Late {
    TimedOut,
    /// Another one came, and there were too many of them.
    Evicted,
}

/// A client that is served.
pub(super) struct Place(Rc<Gate>);

impl Gate {
    pub(super) fn new(limits: Limits) -> Rc<Self> {
        Rc::new(Self { limits, open: Cell::new(0), waiting: RefCell::default(), next: Cell::new(0) })
    }

    /// Registers a connected client. If too many have not sent a request yet, the oldest of those is evicted, so that
    /// silent clients cannot block others.
    pub(super) fn enter(self: &Rc<Self>) -> Waiting {
        if self.waiting.borrow().len() >= self.limits.handshakes {
            self.evict();
        }
        let number = self.next.replace(self.next.get().wrapping_add(1));
        let (evict, evicted) = oneshot::channel();
        self.waiting.borrow_mut().push_back((number, evict));
        Waiting { gate: self.clone(), number, deadline: Timer::after(self.limits.handshake_timeout), evicted }
    }

    /// Gives up the oldest client that has not said yet what it wants.
    pub(super) fn evict(&self) {
        if let Some((_, evict)) = self.waiting.borrow_mut().pop_front() {
            // It may be gone by now.
            let _ = evict.send(());
        }
    }

    /// A place for a client that has said what it wants. None: all are taken.
    fn place(self: &Rc<Self>) -> Option<Place> {
        (self.open.get() < self.limits.connections).then(|| {
            self.open.set(self.open.get() + 1);
            Place(self.clone())
        })
    }
}

impl Waiting {
    /// The client has said what it wants: a place for it, if there is one.
    pub(super) fn into_place(self) -> Option<Place> {
        self.gate.place()
    }

    /// Waits for the client, until it is late.
    pub(super) async fn bound<T>(&mut self, client: impl Future<Output = T>) -> Result<T, Late> {
        let late = select(&mut self.deadline, &mut self.evicted).map(|late| match late {
            Either::Left(_) => Late::TimedOut,
            Either::Right(_) => Late::Evicted,
        });
        match select(pin!(client), late).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right((late, _)) => Err(late),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiting = self.gate.waiting.borrow_mut();
        // The numbers grow: what is sought is found by halving.
        if let Ok(at) = waiting.binary_search_by_key(&self.number, |(number, _)| *number) {
            waiting.remove(at);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
    }
}
