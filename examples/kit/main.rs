//! Runs cases that pin down what a client must produce and read: `cargo run --example kit -- FOLDER`.
//!
//! A folder holds a folder for each kind of case (`audio`, `captions`, `prices`, `rest`, `telephony`, `webhooks`), and any
//! may be missing. Each case is a line that says `ok`, or what was expected and what came; the last line counts them. The
//! exit status is 0 only if all cases came out as expected. No list of cases is kept here: any folder of the same form
//! runs.

mod audio;
mod captions;
pub(crate) mod case;
mod prices;
pub(crate) mod rest;
mod telephony;
mod webhooks;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use case::{Outcome, entries, file_name};

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: cargo run --example kit -- FOLDER");
        return ExitCode::from(2);
    };
    // A panic is told as the outcome of its case.
    std::panic::set_hook(Box::new(|_| {}));
    let outcomes = run(&folder);
    for Outcome { name, result } in &outcomes {
        println!("{name} ... {}", result.as_ref().err().map_or("ok", |difference| difference));
    }
    let fine = outcomes.iter().filter(|outcome| outcome.result.is_ok()).count();
    if outcomes.is_empty() {
        eprintln!("kit: {}: no folder with cases", folder.display());
    }
    println!("{fine} of {} cases as expected", outcomes.len());
    if fine > 0 && fine == outcomes.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs every case of a folder.
pub(crate) fn run(folder: &Path) -> Vec<Outcome> {
    let mut all = Vec::new();
    for path in entries(folder).into_iter().filter(|path| path.is_dir()) {
        let kind = file_name(&path);
        let outcomes = run_kind(&kind, &path);
        all.extend(outcomes.into_iter().map(|it| Outcome { name: format!("{kind}/{}", it.name), ..it }));
    }
    all
}

fn run_kind(kind: &str, folder: &Path) -> Vec<Outcome> {
    match kind {
        "audio" => audio::run(folder),
        "captions" => captions::run(folder),
        "prices" => prices::run(folder),
        "rest" => rest::run(folder),
        "telephony" => telephony::run(folder),
        "webhooks" => webhooks::run(folder),
        _ if has_cases(folder) => {
            vec![Outcome { name: "*".into(), result: Err("a kind of case that is not known".into()) }]
        }
        _ => {
            println!("{kind}: a folder without cases, left out");
            Vec::new()
        }
    }
}

/// Whether there is anything in the folder that could be a case.
fn has_cases(folder: &Path) -> bool {
    entries(folder).iter().any(|path| {
        path.is_dir() && has_cases(path)
            || path.extension().is_some_and(|extension| extension == "json" || extension == "jsonl")
    })
}
