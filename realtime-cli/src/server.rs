//! The choice of the server.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use realtime::{
    Client, ClientBuilder,
    mock::{Recorder, Served, Simulator},
};

use crate::{failure::Failure, output};

/// The model of conversations.
pub(crate) const MODEL: &str = "gpt-realtime-2.1";

/// The server and the credential.
#[derive(Args, Default)]
pub(crate) struct ServerArgs {
    /// Base URL of the API, such as https://api.openai.com/v1 [env: OPENAI_BASE_URL]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// File with the API key, instead of the variable OPENAI_API_KEY
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Connect to the built-in simulator, even if there is a key
    #[arg(long, conflicts_with_all = ["base_url", "key_file"])]
    simulate: bool,
    /// Record the session to a file, for replay, inspect and timeline
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// A client, and what it needs while it is used.
pub(crate) struct Server {
    pub(crate) client: Client,
    recorder: Option<Recorder>,
    _simulator: Option<Served>,
}

impl ServerArgs {
    /// The server at this base URL, with a key from this file.
    pub(crate) fn at(base_url: Option<String>, key_file: Option<PathBuf>) -> Self {
        Self { base_url, key_file, ..Self::default() }
    }

    /// The client of the chosen server. A simulator is started, and announced, if there is neither a key nor a server.
    ///
    /// # Errors
    /// A file cannot be read or created, the key is missing or empty, or the simulator cannot be started.
    pub(crate) fn open(&self, simulator: impl FnOnce() -> Simulator) -> anyhow::Result<Server> {
        let recorder = match &self.record {
            Some(file) => {
                let transport = realtime::default_transport();
                Some(Recorder::create(transport, file).with_context(|| file.display().to_string())?)
            }
            None => None,
        };
        let builder = match &recorder {
            Some(recorder) => Client::builder(recorder.clone()),
            None => realtime::client(),
        };
        let (client, simulator) = self.choose(builder, simulator)?;
        Ok(Server { client, recorder, _simulator: simulator })
    }

    fn choose(
        &self,
        builder: ClientBuilder,
        simulator: impl FnOnce() -> Simulator,
    ) -> anyhow::Result<(Client, Option<Served>)> {
        if self.simulate
            || self.base_url.is_none() && self.key_file.is_none() && !named("OPENAI_API_KEY", "OPENAI_BASE_URL")
        {
            let served = simulator().serve().context("could not start the simulator")?;
            let reason = if self.simulate { "" } else { ", because neither OPENAI_API_KEY nor a server is given" };
            output::note(format!("connecting to a simulator{reason}"));
            return Ok((builder.base_url(served.base_url()).build(), Some(served)));
        }
        let mut builder = builder.env();
        if let Some(base) = &self.base_url {
            builder = builder.base_url(base);
        }
        if let Some(file) = &self.key_file {
            builder = builder.api_key(read_key(file)?);
        }
        Ok((builder.build(), None))
    }
}

/// The key from this file, or from the variable OPENAI_API_KEY.
///
/// # Errors
/// The file cannot be read or is empty.
pub(crate) fn key(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    match file {
        Some(file) => read_key(file).map(Some),
        None => Ok(env::var("OPENAI_API_KEY").ok().filter(|key| !key.is_empty())),
    }
}

/// The key in this file.
///
/// # Errors
/// The file cannot be read or is empty.
pub(crate) fn read_key(file: &Path) -> anyhow::Result<String> {
    let key = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let key = key.trim();
    if key.is_empty() {
        let message = format!("{}: the file is empty: it has to contain the key", file.display());
        return Err(Failure::usage(message).into());
    }
    Ok(key.to_owned())
}

/// Whether one of the variables is set.
fn named(key: &str, base: &str) -> bool {
    [key, base].iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

impl Server {
    /// Ends the recording.
    ///
    /// # Errors
    /// It could not be written.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let Some(recorder) = self.recorder else { return Ok(()) };
        recorder.flush().context("the recording of the session was not written")
    }
}
