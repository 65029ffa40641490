//! The general test: every recorded session through a real connection in virtual time, with each of its server's events
//! in turn left out, doubled, made malformed in one leaf, delayed beyond every bound, swapped with its neighbour.
//!
//! Whatever the server does, every handle, every acknowledgement and every read ends within its bound, the scheduler is
//! free afterwards, no timer stays armed, no call is answered twice, and what was told is in the state.
//!
//! By default one change in seven is made. With `REALTIME_TESTS=full` all are, and one leaf of each event is made
//! malformed. `GENERAL=all` takes every leaf; `GENERAL=<session>` takes every
//! leaf of the sessions whose name contains that, and prints each run.

mod change;
mod check;
mod play;
mod script;
#[path = "../support/seeds.rs"]
mod seeds;
#[path = "../../examples/inspect/state.rs"]
mod state;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
};

use change::Change;
use check::{answered_once, check, sent_once};
use play::{Played, Run, names, play, play_with};
use realtime::{Realtime, Translation};
use script::{Script, Step};

/// Threads that share the sessions.
const THREADS: usize = 2;
/// Fewer runs than this of all changes, and the sessions are not there.
const LEAST: usize = 4_000;
/// By default one change in so many is made: the five kinds take turns, as they come in fives.
const ONE_IN: usize = 7;

struct Found {
    runs: usize,
    failed: Vec<String>,
}

fn all_changes<P: Played>(script: &Script, all_leaves: bool, one_in: usize) -> Found {
    let mut found = Found { runs: 0, failed: Vec::new() };
    let baseline = play::<P>(script);
    let script = &script.knowing(&baseline);
    for change in Change::all(script, all_leaves).into_iter().step_by(one_in) {
        found.runs += 1;
        let changed = change.apply(script);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            check(&baseline, &play::<P>(&changed), script, &changed, &change);
        }));
        if let Err(panic) = outcome {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
            let words: String = words.chars().take(400).collect();
            found.failed.push(format!("{} {change}: {words}", script.name));
        }
    }
    found
}

#[test]
fn whatever_one_event_is_everything_ends_and_what_was_told_is_there() {
    let wanted = std::env::var("GENERAL").unwrap_or_default();
    let scripts = Script::all();
    let named = !wanted.is_empty() && wanted != "all";
    let one_in = if seeds::is_full() || !wanted.is_empty() { 1 } else { ONE_IN };
    let next = Mutex::new(scripts.into_iter().filter(|script| !named || script.name.contains(&wanted)));
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(script) = { next.lock().unwrap().next() } {
                    let all = !wanted.is_empty();
                    let one = match script.translates {
                        true => all_changes::<Translation>(&script, all, one_in),
                        false => all_changes::<Realtime>(&script, all, one_in),
                    };
                    found.lock().unwrap().push((script.name.clone(), one));
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let runs: usize = found.iter().map(|(_, found)| found.runs).sum();
    let counts: BTreeMap<_, _> = found.iter().map(|(name, found)| (name, found.runs)).collect();
    println!("{runs} runs: {counts:#?}");
    let failed: Vec<_> = found.into_iter().flat_map(|(_, found)| found.failed).collect();
    if !failed.is_empty() {
        // All of them, for what has one cause shows by being alike.
        failed.iter().for_each(|failed| println!("{failed}"));
        let few: Vec<_> = failed.iter().take(10).collect();
        panic!("{} of {runs} runs: {few:#?}", failed.len());
    }
    assert!(named || runs >= LEAST / one_in, "{runs} runs: sessions are missing");
}

/// Functions that need approval and are answered later, by the id of the call, and then once more.
#[test]
fn whatever_one_event_is_no_call_that_is_answered_later_is_answered_twice() {
    let calls = |step: &Step| matches!(step, Step::Hear(heard) if names(&heard.event).next().is_some());
    let one_in = if seeds::is_full() { 1 } else { ONE_IN };
    let (mut runs, mut answers, mut failed) = (0, 0, Vec::new());
    for script in Script::all().into_iter().filter(|script| !script.translates && script.steps.iter().any(calls)) {
        let script = &script.knowing(&play::<Realtime>(&script));
        for change in Change::all(script, false).into_iter().step_by(one_in) {
            runs += 1;
            let changed = change.apply(script);
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let run = play_with::<Realtime>(&changed, true);
                sent_once(&run);
                assert_eq!(run.armed[1], 0, "timers are armed after the end");
                answered_once(&run, &changed)
            }));
            match outcome {
                Ok(count) => answers += count,
                Err(panic) => {
                    let words = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                    failed.push(format!("{} {change}: {words}", script.name));
                }
            }
        }
    }
    println!("{runs} runs, {answers} answers");
    assert!(failed.is_empty(), "{} of {runs} runs: {:#?}", failed.len(), &failed[..failed.len().min(10)]);
    // Otherwise, the sessions with calls are missing, or nothing was answered in most of them.
    assert!(runs >= 300 / one_in && answers >= runs / 2, "{runs} runs, {answers} answers");
}
