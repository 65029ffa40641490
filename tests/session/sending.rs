//! What becomes of what is sent, before and behind the queue.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use realtime::{
    Client,
    endpoint::Handshake,
    event::{Event, InputAudioBufferClear},
    mock::{MockTransport, VirtualClock},
    transport::{CloseFrame, Duplex, Instant, Timer, Transport, TransportError},
};

/// A transport whose clock knows no date.
#[derive(Debug)]
struct Undated(MockTransport);

#[async_trait]
impl Transport for Undated {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        self.0.connect(handshake).await
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(Clock(self.0.clock().clone()))
    }
}

#[derive(Debug)]
struct Clock(VirtualClock);

impl Timer for Clock {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        self.0.sleep_until(deadline)
    }
}

#[test]
fn two_clients_without_a_date_make_different_ids() {
    let ids = |count: usize| -> Vec<String> {
        let (transport, server) = MockTransport::new();
        let connection = Client::builder(Undated(transport)).build().realtime().call("call").open().unwrap();
        (0..count).for_each(|_| connection.send(InputAudioBufferClear::default()).unwrap());
        let unsent = server.clock().block_on(connection.close(CloseFrame::new(1000, "")));
        unsent.iter().map(|event| event.event_id().unwrap().to_string()).collect()
    };
    let (ours, theirs) = (ids(3), ids(3));
    assert_eq!((ours.len(), theirs.len()), (3, 3));
    assert!(ours.iter().all(|id| !theirs.contains(id)), "{ours:?} {theirs:?}");
}
