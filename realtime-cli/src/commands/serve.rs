use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use realtime::mock::{FaultPlan, Faults, Pace, Server, Simulator, SystemClock, Table};
use serde_json::json;

use crate::{
    output::{self, Output},
    stop::Stop,
};

#[derive(Args)]
pub(crate) struct Serve {
    /// The port; by default any that is free
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Encrypt, with a certificate that is made for this run
    #[arg(long)]
    tls: bool,
    /// Write the certificate of the authority that clients have to trust
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_out: Option<PathBuf>,
    /// Answer from a table: JSON lines
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// File with a key: only the keys in such files are accepted
    #[arg(long = "accept-key-file", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Offer only this model (may be given several times)
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// Pace of speech
    #[arg(long, value_enum, default_value_t)]
    pace: ServePace,
    /// Faults of every connection, such as drop-after=5,slow=20
    #[arg(long, value_name = "FAULTS")]
    fault: Option<FaultPlan>,
    /// Random faults
    #[arg(long, conflicts_with = "fault")]
    seed: Option<u64>,
    /// Maximum number of connections; others are refused with status 503
    #[arg(long, default_value_t = 1000)]
    max_connections: usize,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum ServePace {
    /// As the service speaks: in real time, a little ahead
    #[default]
    Live,
    /// Without waiting
    Instant,
}

impl Serve {
    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        let mut simulator = Simulator::new().pace(match self.pace {
            ServePace::Live => Pace::LIVE,
            ServePace::Instant => Pace::INSTANT,
        });
        if let Some(file) = &self.answers {
            simulator = simulator.table(Table::read(file).with_context(|| file.display().to_string())?);
        }
        for file in &self.keys {
            let key = fs::read_to_string(file).with_context(|| file.display().to_string())?;
            simulator = simulator.key(key.trim());
        }
        for model in self.models {
            simulator = simulator.model(model);
        }
        let transport = simulator.transport(&SystemClock::new());
        let plan = self.fault.unwrap_or_default();
        let faults = match self.seed {
            Some(seed) => Faults::seeded(transport, seed),
            None => Faults::new(transport, move |_| plan.clone()),
        };
        let server = Server::new(faults).port(self.port).max_connections(self.max_connections);
        let served = if self.tls { server.tls() } else { server }.start().context("could not listen")?;
        if let (Some(file), Some(pem)) = (&self.ca_out, served.ca_pem()) {
            fs::write(file, pem).with_context(|| file.display().to_string())?;
        }
        let url = served.base_url();
        output.result(&json!({ "base_url": url }), || url.clone())?;
        output::note("serving until Ctrl-C");
        stop.requested().await;
        Ok(())
    }
}
