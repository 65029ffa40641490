//! What travelled is written down without its secrets, and played again.

mod errors;
mod secrets;

use std::{
    io::{self, Write},
    time::Duration,
};

use futures::{StreamExt, future::join};
use realtime::{
    Client, Connection, Error, ErrorKind, Realtime,
    connection::Reconnect,
    event::{Event, ServerEvent},
    mock::{
        Cassette, ConnectFault, EntryKind, Fault, FaultPlan, FaultTrigger, Faults, Matching, MockTransport, Pace,
        Recorder, Reply, SimulatedTurn, Simulator, Tape, VirtualClock,
    },
    transport::{Timer, Transport, TransportErrorKind},
    types::{FunctionTool, Item, RealtimeSessionConfig, ResponseConfig},
};

fn answers(turn: &SimulatedTurn<'_>) -> Reply {
    match turn.text() {
        text if text.contains("weather") => Reply::call("get_weather", r#"{"city":"Lisbon"}"#),
        text => Reply::text(format!("You said {text:?}.")),
    }
}

fn simulator() -> Simulator {
    Simulator::new().answer(answers).pace(Pace::LIVE)
}

/// A clock that has run for so long: the ids that a connection makes are others then.
fn clock(ms: u64) -> VirtualClock {
    let clock = VirtualClock::new();
    clock.advance(Duration::from_millis(ms));
    clock
}

/// Asks two questions and is told the types of everything that came.
async fn talk(connection: &Connection<Realtime>, questions: [&str; 2]) -> Result<Vec<String>, Error> {
    let tool = FunctionTool::new("get_weather");
    drop(connection.session().update(RealtimeSessionConfig::default().tools([tool]))?);
    for question in questions {
        drop(connection.conversation().item().create(Item::user(question))?);
        connection.response().create(ResponseConfig::default())?.await?;
    }
    let mut kinds = Vec::new();
    while let Some(Some(event)) = futures::FutureExt::now_or_never(connection.next()) {
        let event = event?;
        assert!(!matches!(event, ServerEvent::Error(_) | ServerEvent::Malformed(_) | ServerEvent::Invalid(_)));
        kinds.push(event.kind().to_owned());
    }
    Ok(kinds)
}

const QUESTIONS: [&str; 2] = ["Hello there", "How is the weather?"];

async fn converse(transport: impl Transport, questions: [&str; 2]) -> Result<Vec<String>, Error> {
    let client = Client::builder(transport).api_key("sk-0123456789abcdef").build();
    client.realtime().model("m").run(async |connection| talk(connection, questions).await).await
}

fn recorded() -> (Cassette, Vec<String>) {
    let (clock, tape) = (clock(0), Tape::new());
    let recorder = Recorder::new(simulator().transport(&clock), tape.clone());
    let kinds = clock.block_on(converse(recorder.clone(), QUESTIONS)).unwrap();
    assert_eq!(recorder.error(), None);
    (tape.cassette().unwrap(), kinds)
}

#[test]
fn a_recording_says_what_happened_and_when() {
    let (cassette, kinds) = recorded();
    let entries = cassette.entries();
    assert!(matches!(&entries[0].kind, EntryKind::Opened { url, headers }
        if url == "wss://api.openai.com/v1/realtime?model=m" && headers.iter().any(|name| name == "authorization")));
    let received = entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Received(_))).count();
    // The greeting was among the events, and the answer to the close frame was not.
    assert_eq!(received, kinds.len() + 1);
    assert!(entries.windows(2).all(|pair| pair[0].ms <= pair[1].ms));
    assert!(entries.last().unwrap().ms > 600, "two answers take their time");
    let mut text = Vec::new();
    cassette.write(&mut text).unwrap();
    assert_eq!(String::from_utf8(text).unwrap().parse::<Cassette>().unwrap(), cassette);
}

#[test]
fn a_client_that_does_the_same_sees_the_same() {
    let (cassette, kinds) = recorded();
    for (paced, matching) in [(false, Matching::Strict), (true, Matching::Strict), (true, Matching::ByType)] {
        let clock = clock(12_345);
        let replay = cassette.replay().matching(matching).paced(paced).transport(&clock);
        assert_eq!(clock.block_on(converse(replay.clone(), QUESTIONS)).unwrap(), kinds);
        assert_eq!(replay.mismatch(), None);
        assert!(replay.is_over());
        let took = clock.now().since_origin().as_millis() - 12_345;
        assert_eq!(took > 600, paced, "{took}");
        assert_eq!(clock.pending(), 0);
    }
}

#[test]
fn a_client_that_does_something_else_is_told() {
    let (cassette, kinds) = recorded();
    let clock = clock(1);
    let other = ["Hello there", "What is the weather?"];
    let replay = cassette.replay().transport(&clock);
    assert!(clock.block_on(converse(replay.clone(), other)).is_err());
    let mismatch = replay.mismatch().unwrap();
    let line = mismatch.line();
    let expected = format!(
        "line {line}: `conversation.item.create` has \"How is the weather?\" at `/item/content/0/text`, and \
         \"What is the weather?\" came"
    );
    assert_eq!(mismatch.to_string(), expected);
    assert_eq!(mismatch.member(), Some("/item/content/0/text"));
    let mut written = Vec::new();
    cassette.write(&mut written).unwrap();
    let written = String::from_utf8(written).unwrap();
    assert!(written.lines().nth(line - 1).unwrap().contains(r#""type":"conversation.item.create""#));
    assert_eq!((mismatch.expected(), mismatch.came()), (Some("conversation.item.create"), "conversation.item.create"));
    assert!(!replay.is_over());
    // By type the words do not matter.
    let replay = cassette.replay().matching(Matching::ByType).transport(&clock);
    assert_eq!(clock.block_on(converse(replay.clone(), other)).unwrap(), kinds);
    assert!(replay.is_over());
}

#[test]
fn another_type_and_another_event_at_the_end_are_told() {
    let cassette: Cassette = r#"{"cassette":1}
        {"ms":0,"link":1,"from":"server","event":{"type":"session.created","session":{"type":"realtime"}}}
        {"ms":9,"link":1,"from":"client","event":{"type":"input_audio_buffer.clear"}}"#
        .parse()
        .unwrap();
    for (clears, expected) in [
        (0, "line 3: the cassette has `input_audio_buffer.clear`, and `input_audio_buffer.commit` came"),
        (1, "the cassette is at its end after line 3, and `input_audio_buffer.commit` came"),
    ] {
        let clock = clock(0);
        let replay = cassette.replay().transport(&clock);
        let client = Client::builder(replay.clone()).build();
        let error = clock.block_on(async {
            let connection = client.realtime().model("m").connect().await?;
            for _ in 0..clears {
                drop(connection.input_audio_buffer().clear()?);
            }
            drop(connection.send(realtime::event::InputAudioBufferCommit::default()));
            while let Some(event) = connection.next().await {
                event?;
            }
            Ok::<_, Error>(())
        });
        assert!(error.is_err());
        assert_eq!(replay.mismatch().unwrap().to_string(), expected);
    }
}

#[test]
fn by_type_nobody_counts_pieces_of_audio() {
    let speak = async |transport: &dyn Fn() -> Client, piece: usize| {
        let client = transport();
        let connection = client.realtime().model("m").connect().await?;
        for _ in 0..9600 / piece {
            connection.append(&vec![0; piece])?;
        }
        connection.input_audio_buffer().commit()?.await?;
        connection.response().create(ResponseConfig::default())?.await
    };
    let (first, tape) = (clock(0), Tape::new());
    let recorder = Recorder::new(simulator().transport(&first), tape.clone());
    let response = first.block_on(speak(&|| Client::builder(recorder.clone()).build(), 960)).unwrap();
    for (matching, fits) in [(Matching::ByType, true), (Matching::Strict, false)] {
        let clock = clock(5);
        let replay = tape.cassette().unwrap().replay().matching(matching).transport(&clock);
        let again = clock.block_on(speak(&|| Client::builder(replay.clone()).build(), 4800));
        assert_eq!(again.is_ok_and(|again| again.id == response.id), fits);
        assert_eq!(replay.is_over(), fits);
    }
}

#[test]
fn a_cassette_is_a_script() {
    let (cassette, kinds) = recorded();
    let (transport, server) = MockTransport::on(&clock(99));
    server.greet_with(None::<&str>);
    let play = async {
        let session = server.accept().await;
        cassette.replay().play(1, &session).await.unwrap();
        session
    };
    let (played, _session) = server.clock().block_on(join(converse(transport, QUESTIONS), play));
    assert_eq!(played.unwrap(), kinds);
}

#[test]
fn broken_and_refused_connections_are_recorded_and_played() {
    let plan = |connection| match connection {
        1 => FaultPlan::new().at(FaultTrigger::Read(5), Fault::Break(TransportErrorKind::Io)),
        2 => FaultPlan::new().connect(ConnectFault::Refuse(503.try_into().unwrap())),
        _ => FaultPlan::new(),
    };
    let course = async |clock: &VirtualClock, client: Client| {
        let connection = client.realtime().model("m").connect().await.unwrap();
        drop(connection.conversation().item().create(Item::user("Hello")));
        let response = connection.response().create(ResponseConfig::default()).unwrap().await;
        assert!(matches!(response.unwrap_err().kind(), ErrorKind::Ambiguous));
        let mut notices = Vec::new();
        let mut updates = connection.updates().take_until(clock.sleep(Duration::from_secs(5)));
        while let Some(update) = updates.next().await {
            if let realtime::connection::Update::Notice(notice) = update.unwrap() {
                notices.push(format!("{notice:?}").split(' ').next().unwrap().to_owned());
            }
        }
        notices
    };
    let (first, tape) = (clock(0), Tape::new());
    let recorder = Recorder::new(Faults::new(simulator().transport(&first), plan), tape.clone());
    let client = Client::builder(recorder).reconnect(Reconnect::default()).build();
    let notices = first.block_on(course(&first, client));
    let cassette = tape.cassette().unwrap();
    let links: Vec<_> = cassette.entries().iter().map(|entry| entry.link).collect();
    assert!([1, 2, 3].iter().all(|link| links.contains(link)), "{links:?}");
    assert!(cassette.entries().iter().any(|entry| matches!(entry.kind, EntryKind::Failed { status: Some(503), .. })));
    let clock = clock(0);
    let replay = cassette.replay().transport(&clock);
    let client = Client::builder(replay.clone()).reconnect(Reconnect::default()).build();
    assert_eq!(clock.block_on(course(&clock, client)), notices);
    assert_eq!(replay.mismatch(), None);
}

/// Takes so many bytes and no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_disk_that_is_full_stops_nobody() {
    let clock = clock(0);
    let recorder = Recorder::new(simulator().transport(&clock), Full(1000));
    let kinds = clock.block_on(converse(recorder.clone(), QUESTIONS)).unwrap();
    assert_eq!(kinds, recorded().1);
    assert_eq!(recorder.error(), Some(io::ErrorKind::StorageFull));
    assert_eq!(recorder.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
}
