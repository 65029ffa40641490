//! A whole connection over a link that goes wrong by chance.

#[path = "../support/marks.rs"]
mod marks;

use std::{collections::BTreeSet, time::Duration};

use futures::StreamExt;
use realtime::{
    Client, ErrorKind,
    connection::{Keepalive, Reconnect},
    event::ServerEvent,
    mock::{Fault, FaultKind, FaultPlan, FaultTrigger, Faults, Pace, Simulator, VirtualClock},
    transport::{CloseFrame, Timer},
    types::{Item, ResponseConfig},
};

/// What happened, in words.
struct Course {
    trace: Vec<String>,
    troubles: Vec<FaultKind>,
}

/// Twelve questions over a link that breaks by chance, and what was seen.
fn course(seed: u64) -> Course {
    let clock = VirtualClock::new();
    let simulator = Simulator::new().pace(Pace::LIVE).obfuscation(false);
    let faults = Faults::seeded(simulator.transport(&clock), seed);
    let client = Client::builder(faults.clone()).reconnect(Reconnect::default()).build();
    let mut trace = Vec::new();
    clock.block_on(async {
        let connection = match client.realtime().model("m").connect().await {
            Ok(connection) => connection,
            Err(error) => return trace.push(format!("{:?} {error}", clock.now())),
        };
        for number in 0..12 {
            let item = Item::user(format!("Question {number}"));
            drop(connection.conversation().item().create(item));
            drop(connection.response().create(ResponseConfig::default()));
            let pause = clock.sleep(Duration::from_secs(4));
            let mut updates = connection.updates().take_until(pause);
            while let Some(update) = updates.next().await {
                trace.push(format!("{:?} {update:?}", clock.now()));
                if update.is_err() {
                    return;
                }
            }
        }
        let left = connection.close(CloseFrame::new(1000, "done")).await;
        trace.push(format!("{:?} {left:?}", clock.now()));
    });
    assert_eq!(clock.pending(), 0, "seed {seed}: an alarm is left armed");
    let trace = trace.into_iter().map(|line| marks::without_marks(&line)).collect();
    Course { trace, troubles: faults.injected().into_iter().map(|struck| struck.kind).collect() }
}

#[test]
fn a_seed_gives_the_same_course_and_every_course_ends() {
    let mut kinds = BTreeSet::new();
    for seed in 0..60 {
        let first = course(seed);
        let again = course(seed);
        assert_eq!(first.trace, again.trace, "seed {seed}");
        assert_eq!(first.troubles, again.troubles, "seed {seed}");
        let name = |trouble: &FaultKind| format!("{trouble:?}").split(['(', ' ']).take(2).collect::<String>();
        kinds.extend(first.troubles.iter().map(name));
    }
    // A hunt that never meets what it hunts for proves nothing.
    for kind in [
        "ConnectDelay",
        "ConnectRefuse",
        "ConnectFail",
        "ConnectNever",
        "FaultClose",
        "FaultBreak",
        "FaultHalfOpen",
        "FaultStallReads",
        "FaultStallWrites",
        "FaultSlowReads",
        "FaultSlowWrites",
        "FaultInject",
        "FaultSplit",
        "FaultJoin",
    ] {
        assert!(kinds.iter().any(|found| found.starts_with(kind)), "{kind} is not among {kinds:?}");
    }
}

#[test]
fn a_half_open_link_is_noticed_within_thirty_seconds() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new();
    let half_open = |_| FaultPlan::new().at(FaultTrigger::Read(1), Fault::HalfOpen);
    let client = Client::builder(Faults::new(simulator.transport(&clock), half_open)).build();
    clock.block_on(async {
        let connection = client.realtime().model("m").connect().await.unwrap();
        let begun = clock.now();
        let error = loop {
            match connection.next().await.unwrap() {
                Ok(event) => {
                    assert!(matches!(event, ServerEvent::SessionCreated(_) | ServerEvent::ConversationCreated(_)))
                }
                Err(error) => break error,
            }
        };
        assert!(matches!(error.kind(), ErrorKind::Timeout(_)), "{error}");
        let keepalive = Keepalive::default();
        assert!(clock.now() - begun <= Duration::from_secs(30));
        assert!(clock.now() - begun >= keepalive.idle);
    });
}
