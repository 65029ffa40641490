//! What a connection that waits has on the heap: 2,000 at once, of every kind.

use std::{alloc::System, sync::Arc};

use realtime_benches::{
    frames,
    rounds::{Target, figure, finish, title},
    server::{Server, serve_if_asked},
};
use realtime_core::{
    Client, Realtime,
    endpoint::Target as Place,
    event::{Event, ServerEvent},
    session::{Changes, RealtimeState, State},
    transport::Instant,
};
use realtime_tokio::TokioTransport;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CONNECTIONS: usize = 2_000;

fn live() -> f64 {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated as f64 - stats.bytes_deallocated as f64
}

#[tokio::main(flavor = "current_thread")]
async fn connections(transport: TokioTransport, base: String) -> f64 {
    let client = Client::builder(transport).base_url(base).build();
    let connect = async || {
        let connection = client.protocol::<Realtime>().target(Place::Model("m".into())).connect().await.unwrap();
        connection.next().await.unwrap().unwrap();
        connection
    };
    // What is made once, such as the trust in authorities, is no connection's.
    let first = connect().await;
    let mut all = Vec::with_capacity(CONNECTIONS);
    let before = live();
    for _ in 0..CONNECTIONS {
        all.push(connect().await);
    }
    let each = (live() - before) / CONNECTIONS as f64;
    drop((first, all));
    each
}

#[tokio::main(flavor = "current_thread")]
async fn raw(server: &Server) -> f64 {
    let mut all = Vec::with_capacity(CONNECTIONS);
    let before = live();
    for _ in 0..CONNECTIONS {
        let mut socket = tokio_tungstenite::connect_async(server.url()).await.unwrap().0;
        futures::StreamExt::next(&mut socket).await.unwrap().unwrap();
        all.push(socket);
    }
    (live() - before) / CONNECTIONS as f64
}

/// What the session that the server has described takes.
fn session() -> f64 {
    let frame = frames::created();
    let states: Vec<_> = (0..100).map(|_| Arc::new(RealtimeState::default())).collect();
    let before = live();
    let states: Vec<_> = states
        .into_iter()
        .map(|mut state| {
            let mut event = ServerEvent::decode(frame.as_bytes());
            Arc::make_mut(&mut state).received(&mut event, Instant::default(), &mut Changes::default());
            state
        })
        .collect();
    (live() - before) / states.len() as f64
}

fn main() {
    serve_if_asked();
    title("heap of an idle connection");
    let stored = session();
    let line = |what: &str, bytes: f64, limit: f64| {
        figure(what, (bytes - stored) / 1e3, "kB", Target::at_most(limit));
    };
    {
        let server = Server::answering(false);
        line("plain, 16 KiB buffer", connections(TokioTransport::new(), server.base()), 22.0);
        line("plain, small buffers", connections(TokioTransport::new().small_buffers(), server.base()), 12.0);
        figure("plain, raw tokio-tungstenite", raw(&server) / 1e3, "kB", Target::None);
    }
    {
        let server = Server::answering(true);
        let transport = || TokioTransport::new().tls(server.tls());
        line("TLS, 16 KiB buffer", connections(transport(), server.base()), 29.0);
        line("TLS, small buffers", connections(transport().small_buffers(), server.base()), 20.0);
    }
    figure("on top: the stored session", stored / 1e3, "kB", Target::None);
    finish();
}
