//! What a relayed event costs.
//!
//! ```text
//! cargo run --release -p realtime-server --features tokio,rustls --example relay_cost
//! ```
//!
//! Beside a bare relay from one tungstenite stream to another that looks at nothing, plain and with TLS towards the client:
//! both run on this thread, in turns, over loopback; the far ends are raw sockets in threads of their own. Prints the
//! processor's time of this thread for each event, and the ratio: of a burst, as fast as it goes, and of events one by one.
//!
//! ```text
//! .. --example relay_cost -- hop 9000 direct=127.0.0.1:9000= ours=127.0.0.1:9001=PID other=127.0.0.1:9002=PID
//! ```
//!
//! With processes that relay to the service at the given port, which this program is: the processor's time of each process
//! for an event, and what it adds to the latency. `beside.sh` starts HAProxy, nginx and the gateway for it.
//!
//! Linux only: it reads `/proc`.

mod bare;
mod hop;
mod peers;

use std::{env, fs, net::SocketAddr};

use realtime_core::Client;
use realtime_server::{Acceptor, Listener, Meter, ServerTls, relay};
use realtime_tokio::{Tokio, TokioTransport};

use peers::{Mix, Tls};

const ROUNDS: usize = 15;

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if let [mode, port, hops @ ..] = &arguments[..] {
        assert_eq!(mode, "hop", "the only mode is `hop`");
        return runtime.block_on(hop::run(port.parse().expect("a port"), hops));
    }
    runtime.block_on(run());
}

async fn run() {
    let tls = Tls::new();
    for (name, mix) in [("a burst", Mix::BURST), ("one by one", Mix::ONE_BY_ONE)] {
        let service = peers::service(mix);
        for tls in [None, Some(&tls)] {
            let what = if tls.is_some() { "TLS" } else { "plain" };
            let mut costs = [const { Vec::new() }; 3];
            for round in 0..=ROUNDS {
                let once = [
                    bare::once(service, tls).await,
                    ours_once(service, tls, None).await,
                    ours_once(service, tls, Some(Meter::new())).await,
                ];
                // The first one warms up.
                if round > 0 {
                    costs.iter_mut().zip(once).for_each(|(all, cost)| all.push(cost / mix.events() as f64));
                }
            }
            let [bare, ours, metered] = costs.map(median);
            println!("{name}, {what}: bare relay {bare:6.0} ns for each event");
            println!("{name}, {what}: relay      {ours:6.0} ns, {:.2} times", ours / bare);
            println!("{name}, {what}: with meter {metered:6.0} ns, {:.2} times", metered / bare);
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// One session through `relay`. The nanoseconds that it took.
async fn ours_once(service: SocketAddr, tls: Option<&Tls>, meter: Option<Meter>) -> f64 {
    let client = Client::builder(TokioTransport::new()).base_url(format!("http://{service}/v1")).build();
    let listen = Listener::bind::<Tokio>(([127, 0, 0, 1], 0).into(), Acceptor::on::<Tokio>());
    let mut listener = listen.await.expect("a port");
    if let Some(tls) = tls {
        listener = listener.tls(ServerTls::rustls(tls.server.clone()));
    }
    peers::drain_in_thread(listener.address().expect("an address"), tls.map(|tls| tls.client.clone()));
    let incoming = listener.next().await.expect("a client").expect("a request");
    let upstream = client.realtime().model("m");
    let begin = cpu("thread-self");
    match meter {
        None => drop(relay(incoming, upstream, ()).await),
        Some(meter) => {
            let tap = meter.tap(upstream.timer());
            drop(relay(incoming, upstream, tap).await);
        }
    }
    (cpu("thread-self") - begin) as f64
}

/// Nanoseconds that a thread has run.
fn cpu(thread: &str) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{thread}/schedstat")).expect("Linux");
    stat.split(' ').next().and_then(|time| time.parse().ok()).expect("a number")
}
