use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use realtime::{
    mock::{
        MockServer, MockTransport,
        conformance::{self, Harness},
    },
    transport::{Duplex, Transport},
};

/// The in-memory transport, or what is made of it.
pub(crate) struct InMemory {
    server: MockServer,
    transport: Arc<dyn Transport>,
}

impl InMemory {
    pub(crate) fn new<T: Transport>(wrap: impl Fn(MockTransport) -> T) -> Self {
        let (transport, server) = MockTransport::new();
        server.greet_with(None::<&str>);
        Self { server, transport: Arc::new(wrap(transport)) }
    }

    pub(crate) fn with_room_for_one<T: Transport>(wrap: impl Fn(MockTransport) -> T) -> Self {
        let harness = Self::new(wrap);
        harness.server.capacity(1);
        harness
    }
}

#[async_trait]
impl Harness for InMemory {
    fn transport(&self) -> Arc<dyn Transport> {
        self.transport.clone()
    }

    async fn accept(&self) -> Duplex {
        self.server.accept().await.into_duplex()
    }

    async fn refuse(&self, status: StatusCode) {
        self.server.refuse_next(status, HeaderMap::new(), "");
    }

    fn run(&self, case: BoxFuture<'static, ()>) {
        // Nothing comes from elsewhere, so whatever waits for ever is told at once.
        self.server.clock().block_on(case);
    }
}

#[test]
fn the_in_memory_transport_holds() {
    let report = conformance::check(|| InMemory::new(|transport| transport));
    report.assert();
    assert_eq!(report.cases().len() - report.not_applicable().len(), 21, "{report}");
}

#[test]
fn it_holds_with_room_for_one_message() {
    conformance::check(|| InMemory::with_room_for_one(|transport| transport)).assert();
}
