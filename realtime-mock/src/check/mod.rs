//! A check of any server: whether it does what clients rely on.

mod cases;
mod report;
mod session;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::BoxFuture;
use realtime_core::{
    Client, Connect, Realtime, Secret,
    auth::Credential,
    endpoint::Handshake,
    transport::{Duplex, Timer, Transport, TransportError},
};

pub use report::{CheckReport, Checked, Finding};
use session::Outcome;

/// How a server is checked.
#[derive(Clone)]
pub struct CheckOptions {
    transport: Arc<dyn Transport>,
    key: Option<Secret>,
    model: String,
    timeout: Duration,
    message_bytes: usize,
}

impl CheckOptions {
    /// Connects over this transport, without a key, to the model `gpt-realtime`.
    pub fn new(transport: impl Transport) -> Self {
        Self {
            transport: Arc::new(transport),
            key: None,
            model: "gpt-realtime".into(),
            timeout: Duration::from_secs(15),
            message_bytes: 1 << 20,
        }
    }

    /// Sets the key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Secret>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the model.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = model.into();
        self
    }

    /// Sets the timeout of each wait for an event. 15 seconds by default.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }

    /// Sets the size in bytes of the largest message that is tried. 1 MiB by default.
    #[must_use]
    pub fn message_bytes(mut self, bytes: usize) -> Self {
        self.message_bytes = bytes;
        self
    }

    fn connect(&self, url: &str) -> Connect<Realtime> {
        let builder = Client::builder(Shared(self.transport.clone())).base_url(url);
        let builder = match &self.key {
            Some(key) => builder.api_key(key.clone()),
            None => builder.credentials(Credential::None),
        };
        builder.build().realtime().model(&*self.model)
    }
}

impl fmt::Debug for CheckOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckOptions")
            .field("transport", &self.transport)
            .field("model", &self.model)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Shared(Arc<dyn Transport>);

#[async_trait]
impl Transport for Shared {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        self.0.connect(handshake).await
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.0.timer()
    }
}

/// One behavior that clients rely on.
struct Case {
    name: &'static str,
    promise: &'static str,
    run: for<'a> fn(&'a CheckOptions, &'a str) -> BoxFuture<'a, Outcome>,
}

/// Tries what clients rely on, one behavior after another, each over a connection of its own. `url` is the server's base
/// URL, such as `ws://127.0.0.1:8080/v1`.
///
/// The sessions cost what a few short responses cost. Every wait has the timeout of the options.
///
/// ```
/// use realtime_mock::{CheckOptions, Simulator, VirtualClock, check};
///
/// let clock = VirtualClock::new();
/// let options = CheckOptions::new(Simulator::new().transport(&clock));
/// let report = clock.block_on(check("ws://simulator.test/v1", options));
/// assert!(report.deviations().is_empty(), "{report}");
/// ```
///
/// # Cancel safety
/// Dropping the future ends the session of the present case.
pub async fn check(url: &str, options: CheckOptions) -> CheckReport {
    let mut report = Vec::new();
    for Case { name, promise, run } in cases::CASES {
        let finding = match run(&options, url).await {
            Ok(()) => Finding::Holds,
            Err(finding) => finding,
        };
        let is_open = !(*name == "opening" && matches!(finding, Finding::Deviates { .. }));
        report.push(Checked { name, promise, finding });
        if !is_open {
            // All others would say the same.
            let skipped = || Finding::DoesNotApply("the session does not open".into());
            let rest = cases::CASES.iter().skip(report.len());
            report.extend(rest.map(|case| Checked { name: case.name, promise: case.promise, finding: skipped() }));
            break;
        }
    }
    CheckReport(report)
}
