use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::{
    frames::Recording,
    output::{self, DIM, Output},
    timeline::Picture,
};

#[derive(Args)]
pub(crate) struct Inspect {
    /// Print the resulting state only
    #[arg(long)]
    state: bool,
    /// A recording (--record), or JSON lines of events; - is standard input
    file: PathBuf,
}

impl Inspect {
    pub(crate) fn run(self, output: &Output) -> anyhow::Result<()> {
        let recording = Recording::open(&self.file)?;
        let picture = Picture::new(String::new(), &recording);
        if !self.state {
            for event in &picture.events {
                output.result(event, || {
                    let arrow = if event.from == 'c' { '→' } else { '←' };
                    format!("{DIM}{:>8} ms{DIM:#} {arrow} {}", event.at, event.kind)
                })?;
            }
        }
        if self.state || !output.json {
            let state = if output.json { json!(picture.state).to_string() } else { format!("{:#}", picture.state) };
            output::line(&state)?;
        }
        output::note(format_args!("{} events in {} ms", picture.events.len(), picture.duration));
        Ok(())
    }
}
