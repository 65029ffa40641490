use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use futures::future::BoxFuture;
use realtime::{
    mock::conformance::{self, Ability, Harness},
    transport::{Duplex, Transport},
};
use tokio::{net::TcpListener, runtime::Runtime};

#[expect(dead_code, reason = "it is a program as well")]
#[path = "../../examples/custom_transport.rs"]
mod custom_transport;

struct Framed {
    runtime: Runtime,
    listener: TcpListener,
    gateway: SocketAddr,
}

impl Framed {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let gateway = listener.local_addr().unwrap();
        Self { runtime, listener, gateway }
    }
}

#[async_trait]
impl Harness for Framed {
    fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(custom_transport::Framed { gateway: self.gateway })
    }

    async fn accept(&self) -> Duplex {
        let (stream, _) = self.listener.accept().await.unwrap();
        custom_transport::duplex(stream, usize::MAX)
    }

    fn lacks(&self) -> &[Ability] {
        &[Ability::Binary, Ability::CloseFrames, Ability::Pings, Ability::Refusals]
    }

    fn run(&self, case: BoxFuture<'static, ()>) {
        self.runtime.block_on(case);
    }
}

#[test]
fn the_transport_of_the_example_holds() {
    let report = conformance::check(Framed::new);
    report.assert();
    let skipped = report.not_applicable();
    assert_eq!(skipped[..4], ["refusal", "binary", "ping-answered", "pong-delivered"]);
    assert_eq!(report.cases().len() - skipped.len(), 17, "{report}");
}
