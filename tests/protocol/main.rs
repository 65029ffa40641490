//! A fourth protocol that is made outside of the crate: all that Live asks of the connection is open to any other.

mod board;

use std::time::Duration;

use board::{Board, BoardSettings, Close, Down, Onlooker, Open, Pin, Pinned};
use futures::{StreamExt, future::join};
use http::{HeaderMap, StatusCode};
use realtime::{
    Client, Connect, Connection, ErrorKind, Protocol,
    connection::{Notice, Reconnect, Reconnected, Update},
    endpoint::Target,
    mock::{MockServer, MockSession, MockTransport},
};

fn service() -> (Client, MockServer) {
    let (transport, server) = MockTransport::new();
    server.greet_with(None::<String>);
    (Client::builder(transport).api_key("k").build(), server)
}

fn board(client: &Client, settings: BoardSettings) -> Connect<Board> {
    client.protocol::<Board>().target(Target::path(["boards"])).settings(settings)
}

fn ada(keeps: bool) -> BoardSettings {
    BoardSettings { name: "Ada".into(), keeps }
}

fn pin(note: &str) -> Pin {
    Pin { event_id: None, note: note.into() }
}

fn pinned(id: &str, pin: &Pin) -> Down {
    Down::Pinned(Pinned { event_id: id.into(), client_event_id: pin.event_id.clone(), note: pin.note.clone() })
}

async fn opens(session: &MockSession<Board>, path: &str, seen: usize) {
    assert_eq!(session.handshake().uri.path(), path);
    assert_eq!(session.expect::<Open>().await, Open { name: "Ada".into(), seen });
    session.send(Down::Opened { board: "b1".into() });
}

async fn closes(session: &MockSession<Board>) {
    session.expect::<Close>().await;
    session.send(Down::Closed);
    session.closed().await;
}

async fn reconnected<P: Protocol>(connection: &Connection<P>) -> Box<Reconnected<P>> {
    let mut updates = connection.updates();
    loop {
        if let Update::Notice(Notice::Reconnected(reconnected)) = updates.next().await.unwrap().unwrap() {
            return reconnected;
        }
    }
}

#[test]
fn the_opening_event_carries_settings_and_answers_are_found_by_the_id_of_the_request() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<Board> = server.accept_as().await;
        opens(&session, "/v1/boards", 0).await;
        let pins: [Pin; 3] = [session.expect().await, session.expect().await, session.expect().await];
        // In another order than they were asked for, and one refused in the protocol's own words.
        session.send(pinned("e3", &pins[2]));
        session.send(Down::Fault { reason: "There is no room.".into(), client_event_id: pins[1].event_id.clone() });
        session.send(pinned("e1", &pins[0]));
        closes(&session).await;
    };
    let talk = board(&client, ada(false)).run(async |board| {
        let [one, two, three] = ["one", "two", "three"].map(|note| board.request::<Pinned>(pin(note)).unwrap());
        assert_eq!(three.await?.note, "three");
        let refused = two.await.unwrap_err();
        let ErrorKind::Request(error) = refused.kind() else { panic!("{refused:?}") };
        assert_eq!(error.error.message, "There is no room.");
        assert_eq!(one.await?.note, "one");
        assert_eq!(board.state().notes.len(), 2);
        Ok::<_, realtime::Error>(())
    });
    server.clock().block_on(join(async { talk.await.unwrap() }, script));
}

#[test]
fn a_fault_in_place_of_the_opening_is_a_refusal_and_no_answer_is_a_timeout() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<Board> = server.accept_as().await;
        session.expect::<Open>().await;
        session.send(Down::Fault { reason: "Nobody of that name.".into(), client_event_id: None });
        session.close(1008, "");
        session.closed().await;
        let session: MockSession<Board> = server.accept_as().await;
        opens(&session, "/v1/boards", 0).await;
        let _never_answered: Pin = session.expect().await;
        closes(&session).await;
    };
    let talk = async {
        let refused = board(&client, ada(false)).connect().await.unwrap_err();
        let ErrorKind::Refused(refused) = refused.kind() else { panic!("{refused:?}") };
        assert_eq!(refused.error.as_ref().unwrap().error.message, "Nobody of that name.");
        let board = board(&client, ada(false)).connect().await.unwrap();
        let error = board.request::<Pinned>(pin("one")).unwrap().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unanswered(_)), "{error:?}");
        board.finish().await.unwrap();
    };
    server.clock().block_on(join(talk, script));
}

#[test]
fn an_end_without_confirmation_is_an_error() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<Board> = server.accept_as().await;
        opens(&session, "/v1/boards", 0).await;
        session.expect::<Close>().await;
        session.close(1000, "");
        session.closed().await;
    };
    let talk = async {
        let board = board(&client, ada(false)).connect().await.unwrap();
        let error = board.finish().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unconfirmed), "{error:?}");
    };
    server.clock().block_on(join(talk, script));
}

#[test]
fn the_upgrade_alone_opens_and_after_a_drop_the_same_board_is_looked_at() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<Onlooker> = server.accept_as().await;
        let first: Pin = session.expect().await;
        session.send(pinned("e1", &first));
        let _unanswered: Pin = session.expect().await;
        session.drop_link();
        let session: MockSession<Onlooker> = server.accept_as().await;
        assert_eq!(session.handshake().uri.path(), "/v1/boards/b1/watch");
        // Shown again, and something new.
        session.send(pinned("e1", &first));
        session.send(pinned("e2", &Pin { event_id: None, note: "new".into() }));
        session.close(1000, "");
        session.closed().await;
    };
    let talk = async {
        let target = Target::path(["boards", "b1", "watch"]);
        let connect = client.protocol::<Onlooker>().target(target).reconnect(Reconnect::default());
        // Nothing came, and it is open.
        let onlooker = connect.connect().await.unwrap();
        onlooker.request::<Pinned>(pin("mine")).unwrap().await.unwrap();
        let ambiguous = onlooker.request::<Pinned>(pin("lost")).unwrap();
        let reconnected = reconnected(&onlooker).await;
        assert_eq!(reconnected.ambiguous.len(), 1);
        assert!(matches!(ambiguous.await.unwrap_err().kind(), ErrorKind::Ambiguous));
        let mut told = Vec::new();
        while let Some(Ok(event)) = onlooker.next().await {
            told.push(event);
        }
        let [Down::Pinned(pinned)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((&*pinned.note, onlooker.state().notes.len()), ("new", 2));
    };
    server.clock().block_on(join(talk, script));
}

#[test]
fn after_a_loss_the_protocol_names_the_target_and_another_if_that_is_refused() {
    for refused in [false, true] {
        let (client, server) = service();
        let script = async {
            let session: MockSession<Board> = server.accept_as().await;
            opens(&session, "/v1/boards", 0).await;
            session.send(pinned("e1", &Pin { event_id: None, note: "old".into() }));
            server.clock().sleep(Duration::from_secs(1)).await;
            if refused {
                server.refuse_next(StatusCode::GONE, HeaderMap::new(), r#"{"reason":"thrown away"}"#);
            }
            session.drop_link();
            let session: MockSession<Board> = server.accept_as().await;
            // What was known before the loss is in the opening event.
            opens(&session, if refused { "/v1/boards" } else { "/v1/boards/b1" }, 1).await;
            closes(&session).await;
        };
        let talk = async {
            let board = board(&client, ada(true)).reconnect(Reconnect::default()).connect().await.unwrap();
            reconnected(&board).await;
            board.finish().await.unwrap();
        };
        server.clock().block_on(join(talk, script));
    }
}
