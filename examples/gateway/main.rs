//! A gateway: clients show its keys, sessions are relayed to upstreams with theirs, and what each key uses is limited and
//! counted.
//!
//! ```text
//! cargo run --example gateway -- --config gateway.toml
//! ```
//!
//! Without a configuration it relays to a simulator that it serves, for the key `gw-demo`, so no key is needed. It prints
//! its base URL and the URL of its metrics, then one line of JSON for each session, without payloads or keys. SIGTERM, or
//! the end of the standard input without a configuration, drains it.

mod config;
mod limits;
mod metrics;

use std::{
    env,
    error::Error,
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use axum::{Router, routing::get};
use http::StatusCode;
use realtime::{
    Client, Secret,
    mock::{Pace, Simulator},
    server::{AcceptError, Acceptor, Incoming, Listener, Meter, Refusal, RelayEnd, relay},
    tokio::Tokio,
};
use serde_json::json;
use tokio::{
    io::AsyncReadExt,
    signal::unix::{SignalKind, signal},
};

use config::{Config, UpstreamConfig};
use limits::Limits;

/// A key, and what it leads to.
struct Key {
    name: String,
    secret: Secret,
    client: Client,
    upstream: String,
    models: Vec<String>,
    limits: Arc<Limits>,
    meter: Meter,
}

struct Gateway {
    keys: Vec<Key>,
    /// Clients that were refused.
    refused: AtomicU64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway: {error}\nusage: gateway [--config gateway.toml]");
            ExitCode::FAILURE
        }
    }
}

async fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let mut path = None;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--config" => path = Some(PathBuf::from(arguments.next().ok_or("--config needs a file")?)),
            other => return Err(format!("no such option: {other}").into()),
        }
    }
    let simulator = match path {
        Some(_) => None,
        None => Some(Simulator::new().pace(Pace::INSTANT).serve()?),
    };
    let config = match &path {
        Some(path) => Config::read(path)?,
        None => Config::for_simulator(simulator.as_ref().map(|served| served.base_url()).unwrap_or_default()),
    };
    let gateway = Arc::new(Gateway::new(&config)?);
    let listener = Listener::bind::<Tokio>(config.listen, Acceptor::on::<Tokio>()).await?;
    let mut listener = listener.max_connections(config.max_connections);
    let address = listener.address().ok_or("the port has no address")?;
    if let Some(tls) = &config.tls {
        listener = listener.tls(tls.load()?);
    }
    println!("{}://{address}/v1", if config.tls.is_some() { "https" } else { "http" });
    if let Some(metrics) = config.metrics {
        println!("http://{}/metrics", serve_metrics(metrics, gateway.clone()).await?);
    }
    let handle = listener.handle();
    let drained = tokio::spawn(async move {
        stop(path.is_none()).await;
        handle.drain(Duration::from_secs(config.drain_seconds)).await
    });
    while let Some(incoming) = listener.next().await {
        // One client's failure is in nobody's way.
        let Ok(incoming) = incoming else { continue };
        let gateway = gateway.clone();
        tokio::spawn(async move { gateway.serve(incoming).await });
    }
    drop(listener);
    match drained.await? {
        0 => Ok(()),
        left => Err(format!("{left} sessions did not end").into()),
    }
}

/// Waits for SIGTERM; also for the end of the standard input, if it is to.
async fn stop(with_input: bool) {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    let input = async {
        if !with_input {
            std::future::pending::<()>().await;
        }
        while tokio::io::stdin().read(&mut [0; 256]).await.is_ok_and(|length| length > 0) {}
    };
    tokio::select! {
        () = terminated => {}
        () = input => {}
    }
}

/// Answers Prometheus, on a port of its own.
async fn serve_metrics(address: SocketAddr, gateway: Arc<Gateway>) -> Result<SocketAddr, Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let metrics = move || std::future::ready(gateway.metrics());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/metrics", get(metrics))).await });
    Ok(address)
}

impl Gateway {
    fn new(config: &Config) -> Result<Self, Box<dyn Error>> {
        let mut keys = Vec::new();
        for key in &config.key {
            let upstream: &UpstreamConfig = config
                .upstream
                .iter()
                .find(|upstream| upstream.name == key.upstream)
                .ok_or_else(|| format!("key {}: no such upstream: {}", key.name, key.upstream))?;
            keys.push(Key {
                name: key.name.clone(),
                secret: key.secret()?,
                client: upstream.client()?,
                upstream: upstream.name.clone(),
                models: upstream.models.clone(),
                limits: Limits::new(key.sessions, key.tokens_per_minute),
                meter: Meter::new(),
            });
        }
        Ok(Self { keys, refused: AtomicU64::new(0) })
    }

    fn metrics(&self) -> String {
        let keys: Vec<_> = self.keys.iter().map(|key| (&*key.name, key.meter.read())).collect();
        metrics::render(&keys, self.refused.load(Ordering::Relaxed))
    }

    /// Serves one client, and logs its session.
    async fn serve(&self, incoming: Incoming) {
        let address = incoming.address();
        let begun = Instant::now();
        let (key, model) = match self.admit(&incoming) {
            Ok(admitted) => admitted,
            Err(refusal) => return self.refuse(incoming, refusal).await,
        };
        let permit = match key.limits.enter() {
            Ok(permit) => permit,
            Err(reason) => {
                let refusal = Refusal::error(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", reason);
                return self.refuse(incoming, refusal).await;
            }
        };
        let upstream = key.client.realtime().model(&model);
        let tap = (permit, key.meter.tap(upstream.timer()));
        let end = relay(incoming, upstream, tap).await;
        log(key, &model, address, begun.elapsed(), &end);
    }

    /// Decides whom to let in, and to which model.
    fn admit(&self, incoming: &Incoming) -> Result<(&Key, String), Refusal> {
        let request = incoming.request();
        if request.path() != "/v1/realtime" {
            return Err(Refusal::error(StatusCode::NOT_FOUND, "not_found", "Invalid URL."));
        }
        let shown = request.credential();
        // All keys are compared, so that the time says nothing about the others.
        let mut known = None;
        for key in &self.keys {
            if shown.as_ref().is_some_and(|shown| is_same(shown, &key.secret)) {
                known = Some(key);
            }
        }
        let Some(key) = known else {
            return Err(Refusal::error(StatusCode::UNAUTHORIZED, "invalid_api_key", "Unknown key."));
        };
        let model =
            request.query("model").map_or_else(|| key.models.first().cloned(), |model| Some(model.into_owned()));
        match model.filter(|model| key.models.contains(model)) {
            Some(model) => Ok((key, model)),
            None => Err(Refusal::error(StatusCode::NOT_FOUND, "model_not_found", "This key has no such model.")),
        }
    }

    async fn refuse(&self, incoming: Incoming, refusal: Refusal) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        // A client that does not take it is gone.
        let _ = incoming.refuse_with(refusal).await;
    }
}

/// Compares without stopping at the first difference.
fn is_same(one: &Secret, other: &Secret) -> bool {
    let (one, other) = (one.expose().as_bytes(), other.expose().as_bytes());
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// One line for each session: who, where, how long, how it ended. No payload, no key.
fn log(key: &Key, model: &str, address: Option<SocketAddr>, time: Duration, end: &Result<RelayEnd, AcceptError>) {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
    let mut line = json!({
        "time": now, "key": key.name, "upstream": key.upstream, "model": model,
        "client": address.map(|address| address.to_string()), "duration_ms": time.as_millis() as u64,
    });
    match end {
        Ok(end) => {
            line["client_close"] = json!(end.client_close.as_ref().map(|frame| frame.code));
            line["upstream_close"] = json!(end.upstream_close.as_ref().map(|frame| frame.code));
            line["events_up"] = json!(end.events_up);
            line["events_down"] = json!(end.events_down);
            line["bytes_up"] = json!(end.bytes_up);
            line["bytes_down"] = json!(end.bytes_down);
        }
        Err(error) => line["error"] = json!(error.to_string()),
    }
    println!("{line}");
}
