//! Sessions that translate.

use realtime::{
    Audio, Client,
    endpoint::Handshake,
    event::translation::{ServerEvent, SessionOutputTranscriptDelta},
    mock::{Phrase, Simulator, VirtualClock},
};
use serde_json::{Value, json};

use crate::{
    Wire,
    client::{deltas, one, silence, voice},
};

fn simulator() -> Simulator {
    Simulator::new().translate(|number| match number {
        0 => Phrase::new("Hello, can you hear me?", "Hola, ¿me escuchas?"),
        _ => Phrase::new("Goodbye.", "Adiós."),
    })
}

fn open() -> Wire {
    let url = "wss://api.example/v1/realtime/translations?model=gpt-realtime-translate";
    let mut wire = Wire::connect(simulator(), Handshake::new(url.parse().unwrap()));
    let session = wire.next()["session"].take();
    assert_eq!((&session["type"], &session["audio"]["input"]["transcription"]), (&"translation".into(), &Value::Null));
    wire
}

fn append(wire: &mut Wire, audio: &[u8]) {
    wire.send(json!({ "type": "session.input_audio_buffer.append", "audio": Audio::from(audio) }));
}

#[test]
fn what_is_heard_is_spoken_a_piece_behind() {
    let mut wire = open();
    let session = json!({ "audio": { "input": { "transcription": { "model": "gpt-realtime-whisper" } }, "output": { "language": "es" } } });
    let updated = wire.ask(json!({ "type": "session.update", "session": session }));
    assert_eq!(updated["session"]["audio"]["output"]["language"], "es");
    append(&mut wire, &silence(400));
    append(&mut wire, &voice(100));
    append(&mut wire, &voice(900));
    let frames = wire.during(1);
    assert_eq!(deltas(&frames, "session.input_transcript.delta"), "Hello, can you hear me?");
    assert_eq!(deltas(&frames, "session.output_transcript.delta"), "Hola, ¿me escuchas?");
    assert_eq!((&frames[0]["type"], &frames[0]["elapsed_ms"]), (&"session.input_transcript.delta".into(), &400.into()));
    let audio = frames.iter().find(|frame| frame["type"] == "session.output_audio.delta").unwrap();
    assert_eq!(
        (&audio["sample_rate"], &audio["format"], &audio["elapsed_ms"]),
        (&24_000.into(), &"pcm16".into(), &600.into())
    );
    append(&mut wire, &voice(150));
    wire.send(json!({ "type": "session.close" }));
    let frames = wire.until("session.closed");
    assert_eq!(kinds(&frames), ["session.closed"]);
    assert_eq!(wire.closed().unwrap().code, 1000);
    assert_eq!(wire.simulator.sessions()[0].audio_ms(), 1550);
}

fn kinds(frames: &[Value]) -> Vec<&str> {
    crate::client::kinds(frames)
}

#[test]
fn what_is_left_is_spoken_before_the_end() {
    let mut wire = open();
    append(&mut wire, &voice(400));
    wire.send(json!({ "type": "session.close" }));
    let frames = wire.until("session.closed");
    // Nobody asked for what was said.
    assert!(frames.iter().all(|frame| frame["type"] != "session.input_transcript.delta"));
    assert_eq!(deltas(&frames, "session.output_transcript.delta"), "Hola, ¿me escuchas?");
    let trailing = frames.iter().rfind(|frame| frame["type"] == "session.output_transcript.delta").unwrap();
    assert_eq!((&trailing["elapsed_ms"], &one(&frames, "session.closed")["elapsed_ms"]), (&Value::Null, &Value::Null));
    wire.closed();
}

#[test]
fn its_events_are_its_own() {
    let mut wire = open();
    for (event, code, param) in [
        (json!({ "type": "response.create" }), "invalid_value", "type"),
        (json!({ "type": "input_audio_buffer.append", "audio": "" }), "invalid_value", "type"),
        (json!({ "type": "session.update", "session": { "model": "other" } }), "unknown_parameter", "session.model"),
        (json!({ "type": "session.input_audio_buffer.append", "audio": "?" }), "invalid_value", "audio"),
    ] {
        let error = wire.refused(event);
        assert_eq!((&error["code"], &error["param"]), (&code.into(), &param.into()));
    }
}

#[test]
fn a_client_finishes_in_order() {
    let clock = VirtualClock::new();
    let client = Client::builder(simulator().transport(&clock)).build();
    let said = clock.block_on(async {
        let connection = client.translation().model("gpt-realtime-translate").connect().await.unwrap();
        connection.append(&voice(400)).unwrap();
        connection.finish().await.unwrap();
        let mut said = String::new();
        while let Some(Ok(event)) = connection.next().await {
            if let ServerEvent::SessionOutputTranscriptDelta(SessionOutputTranscriptDelta { delta, .. }) = event {
                said += &delta;
            }
        }
        said
    });
    assert_eq!(said, "Hola, ¿me escuchas?");
}
