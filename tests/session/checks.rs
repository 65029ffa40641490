//! What the server would refuse is refused before it is sent.

use futures::{FutureExt, future::join};
use realtime::{
    Audio, ErrorKind, Options, Patch,
    connection::{CheckError, SendErrorKind},
    event::{ClientEvent, ConversationItemAdded, InputAudioBufferAppend, SessionUpdate},
    types::{AudioFormat, AudioInput, RealtimeSessionConfig},
};
use serde_json::json;

use crate::open;

fn send(
    session: &realtime::mock::MockSession,
    connection: &realtime::Connection<realtime::Realtime>,
    event: serde_json::Value,
) {
    session.send_raw(event.to_string());
    while let Some(Some(event)) = connection.next().now_or_never() {
        event.unwrap();
    }
}

#[test]
fn more_than_15_mib_in_one_append() {
    let (connection, ..) = open(Options::default());
    let most = 15 << 20;
    let error = connection.input_audio_buffer().append(&vec![0; most + 2]).unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::TooMuchAudio { bytes: most + 2 });
    // It is handed back whole.
    match error.into_event() {
        ClientEvent::InputAudioBufferAppend(append) => assert_eq!(append.audio.len(), most + 2),
        other => panic!("{other:?}"),
    }
    connection.input_audio_buffer().append(&vec![0; most]).unwrap();
}

#[test]
fn an_odd_number_of_pcm16_bytes() {
    let (connection, ..) = open(Options::default());
    let error = connection.input_audio_buffer().append(&[0; 3]).unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::HalfSample { bytes: 3 });
    let error = connection.send(InputAudioBufferAppend::new(Audio::from(vec![0; 5]))).unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::HalfSample { bytes: 5 });
    // G.711 has one byte a sample, from the moment it is asked for.
    let config = RealtimeSessionConfig::default();
    let config =
        config.audio(realtime::types::AudioConfig::default().input(AudioInput::default().format(AudioFormat::Pcmu)));
    drop(connection.session().update(config).unwrap());
    connection.input_audio_buffer().append(&[0; 3]).unwrap();
}

#[test]
fn a_commit_of_less_than_100_ms() {
    let (connection, session, _server) = open(Options::default());
    // With turn detection, or without knowing, it is the server's business.
    drop(connection.input_audio_buffer().commit().unwrap());
    send(
        &session,
        &connection,
        json!({
            "type": "session.updated",
            "session": { "type": "realtime", "audio": { "input": { "turn_detection": null } } },
        }),
    );
    connection.input_audio_buffer().append(&[0; 99 * 48]).unwrap();
    let error = connection.input_audio_buffer().commit().unwrap_err();
    assert_eq!(error.kind(), CheckError::CommitTooShort { ms: 99 }.into());
    connection.input_audio_buffer().append(&[0; 48]).unwrap();
    drop(connection.input_audio_buffer().commit().unwrap());
    // What was committed does not count twice.
    let error = connection.input_audio_buffer().commit().unwrap_err();
    assert_eq!(error.kind(), CheckError::CommitTooShort { ms: 0 }.into());
}

#[test]
fn an_answer_of_another_type_than_asked_for_is_named() {
    let (connection, session, server) = open(Options::default());
    let update = SessionUpdate::new(RealtimeSessionConfig::default());
    let ack = connection.request::<ConversationItemAdded>(update).unwrap();
    let (answer, ()) = server.clock().block_on(join(ack, async {
        session.expect::<SessionUpdate>().await;
        session.send_raw(json!({ "type": "session.updated", "session": { "type": "realtime" } }).to_string());
    }));
    let error = answer.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnexpectedAnswer(kind) if &**kind == "session.updated"), "{error:?}");
}

#[test]
fn truncating_what_is_not_there() {
    let (connection, session, _server) = open(Options::default());
    let truncate =
        |item: &str, ms| connection.conversation().item().truncate(item, 0, ms).map(drop).map_err(|error| error.kind());
    assert_eq!(truncate("item_x", 0), Err(CheckError::UnknownItem.into()));
    send(
        &session,
        &connection,
        json!({
            "type": "response.output_audio.delta", "response_id": "r", "item_id": "item_x", "output_index": 0,
            "content_index": 0, "delta": Audio::from(vec![0; 4800]),
        }),
    );
    assert_eq!(truncate("item_x", 101), Err(CheckError::BeyondReceived { received_ms: 100 }.into()));
    assert_eq!((truncate("item_x", 100), truncate("item_x", 0)), (Ok(()), Ok(())));
}

#[test]
fn another_voice_after_the_model_has_spoken() {
    let (connection, session, _server) = open(Options::default());
    let voice = |name: &str| {
        let update = connection.session().update(RealtimeSessionConfig::default().voice(name));
        update.map(drop).map_err(|error| error.kind())
    };
    send(
        &session,
        &connection,
        json!({
            "type": "session.updated", "session": { "type": "realtime", "audio": { "output": { "voice": "marin" } } },
        }),
    );
    assert_eq!(voice("cedar"), Ok(()));
    send(
        &session,
        &connection,
        json!({
            "type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "output_index": 0,
            "content_index": 0, "delta": "AAAA",
        }),
    );
    assert_eq!((voice("cedar"), voice("marin")), (Err(CheckError::VoiceInUse.into()), Ok(())));
    drop(connection.session().update(RealtimeSessionConfig::default().turn_detection(Patch::Clear)).unwrap());
}
