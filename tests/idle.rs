//! What a connection holds that only waits. The one test of its program, so that nothing else is counted.

use std::{
    future::{pending, ready},
    sync::Arc,
};

use async_trait::async_trait;
use futures::{FutureExt, executor::block_on, future::BoxFuture};
use peak_alloc::PeakAlloc;
use realtime::{
    Client, Connection, Realtime,
    endpoint::Handshake,
    transport::{Duplex, Instant, Message, ReadHalf, Timer, Transport, TransportError, WriteHalf},
};

/// Counts what the whole program holds.
#[global_allocator]
static HELD: PeakAlloc = PeakAlloc;

/// How many events come before the silence.
const BURST: usize = 40;

/// A link without a socket: the session is open at once, a few events come together, and nothing follows. Time stands
/// still.
#[derive(Debug, Default)]
struct Silence {
    said: usize,
}

#[async_trait]
impl Transport for Silence {
    async fn connect(&self, _: Handshake) -> Result<Duplex, TransportError> {
        Ok(Duplex::new(Self::default(), Self::default()))
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(Self::default())
    }
}

#[async_trait]
impl ReadHalf for Silence {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        self.said += 1;
        let event = match self.said - 1 {
            0 => r#"{"type":"session.created","event_id":"event_1","session":{"type":"realtime"}}"#,
            1..=BURST => r#"{"type":"input_audio_buffer.cleared","event_id":"event_2"}"#,
            _ => return pending().await,
        };
        Ok(Some(Message::Text(event.into())))
    }
}

#[async_trait]
impl WriteHalf for Silence {
    async fn send(&mut self, _: Message) -> Result<(), TransportError> {
        ready(Ok(())).await
    }
}

impl Timer for Silence {
    fn now(&self) -> Instant {
        Instant::default()
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }
}

async fn waiting(client: &Client) -> Connection<Realtime> {
    let connection = client.realtime().model("m").connect().await.unwrap();
    for _ in 0..=BURST {
        connection.next().await.unwrap().unwrap();
    }
    assert!(connection.next().now_or_never().is_none());
    connection
}

#[test]
fn a_connection_that_waits_is_small() {
    const CONNECTIONS: usize = 100;
    const MOST: usize = 4_700;

    let client = Client::builder(Silence::default()).build();
    let mut all = Vec::with_capacity(CONNECTIONS + 1);
    // What is made once is no connection's.
    all.push(block_on(waiting(&client)));
    let before = HELD.current_usage();
    for _ in 0..CONNECTIONS {
        all.push(block_on(waiting(&client)));
    }
    let each = (HELD.current_usage() - before) / CONNECTIONS;
    assert!(each <= MOST, "{each} bytes each");
}
