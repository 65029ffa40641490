use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use futures::future::BoxFuture;

use crate::clock::STALLED;

use super::{
    Ability, Case, Harness, Report, Verdict, frames, lending, messages,
    side::{Cx, Outcome, Waits},
    traffic,
};

/// A case of the suite.
pub(super) struct Test {
    pub(super) name: &'static str,
    pub(super) promise: &'static str,
    pub(super) needs: &'static [Ability],
    /// Whether it is about frames.
    pub(super) frames: bool,
    pub(super) run: fn(Cx) -> BoxFuture<'static, Outcome>,
}

/// A table of cases: a name, what it promises, what it needs, the function.
macro_rules! tests {
    (frames: $frames:literal; $($name:literal, $promise:literal, [$($need:ident)*], $run:ident;)+) => {
        pub(super) const TESTS: &[Test] = &[$(Test {
            name: $name,
            promise: $promise,
            needs: &[$($crate::conformance::Ability::$need),*],
            frames: $frames,
            run: |cx| Box::pin($run(cx)),
        }),+];
    };
}
pub(super) use tests;

/// Runs every applicable case, each with its own harness, and reports the results.
///
/// A case that does not finish in time fails; its thread is abandoned.
pub fn check<H: Harness>(harness: impl Fn() -> H) -> Report {
    let tests = messages::TESTS.iter().chain(traffic::TESTS).chain(lending::TESTS).chain(lending::CUT);
    let tests = tests.chain(frames::TESTS);
    Report::new(tests.map(|test| one(test, Arc::new(harness()))).collect())
}

fn one(test: &'static Test, harness: Arc<dyn Harness>) -> Case {
    let lacking = test.needs.iter().find(|need| harness.lacks().contains(need));
    let verdict = match lacking {
        Some(ability) => Verdict::NotApplicable(format!("the transport lacks {ability}")),
        None if test.frames && harness.websocket().is_none() => {
            Verdict::NotApplicable("the transport opens no WebSockets".into())
        }
        None => run(test, harness),
    };
    Case { name: test.name, promise: test.promise, verdict }
}

fn run(test: &'static Test, harness: Arc<dyn Harness>) -> Verdict {
    let limit = harness.limit();
    let (report, verdict) = mpsc::channel();
    let waits = Waits::default();
    let (told, waits_for) = (waits.clone(), waits.clone());
    let thread = thread::Builder::new().name(format!("conformance: {}", test.name));
    let spawned = thread.spawn(move || {
        let outcome = report.clone();
        let case = AssertUnwindSafe(|| {
            harness.clone().run(Box::pin(async move {
                let cx = Cx { transport: harness.transport(), harness, waits };
                // Nobody listens once the time is over.
                let _ = outcome.send((test.run)(cx).await);
            }));
        });
        if let Err(panic) = catch_unwind(case) {
            let _ = report.send(Err(match message(&*panic) {
                // A virtual clock tells at once of what would otherwise run out of time.
                stalled if stalled.starts_with(STALLED) => format!("nothing more came{}", told.tell()),
                panicked => format!("it panicked: {panicked}"),
            }));
        }
    });
    match spawned.map(|_| receive(&verdict, limit, &waits_for)) {
        Ok(Ok(())) => Verdict::Holds,
        Ok(Err(why)) => Verdict::Broken(why),
        Err(error) => Verdict::Broken(format!("no thread could be started: {error}")),
    }
}

fn receive(verdict: &mpsc::Receiver<Outcome>, limit: Duration, waits: &Waits) -> Outcome {
    verdict.recv_timeout(limit).unwrap_or_else(|error| match error {
        mpsc::RecvTimeoutError::Timeout => Err(format!("it did not end within {limit:?}{}", waits.tell())),
        mpsc::RecvTimeoutError::Disconnected => Err("the harness did not run the case to its end".into()),
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
