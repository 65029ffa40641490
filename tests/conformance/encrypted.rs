//! The WebSocket transports over TLS, by every library.

use std::{marker::PhantomData, sync::Arc};

use async_trait::async_trait;
use futures::future::BoxFuture;
use http::StatusCode;
use realtime::{
    endpoint::Handshake,
    mock::conformance::{self, Harness, RawServer},
    transport::{Duplex, Transport},
    websocket::{Runtime, SocketTransport, Tls},
};

use crate::support::{authority::Authority, relay::tls_end};

struct Encrypted<R> {
    server: RawServer,
    port: u16,
    tls: Tls,
    run: fn(BoxFuture<'static, ()>),
    runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> Encrypted<R> {
    fn new(tls: Tls, run: fn(BoxFuture<'static, ()>)) -> Self {
        let authority = Authority::new();
        let server = RawServer::new().unwrap();
        let port = tls_end(authority.server(&["localhost"]), server.handshake().uri.port_u16().unwrap());
        Self { server, port, tls: tls.ca_pem(authority.pem()).only_given(), run, runtime: PhantomData }
    }
}

#[async_trait]
impl<R: Runtime> Harness for Encrypted<R> {
    fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(SocketTransport::<R>::new().tls(self.tls.clone()))
    }

    fn handshake(&self) -> Handshake {
        Handshake::new(format!("wss://localhost:{}/v1/realtime?model=m", self.port).parse().unwrap())
    }

    async fn accept(&self) -> Duplex {
        self.server.accept().await
    }

    async fn refuse(&self, status: StatusCode) {
        self.server.refuse(status).await;
    }

    fn run(&self, case: BoxFuture<'static, ()>) {
        (self.run)(case);
    }
}

fn holds<R: Runtime>(run: fn(BoxFuture<'static, ()>)) {
    conformance::check(|| Encrypted::<R>::new(Tls::new(), run)).assert();
    #[cfg(feature = "native-tls")]
    conformance::check(|| Encrypted::<R>::new(Tls::native(), run)).assert();
}

#[test]
fn tokio_holds() {
    holds::<realtime::tokio::Tokio>(|case| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(case);
    });
}

#[test]
fn async_std_holds() {
    holds::<realtime::async_std::AsyncStd>(async_std::task::block_on);
}

#[test]
fn smol_holds() {
    holds::<realtime::smol::Smol>(smol::block_on);
}
