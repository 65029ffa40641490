//! The same, over a connection.

use std::{
    cell::Cell,
    future::poll_fn,
    task::{Context, Poll},
};

use futures::FutureExt;
use realtime::{
    Client, ErrorKind, Json, Options,
    event::ServerEvent,
    mock::{Fault, FaultPlan, Faults, MockTransport, Moment},
    tools::Tools,
    transport::{Message, Transport, TransportErrorKind},
};
use serde_json::json;

use crate::{HELD, alone, mib};

#[test]
fn a_reader_who_never_reads_keeps_the_server_waiting() {
    let _alone = alone();
    let (transport, server) = MockTransport::new();
    server.capacity(16);
    let client = Client::builder(transport).build();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let session = server.try_accept_as::<realtime::Realtime>().unwrap();
    let before = HELD.current_usage();
    let mut link = session.into_duplex();
    let event = format!(r#"{{"type":"new.event","x":"{}"}}"#, "x".repeat(10_000));
    let mut sent = 0;
    let flood = async {
        loop {
            link.write.send(Message::Text(event.as_str().into())).await.unwrap();
            sent += 1;
        }
    };
    {
        let mut flood = std::pin::pin!(flood);
        let mut drive = std::pin::pin!(connection.drive());
        // Until neither goes on.
        let mut turns = 0;
        server.clock().block_on(poll_fn(|cx| {
            let _ = (flood.as_mut().poll(cx), drive.as_mut().poll(cx));
            turns += 1;
            if turns == 5_000 {
                Poll::Ready(())
            } else {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }));
    }
    let most = Options::default().inbox_bytes / event.len() + 64;
    assert!(sent <= most && sent > most / 2, "{sent} of {most} were taken");
    let held = HELD.current_usage().saturating_sub(before);
    assert!(mib(held) < 40, "{} MiB are held", mib(held));
    // And all of it is there for a reader who comes after all.
    let mut read = 0;
    while let Some(Some(event)) = connection.next().now_or_never() {
        read += usize::from(matches!(event.unwrap(), ServerEvent::Unknown(_)));
    }
    assert!(read + 64 >= sent, "{read} of {sent}");
}

#[test]
fn a_server_that_calls_and_never_listens_is_kept_waiting() {
    let _alone = alone();
    let (transport, server) = MockTransport::new();
    server.capacity(16);
    let client = Client::builder(transport).options(Options::default().queue_bytes(64 << 10)).build();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let tools = Tools::new().add_raw("write", "Writes.", json!({}).into(), async |_: Json| "word ".repeat(200));
    drop(connection.use_tools(tools).unwrap());
    let mut link = server.try_accept_as::<realtime::Realtime>().unwrap().into_duplex();
    let before = HELD.current_usage();
    let sent = Cell::new(0);
    let flood = async {
        loop {
            let number = sent.get();
            let event = format!(
                r#"{{"type":"response.output_item.done","response_id":"resp_{number}","output_index":0,"item":{{
                    "type":"function_call","id":"item_{number}","call_id":"call_{number}","name":"write","arguments":"{{}}"}}}}"#
            );
            link.write.send(Message::Text(event.into())).await.unwrap();
            sent.set(number + 1);
        }
    };
    let mut flood = std::pin::pin!(flood);
    let mut events = std::pin::pin!(connection.dispatch());
    let mut turn = |cx: &mut Context<'_>| (flood.as_mut().poll(cx), events.as_mut().poll(cx));
    let mut turns = 0;
    server.clock().block_on(poll_fn(|cx| {
        let _ = turn(cx);
        turns += 1;
        cx.waker().wake_by_ref();
        if turns == 5_000 { Poll::Ready(()) } else { Poll::Pending }
    }));
    // Four queues of answers, each of 1,100 bytes.
    let stopped = sent.get();
    assert!((200..400).contains(&stopped), "{stopped}");
    let held = HELD.current_usage().saturating_sub(before);
    assert!(mib(held) < 3, "{} MiB are held", mib(held));
    // It goes on as soon as the server listens.
    let mut answers = 0;
    server.clock().block_on(poll_fn(|cx| {
        let _ = turn(cx);
        while let Some(Ok(Some(_))) = link.read.receive().now_or_never() {
            answers += 1;
        }
        cx.waker().wake_by_ref();
        if answers < 1000 { Poll::Pending } else { Poll::Ready(()) }
    }));
    assert!(sent.get() >= 999);
}

#[test]
fn unknown_events_without_end_leave_nothing_behind() {
    let _alone = alone();
    let (transport, server) = MockTransport::new();
    let client = Client::builder(transport).build();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let session = server.try_accept_as::<realtime::Realtime>().unwrap();
    let before = HELD.current_usage();
    let text = "x".repeat(1000);
    let mut seen = 0;
    for number in 0..15_000 {
        session.send_raw(match number % 3 {
            0 => format!(r#"{{"type":"new.{number}","x":"{text}"}}"#),
            1 => format!("garbage {number} {text}"),
            _ => format!(r#"{{"type":"response.done","response":{number},"x":"{text}"}}"#),
        });
        while let Some(Some(event)) = connection.next().now_or_never() {
            event.unwrap();
            seen += 1;
        }
    }
    assert!(seen >= 15_000);
    let held = HELD.current_usage().saturating_sub(before);
    assert!(mib(held) < 4, "{} MiB are held", mib(held));
}

#[test]
fn a_message_over_the_limit_is_a_typed_end() {
    let (transport, server) = MockTransport::new();
    let client = Client::builder(transport).build();
    server.clock().block_on(async {
        let connection = client.realtime().model("m").connect().await.unwrap();
        let session = server.accept().await;
        session.send_raw(" ".repeat((16 << 20) + 1));
        let error = loop {
            if let Err(error) = connection.next().await.unwrap() {
                break error;
            }
        };
        assert!(
            matches!(error.kind(), ErrorKind::Transport(error) if error.kind() == TransportErrorKind::TooLarge),
            "{error:?}"
        );
    });
}

#[test]
fn faults_hold_nothing_back() {
    let _alone = alone();
    let (transport, server) = MockTransport::new();
    server.greet_with(None::<&str>);
    let plan = |_| FaultPlan::new().at(Moment::Read(0), Fault::Split).at(Moment::Read(9), Fault::Join);
    let faults = Faults::new(transport, plan);
    let handshake = realtime::endpoint::Handshake::new("ws://localhost/".parse().unwrap());
    let mut duplex = server.clock().block_on(faults.connect(handshake)).unwrap();
    let session = server.try_accept_as::<realtime::Realtime>().unwrap();
    let before = HELD.current_usage();
    for _ in 0..1_000 {
        session.send_raw("x".repeat(10_000));
        while let Some(Ok(Some(_))) = duplex.read.receive().now_or_never() {}
    }
    assert!(mib(HELD.current_usage().saturating_sub(before)) < 2);
}
