//! A link that is silently gone is noticed within the promised time, whatever goes on.

use std::time::Duration;

use futures::future::{Either, select};
use realtime::{
    Client, Connection, Deadline, ErrorKind, Options, Realtime,
    mock::{MockServer, MockTransport},
    transport::Timer,
};

/// How long after the last sign of life the end came, while this went on. The link holds so many messages that nobody
/// takes.
fn noticed(capacity: usize, busy: impl AsyncFn(&Connection<Realtime>, &MockServer)) -> Duration {
    let (transport, server) = MockTransport::new();
    server.capacity(capacity);
    let client = Client::builder(transport).options(Options::default()).build();
    let clock = server.clock().clone();
    let connection = clock.block_on(client.realtime().model("m").connect()).unwrap();
    let session = server.try_accept_as::<Realtime>().unwrap();
    let since = clock.now();
    session.half_open(true);
    let end = clock.block_on(async {
        match select(Box::pin(connection.drive()), Box::pin(busy(&connection, &server))).await {
            Either::Left((end, _)) => end,
            Either::Right(_) => panic!("what goes on is over"),
        }
    });
    assert!(matches!(end.unwrap_err().kind(), ErrorKind::Timeout(Deadline::Keepalive)));
    clock.now() - since
}

/// A microphone: 40 ms of sound every 40 ms, as long as there is room.
async fn speak(connection: &Connection<Realtime>, server: &MockServer) {
    loop {
        let _ = connection.append(&[0; 1920]);
        server.clock().sleep(Duration::from_millis(40)).await;
    }
}

const PROMISED: Duration = Duration::from_secs(25);

#[test]
fn a_dead_link_is_noticed_while_nothing_goes_on() {
    assert_eq!(noticed(4, async |_, _| std::future::pending().await), PROMISED);
}

#[test]
fn a_dead_link_is_noticed_while_audio_streams() {
    // The buffers of the network take some, and then nothing more: a write is blocked, and the ping waits behind it.
    for capacity in [1, 4, 100, 400, 10_000] {
        assert_eq!(noticed(capacity, speak), PROMISED, "{capacity}");
    }
}

#[test]
fn a_dead_link_is_noticed_when_speech_begins_on_it() {
    for silence in [1, 10, 14, 16, 24] {
        let begin = async |connection: &Connection<Realtime>, server: &MockServer| {
            server.clock().sleep(Duration::from_secs(silence)).await;
            speak(connection, server).await;
        };
        for capacity in [1, 100, 10_000] {
            assert_eq!(noticed(capacity, begin), PROMISED, "{silence} {capacity}");
        }
    }
}

#[test]
fn a_slow_link_that_answers_is_kept() {
    let (transport, server) = MockTransport::new();
    server.capacity(1);
    let client = Client::builder(transport).build();
    let clock = server.clock().clone();
    let connection = clock.block_on(client.realtime().model("m").connect()).unwrap();
    let session = server.try_accept_as::<Realtime>().unwrap();
    let take = async {
        // A message every second, a ping among them now and then; each is answered when it is read.
        for _ in 0..600 {
            clock.sleep(Duration::from_secs(1)).await;
            session.message().await.unwrap();
        }
    };
    clock.block_on(async {
        let both = futures::future::join(connection.drive(), speak(&connection, &server));
        match select(Box::pin(take), Box::pin(both)).await {
            Either::Left(_) => {}
            Either::Right(_) => panic!("it ended"),
        }
    });
}
