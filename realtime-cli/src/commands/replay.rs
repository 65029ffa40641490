use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use realtime::mock::{Cassette, Server, SystemClock};
use serde_json::json;

use crate::{failure::Failure, output::Output, stop::Stop};

#[derive(Args)]
pub(crate) struct Replay {
    /// The port; by default any that is free
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Answer at once, instead of at the pace of the recording
    #[arg(long)]
    instant: bool,
    /// The recording, as written with --record
    file: PathBuf,
}

impl Replay {
    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        let named = || self.file.display().to_string();
        let cassette = Cassette::open(&self.file).with_context(named)?;
        let transport = cassette.replay().paced(!self.instant).transport(&SystemClock::new());
        let served = Server::new(transport.clone()).port(self.port).start().context("could not listen")?;
        let url = served.base_url();
        output.result(&json!({ "base_url": url }), || url.clone())?;
        stop.requested().await;
        match transport.mismatch() {
            Some(mismatch) => Err(Failure::unmet(format!("{}: {mismatch}", named())).into()),
            None => Ok(()),
        }
    }
}
