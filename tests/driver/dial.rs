//! Connecting: no wake-up of the attempt is lost, whenever it comes and whoever meets it.

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, OnceLock},
    task::Poll,
};

use async_trait::async_trait;
use futures::FutureExt;
use realtime::{
    Client, Connection,
    endpoint::{Handshake, Target},
    mock::MockTransport,
    transport::{Duplex, Timer, Transport, TransportError},
};

use crate::toy::{Down, Toy};

/// Is woken while it is being polled, as by a reactor in another thread, and calls something meanwhile.
struct Restless<F> {
    transport: MockTransport,
    meanwhile: F,
}

#[async_trait]
impl<F: Fn() + Send + Sync + 'static> Transport for Restless<F> {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        let mut polls = 0;
        poll_fn(|cx| {
            polls += 1;
            if polls > 3 {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            (self.meanwhile)();
            Poll::Pending
        })
        .await;
        self.transport.connect(handshake).await
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.transport.timer()
    }
}

impl<F> fmt::Debug for Restless<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restless").finish_non_exhaustive()
    }
}

fn connection(transport: MockTransport, meanwhile: impl Fn() + Send + Sync + 'static) -> Connection<Toy> {
    let client = Client::builder(Restless { transport, meanwhile }).build();
    client.protocol::<Toy>().target(Target::Model("toy".into())).open().unwrap()
}

#[test]
fn an_attempt_that_is_woken_while_it_is_polled_goes_on() {
    let (transport, server) = MockTransport::new();
    server.greet_with(Some(r#"{"type":"opened"}"#));
    let connection = connection(transport, || {});
    assert_eq!(server.clock().block_on(connection.next()).unwrap().unwrap(), Down::Opened);
}

#[test]
fn another_waiter_that_meets_the_wake_up_does_not_swallow_it() {
    let (transport, server) = MockTransport::new();
    server.greet_with(Some(r#"{"type":"opened"}"#));
    let shared: Arc<OnceLock<Arc<Connection<Toy>>>> = Arc::default();
    let other = shared.clone();
    let connection = Arc::new(connection(transport, move || {
        let connection = other.get().unwrap();
        assert!(connection.next().now_or_never().is_none());
    }));
    shared.set(connection.clone()).unwrap();
    assert_eq!(server.clock().block_on(connection.next()).unwrap().unwrap(), Down::Opened);
}
