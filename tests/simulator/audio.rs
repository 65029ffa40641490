//! Audio that comes in: turns, commits, silence, transcripts.

use std::{fs, path::Path, time::Duration};

use realtime::{
    mock::{Pace, SimulatedTranscript, Simulator},
    transport::Timer,
    types::Failure,
};
use serde_json::{Value, json};

use crate::{
    Wire,
    client::{deltas, handshake, kinds, one, silence, voice},
};

/// The samples of a recording.
fn recording(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/audio").join(name);
    fs::read(file).unwrap()[44..].to_vec()
}

/// Turns off what the model does by itself.
fn listening(vad: Value) -> Wire {
    let mut wire = Wire::open(Simulator::new());
    let mut vad = vad;
    vad["create_response"] = false.into();
    wire.update(json!({ "audio": { "input": { "turn_detection": vad } } }));
    wire
}

/// Where turns begin and end, in milliseconds.
fn turns(wire: &mut Wire, audio: &[u8]) -> Vec<(u64, u64)> {
    for piece in audio.chunks(48 * 40) {
        wire.append(piece);
    }
    let frames = wire.during(1);
    let of = |kind: &str, member: &str| {
        let frames = frames.iter().filter(|frame| frame["type"] == format!("input_audio_buffer.{kind}"));
        frames.map(|frame| frame[member].as_u64().unwrap()).collect::<Vec<_>>()
    };
    of("speech_started", "audio_start_ms").into_iter().zip(of("speech_stopped", "audio_end_ms")).collect()
}

#[test]
fn a_recorded_question_is_one_turn() {
    let mut wire = listening(json!({ "type": "server_vad", "silence_duration_ms": 500 }));
    let question = recording("question.wav");
    let found = turns(&mut wire, &question);
    // It is silent for 400 ms, then somebody speaks until 4,200 ms.
    let [(from, to)] = found[..] else { panic!("{found:?}") };
    assert!((60..=140).contains(&from) && (4_600..=4_800).contains(&to), "{found:?}");
    let session = &wire.simulator.sessions()[0];
    assert_eq!((session.audio_ms(), session.items().len()), (question.len() as u64 / 48, 1));
}

#[test]
fn the_settings_of_turn_detection_count() {
    let two = [voice(300), silence(400), voice(300), silence(1000)].concat();
    let vad = |members: Value| {
        let mut vad = json!({ "type": "server_vad" });
        vad.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        listening(vad)
    };
    let found = turns(&mut vad(json!({ "silence_duration_ms": 200 })), &two);
    assert_eq!(found, [(0, 500), (500, 1200)]);
    assert_eq!(turns(&mut vad(json!({ "silence_duration_ms": 600, "prefix_padding_ms": 0 })), &two), [(0, 1600)]);
    assert_eq!(turns(&mut vad(json!({ "threshold": 1.0 })), &two), []);
    // Semantic: as long as its eagerness lets somebody pause.
    for (eagerness, end) in [("high", 3000), ("auto", 5000), ("medium", 5000), ("low", 9000)] {
        let mut wire = listening(json!({ "type": "semantic_vad", "eagerness": eagerness }));
        let audio = [two[..48 * 1000].to_vec(), silence(8_100)].concat();
        assert_eq!(turns(&mut wire, &audio), [(0, end)]);
    }
}

#[test]
fn one_append_may_hold_several_turns() {
    let mut wire = Wire::open(Simulator::new());
    wire.append(&[voice(300), silence(300), voice(300), silence(300)].concat());
    let frames = wire.during(1);
    assert_eq!(frames.iter().filter(|frame| frame["type"] == "response.done").count(), 2);
    assert_eq!(wire.simulator.sessions()[0].items().len(), 4);
}

#[test]
fn a_turn_is_committed_and_answered() {
    let simulator = Simulator::new().transcribe(|utterance| format!("{} ms", utterance.ms)).answer(|turn| turn.text());
    let mut wire = Wire::open(simulator);
    wire.append(&[voice(400), silence(200)].concat());
    let frames = wire.until("rate_limits.updated");
    assert_eq!(
        kinds(&frames)[..6],
        [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
        ]
    );
    let item = &frames[0]["item_id"];
    assert!(frames[1..3].iter().all(|frame| frame["item_id"] == *item) && frames[3]["item"]["id"] == *item);
    // The model has understood, though nobody asked for a transcript.
    assert_eq!(deltas(&frames, "response.output_audio_transcript.delta"), "600 ms");
}

#[test]
fn speech_stops_the_model() {
    let story = "Once upon a time, there was a test that nobody wanted to hear to its end.";
    for interrupts in [true, false] {
        let mut wire = Wire::open(Simulator::new().pace(Pace::LIVE).answer(move |_| story));
        let vad = json!({ "type": "server_vad", "interrupt_response": interrupts });
        wire.update(json!({ "audio": { "input": { "turn_detection": vad } } }));
        wire.ask(json!({ "type": "response.create" }));
        wire.until("response.output_audio.delta");
        wire.append(&voice(100));
        let frames = wire.until("response.done");
        let response = &frames.last().unwrap()["response"];
        assert_eq!(one(&frames, "input_audio_buffer.speech_started")["audio_start_ms"], 0);
        let transcript = response["output"][0]["content"][0]["transcript"].as_str().unwrap();
        if interrupts {
            assert_eq!(response["status_details"], json!({ "type": "cancelled", "reason": "turn_detected" }));
            assert!(story.starts_with(transcript) && transcript.len() < story.len());
        } else {
            assert_eq!((&response["status"], transcript), (&"completed".into(), story));
        }
    }
    // Where the model is not interrupted, there may be no room for its answer.
    let mut wire = Wire::open(Simulator::new().pace(Pace::LIVE).answer(move |_| story));
    let vad = json!({ "type": "server_vad", "interrupt_response": false });
    wire.update(json!({ "audio": { "input": { "turn_detection": vad } } }));
    wire.ask(json!({ "type": "response.create" }));
    wire.append(&[voice(200), silence(300)].concat());
    let frames = wire.until("error");
    assert_eq!(frames.last().unwrap()["error"]["code"], "conversation_already_has_active_response");
}

#[test]
fn without_turn_detection_the_client_commits() {
    let mut wire = Wire::open(Simulator::new());
    wire.update(json!({ "audio": { "input": { "turn_detection": null } } }));
    wire.append(&[voice(300), silence(300)].concat());
    let cleared = wire.ask(json!({ "type": "input_audio_buffer.clear" }));
    assert_eq!(cleared["type"], "input_audio_buffer.cleared");
    wire.append(&voice(99));
    assert_eq!(wire.refused(json!({ "type": "input_audio_buffer.commit" }))["code"], "input_audio_buffer_commit_empty");
    wire.append(&voice(1));
    wire.send(json!({ "type": "input_audio_buffer.commit" }));
    let frames = wire.during(1000);
    assert_eq!(kinds(&frames), ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]);
    assert_eq!(wire.simulator.sessions()[0].audio_ms(), 700);
}

#[test]
fn a_commit_by_hand_ends_the_turn_that_is_spoken() {
    let mut wire = Wire::open(Simulator::new());
    wire.append(&voice(200));
    let started = wire.next();
    wire.send(json!({ "type": "input_audio_buffer.commit" }));
    let committed = wire.next();
    assert_ne!(committed["item_id"], started["item_id"]);
    wire.append(&silence(1000));
    // Nothing stops that has not started.
    assert_eq!(kinds(&wire.during(1)), ["conversation.item.added", "conversation.item.done"]);
}

#[test]
fn silence_makes_the_model_ask() {
    let mut wire =
        Wire::open(Simulator::new().answer(|turn| if turn.number() == 0 { "Yes?" } else { "Are you there?" }));
    let vad = json!({ "type": "server_vad", "idle_timeout_ms": 5000 });
    wire.update(json!({ "audio": { "input": { "turn_detection": vad } } }));
    wire.append(&[voice(200), silence(300)].concat());
    let frames = wire.until("rate_limits.updated");
    let spoken = frames.iter().filter(|frame| frame["type"] == "response.output_audio.delta");
    let spoken: usize = spoken.map(|frame| frame["delta"].as_str().unwrap().len() * 3 / 4 / 48).sum();
    wire.append(&silence(100));
    wire.clock.advance(Duration::from_secs(1));
    wire.append(&silence(700));
    let triggered = wire.next();
    assert_eq!(triggered["type"], "input_audio_buffer.timeout_triggered");
    assert_eq!((&triggered["audio_start_ms"], &triggered["audio_end_ms"]), (&600.into(), &1300.into()));
    let waited = wire.clock.now().since_origin().as_millis() as usize;
    assert!((5000 + spoken..5020 + spoken).contains(&waited), "{waited} {spoken}");
    let frames = wire.until("rate_limits.updated");
    assert_eq!(deltas(&frames, "response.output_audio_transcript.delta"), "Are you there?");
    // And again; but not while somebody speaks.
    assert_eq!(wire.next()["type"], "input_audio_buffer.timeout_triggered");
    wire.until("rate_limits.updated");
    wire.append(&voice(100));
    assert_eq!(kinds(&wire.during(60_000)), ["input_audio_buffer.speech_started"]);
}

#[test]
fn transcripts_come_when_they_are_told_to() {
    let heard = |heard: SimulatedTranscript| {
        let mut wire = Wire::open(
            Simulator::new()
                .pace(Pace::LIVE)
                .transcribe(move |_| heard.clone())
                .answer(|_| "That is what I thought, too."),
        );
        wire.update(
            json!({ "audio": { "input": { "transcription": { "model": "gpt-4o-transcribe", "language": "en" } } } }),
        );
        wire.append(&[voice(400), silence(200)].concat());
        let mut frames = wire.until("rate_limits.updated");
        frames.extend(wire.during(10_000));
        (frames, wire.simulator.sessions()[0].items())
    };
    const DONE: &str = "conversation.item.input_audio_transcription.completed";
    let at = |frames: &[Value], kind: &str| frames.iter().position(|frame| frame["type"] == kind).unwrap();
    for (text, before, after) in [
        (
            SimulatedTranscript::text("Hey, you!").early(),
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
        ),
        (SimulatedTranscript::text("Hey, you!").after(Duration::ZERO), "conversation.item.done", "response.created"),
        (SimulatedTranscript::text("Hey, you!"), "response.created", "response.done"),
        (SimulatedTranscript::text("Hey, you!").after(Duration::from_secs(5)), "rate_limits.updated", ""),
    ] {
        let (frames, items) = heard(text);
        let done = at(&frames, DONE);
        assert!(at(&frames, before) < done && (after.is_empty() || done < at(&frames, after)), "{before} {after}");
        assert_eq!(deltas(&frames, "conversation.item.input_audio_transcription.delta"), "Hey, you!");
        let usage = json!({
            "type": "tokens", "total_tokens": 9, "input_tokens": 6, "output_tokens": 3,
            "input_token_details": { "text_tokens": 0, "audio_tokens": 6 },
        });
        assert_eq!((&frames[done]["transcript"], &frames[done]["usage"]), (&"Hey, you!".into(), &usage));
        // Then it is the item's.
        let items = serde_json::to_value(&items).unwrap();
        assert_eq!(items[0]["content"][0]["transcript"], "Hey, you!");
    }
    let (frames, _) = heard(SimulatedTranscript::text("Well").failing(Failure::default().code("audio_unintelligible")));
    let failed = one(&frames, "conversation.item.input_audio_transcription.failed");
    assert_eq!(failed["error"]["code"], "audio_unintelligible");
    assert!(frames.iter().all(|frame| frame["type"] != DONE));
}

#[test]
fn a_transcription_session_writes_down() {
    let mut wire = Wire::connect(Simulator::new().transcribe(|_| "Good morning."), handshake("?intent=transcription"));
    wire.next();
    let session = |model: &str| {
        json!({
            "type": "transcription",
            "audio": { "input": { "transcription": { "model": model } } },
            "include": ["item.input_audio_transcription.logprobs"],
        })
    };
    let updated = wire.ask(json!({ "type": "session.update", "session": session("whisper-1") }));
    let transcription = json!({ "model": "whisper-1", "language": null, "prompt": null });
    assert_eq!(updated["session"]["audio"]["input"]["transcription"], transcription);
    assert_eq!(updated["session"]["object"], "realtime.transcription_session");
    wire.append(&[voice(400), silence(200)].concat());
    let frames = wire.during(1000);
    assert_eq!(
        kinds(&frames)[2..],
        [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "conversation.item.input_audio_transcription.delta",
            "conversation.item.input_audio_transcription.completed",
        ]
    );
    let done = frames.last().unwrap();
    assert_eq!(done["usage"], json!({ "type": "duration", "seconds": 0.6 }));
    assert_eq!(done["logprobs"][0]["token"], "Good morning.");
    wire.ask(json!({ "type": "session.update", "session": session("gpt-4o-transcribe-diarize") }));
    wire.append(&[voice(400), silence(200)].concat());
    let frames = wire.during(1000);
    let segment = one(&frames, "conversation.item.input_audio_transcription.segment");
    assert_eq!((&segment["text"], &segment["speaker"]), (&"Good morning.".into(), &"A".into()));
}
