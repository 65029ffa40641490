//! The WebSocket transports of the runtimes.

use futures::future::BoxFuture;
use realtime::{
    mock::conformance::{self, WebSocket},
    transport::Transport,
};

fn holds<T: Transport>(transport: fn() -> T, run: fn(BoxFuture<'static, ()>)) {
    let report = conformance::check(|| WebSocket::new(transport, run));
    report.assert();
    assert!(report.not_applicable().is_empty(), "{report}");
}

#[test]
fn tokio_holds_on_one_thread() {
    use tokio::runtime::Builder;

    holds(realtime::tokio::TokioTransport::new, |case| {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(case);
    });
}

#[test]
fn tokio_holds_on_many_threads() {
    use tokio::runtime::Builder;

    holds(realtime::tokio::TokioTransport::new, |case| {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(runtime.spawn(case)).unwrap();
    });
}

#[test]
fn async_std_holds() {
    holds(realtime::async_std::AsyncStdTransport::new, async_std::task::block_on);
}

#[test]
fn smol_holds() {
    holds(realtime::smol::SmolTransport::new, smol::block_on);
}
