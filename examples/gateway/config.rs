//! The configuration file.

use std::{
    env,
    error::Error,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use realtime::{Client, Secret, default_transport, server::ServerTls};
use serde::Deserialize;

/// `gateway.toml`. A name that is not known is an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The port for clients.
    pub(crate) listen: SocketAddr,
    /// The port for Prometheus.
    pub(crate) metrics: Option<SocketAddr>,
    /// How long sessions may go on after SIGTERM.
    #[serde(default = "half_a_minute")]
    pub(crate) drain_seconds: u64,
    #[serde(default = "a_thousand")]
    pub(crate) max_connections: usize,
    pub(crate) tls: Option<TlsConfig>,
    #[serde(default)]
    pub(crate) upstream: Vec<UpstreamConfig>,
    #[serde(default)]
    pub(crate) key: Vec<KeyConfig>,
}

/// The files of the gateway's certificate, in PEM.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsConfig {
    chain: PathBuf,
    key: PathBuf,
}

impl TlsConfig {
    pub(crate) fn load(&self) -> Result<ServerTls, Box<dyn Error>> {
        let read = |path: &Path| fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
        Ok(ServerTls::pem(&read(&self.chain)?, &read(&self.key)?.into())?)
    }
}

/// A service that sessions are relayed to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamConfig {
    pub(crate) name: String,
    /// The base URL.
    pub(crate) url: String,
    /// The environment variable with the service's key.
    pub(crate) key_env: Option<String>,
    /// The models that clients may ask for. The first is the default.
    pub(crate) models: Vec<String>,
}

/// A key that clients show.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyConfig {
    /// What logs and metrics call it.
    pub(crate) name: String,
    /// The environment variable with the key.
    pub(crate) key_env: Option<String>,
    /// The key itself, for tests.
    pub(crate) key: Option<Secret>,
    /// The upstream's name.
    pub(crate) upstream: String,
    /// Sessions at the same time.
    pub(crate) sessions: Option<u64>,
    pub(crate) tokens_per_minute: Option<u64>,
}

fn half_a_minute() -> u64 {
    30
}

fn a_thousand() -> usize {
    1000
}

impl Config {
    pub(crate) fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?)
    }

    /// A gateway in front of a simulator, for one key.
    pub(crate) fn for_simulator(url: String) -> Self {
        let upstream =
            UpstreamConfig { name: "simulator".into(), url, key_env: None, models: vec!["gpt-realtime".into()] };
        let key = KeyConfig {
            name: "demo".into(),
            key_env: None,
            key: Some("gw-demo".into()),
            upstream: "simulator".into(),
            sessions: Some(100),
            tokens_per_minute: None,
        };
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            listen: any_port,
            metrics: Some(any_port),
            drain_seconds: half_a_minute(),
            max_connections: a_thousand(),
            tls: None,
            upstream: vec![upstream],
            key: vec![key],
        }
    }
}

impl UpstreamConfig {
    pub(crate) fn client(&self) -> Result<Client, Box<dyn Error>> {
        let client = Client::builder(default_transport()).base_url(&*self.url);
        Ok(match &self.key_env {
            Some(name) => client.api_key(variable(name)?),
            None => client,
        }
        .build())
    }
}

impl KeyConfig {
    pub(crate) fn secret(&self) -> Result<Secret, Box<dyn Error>> {
        match (&self.key, &self.key_env) {
            (Some(key), None) => Ok(key.clone()),
            (None, Some(name)) => Ok(variable(name)?.into()),
            _ => Err(format!("key {}: set either `key_env` or `key`", self.name).into()),
        }
    }
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("the environment variable {name}: {error}"))
}
