//! The shared driver: whoever waits, drives, and nobody is forgotten.

mod ahead;
mod dial;
mod executor;
mod hunt;
#[path = "../support/seeds.rs"]
mod seeds;
mod toy;

use std::{cell::Cell, pin::pin, task::Poll, time::Duration};

use futures::{
    FutureExt, StreamExt,
    future::{self, join, join3},
    poll,
};
use realtime::{
    Client, Connection, ErrorKind, Options,
    connection::{SendErrorKind, Unread},
    endpoint::Target,
    mock::{MockServer, MockSession, MockTransport},
    transport::{CloseFrame, Timer},
};
use toy::{Answer, Down, Toy, Up};

/// A toy connection that is open, and its other end.
fn open(options: Options) -> (Connection<Toy>, MockSession<Toy>, MockServer) {
    let connection_keeps_events = options.unread == Unread::Keep;
    let (transport, server) = MockTransport::new();
    server.greet_with(Some(r#"{"type":"opened"}"#));
    let client = Client::builder(transport).options(options).build();
    let connect = client.protocol::<Toy>().target(Target::Model("toy".into())).connect();
    let clock = server.clock().clone();
    let connection = clock.block_on(connect).unwrap();
    let session = server.try_accept_as().unwrap();
    if connection_keeps_events {
        assert_eq!(connection.next().now_or_never().unwrap().unwrap().unwrap(), Down::Opened);
    }
    (connection, session, server)
}

async fn ask(connection: &Connection<Toy>, n: u64) -> Answer {
    connection.request::<Answer>(Up::Ask(n)).unwrap().await.unwrap()
}

#[test]
fn an_answer_needs_nobody_who_calls_next() {
    let (connection, session, server) = open(Options::default());
    server.clock().block_on(join(async { assert_eq!(ask(&connection, 7).await, Answer(7)) }, async {
        assert_eq!(session.next().await, Some(Up::Ask(7)));
        session.send(Down::Number(1));
        session.send(Down::Answer(Answer(7)));
    }));
    // What was not asked for waits for its reader, in order.
    let events: Vec<_> = std::iter::from_fn(|| connection.next().now_or_never()).flatten().flatten().collect();
    assert_eq!(events, [Down::Number(1), Down::Answer(Answer(7))]);
}

#[test]
fn two_handles_in_one_task() {
    let (connection, session, server) = open(Options::default());
    server.clock().block_on(join3(ask(&connection, 1), ask(&connection, 2), async {
        assert_eq!((session.next().await, session.next().await), (Some(Up::Ask(1)), Some(Up::Ask(2))));
        // The other way round.
        session.send(Down::Answer(Answer(2)));
        session.send(Down::Answer(Answer(1)));
    }));
}

#[test]
fn a_refusal_arrives_where_it_belongs() {
    let (connection, session, server) = open(Options::default());
    let error = r#"{"type":"error","error":{"message":"no"}}"#;
    let ack = connection.request::<Answer>(Up::Ask(1)).unwrap();
    let (refused, ()) = server.clock().block_on(join(ack, async {
        assert_eq!(session.next().await, Some(Up::Ask(1)));
        session.send_raw(error);
    }));
    let refused = refused.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Request(error) if error.error.message == "no"));
}

#[test]
fn a_driver_dropped_half_way_stops_nobody() {
    let (connection, session, server) = open(Options::default());
    server.clock().block_on(async {
        let answer = connection.request::<Answer>(Up::Ask(1)).unwrap();
        let mut answer = pin!(answer);
        assert!(poll!(&mut answer).is_pending());
        {
            // It registers, is woken, and is never polled again.
            let mut next = pin!(connection.next());
            assert!(poll!(&mut next).is_pending());
            session.send(Down::Answer(Answer(1)));
        }
        assert_eq!(answer.await.unwrap(), Answer(1));
    });
}

#[test]
fn a_stream_that_lost_a_select_stops_nobody() {
    let (mut connection, session, server) = open(Options::default());
    server.clock().block_on(async {
        let sender = connection.sender();
        // The stream's own slot stays registered after this.
        assert!(poll!(StreamExt::next(&mut connection)).is_pending());
        sender.send(Up::Ask(3)).unwrap();
        let driver = connection.driver();
        let mut driver = pin!(driver);
        assert!(poll!(&mut driver).is_pending());
        assert_eq!(session.next().await, Some(Up::Ask(3)));
    });
}

#[test]
fn a_handle_held_unpolled_stops_nobody() {
    let (connection, session, server) = open(Options::default());
    server.clock().block_on(async {
        let mut held = Box::pin(ask(&connection, 1));
        assert!(poll!(&mut held).is_pending());
        join(async { assert_eq!(ask(&connection, 2).await, Answer(2)) }, async {
            session.send(Down::Answer(Answer(1)));
            session.send(Down::Answer(Answer(2)));
        })
        .await;
        assert_eq!(held.now_or_never(), Some(Answer(1)));
    });
}

#[test]
fn a_full_inbox_ends_the_wait_and_loses_nothing() {
    let mut options = Options::default();
    options.inbox_bytes = 640;
    let (connection, session, server) = open(options);
    server.clock().block_on(async {
        let mut answer = connection.request::<Answer>(Up::Ask(1)).unwrap();
        for n in 0..100 {
            session.send(Down::Number(n));
        }
        session.send(Down::Answer(Answer(1)));
        let mut seen = Vec::new();
        loop {
            match (&mut answer).await {
                Ok(answer) => break assert_eq!(answer, Answer(1)),
                Err(error) => assert!(matches!(error.kind(), ErrorKind::InboxFull), "{error}"),
            }
            while let Some(event) = connection.next().now_or_never() {
                seen.push(event.unwrap().unwrap());
            }
        }
        while let Some(event) = connection.next().now_or_never() {
            seen.push(event.unwrap().unwrap());
        }
        assert_eq!(seen.len(), 101);
        assert_eq!(seen[..100], (0..100).map(Down::Number).collect::<Vec<_>>());
    });
}

#[test]
fn a_full_inbox_pauses_a_driver_and_reading_wakes_it() {
    let mut options = Options::default();
    options.inbox_bytes = 640;
    let (connection, session, server) = open(options);
    server.clock().block_on(async {
        let driver = connection.driver();
        let mut driver = pin!(driver);
        for n in 0..100 {
            session.send(Down::Number(n));
        }
        let woken = Cell::new(0);
        future::poll_fn(|cx| {
            // Until it sleeps.
            while driver.as_mut().poll(cx).is_pending() {
                woken.set(woken.get() + 1);
                if woken.get() > 200 {
                    break;
                }
            }
            Poll::Ready(())
        })
        .await;
        let read = async {
            for n in 0..100 {
                assert_eq!(connection.next().await.unwrap().unwrap(), Down::Number(n));
            }
        };
        future::select(driver, pin!(read)).await;
    });
}

#[test]
fn events_can_be_discarded() {
    let mut options = Options::default();
    options.unread = Unread::Discard;
    options.inbox_bytes = 640;
    let (connection, session, server) = open(options);
    server.clock().block_on(async {
        for round in 0..50 {
            join(async { assert_eq!(ask(&connection, round).await, Answer(round)) }, async {
                assert_eq!(session.next().await, Some(Up::Ask(round)));
                for n in 0..100 {
                    session.send(Down::Number(n));
                }
                session.send(Down::Answer(Answer(round)));
            })
            .await;
        }
        assert!(connection.next().now_or_never().is_none());
    });
}

#[test]
fn a_blocked_write_lets_a_thousand_reads_through() {
    let (connection, session, server) = open(Options::default());
    server.clock().block_on(async {
        session.stall_writes(true);
        connection.send(Up::Say("never".into())).unwrap();
        for n in 0..1000 {
            session.send(Down::Number(n));
            assert_eq!(connection.next().await.unwrap().unwrap(), Down::Number(n));
        }
        assert_eq!(session.waiting(), 0);
    });
}

#[test]
fn two_hundred_unread_events_do_not_stall_a_send() {
    // Driven by a task of its own, with nobody reading.
    let (connection, session, server) = open(Options::default());
    let numbers = || (0..200).for_each(|n| session.send(Down::Number(n)));
    server.clock().block_on(async {
        numbers();
        connection.send(Up::Say("hello".into())).unwrap();
        let sent = pin!(session.next());
        match future::select(sent, connection.driver()).await {
            future::Either::Left((event, _)) => assert_eq!(event, Some(Up::Say("hello".into()))),
            future::Either::Right(_) => panic!("the connection ended"),
        }
    });
    // Flushing moves both directions, and keeps what arrives.
    server.clock().block_on(async {
        numbers();
        connection.send(Up::Say("again".into())).unwrap();
        connection.flush().await.unwrap();
        assert_eq!(session.next().await, Some(Up::Say("again".into())));
    });
    let read = std::iter::from_fn(|| connection.next().now_or_never()).map(|event| event.unwrap().unwrap());
    assert_eq!(read.collect::<Vec<_>>(), (0..200).chain(0..200).map(Down::Number).collect::<Vec<_>>());
}

#[test]
fn dropping_every_pending_next_loses_nothing() {
    let (connection, session, server) = open(Options::default());
    server.clock().block_on(async {
        for n in 0..100 {
            assert!(connection.next().now_or_never().is_none());
            session.send(Down::Number(n));
            assert_eq!(connection.next().await.unwrap().unwrap(), Down::Number(n));
        }
    });
}

#[test]
fn ten_unpolled_minutes_kill_nothing() {
    let (connection, session, server) = open(Options::default());
    let clock = server.clock().clone();
    clock.block_on(async {
        clock.sleep(Duration::from_secs(600)).await;
        // Alive on the first poll: the ping that goes out now is answered.
        assert!(connection.next().now_or_never().is_none());
        let serve = async {
            // Reading answers the pings.
            let quiet = async { while session.next().await.is_some() {} };
            future::select(pin!(quiet), clock.sleep(Duration::from_secs(600))).await;
            session.send(Down::Number(1));
        };
        let (event, ()) = join(connection.next(), serve).await;
        assert_eq!(event.unwrap().unwrap(), Down::Number(1));
    });
}

#[test]
fn a_half_open_link_is_noticed_in_under_thirty_seconds() {
    let (connection, session, server) = open(Options::default());
    let clock = server.clock().clone();
    session.half_open(true);
    let error = clock.block_on(connection.next()).unwrap().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(realtime::Deadline::Keepalive)));
    assert!(clock.now().since_origin() < Duration::from_secs(30));
    assert!(clock.block_on(connection.next()).is_none());
    assert_eq!(clock.pending(), 0);
}

#[test]
fn what_is_ready_takes_an_event_of_any_size() {
    let (connection, session, server) = open(Options::default().queue_bytes(1000));
    let long = || Up::Say("x".repeat(700));
    session.stall_writes(true);
    connection.send(long()).unwrap();
    // Not full yet, so nobody is to wait, and the next one has its place.
    connection.ready().now_or_never().unwrap().unwrap();
    connection.send(long()).unwrap();
    assert_eq!(connection.send(long()).unwrap_err().kind(), SendErrorKind::Full);
    assert!(connection.ready().now_or_never().is_none());
    session.stall_writes(false);
    server.clock().block_on(connection.ready()).unwrap();
    connection.send(long()).unwrap();
}

#[test]
fn close_overtakes_and_hands_back() {
    let (connection, session, server) = open(Options::default());
    let clock = server.clock().clone();
    session.stall_writes(true);
    for n in 0..3 {
        connection.send(Up::Ask(n)).unwrap();
    }
    let (unsent, ()) = clock.block_on(join(
        async {
            assert!(connection.flush().now_or_never().is_none());
            connection.close(CloseFrame::new(1000, "done")).await
        },
        async {
            clock.sleep(Duration::from_secs(1)).await;
            session.stall_writes(false);
            assert_eq!(session.next().await, Some(Up::Ask(0)));
            assert_eq!(session.closed().await, Some(CloseFrame::new(1000, "done")));
        },
    ));
    assert_eq!(unsent, [Up::Ask(1), Up::Ask(2)]);
    assert!(connection.send(Up::Commit).is_err());
    assert!(clock.block_on(connection.next()).is_none());
    assert_eq!(clock.pending(), 0);
}

#[test]
fn close_is_bounded_while_a_write_is_stalled() {
    let (connection, session, server) = open(Options::default());
    let clock = server.clock().clone();
    session.stall_writes(true);
    connection.send(Up::Ask(1)).unwrap();
    connection.send(Up::Ask(2)).unwrap();
    assert!(connection.flush().now_or_never().is_none());
    let unsent = clock.block_on(connection.close(CloseFrame::new(1000, "")));
    assert_eq!(unsent, [Up::Ask(2)]);
    assert_eq!(clock.now().since_origin(), Duration::from_secs(5));
    assert_eq!(clock.pending(), 0);
}

#[test]
fn finish_ends_the_session_in_the_protocols_own_way() {
    let (connection, session, server) = open(Options::default());
    connection.send(Up::Say("last words".into())).unwrap();
    server.clock().block_on(join(async { connection.finish().await.unwrap() }, async {
        assert_eq!(session.next().await, Some(Up::Say("last words".into())));
        assert_eq!(session.next().await, Some(Up::Quit));
        session.send(Down::Number(1));
        session.send(Down::Bye);
        assert_eq!(session.closed().await, Some(CloseFrame::new(1000, "")));
    }));
    let rest: Vec<_> = connection.map(Result::unwrap).collect::<Vec<_>>().now_or_never().unwrap();
    assert_eq!(rest, [Down::Number(1), Down::Bye]);
}
