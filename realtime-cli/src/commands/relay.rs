use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use clap::Args;
use realtime::{
    Client, Secret,
    mock::Simulator,
    server::{AcceptError, Acceptor, Incoming, Listener, Meter, Refusal, relay},
    tokio::Tokio,
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    failure::Failure,
    output::{self, Output},
    server::{self, ServerArgs},
    stop::Stop,
};

/// Maximum number of sessions, unless told otherwise.
const MOST_CONNECTIONS: usize = 100;
/// How long sessions may go on after a signal, unless told otherwise, in seconds.
const GRACE_S: u64 = 10;

/// Relay sessions to the server, with its key; with --record, a recording proxy for clients in any language
///
/// Clients connect to the URL that is printed, and choose their model. Ends after SIGINT or SIGTERM, when all sessions
/// have ended or the grace period is over.
#[derive(Args)]
pub(crate) struct Relay {
    #[command(flatten)]
    server: ServerArgs,
    /// Address to listen on; by default any free port of this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// File with the key that clients have to show; required if other machines can connect
    #[arg(long, value_name = "FILE")]
    accept_key_file: Option<PathBuf>,
    /// Model of clients that choose none
    #[arg(long, default_value = server::MODEL)]
    model: String,
    /// Maximum number of sessions
    #[arg(long, default_value_t = MOST_CONNECTIONS)]
    max_connections: usize,
    /// How long sessions may go on after a signal, in s
    #[arg(long, value_name = "S", default_value_t = GRACE_S)]
    grace: u64,
}

/// What every session needs.
#[derive(Clone)]
struct Service {
    client: Client,
    key: Option<Secret>,
    model: String,
    meter: Meter,
}

impl Relay {
    /// A relay at this address, with defaults for all else.
    pub(crate) fn at(listen: SocketAddr, server: ServerArgs, model: String) -> Self {
        Self { server, listen, accept_key_file: None, model, max_connections: MOST_CONNECTIONS, grace: GRACE_S }
    }

    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        let key = self.accept_key_file.as_deref().map(server::read_key).transpose()?.map(Secret::from);
        if key.is_none() && !self.listen.ip().is_loopback() {
            let why = "everybody who can connect would use your key: give `relay` an --accept-key-file";
            return Err(Failure::usage(why).into());
        }
        let server = self.server.open(Simulator::new)?;
        let listener = Listener::bind::<Tokio>(self.listen, Acceptor::on::<Tokio>()).await;
        let mut listener = listener.context("could not listen")?.max_connections(self.max_connections);
        let url = format!("http://{}/v1", listener.address().context("the port has no address")?);
        output.result(&json!({ "base_url": url }), || url.clone())?;
        let service = Service { client: server.client.clone(), key, model: self.model, meter: Meter::new() };
        let handle = listener.handle();
        let mut sessions = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.requested() => break,
                incoming = listener.next() => match incoming {
                    Some(Ok(incoming)) => drop(sessions.spawn(service.clone().serve(incoming))),
                    // A client that fails is in nobody's way.
                    Some(Err(error)) => output::note(error),
                    None => break,
                },
                Some(_) = sessions.join_next() => {}
            }
        }
        output::note(format_args!("still open: {}", output::count(handle.connections() as u64, "session")));
        handle.drain(Duration::from_secs(self.grace)).await;
        let read = service.meter.read();
        let summary = json!({
            "sessions": read.sessions,
            "responses": read.responses,
            "errors": read.errors,
            "usage": read.totals.responses,
            "events_up": read.events_up,
            "events_down": read.events_down,
        });
        output.result(&summary, || {
            let total = read.totals.responses.as_ref().and_then(|usage| usage.total_tokens).unwrap_or(0);
            let counts =
                [(read.sessions, "session"), (read.responses, "response"), (read.errors, "error"), (total, "token")];
            counts.map(|(number, thing)| output::count(number, thing)).join(", ")
        })?;
        drop((listener, sessions));
        server.finish()
    }
}

impl Service {
    /// Serves one client.
    async fn serve(self, incoming: Incoming) {
        let from = incoming.address().map_or_else(String::new, |address| format!(" from {address}"));
        match self.relay(incoming).await {
            Ok(true) => output::note(format_args!("session{from} ended")),
            Ok(false) => output::note(format_args!("client{from} refused: it did not show the key")),
            Err(error) => output::note(format_args!("session{from} failed: {error}")),
        }
    }

    /// Whether the client was let in.
    async fn relay(&self, incoming: Incoming) -> Result<bool, AcceptError> {
        if self.key.as_ref().is_some_and(|key| !incoming.request().presents(key)) {
            let refusal = Refusal::error(http::StatusCode::UNAUTHORIZED, "invalid_api_key", "Unknown key.");
            incoming.refuse_with(refusal).await?;
            return Ok(false);
        }
        let model = incoming.request().query("model").map_or_else(|| self.model.clone(), |model| model.into_owned());
        let upstream = self.client.realtime().model(model);
        let tap = self.meter.tap(upstream.timer());
        relay(incoming, upstream, tap).await.map(|_| true)
    }
}
