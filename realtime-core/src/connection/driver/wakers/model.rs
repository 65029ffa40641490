//! The wake-up protocol, checked by loom in every order that threads can run in.

use std::sync::atomic::AtomicUsize;

use loom::{
    sync::{Mutex, Notify},
    thread,
};

use super::*;

/// What a socket has brought. Whoever drives takes it.
#[derive(Default)]
struct Socket {
    arrived: Mutex<Arrived>,
}

#[derive(Default)]
struct Arrived {
    waiting: usize,
    waker: Option<Waker>,
}

impl Socket {
    fn bring(&self) {
        let waker = {
            let mut arrived = self.arrived.lock().unwrap();
            arrived.waiting += 1;
            arrived.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Takes what there is; without anything, the waker is called when there is.
    fn poll(&self, waker: &Waker) -> usize {
        let mut arrived = self.arrived.lock().unwrap();
        if arrived.waiting == 0 {
            arrived.waker = Some(waker.clone());
        }
        std::mem::take(&mut arrived.waiting)
    }
}

/// What a turn works on, and how many messages were taken altogether.
struct Core {
    socket: Arc<Socket>,
    taken: usize,
    left: u8,
}

/// A waiter's thread: sleeps until its waker is called.
struct Parked(Notify);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

struct Connection {
    wakers: Arc<Wakers>,
    core: Mutex<Core>,
}

impl Connection {
    fn new() -> (Arc<Self>, Arc<Socket>) {
        let socket = Arc::new(Socket::default());
        let core = Mutex::new(Core { socket: socket.clone(), taken: 0, left: bit::READ });
        (Arc::new(Self { wakers: Arc::default(), core }), socket)
    }

    /// The order of `Shared::poll`: take the bits, make a turn, register, then look again. Returns whether so many messages
    /// were taken.
    fn poll(&self, slot: &Slot, waker: &Waker, wanted: usize) -> bool {
        let mut core = self.core.lock().unwrap();
        let bits = std::mem::take(&mut core.left) | self.wakers.begin();
        if bits & bit::READ != 0 {
            let read = super::waker(&self.wakers, bit::READ);
            let taken = core.socket.poll(&read);
            core.taken += taken;
            if taken > 0 {
                // There may be more: the waker was not left behind.
                core.left |= bit::READ;
            }
        }
        let done = core.taken >= wanted;
        let wake_all = self.wakers.end();
        let replaced = if done { None } else { slot.register(waker) };
        let again = !done && !wake_all && (core.left != 0 || self.wakers.ready() != 0);
        drop(core);
        drop(replaced);
        if wake_all {
            self.wakers.wake_all();
        }
        if again {
            waker.wake_by_ref();
        }
        done
    }

    /// Waits until so many messages were taken, by whomever.
    fn wait(&self, wanted: usize) {
        let parked = Arc::new(Parked(Notify::new()));
        let waker = Waker::from(parked.clone());
        let slot = Slot::new(&self.wakers);
        while !self.poll(&slot, &waker, wanted) {
            parked.0.wait();
        }
    }
}

/// Checks every order of the threads with so few preemptions: enough for every known kind of lost wake-up, in seconds.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

#[test]
fn no_wake_up_is_lost_between_a_waiter_and_a_socket() {
    check(|| {
        let (connection, socket) = Connection::new();
        let peer = thread::spawn(move || {
            socket.bring();
            socket.bring();
        });
        connection.wait(2);
        peer.join().unwrap();
    });
}

#[test]
fn a_waiter_that_is_never_polled_again_stops_nobody() {
    check(|| {
        let (connection, socket) = Connection::new();
        // It lost a `select!`: its waker is left behind, and whoever is woken by it does nothing.
        let lost = Arc::new(Ignored(AtomicUsize::new(0)));
        let slot = Slot::new(&connection.wakers);
        let waker = Waker::from(lost);
        while !connection.poll(&slot, &waker, 1) {
            if connection.core.lock().unwrap().left == 0 {
                break;
            }
        }
        let peer = thread::spawn(move || socket.bring());
        connection.wait(1);
        peer.join().unwrap();
    });
}

#[test]
fn two_waiters_both_learn_of_what_either_of_them_read() {
    check(|| {
        let (connection, socket) = Connection::new();
        let other = connection.clone();
        let waiter = thread::spawn(move || other.wait(1));
        let peer = thread::spawn(move || socket.bring());
        connection.wait(1);
        peer.join().unwrap();
        waiter.join().unwrap();
    });
}

/// A waker that nobody listens to.
struct Ignored(AtomicUsize);

impl Wake for Ignored {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
