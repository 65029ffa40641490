use std::{path::PathBuf, time::Duration};

use clap::Args;
use realtime::{
    Client, default_transport,
    mock::{CheckOptions, Checked, Finding, Pace, Simulator, check},
};
use serde_json::json;

use crate::{
    failure::Failure,
    output::{self, Output},
    server,
    stop::Stop,
};

/// Check a server: whether it does what clients rely on
#[derive(Args)]
pub(crate) struct Check {
    /// Base URL of the server, such as ws://127.0.0.1:8080/v1; without one, the built-in simulator
    url: Option<String>,
    /// File with the API key, instead of the variable OPENAI_API_KEY
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Model
    #[arg(long, default_value = server::MODEL)]
    model: String,
    /// Timeout of each wait, in s
    #[arg(long, value_name = "S", default_value_t = 15)]
    timeout: u64,
}

impl Check {
    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        let mut options =
            CheckOptions::new(default_transport()).model(&self.model).timeout(Duration::from_secs(self.timeout));
        if let Some(key) = server::key(self.key_file.as_deref())? {
            options = options.key(key);
        }
        let served = match &self.url {
            Some(_) => None,
            None => {
                output::note("checking the built-in simulator");
                // Slow enough that a response can be cancelled.
                Some(Simulator::new().pace(Pace::INSTANT.text(Duration::from_millis(20))).serve()?)
            }
        };
        let url = self.url.or(served.as_ref().map(|served| served.base_url())).unwrap_or_default();
        // A URL that cannot be used says nothing about a server.
        Client::builder(default_transport()).base_url(&url).build().realtime().model(self.model).open()?;
        let report = stop.or(async { Ok(check(&url, options).await) }).await?;
        if output.json {
            for Checked { name, promise, finding, .. } in report.cases() {
                let (found, expected, came) = match finding {
                    Finding::Holds => ("holds", None, None),
                    Finding::Deviates { expected, came } => ("deviates", Some(expected), Some(came)),
                    Finding::DoesNotApply(why) => ("does not apply", None, Some(why)),
                };
                let case =
                    json!({ "case": name, "promise": promise, "found": found, "expected": expected, "came": came });
                output::line(&case.to_string())?;
            }
        } else {
            output::line(&report.to_string())?;
        }
        match report.deviations().len() {
            0 => Ok(()),
            deviations => {
                let cases = report.cases().len();
                Err(Failure::unmet(format!("the server deviates in {deviations} of {cases} cases")).into())
            }
        }
    }
}
