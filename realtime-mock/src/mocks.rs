//! Mocks of the transport traits, by [`mockall`]: for tests that state which calls are made, how often, and with what.
//!
//! They know nothing about the protocol. For whole conversations, a scripted server or the simulator is shorter.
//!
//! ```
//! use std::sync::Arc;
//!
//! use realtime_core::{Client, transport::{CloseFrame, Message}};
//! use realtime_mock::{VirtualClock, duplex, mocks::{ExpectTransport, ExpectWriteHalf}};
//!
//! let clock = VirtualClock::new();
//! // One half of the link is real: what the client reads comes from the other end.
//! let (mut near, mut far) = duplex(8);
//! let created = r#"{"type":"session.created","session":{"type":"realtime"}}"#;
//! clock.block_on(far.write.send(Message::Text(created.into())))?;
//!
//! let mut write = ExpectWriteHalf::new();
//! write.expect_send().times(1).withf(|message| matches!(message, Message::Close(_))).returning(|_| Ok(()));
//! near.write = Box::new(write);
//! let mut transport = ExpectTransport::new();
//! transport.expect_timer().return_const(Arc::new(clock.clone()) as Arc<_>);
//! let model = |query: Option<&str>| query == Some("model=m");
//! transport.expect_connect().times(1).withf(move |to| model(to.uri.query())).return_once(|_| Ok(near));
//!
//! let client = Client::builder(transport).build();
//! clock.block_on(async {
//!     let connection = client.realtime().model("m").connect().await?;
//!     connection.close(CloseFrame::new(1000, "bye")).await;
//!     Ok::<(), realtime_core::Error>(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
