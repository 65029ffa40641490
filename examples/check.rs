//! Checks a server of the protocol: whether it does what clients rely on.
//!
//! ```text
//! cargo run --example check -- ws://127.0.0.1:8080/v1 --model gpt-realtime
//! ```
//!
//! The key is `OPENAI_API_KEY`, if that is set. Without a URL, the simulator is served and checked.

use std::{env, error::Error, process::ExitCode, str::FromStr, time::Duration};

use realtime::{
    default_transport,
    mock::{CheckOptions, Pace, Simulator, check},
};

const USAGE: &str = "\
usage: check [URL] [options]
  --model MODEL    the model (gpt-realtime)
  --timeout SECS   the timeout of each wait (15)
  --message BYTES  the largest message that is tried (1048576)";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(env::args().skip(1)).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("check: {error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Whether the server deviates nowhere.
async fn run(mut arguments: impl Iterator<Item = String>) -> Result<bool, Box<dyn Error>> {
    let mut options = CheckOptions::new(default_transport());
    if let Ok(key) = env::var("OPENAI_API_KEY") {
        options = options.key(key);
    }
    let mut url = None;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--model" => options = options.model(value()?),
            "--timeout" => options = options.timeout(Duration::from_secs(number(&argument, &value()?)?)),
            "--message" => options = options.message_bytes(number(&argument, &value()?)?),
            option if option.starts_with('-') => return Err(format!("no such option: {option}").into()),
            _ => url = Some(argument),
        }
    }
    // Slow enough that a response can be cancelled.
    let served = match url {
        Some(_) => None,
        None => Some(Simulator::new().pace(Pace::INSTANT.text(Duration::from_millis(20))).serve()?),
    };
    let url = url.or(served.as_ref().map(|served| served.base_url())).unwrap_or_default();
    let report = check(&url, options).await;
    println!("{report}");
    Ok(report.deviations().is_empty())
}

fn number<N: FromStr>(option: &str, text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{option} needs a whole number, not `{text}`"))
}
