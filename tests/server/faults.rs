//! Twenty thousand relayed sessions (two thousand by default) in which both links fail by chance: nothing is lost within
//! what arrives, nothing arrives twice or out of order, and each session ends on both sides in time.

use std::{sync::Arc, time::Duration};

use futures::future::{Either, join, select};
use realtime::{
    connection::{LinkOptions, OpenLink},
    endpoint::Handshake,
    mock::{Fault, FaultPlan, FaultTrigger, Faults, MockSession, MockTransport, VirtualClock},
    server::relay_links,
    transport::{CloseFrame, Message, Timer, Transport, TransportErrorKind},
};

use crate::seeds::{Dice, seeds};

const SESSIONS: u64 = 20_000;
/// Once a side is closed or dead, the session ends within the sum of its deadlines: keepalive, a write, the queue, closing.
const LONGEST: Duration = Duration::from_secs(25 + 30 + 30 + 5);
/// The script of one side takes at most so long.
const SCRIPT: Duration = Duration::from_secs(60);

/// Faults that change no text: what arrives must then be exactly what was sent. And whether there is any.
fn plan(dice: &mut Dice) -> (FaultPlan, bool) {
    let mut plan = FaultPlan::new();
    let (faults, end) = (dice.below(4), dice.below(8));
    for _ in 0..faults {
        let fault = match dice.below(6) {
            0 => Fault::StallReads(dice.millis(20_000)),
            1 => Fault::StallWrites(dice.millis(20_000)),
            2 => Fault::SlowReads(dice.millis(200)),
            3 => Fault::SlowWrites(dice.millis(200)),
            4 => Fault::garbage(),
            _ => Fault::binary(),
        };
        plan = plan.at(moment(dice), fault);
    }
    let plan = match end {
        0 => plan.at(moment(dice), Fault::HalfOpen),
        1 => plan.at(moment(dice), Fault::Break(TransportErrorKind::Io)),
        2 | 3 => {
            const CODES: [u16; 6] = [1000, 1001, 1011, 1013, 3000, 4000];
            let code = CODES[dice.below(6) as usize];
            plan.at(moment(dice), Fault::Close(CloseFrame::new(code, "drawn")))
        }
        _ => plan,
    };
    (plan, faults > 0 || end < 4)
}

fn moment(dice: &mut Dice) -> FaultTrigger {
    match dice.below(3) {
        0 => FaultTrigger::Read(dice.below(40)),
        1 => FaultTrigger::Written(dice.below(40)),
        _ => FaultTrigger::After(dice.millis(30_000)),
    }
}

/// One of the relay's links, with its faults, and the peer at its other end.
async fn side(clock: &VirtualClock, dice: &mut Dice, options: &LinkOptions) -> (OpenLink, MockSession, bool) {
    let (transport, server) = MockTransport::on(clock);
    server.greet_with(None::<&str>);
    server.capacity(1 + dice.below(8) as usize);
    let (plan, is_faulty) = plan(dice);
    let faults = Faults::new(transport, move |_| plan.clone());
    let duplex = faults.connect(Handshake::new("ws://x/".parse().unwrap())).await.unwrap();
    let timer: Arc<dyn Timer> = Arc::new(clock.clone());
    (OpenLink::new(duplex, timer, options.clone()), server.accept().await, is_faulty)
}

/// Sends numbered events, pausing now and then, and in the end may close.
async fn talk(clock: &VirtualClock, peer: &MockSession, mut dice: Dice, name: &str, may_close: bool) -> u64 {
    let events = dice.below(60);
    for number in 0..events {
        if dice.below(4) == 0 {
            clock.sleep(dice.millis(1500)).await;
        }
        let padding = "x".repeat(dice.below(300) as usize);
        peer.send_raw(format!(r#"{{"type":"{name}","number":{number},"padding":"{padding}"}}"#));
    }
    clock.sleep(dice.millis(2000)).await;
    if may_close && dice.below(2) == 0 {
        peer.close(1000, "done");
    }
    events
}

/// The numbers of the other side's events, until the link is over.
async fn listen(clock: &VirtualClock, peer: &MockSession, mut dice: Dice, name: &str) -> Vec<u64> {
    let mut numbers = Vec::new();
    let begin = format!(r#"{{"type":"{name}","number":"#);
    loop {
        if dice.below(16) == 0 {
            clock.sleep(dice.millis(3000)).await;
        }
        match peer.message().await {
            Ok(Some(Message::Text(text))) => {
                if let Some(rest) = text.to_str().unwrap().strip_prefix(&begin) {
                    numbers.push(rest.split(',').next().unwrap().parse().unwrap());
                }
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return numbers,
        }
    }
}

fn run(seed: u64) {
    let clock = VirtualClock::new();
    let mut dice = Dice(seed);
    let options = LinkOptions::default().queue_bytes(500 + dice.below(4000) as usize);
    clock.block_on(async {
        let (client_link, client, client_faulty) = side(&clock, &mut dice, &options).await;
        let (service_link, service, service_faulty) = side(&clock, &mut dice, &options).await;
        let faulty = client_faulty || service_faulty;
        let mut more = || Dice(dice.below(u64::MAX));
        let (talk_up, listen_up, talk_down, listen_down) = (more(), more(), more(), more());
        let peers = async {
            let said =
                join(talk(&clock, &client, talk_up, "up", faulty), talk(&clock, &service, talk_down, "down", faulty));
            let heard = join(listen(&clock, &service, listen_up, "up"), listen(&clock, &client, listen_down, "down"));
            let both = async {
                let said = said.await;
                // Without a fault, everything has arrived by then.
                clock.sleep(if faulty { Duration::ZERO } else { SCRIPT }).await;
                client.close(1000, "done");
                if faulty {
                    service.close(1000, "done");
                }
                said
            };
            join(both, heard).await
        };
        let relayed = async {
            let end = relay_links(client_link, service_link, ()).await;
            (end, clock.now().since_origin())
        };
        let nap = clock.sleep(2 * SCRIPT + 2 * LONGEST);
        let all = std::pin::pin!(join(relayed, peers));
        let Either::Left((((end, over), ((up, down), (heard_up, heard_down))), _)) = select(all, nap).await else {
            panic!("seed {seed}: the session does not end");
        };
        assert!(over <= if faulty { SCRIPT } else { SCRIPT + SCRIPT } + LONGEST, "seed {seed}: {over:?}");
        for (name, said, heard) in [("up", up, &heard_up), ("down", down, &heard_down)] {
            let expected: Vec<u64> = (0..heard.len() as u64).collect();
            assert_eq!(heard, &expected, "seed {seed}, {name}: lost within, doubled, or out of order");
            assert!(heard.len() as u64 <= said, "seed {seed}, {name}");
        }
        if !faulty {
            assert!(end.client.is_ok() && end.upstream.is_ok(), "seed {seed}: {end:?}");
            assert_eq!((heard_up.len() as u64, heard_down.len() as u64), (up, down), "seed {seed}");
        }
    });
}

#[test]
fn whatever_fails_nothing_is_lost_within_or_doubled_and_both_sides_end() {
    for seed in 0..seeds(SESSIONS) {
        run(seed);
    }
}
