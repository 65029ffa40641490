//! The same, over a connection.

use std::{future::poll_fn, pin::pin, task::Poll};

use futures::{
    FutureExt, StreamExt,
    future::{join, select},
};
use realtime::{
    Client, Connection, ErrorKind, Json, Options, Realtime,
    connection::{Notice, Reconnect, Update},
    event::{Event, ServerEvent},
    mock::{Fault, FaultPlan, FaultTrigger, Faults, MockServer, MockTransport},
    tools::Tools,
    transport::{CloseFrame, Duplex, Message, Timer, Transport, TransportErrorKind},
};
use serde_json::json;

use crate::{HELD, alone, mib};

/// Polls both many times, whether they were woken or not.
fn until_neither_goes_on(server: &MockServer, flood: impl Future, other: impl Future) {
    let (mut flood, mut other) = (pin!(flood), pin!(other));
    let mut turns = 0;
    server.clock().block_on(poll_fn(|cx| {
        let _ = (flood.as_mut().poll(cx).is_ready(), other.as_mut().poll(cx).is_ready());
        turns += 1;
        cx.waker().wake_by_ref();
        if turns == 5_000 { Poll::Ready(()) } else { Poll::Pending }
    }));
}

#[test]
fn a_reader_who_never_reads_keeps_the_server_waiting() {
    let _alone = alone();
    let (transport, server) = MockTransport::new();
    server.capacity(16);
    let client = Client::builder(transport).build();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let session = server.try_accept_as::<Realtime>().unwrap();
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
    until_neither_goes_on(&server, flood, connection.drive());
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

/// A call of a function, in a response of its own.
fn call(number: usize) -> Message {
    let event = json!({
        "type": "response.output_item.done", "response_id": format!("resp_{number}"), "output_index": 0,
        "item": {
            "type": "function_call", "id": format!("item_{number}"), "call_id": format!("call_{number}"),
            "name": "write", "arguments": "{}",
        },
    });
    Message::Text(event.to_string().into())
}

/// A connection whose server calls without end and never listens, as far as it comes. How many calls were taken.
fn flooded(reconnect: Option<Reconnect>) -> (Connection<Realtime>, Duplex, MockServer, usize) {
    let (transport, server) = MockTransport::new();
    server.capacity(16);
    let options = Options::default().queue_bytes(64 << 10);
    let client = Client::builder(transport).options(options).reconnect(reconnect).build();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let tools = Tools::new().add_raw("write", "Writes.", json!({}).into(), async |_: Json| "word ".repeat(200));
    drop(connection.use_tools(tools).unwrap());
    let mut link = server.try_accept_as::<Realtime>().unwrap().into_duplex();
    let mut sent = 0;
    let flood = async {
        loop {
            link.write.send(call(sent)).await.unwrap();
            sent += 1;
        }
    };
    until_neither_goes_on(&server, flood, connection.dispatch());
    (connection, link, server, sent)
}

#[test]
fn a_server_that_calls_and_never_listens_is_kept_waiting() {
    let _alone = alone();
    let before = HELD.current_usage();
    let (connection, mut link, server, sent) = flooded(None);
    // Four queues of answers, each of 1,100 bytes.
    assert!((200..400).contains(&sent), "{sent}");
    let held = HELD.current_usage().saturating_sub(before);
    assert!(mib(held) < 3, "{} MiB are held", mib(held));
    // It goes on as soon as the server listens.
    let talk = async {
        for number in sent..sent + 1000 {
            link.write.send(call(number)).await.unwrap();
        }
    };
    let listen = async {
        for _ in 0..sent + 1000 {
            link.read.receive().await.unwrap();
        }
    };
    server.clock().block_on(select(pin!(connection.dispatch()), pin!(join(talk, listen))));
}

#[test]
fn a_server_that_never_listened_can_still_say_goodbye() {
    let _alone = alone();
    let (connection, mut link, server, _) = flooded(None);
    let begin = server.clock().now();
    let listen = async { while let Ok(Some(_)) = link.read.receive().await {} };
    let (unsent, ()) = server.clock().block_on(join(connection.close(CloseFrame::new(1000, "")), listen));
    assert_eq!(unsent[0].kind(), "conversation.item.create");
    assert_eq!(server.clock().now(), begin);
}

#[test]
fn answers_that_nobody_heard_do_not_keep_another_session_from_opening() {
    let _alone = alone();
    let (connection, link, server, _) = flooded(Some(Reconnect::default()));
    drop(link);
    let updates = async {
        let reconnected =
            |update| async move { matches!(update, Ok(Update::Notice(Notice::Reconnected(_)))).then_some(()) };
        pin!(connection.updates().filter_map(reconnected)).next().await
    };
    assert_eq!(server.clock().block_on(updates), Some(()));
}

#[test]
fn unknown_events_without_end_leave_nothing_behind() {
    let _alone = alone();
    let (transport, server) = MockTransport::new();
    let client = Client::builder(transport).build();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let session = server.try_accept_as::<Realtime>().unwrap();
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
    let _alone = alone();
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
    let plan = |_| FaultPlan::new().at(FaultTrigger::Read(0), Fault::Split).at(FaultTrigger::Read(9), Fault::Join);
    let faults = Faults::new(transport, plan);
    let handshake = realtime::endpoint::Handshake::new("ws://localhost/".parse().unwrap());
    let mut duplex = server.clock().block_on(faults.connect(handshake)).unwrap();
    let session = server.try_accept_as::<Realtime>().unwrap();
    let before = HELD.current_usage();
    for _ in 0..1_000 {
        session.send_raw("x".repeat(10_000));
        while let Some(Ok(Some(_))) = duplex.read.receive().now_or_never() {}
    }
    assert!(mib(HELD.current_usage().saturating_sub(before)) < 2);
}
