//! Mocks of the transport's traits, by [`mockall`]: for tests that state which calls are made, how often, and with what.
//!
//! They know nothing of the protocol; for whole conversations a script or the simulator says more in fewer lines.
//!
//! ```
//! use std::sync::Arc;
//!
//! use realtime_core::{Client, transport::{CloseFrame, Duplex, Message}};
//! use realtime_mock::{VirtualClock, mocks::{ExpectReadHalf, ExpectTransport, ExpectWriteHalf}};
//!
//! let clock = VirtualClock::new();
//! let mut transport = ExpectTransport::new();
//! transport.expect_timer().return_const(Arc::new(clock.clone()) as Arc<_>);
//! transport.expect_connect().times(1).withf(|handshake| handshake.uri.query() == Some("model=m")).return_once(|_| {
//!     let mut write = ExpectWriteHalf::new();
//!     write.expect_send().times(1).withf(|message| matches!(message, Message::Close(_))).returning(|_| Ok(()));
//!     let mut read = ExpectReadHalf::new();
//!     let mut messages = vec![
//!         Message::Text(r#"{"type":"session.created","session":{"type":"realtime"}}"#.into()),
//!         Message::Close(Some(CloseFrame::new(1000, "bye"))),
//!     ]
//!     .into_iter();
//!     read.expect_receive().returning(move || Ok(messages.next()));
//!     Ok(Duplex::new(write, read))
//! });
//! let client = Client::builder(transport).build();
//! clock.block_on(async {
//!     let connection = client.realtime().model("m").connect().await?;
//!     connection.close(CloseFrame::new(1000, "bye")).await;
//!     Ok::<(), realtime_core::Error>(())
//! })?;
//! # Ok::<(), realtime_core::Error>(())
//! ```
//!
//! A read half that has said everything and is asked again ends the connection, or fails the test: one that is to be
//! silent from then on is written by hand, or is one of [`duplex`](crate::duplex).

pub use made::{
    MockReadHalf as ExpectReadHalf, MockTimer as ExpectTimer, MockTransport as ExpectTransport,
    MockWriteHalf as ExpectWriteHalf,
};

/// What the macros make has no words of its own.
#[allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]
mod made {
    use std::{sync::Arc, time::Duration};

    use async_trait::async_trait;
    use futures::future::BoxFuture;
    use mockall::mock;
    use realtime_core::{
        endpoint::Handshake,
        transport::{Duplex, Instant, Message, ReadHalf, Timer, Transport, TransportError, WriteHalf},
    };

    mock! {
        #[derive(Debug)]
        pub Transport {}

        #[async_trait]
        impl Transport for Transport {
            async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError>;
            fn timer(&self) -> Arc<dyn Timer>;
        }
    }

    mock! {
        #[derive(Debug)]
        pub WriteHalf {}

        #[async_trait]
        impl WriteHalf for WriteHalf {
            async fn send(&mut self, message: Message) -> Result<(), TransportError>;
        }
    }

    mock! {
        #[derive(Debug)]
        pub ReadHalf {}

        #[async_trait]
        impl ReadHalf for ReadHalf {
            async fn receive(&mut self) -> Result<Option<Message>, TransportError>;
        }
    }

    mock! {
        #[derive(Debug)]
        pub Timer {}

        impl Timer for Timer {
            fn now(&self) -> Instant;
            fn unix(&self) -> Option<Duration>;
            fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()>;
        }
    }
}
