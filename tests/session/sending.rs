//! What becomes of what is sent, before and behind the queue.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::BoxFuture;
use realtime::{
    Client,
    endpoint::Handshake,
    event::{Event, InputAudioBufferClear},
    mock::{MockTransport, VirtualClock},
    transport::{CloseFrame, Duplex, Instant, Timer, Transport, TransportError},
};

/// A transport whose clock gives no seed, as no clock of the real world does: undated, or always with the same date.
#[derive(Debug)]
struct Unseeded(MockTransport, Option<Duration>);

#[async_trait]
impl Transport for Unseeded {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        self.0.connect(handshake).await
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(Clock(self.0.clock().clone(), self.1))
    }
}

#[derive(Debug)]
struct Clock(VirtualClock, Option<Duration>);

impl Timer for Clock {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn unix(&self) -> Option<Duration> {
        self.1
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        self.0.sleep_until(deadline)
    }
}

/// The ids of what a new connection sends.
fn ids(transport: impl Transport, clock: &VirtualClock) -> Vec<String> {
    let connection = Client::builder(transport).build().realtime().call("call").open().unwrap();
    (0..3).for_each(|_| connection.send(InputAudioBufferClear::default()).unwrap());
    let unsent = clock.block_on(connection.close(CloseFrame::new(1000, "")));
    unsent.iter().map(|event| event.event_id().unwrap().to_string()).collect()
}

#[track_caller]
fn assert_apart(ours: Vec<String>, theirs: Vec<String>) {
    assert_eq!((ours.len(), theirs.len()), (3, 3));
    assert!(ours.iter().all(|id| !theirs.contains(id)), "{ours:?} {theirs:?}");
}

#[test]
fn two_clients_at_the_same_instant_make_different_ids() {
    let (transport, server) = MockTransport::new();
    let ids = || ids(transport.clone(), server.clock());
    assert_apart(ids(), ids());
}

#[test]
fn two_clients_whose_clocks_read_the_same_make_different_ids() {
    for date in [None, Some(Duration::ZERO), Some(Duration::from_nanos(1_767_225_600_000_000_001))] {
        let ids = || {
            let (transport, server) = MockTransport::new();
            ids(Unseeded(transport, date), server.clock())
        };
        assert_apart(ids(), ids());
    }
}

#[test]
fn what_happens_by_a_virtual_clock_happens_again_with_the_same_ids() {
    let ids = || {
        let (transport, server) = MockTransport::new();
        [ids(transport.clone(), server.clock()), ids(transport, server.clock())]
    };
    assert_eq!(ids(), ids());
}
