//! Relayed sessions in memory: what passes, what a tap decides, and how they end.

use std::{sync::Arc, time::Duration};

use futures::future::{Either, join, select};
use realtime::{
    connection::{Keepalive, LinkOptions, OpenLink},
    mock::{VirtualClock, duplex},
    server::{Direction, Head, Injector, RelayEnd, Tap, Verdict, relay_links},
    transport::{CloseFrame, Duplex, Message, Timer},
};

/// A relay between two links in memory, and their far ends.
fn relay<T: Tap + 'static>(
    clock: &VirtualClock,
    options: &LinkOptions,
    capacity: usize,
    tap: T,
) -> (impl Future<Output = RelayEnd> + use<T>, Duplex, Duplex) {
    let (client, client_link) = duplex(capacity);
    let (service, service_link) = duplex(capacity);
    let link = |duplex| OpenLink::new(duplex, Arc::new(clock.clone()) as Arc<dyn Timer>, options.clone());
    (relay_links(link(client_link), link(service_link), tap), client, service)
}

fn text(text: impl Into<String>) -> Message {
    Message::Text(text.into().into())
}

/// The next message that carries data, or the close frame.
async fn next(duplex: &mut Duplex) -> Option<Message> {
    loop {
        match duplex.read.receive().await.ok()? {
            Some(Message::Ping(_) | Message::Pong(_)) => {}
            other => return other,
        }
    }
}

/// Runs a relay with what its two ends do; the ends must have done it before the relay is over.
fn run<R>(clock: &VirtualClock, relay: impl Future<Output = RelayEnd>, ends: impl Future<Output = R>) -> (RelayEnd, R) {
    clock.block_on(join(relay, ends))
}

#[test]
fn events_pass_as_the_text_that_they_came_as() {
    let clock = VirtualClock::new();
    let (relay, mut client, mut service) = relay(&clock, &LinkOptions::default(), 2, ());
    let up = [r#"{ "type" : "session.update", "unheard_of": [1e400] }"#, "no JSON", "", r#"{"type":"brand.new"}"#];
    let (end, ()) = run(&clock, relay, async {
        for sent in up {
            client.write.send(text(sent)).await.unwrap();
            assert_eq!(next(&mut service).await, Some(text(sent)));
            service.write.send(text(sent)).await.unwrap();
            assert_eq!(next(&mut client).await, Some(text(sent)));
        }
        let binary = Message::Binary(vec![0, 159, 1].into());
        service.write.send(binary.clone()).await.unwrap();
        assert_eq!(next(&mut client).await, Some(binary));
        client.write.send(Message::Close(Some(CloseFrame::new(1000, "done")))).await.unwrap();
        assert_eq!(next(&mut service).await, Some(Message::Close(Some(CloseFrame::new(1000, "done")))));
    });
    assert_eq!((end.events_up, end.events_down), (4, 5));
    assert_eq!((end.client.is_ok(), end.upstream.is_ok(), end.closed_by_tap), (true, true, false));
}

#[test]
fn close_codes_are_carried_over_and_a_lost_side_is_told_to_the_other() {
    let frame = |code, reason: &str| Some(CloseFrame::new(code, reason));
    for (sent, down, up) in [
        (frame(1000, ""), frame(1000, ""), frame(1000, "")),
        (frame(3000, "invalid_key"), frame(3000, "invalid_key"), frame(3000, "invalid_key")),
        (frame(4001, "x"), frame(4001, "x"), frame(4001, "x")),
        (None, None, None),
        // What says something of one hop alone, or is never sent.
        (frame(1002, "x"), frame(1011, "the service is gone"), frame(1001, "the client is gone")),
        (frame(1006, ""), frame(1011, "the service is gone"), frame(1001, "the client is gone")),
    ] {
        for from_service in [true, false] {
            let clock = VirtualClock::new();
            let (relay, mut client, mut service) = relay(&clock, &LinkOptions::default(), 8, ());
            let (near, far) = if from_service { (&mut service, &mut client) } else { (&mut client, &mut service) };
            let (end, ()) = run(&clock, relay, async {
                near.write.send(text("last words")).await.unwrap();
                near.write.send(Message::Close(sent.clone())).await.unwrap();
                assert_eq!(next(far).await, Some(text("last words")));
                let expected = if from_service { down.clone() } else { up.clone() };
                assert_eq!(next(far).await, Some(Message::Close(expected)), "{sent:?}");
            });
            let told = if from_service { end.upstream_close } else { end.client_close };
            assert_eq!(told.map(|frame| frame.code), Some(sent.as_ref().map_or(1005, |frame| frame.code)));
        }
    }
    let clock = VirtualClock::new();
    let (relay, mut client, service) = relay(&clock, &LinkOptions::default(), 8, ());
    drop(service);
    let (end, ()) = run(&clock, relay, async {
        assert_eq!(next(&mut client).await, Some(Message::Close(frame(1011, "the service is gone"))));
    });
    assert!(end.upstream.unwrap_err().is_retryable());
}

#[test]
fn a_slow_peer_is_not_read_ahead_of_and_costs_only_itself() {
    let clock = VirtualClock::new();
    let event = format!(r#"{{"type":"x","padding":"{}"}}"#, "x".repeat(1000));
    let options = LinkOptions::default().queue_bytes(4000).keepalive(None).write_timeout(Duration::from_secs(9));
    let (relay, client, service) = relay(&clock, &options, 2, ());
    let (mut service_write, mut service_read) = (service.write, service.read);
    let (mut client_write, client_read) = (client.write, client.read);
    let mut sent = 0;
    let (end, ()) = run(&clock, relay, async {
        let flood = async {
            while service_write.send(text(event.clone())).await.is_ok() {
                sent += 1;
            }
        };
        let answers = async {
            // Meanwhile the other direction goes on.
            for _ in 0..50 {
                client_write.send(text("still here")).await.unwrap();
                while service_read.receive().await.unwrap() != Some(text("still here")) {}
            }
            while let Ok(Some(_)) = service_read.receive().await {}
        };
        join(flood, answers).await;
    });
    drop(client_read);
    // Two in each link, four in the outbox, one being written.
    assert!((8..12).contains(&sent), "{sent}");
    assert!(end.client.is_err() && end.events_up == 50);
    assert_eq!(clock.now().since_origin(), Duration::from_secs(9), "the timeout of the write");
}

#[test]
fn a_half_open_side_ends_the_session_on_both() {
    let keepalive = Keepalive::new(Duration::from_secs(15), Duration::from_secs(10));
    for silent_client in [true, false] {
        let clock = VirtualClock::new();
        let (relay, client, service) = relay(&clock, &LinkOptions::default().keepalive(keepalive), 8, ());
        let (mut silent, mut live) = if silent_client { (client, service) } else { (service, client) };
        let (end, ()) = run(&clock, relay, async {
            let expected = if silent_client { 1001 } else { 1011 };
            let Some(Message::Close(Some(frame))) = next(&mut live).await else { panic!("no close frame") };
            assert_eq!(frame.code, expected);
        });
        assert_eq!(clock.now().since_origin(), Duration::from_secs(25));
        assert_eq!(end.client.is_err(), silent_client);
        // Not dropped before: that would have been noticed.
        drop(silent.write.send(text("")));
    }
}

/// Decides by the type of an event.
struct Script(VirtualClock);

impl Tap for Script {
    fn event(&mut self, direction: Direction, head: &Head<'_>, injector: &mut Injector) -> Verdict {
        match head.kind() {
            "drop" => Verdict::Drop,
            "replace" => Verdict::Replace(r#"{"type":"other"}"#.into()),
            "close" => Verdict::Close(CloseFrame::new(4003, "not allowed")),
            "inject" => {
                injector.inject(direction, "before");
                injector.inject(
                    match direction {
                        Direction::Up => Direction::Down,
                        Direction::Down => Direction::Up,
                    },
                    format!("for {}", head.event_id().unwrap_or_default()),
                );
                Verdict::Pass
            }
            "think" => {
                let nap = self.0.sleep(Duration::from_secs(2));
                Verdict::Wait(Box::pin(async move {
                    nap.await;
                    Verdict::Replace("thought".into())
                }))
            }
            "never" => Verdict::Wait(Box::pin(std::future::pending())),
            _ => Verdict::Pass,
        }
    }
}

fn event(kind: &str) -> Message {
    text(format!(r#"{{"type":"{kind}","event_id":"e1"}}"#))
}

#[test]
fn a_tap_drops_replaces_injects_and_closes() {
    let clock = VirtualClock::new();
    let (relay, mut client, mut service) = relay(&clock, &LinkOptions::default(), 8, Script(clock.clone()));
    let (end, ()) = run(&clock, relay, async {
        for kind in ["drop", "replace", "inject", "plain"] {
            client.write.send(event(kind)).await.unwrap();
        }
        for expected in [text(r#"{"type":"other"}"#), text("before"), event("inject"), event("plain")] {
            assert_eq!(next(&mut service).await, Some(expected));
        }
        assert_eq!(next(&mut client).await, Some(text("for e1")));
        service.write.send(event("close")).await.unwrap();
        assert_eq!(next(&mut client).await, Some(Message::Close(Some(CloseFrame::new(4003, "not allowed")))));
        assert_eq!(next(&mut service).await, Some(Message::Close(Some(CloseFrame::new(1000, "")))));
    });
    assert!(end.closed_by_tap);
}

#[test]
fn a_slow_decision_holds_its_own_direction_only_and_loses_nothing() {
    let clock = VirtualClock::new();
    let (relay, mut client, mut service) = relay(&clock, &LinkOptions::default(), 8, Script(clock.clone()));
    run(&clock, relay, async {
        client.write.send(event("think")).await.unwrap();
        client.write.send(text("behind")).await.unwrap();
        // Ten messages go the other way at once.
        for _ in 0..10 {
            service.write.send(text("audio")).await.unwrap();
            assert_eq!(next(&mut client).await, Some(text("audio")));
        }
        assert_eq!(clock.now().since_origin(), Duration::ZERO);
        // The client leaves before it is decided. What it said arrives nevertheless.
        client.write.send(Message::Close(Some(CloseFrame::new(1000, "")))).await.unwrap();
        assert_eq!(next(&mut service).await, Some(text("thought")));
        assert_eq!(clock.now().since_origin(), Duration::from_secs(2));
        assert_eq!(next(&mut service).await, Some(text("behind")));
        assert!(matches!(next(&mut service).await, Some(Message::Close(_))));
    });
}

#[test]
fn a_decision_that_never_comes_ends_the_session() {
    let clock = VirtualClock::new();
    let options = LinkOptions::default().keepalive(None);
    let (relay, mut client, mut service) = relay(&clock, &options, 8, Script(clock.clone()));
    run(&clock, relay, async {
        client.write.send(event("never")).await.unwrap();
        let Some(Message::Close(Some(frame))) = next(&mut client).await else { panic!("no close frame") };
        assert_eq!(frame.code, 1011);
        assert!(matches!(next(&mut service).await, Some(Message::Close(_))));
    });
    assert_eq!(clock.now().since_origin(), Duration::from_secs(30));
}

#[test]
fn a_dropped_relay_breaks_both_links() {
    let clock = VirtualClock::new();
    let (relay, mut client, mut service) = relay(&clock, &LinkOptions::default(), 8, ());
    clock.block_on(async {
        let relay = Box::pin(relay);
        let nap = clock.sleep(Duration::from_secs(1));
        let Either::Right(((), relay)) = select(relay, nap).await else { panic!("it is over") };
        drop(relay);
        assert!(client.read.receive().await.is_err() && service.read.receive().await.is_err());
    });
}
