//! Many voice sessions at once, and what they experience.

mod plot;
mod report;
mod session;

use std::{
    num::NonZeroU32,
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use clap::{Args, value_parser};
use cpu_time::ProcessTime;
use realtime::mock::Simulator;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

use self::{
    report::{Measured, Report},
    session::Script,
};
use crate::{
    audio,
    failure::Failure,
    output::{self, Output},
    server::{MODEL, ServerArgs},
    stop::Stop,
};

/// Measure a server under the load of many voice sessions
///
/// Every session connects, sends the recording in real time, and waits for the answer. Latencies are told in percentiles.
#[derive(Args)]
pub(crate) struct Load {
    /// Base URL of the server, such as http://127.0.0.1:8080/v1; without one, the built-in simulator
    url: Option<String>,
    /// File with the API key, instead of the variable OPENAI_API_KEY
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Number of sessions
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..))]
    sessions: u32,
    /// What every session says: a WAV file
    #[arg(long, value_name = "FILE")]
    wav: PathBuf,
    /// How many sessions begin each second
    #[arg(long, value_name = "N/s", default_value = "50/s")]
    ramp: Ramp,
    /// Questions of each session
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    turns: u32,
    /// Ask the next question this long after the first audio of an answer, in ms, instead of waiting for its end
    #[arg(long, value_name = "MS")]
    interrupt_after: Option<u64>,
    /// How long an answer may take to begin, in s
    #[arg(long, value_name = "S", default_value_t = 30)]
    timeout: u64,
    /// Model
    #[arg(long, default_value = MODEL)]
    model: String,
    /// Find how many sessions the server carries: more and more, up to --sessions, until audio is later than --limit-ms
    #[arg(long)]
    sweep: bool,
    /// How late audio may be at the 99th percentile, in ms; exit code 5 if it is later
    #[arg(long, value_name = "MS")]
    limit_ms: Option<u64>,
    /// Write a plot of the latencies: an SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// Sessions per second.
#[derive(Clone, Copy)]
struct Ramp(NonZeroU32);

impl FromStr for Ramp {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix("/s").unwrap_or(text);
        number.parse().map(Self).map_err(|_| "write a whole number of sessions per second, such as 50/s")
    }
}

/// The lateness that a sweep allows, unless the user chooses.
const SWEEP_LIMIT_MS: u64 = 50;

impl Load {
    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        if self.interrupt_after.is_some() && self.turns == 1 {
            return Err(Failure::usage("--interrupt-after needs --turns of 2 or more: questions that interrupt").into());
        }
        let recording = audio::without_silence(audio::read(&self.wav)?);
        anyhow::ensure!(!recording.is_empty(), "{}: only silence", self.wav.display());
        self.plot.as_deref().map(output::check_writable).transpose()?;
        let server = ServerArgs::at(self.url.clone(), self.key_file.clone()).open(Simulator::new)?;
        let script = Arc::new(Script {
            client: server.client.clone(),
            model: self.model.clone(),
            recording,
            turns: self.turns,
            interrupt_after: self.interrupt_after.map(Duration::from_millis),
            timeout: Duration::from_secs(self.timeout),
        });
        let report = match self.sweep {
            true => self.sweep(&script, *output, stop).await?,
            false => self.measure(&script, self.sessions, *output, stop).await,
        };
        output.result(&report.summary(), || report.text())?;
        if let Some(file) = &self.plot {
            plot::write(file, &report).with_context(|| file.display().to_string())?;
        }
        self.verdict(&report)
    }

    /// Whether everything was as required.
    fn verdict(&self, report: &Report) -> anyhow::Result<()> {
        if report.interrupted {
            return Err(Failure::interrupted().into());
        }
        if report.failed() > 0 {
            return Err(Failure::unmet(format!("{} of {} sessions failed", report.failed(), report.sessions)).into());
        }
        match self.limit_ms.filter(|&limit| report.measured.late.value_at_quantile(0.99) > limit * 1000) {
            Some(limit) => {
                Err(Failure::unmet(format!("audio is more than {limit} ms late at the 99th percentile")).into())
            }
            None => Ok(()),
        }
    }

    /// Doubles the number of sessions until the server is too late, then halves the interval to a tenth.
    async fn sweep(&self, script: &Arc<Script>, output: Output, stop: &Stop) -> anyhow::Result<Report> {
        let limit = self.limit_ms.unwrap_or(SWEEP_LIMIT_MS);
        let most = self.sessions;
        let (mut good, mut bad) = (None::<Report>, None);
        let mut next = 10.min(most);
        loop {
            let report = self.measure(script, next, output, stop).await;
            if report.interrupted {
                return Ok(report);
            }
            let late = report.measured.late.value_at_quantile(0.99);
            let within = report.failed() == 0 && late <= limit * 1000;
            output::note(format_args!(
                "{next} sessions: audio {:.1} ms late at the 99th percentile, {} failed",
                late as f64 / 1000.0,
                report.failed()
            ));
            if within {
                good = Some(report);
            } else {
                bad = Some(next);
            }
            let carried = good.as_ref().map_or(0, |good| good.sessions);
            next = match bad {
                None if carried >= most => break,
                None => (carried * 2).min(most),
                Some(bad) if bad - carried <= (bad / 10).max(1) => break,
                Some(bad) => carried.midpoint(bad),
            };
        }
        good.ok_or_else(|| {
            Failure::unmet(format!("the server does not carry {next} sessions within {limit} ms")).into()
        })
    }

    /// Runs that many sessions to their end.
    async fn measure(&self, script: &Arc<Script>, sessions: u32, output: Output, stop: &Stop) -> Report {
        let measured = Arc::new(Mutex::new(Measured::default()));
        let bar = output.progress("sessions", sessions.into());
        let (began, cpu) = (Instant::now(), ProcessTime::now());
        let mut tasks = JoinSet::new();
        let mut pace = interval(Duration::from_secs(1) / self.ramp.0.get());
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut interrupted = false;
        let mut started = 0;
        while started < sessions || !tasks.is_empty() {
            tokio::select! {
                () = stop.requested() => {
                    interrupted = true;
                    break;
                }
                _ = pace.tick(), if started < sessions => {
                    started += 1;
                    tasks.spawn(one(script.clone(), measured.clone()));
                }
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {
                    bar.inc(1);
                    bar.set_message(line(&measured));
                }
            }
        }
        tasks.shutdown().await;
        bar.finish_and_clear();
        let measured = std::mem::take(&mut *measured.lock().unwrap_or_else(PoisonError::into_inner));
        Report { sessions: started, measured, interrupted, elapsed: began.elapsed(), cpu: cpu.elapsed() }
    }
}

/// One session, and what it measured.
async fn one(script: Arc<Script>, measured: Arc<Mutex<Measured>>) {
    let mut own = Measured::default();
    if let Err(error) = script.play(&mut own).await {
        own.failed(&error);
    } else {
        own.completed += 1;
    }
    measured.lock().unwrap_or_else(PoisonError::into_inner).add(&own);
}

/// The live figures.
fn line(measured: &Mutex<Measured>) -> String {
    let measured = measured.lock().unwrap_or_else(PoisonError::into_inner);
    let ms = |histogram: &report::Times| histogram.value_at_quantile(0.99) as f64 / 1000.0;
    format!(
        "p99: connect {:.1} ms, first audio {:.1} ms, late {:.1} ms; failed {}",
        ms(&measured.connect),
        ms(&measured.first_audio),
        ms(&measured.late),
        measured.errors.values().sum::<u64>()
    )
}
