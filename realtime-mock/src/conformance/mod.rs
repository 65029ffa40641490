//! A conformance suite for transports.
//!
//! For a transport that works within the process or over some other carrier, implement [`Harness`]: it creates the
//! transport, provides the peer of its connections, and lists the abilities that the transport lacks.
//!
//! ```
//! use std::sync::Arc;
//!
//! use futures::future::BoxFuture;
//! use realtime_core::{endpoint::Handshake, transport::{Duplex, Transport}};
//! use realtime_mock::{MockServer, MockTransport, conformance::{self, Ability, Harness}};
//!
//! struct InMemory(MockTransport, MockServer);
//!
//! #[async_trait::async_trait]
//! impl Harness for InMemory {
//!     fn transport(&self) -> Arc<dyn Transport> {
//!         Arc::new(self.0.clone())
//!     }
//!
//!     async fn accept(&self) -> Duplex {
//!         self.1.accept().await.into_duplex()
//!     }
//!
//!     fn lacks(&self) -> &[Ability] {
//!         &[Ability::Refusals]
//!     }
//!
//!     fn run(&self, case: BoxFuture<'static, ()>) {
//!         self.1.clock().block_on(case)
//!     }
//! }
//!
//! // In a test function of your own.
//! let report = conformance::check(|| {
//!     let (transport, server) = MockTransport::new();
//!     server.greet_with(None::<&str>);
//!     InMemory(transport, server)
//! });
//! println!("{report}");
//! report.assert();
//! ```
//!
//! A transport that opens WebSockets needs no harness of its own: [`WebSocket`] provides the server and the cases about
//! frames.
//!
//! Every case runs with a new harness, on its own thread, for at most [`Harness::limit`]. The halves are polled as a
//! connection polls them: each only when its own waker was woken.

mod frames;
mod harness;
mod lending;
mod messages;
mod report;
mod run;
mod server;
mod side;
mod traffic;

pub use harness::{Ability, Harness, WebSocket};
pub use report::{Case, Report, Verdict};
pub use run::check;
pub use server::RawServer;
