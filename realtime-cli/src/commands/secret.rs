use anyhow::Context;
use clap::Args;
use realtime::{
    mock::Simulator,
    rest::client_secrets::Create,
    types::{RealtimeSessionConfig, SessionConfig},
};
use serde_json::json;

use crate::{
    output::Output,
    server::{MODEL, ServerArgs},
    stop::Stop,
};

#[derive(Args)]
pub(crate) struct SecretArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Model of the sessions that the key opens
    #[arg(long, default_value = MODEL)]
    model: String,
    /// Lifetime in seconds; a session that was opened with the key continues
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(10..=7200))]
    ttl: u32,
}

impl SecretArgs {
    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        let server = self.server.open(Simulator::new)?;
        let session: SessionConfig = RealtimeSessionConfig::default().model(self.model).into();
        let create = Create::default().session(session).expires_in(self.ttl);
        let secret = stop.or(async { Ok(server.client.rest().client_secret(create).await?) }).await?;
        server.finish()?;
        let value = secret.value.expose();
        let expires_at = secret.expires_at.context("the server did not say when the key expires")?;
        output.result(&json!({ "value": value, "expires_at": expires_at }), || value.to_owned())
    }
}
