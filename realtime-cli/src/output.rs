//! Output for people and for programs.

use std::{
    fs::{self, OpenOptions},
    io::{self, IsTerminal, Write},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::failure;

/// Errors.
const RED: Style = AnsiColor::Red.on_default().bold();
/// What is said about the work, beside its result.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What a person has said.
pub(crate) const PERSON: Style = AnsiColor::Cyan.on_default();

/// The form of the output.
#[derive(Args, Clone, Copy, Default)]
pub(crate) struct Output {
    /// Print JSON lines, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Output {
    /// Prints one result: a line of JSON, or this text.
    pub(crate) fn result(self, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.json { line(&serde_json::to_string(value)?) } else { line(&text()) }
    }

    /// A progress bar over milliseconds of audio, on terminals.
    pub(crate) fn progress(self, what: &'static str, ms: u64) -> ProgressBar {
        if self.json || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(ms).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {percent}% ({eta} left)") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// Prints a line of the result. A reader that has left is not an error of this program, but ends it.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    part(&format!("{text}\n"))
}

/// Prints a part of the result, at once.
pub(crate) fn part(text: &str) -> anyhow::Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("standard output")
}

/// Checks that a file can be written, before the work that it is for. It is created if it does not exist.
///
/// # Errors
/// It cannot be written.
pub(crate) fn check_writable(file: &Path) -> anyhow::Result<()> {
    // A pipe would be at its end for its reader once it is closed here.
    if fs::metadata(file).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return Ok(());
    }
    let opened = OpenOptions::new().append(true).create(true).open(file);
    opened.map(drop).with_context(|| file.display().to_string())
}

/// A number of things, such as `1 session`.
pub(crate) fn count(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Tells something about the work, on standard error.
pub(crate) fn note(text: impl std::fmt::Display) {
    anstream::eprintln!("{DIM}{text}{DIM:#}");
}

/// Prints an error with its causes in one line.
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    let gone = error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe));
    if !gone {
        anstream::eprintln!("{RED}error:{RED:#} {}", one_line(&format!("{error:#}")));
    }
    ExitCode::from(failure::code(error))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
