//! The server's end of a connection, by itself.

use std::{sync::Arc, time::Duration};

use futures::future::join;
use realtime::{
    ErrorKind, Realtime,
    connection::{Keepalive, LinkOptions, SendErrorKind},
    endpoint::Handshake,
    event::{ClientEvent, ServerEvent},
    mock::{VirtualClock, duplex},
    server::{Accepted, Acceptor, Denial, ServerConnection},
    transport::{CloseFrame, Duplex, Message, Text, Timer},
};

const CREATED: &str = r#"{"type":"session.created","event_id":"e","session":{"type":"realtime","id":"s"}}"#;

fn handshake() -> Handshake {
    Handshake::new("ws://server.test/v1/realtime?model=m".parse().unwrap())
}

/// Both ends of a link in memory: a server's connection, and a client's raw halves.
fn pair(clock: &VirtualClock, options: LinkOptions, capacity: usize) -> (ServerConnection<Realtime>, Duplex) {
    let (near, far) = duplex(capacity);
    (accepted(clock, near, options).open(), far)
}

fn accepted(clock: &VirtualClock, duplex: Duplex, options: LinkOptions) -> Accepted {
    let acceptor = Acceptor::new(Arc::new(clock.clone())).options(options);
    Accepted::over(duplex, handshake(), &acceptor)
}

fn text(text: &str) -> Message {
    Message::Text(text.into())
}

#[test]
fn events_of_every_kind_arrive_with_their_text() {
    let clock = VirtualClock::new();
    let (mut server, mut client) = pair(&clock, LinkOptions::default(), 8);
    clock.block_on(async {
        let texts = [
            r#"{"type":"input_audio_buffer.commit","event_id":"e1","more":[1]}"#,
            r#"{"type":"brand.new","x":1}"#,
            r#"{"type":"conversation.item.delete"}"#,
            "no JSON",
        ];
        for sent in texts {
            client.write.send(text(sent)).await.unwrap();
        }
        client.write.send(Message::Binary("bytes".into())).await.unwrap();
        let mut kinds = Vec::new();
        for sent in texts {
            let received = server.next().await.unwrap().unwrap();
            assert_eq!(received.text, Text::from(sent));
            kinds.push(received.event);
        }
        assert!(matches!(
            &kinds[..],
            [
                ClientEvent::InputAudioBufferCommit(_),
                ClientEvent::Custom(_),
                ClientEvent::Malformed(_),
                ClientEvent::Invalid(_)
            ]
        ));
        assert!(matches!(server.next().await.unwrap().unwrap().event, ClientEvent::Invalid(_)));
    });
}

#[test]
fn a_client_that_does_not_read_fills_the_outbox_and_is_given_up() {
    let clock = VirtualClock::new();
    let options = LinkOptions::default().queue_bytes(1000).write_timeout(Duration::from_secs(7)).keepalive(None);
    let (mut server, _client) = pair(&clock, options, 1);
    let sender = server.sender();
    let event = format!(r#"{{"type":"x","padding":"{}"}}"#, "x".repeat(100));
    let accepted = (0..100).take_while(|_| sender.send_text(&*event).is_ok()).count();
    assert!((8..12).contains(&accepted), "{accepted}");
    assert_eq!(sender.send_text(&*event).unwrap_err().kind, SendErrorKind::Full);
    clock.block_on(async {
        // One message fits into the link, which is room again.
        let (ready, ended) = join(sender.ready(), server.next()).await;
        assert_eq!(ready, Ok(()));
        let error = ended.unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Timeout(realtime::Deadline::Write)), "{error:?}");
        assert!(server.next().await.is_none());
    });
    assert_eq!(clock.now().since_origin(), Duration::from_secs(7));
    assert_eq!(sender.send_text("{}").unwrap_err().kind, SendErrorKind::Closed);
    assert_eq!(clock.block_on(sender.ready()), Err(SendErrorKind::Closed));
}

#[test]
fn a_half_open_client_is_detected_and_one_that_answers_pings_is_kept() {
    let clock = VirtualClock::new();
    let keepalive = Keepalive::new(Duration::from_secs(20), Duration::from_secs(5));
    let (mut server, client) = pair(&clock, LinkOptions::default().keepalive(keepalive), 8);
    clock.block_on(async {
        // Nothing reads the client's end, so nothing answers.
        let error = server.next().await.unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Timeout(realtime::Deadline::Keepalive)), "{error:?}");
    });
    assert_eq!(clock.now().since_origin(), Duration::from_secs(25));
    drop(client);

    let (mut server, mut client) = pair(&clock, LinkOptions::default().keepalive(keepalive), 8);
    clock.block_on(async {
        let answer = async { while let Ok(Some(_)) = client.read.receive().await {} };
        let an_hour = clock.sleep(Duration::from_secs(3600));
        futures::pin_mut!(answer);
        futures::select! {
            () = futures::FutureExt::fuse(answer) => panic!("the server closed"),
            event = futures::FutureExt::fuse(Box::pin(server.next())) => panic!("{event:?}"),
            () = futures::FutureExt::fuse(Box::pin(an_hour)) => {}
        }
    });
}

#[test]
fn closing_writes_what_is_queued_and_waits_for_the_client() {
    let clock = VirtualClock::new();
    let (server, mut client) = pair(&clock, LinkOptions::default(), 2);
    for _ in 0..5 {
        server.sender().send_text(CREATED).unwrap();
    }
    clock.block_on(async {
        let read = async {
            let mut texts = 0;
            loop {
                match client.read.receive().await.unwrap() {
                    Some(Message::Text(_)) => texts += 1,
                    Some(Message::Close(frame)) => break (texts, frame),
                    other => panic!("{other:?}"),
                }
            }
        };
        let (closed, read) = join(server.close(1001, "away"), read).await;
        closed.unwrap();
        assert_eq!(read, (5, Some(CloseFrame::new(1001, "away"))));
    });
}

#[test]
fn a_client_that_never_closes_is_not_awaited_for_ever() {
    let clock = VirtualClock::new();
    let (server, _client) = pair(&clock, LinkOptions::default().close_timeout(Duration::from_secs(4)), 8);
    clock.block_on(server.close(1000, "")).unwrap();
    assert_eq!(clock.now().since_origin(), Duration::from_secs(4));
    // Nor is one that does not take what is queued.
    let options = LinkOptions::default().finish_timeout(Duration::from_secs(3)).write_timeout(Duration::from_secs(9));
    let (server, _client) = pair(&clock, options, 1);
    for _ in 0..5 {
        server.sender().send_text(CREATED).unwrap();
    }
    let before = clock.now();
    clock.block_on(server.close(1000, "")).unwrap();
    assert_eq!(clock.now() - before, Duration::from_secs(8));
}

#[test]
fn the_clients_close_code_is_reported() {
    let clock = VirtualClock::new();
    for (frame, code, is_error) in [
        (Some(CloseFrame::new(1000, "done")), 1000, false),
        (Some(CloseFrame::new(1001, "tab closed")), 1001, true),
        (None, 1005, true),
    ] {
        let (mut server, mut client) = pair(&clock, LinkOptions::default(), 8);
        clock.block_on(async {
            client.write.send(Message::Close(frame)).await.unwrap();
            let ended = server.next().await;
            assert_eq!(ended.is_some(), is_error);
            assert_eq!(server.peer_close().map(|frame| frame.code), Some(code));
            assert_eq!(server.send_error(), Some(SendErrorKind::Closed));
        });
    }
    // Without a close frame it is a lost link.
    let (mut server, client) = pair(&clock, LinkOptions::default(), 8);
    drop(client);
    let error = clock.block_on(server.next()).unwrap().unwrap_err();
    assert!(error.is_retryable() && matches!(error.kind(), ErrorKind::Transport(_)), "{error:?}");
}

/// What sending comes to.
trait SendsNothing {
    fn send_error(&self) -> Option<SendErrorKind>;
}

impl SendsNothing for ServerConnection<Realtime> {
    fn send_error(&self) -> Option<SendErrorKind> {
        self.sender().send_text(CREATED).err().map(|error| error.kind)
    }
}

#[test]
fn messages_beyond_the_limit_end_the_connection() {
    let clock = VirtualClock::new();
    let (mut server, mut client) = pair(&clock, LinkOptions::default().max_inbound(100).max_outbound(100), 8);
    let long = "x".repeat(101);
    let refused = server.sender().send_text(&*long).unwrap_err();
    assert_eq!(refused.kind, SendErrorKind::TooLarge { size: 101, limit: 100 });
    clock.block_on(async {
        client.write.send(text(&long)).await.unwrap();
        let error = server.next().await.unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooLarge { size: 101, limit: 100 }), "{error:?}");
    });
}

#[test]
fn a_split_connection_is_driven_while_the_application_is_busy() {
    let clock = VirtualClock::new();
    let keepalive = Keepalive::new(Duration::from_secs(1), Duration::from_secs(1));
    let (server, client) = pair(&clock, LinkOptions::default().keepalive(keepalive), 8);
    let (sender, mut receiver, driver) = server.split();
    let (mut write, mut read) = (client.write, client.read);
    clock.block_on(async {
        let application = async {
            let first = receiver.next().await.unwrap();
            assert!(matches!(first.event, ClientEvent::InputAudioBufferClear(_)));
            // It thinks for longer than a client that is not driven would be kept.
            clock.sleep(Duration::from_secs(60)).await;
            sender.send_text(CREATED).unwrap();
            sender.finish(1000, "done");
            while receiver.next().await.is_some() {}
        };
        let peer = async {
            write.send(text(r#"{"type":"input_audio_buffer.clear"}"#)).await.unwrap();
            let mut texts = 0;
            while let Ok(Some(message)) = read.receive().await {
                texts += u32::from(matches!(message, Message::Text(_)));
            }
            assert_eq!(texts, 1);
        };
        let (ended, (), ()) = futures::join!(driver, application, peer);
        ended.unwrap();
    });
}

#[test]
fn a_session_whose_receiver_is_dropped_is_closed() {
    let clock = VirtualClock::new();
    let (server, mut client) = pair(&clock, LinkOptions::default(), 8);
    let (_sender, receiver, driver) = server.split();
    drop(receiver);
    clock.block_on(async {
        let close = async {
            match client.read.receive().await {
                Ok(Some(Message::Close(frame))) => frame.unwrap().code,
                other => panic!("{other:?}"),
            }
        };
        let (ended, code) = join(driver, close).await;
        ended.unwrap();
        assert_eq!(code, 1011);
    });
}

#[test]
fn a_credential_is_refused_in_the_services_way() {
    let clock = VirtualClock::new();
    let (near, mut client) = duplex(8);
    let accepted = accepted(&clock, near, LinkOptions::default());
    clock.block_on(async {
        let read = async {
            let Ok(Some(Message::Text(text))) = client.read.receive().await else { panic!("no event") };
            let event = <ServerEvent as realtime::event::Event>::decode(text.as_bytes());
            let ServerEvent::Error(error) = event else { panic!("{event:?}") };
            assert_eq!(error.error.code.as_deref(), Some("invalid_api_key"));
            let Ok(Some(Message::Close(Some(close)))) = client.read.receive().await else { panic!("no close frame") };
            close
        };
        let (denied, close) = join(accepted.deny(Denial::credential("Incorrect API key provided.")), read).await;
        denied.unwrap();
        assert_eq!(close, CloseFrame::new(3000, "invalid_request_error.invalid_api_key"));
    });
}
