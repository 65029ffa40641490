//! Sessions, as they are told and as they change.

use super::*;

#[test]
fn a_session_opens_by_whatever_tells_of_one() {
    for frame in [
        json!({ "type": "session.created" }),
        json!({ "type": "session.created", "id": "s" }),
        json!({ "type": "session.created", "session": null }),
        json!({ "type": "session.created", "session": "s" }),
        json!({ "type": "session.created", "session": { "expires_at": "2026-11-26T10:00:00Z", "id": "s" } }),
        json!({ "type": "session.created", "session": { "expires_at": 1785200000.5, "prompt": {}, "tools": {}, "id": 7 } }),
        json!({ "type": "session.created", "session": { "audio": { "input": { "noise_reduction": "near_field" } } } }),
        json!({ "type": "session.updated", "session": {} }),
        json!({ "type": "conversation.created" }),
    ] {
        let text = frame.to_string();
        let event = ServerEvent::decode(text.as_bytes());
        assert_eq!(event.recognition(), Recognition::Known, "{frame}");
        assert!(<realtime::Realtime as realtime::Protocol>::opened(&event), "{frame}");
        // Also in a binary message.
        let binary = ServerEvent::binary(text.clone().into_bytes().into());
        assert_eq!(binary, event);
    }
}

/// The session that a server tells of.
fn session(session: Value) -> (SessionInfo, Reading) {
    let mut reading = Reading::default();
    let frame = json!({ "type": "session.created", "session": session }).to_string();
    let ServerEvent::SessionCreated(created) = ServerEvent::read(frame.as_bytes(), &mut reading) else {
        panic!("{frame}")
    };
    (created.session, reading)
}

#[test]
fn a_flat_session_is_read_into_the_nested_one() {
    let (info, reading) = session(json!({
        "id": "s", "object": "realtime.session", "model": "m", "modalities": ["text", "audio"], "voice": "alloy", "speed": "1.5",
        "input_audio_format": "g711_ulaw", "output_audio_format": "g711_alaw",
        "input_audio_transcription": { "model": "whisper-1" }, "input_audio_noise_reduction": { "type": "far_field" },
        "turn_detection": { "type": "server_vad", "threshold": 0.5 }, "max_response_output_tokens": "inf",
        "tools": [{ "type": "function", "function": { "name": "go", "description": "d" } }], "temperature": 0.8,
    }));
    assert_eq!(reading.left_out, []);
    let (input, output) = (info.input().unwrap(), info.output().unwrap());
    assert_eq!((&input.format, &output.format), (&Some(AudioFormat::Pcmu), &Some(AudioFormat::Pcma)));
    assert_eq!(input.transcription.as_ref().unwrap().model.as_deref(), Some("whisper-1"));
    assert!(input.noise_reduction.is_some());
    assert!(matches!(&input.turn_detection, Some(TurnDetection::ServerVad(vad)) if vad.threshold == Some(0.5)));
    assert_eq!((&output.voice, output.speed), (&Some("alloy".into()), Some(1.5)));
    let SessionInfo::Realtime(session) = info else { panic!() };
    let names: Vec<_> =
        session.tools.iter().flatten().map(|tool| serde_json::to_value(tool).unwrap()["name"].clone()).collect();
    assert_eq!(names, ["go"]);
    assert_eq!(serde_json::to_value(&session.output_modalities).unwrap(), json!(["text", "audio"]));
    assert!(session.max_output_tokens.is_some());
}

#[test]
fn what_stands_where_it_does_today_wins_over_what_is_flat() {
    let formats = |nested: Value| {
        let (info, _) =
            session(json!({ "output_audio_format": "g711_ulaw", "audio": { "output": { "format": nested } } }));
        info.output().unwrap().format.clone()
    };
    assert_eq!(formats(json!({ "type": "audio/pcma" })), Some(AudioFormat::Pcma));
    assert_eq!(formats(Value::Null), Some(AudioFormat::Pcmu));
    assert_eq!(formats(json!("not specified")), Some(AudioFormat::Pcmu));
    for (flat, format) in [
        (json!("pcm16"), Some(AudioFormat::pcm())),
        (json!("pcm"), Some(AudioFormat::pcm())),
        (json!("pcm24"), Some(AudioFormat::pcm())),
        (json!("not specified"), None),
        (json!(""), None),
        (Value::Null, None),
        (json!({ "type": "audio/pcm", "rate": "16000" }), Some(AudioFormat::Pcm { rate: 16_000 })),
        (json!({ "type": "audio/pcm", "sample_rate": 16000.0 }), Some(AudioFormat::Pcm { rate: 16_000 })),
    ] {
        let (info, _) = session(json!({ "input_audio_format": flat }));
        assert_eq!(info.input().and_then(|input| input.format.clone()), format, "{flat}");
    }
    let flat = json!({ "type": "server_vad" });
    for (nested, is_on) in [
        (json!({}), true),
        (json!({ "turn_detection": null }), false),
        (json!({ "turn_detection": { "type": null } }), false),
    ] {
        let (info, reading) = session(json!({ "turn_detection": flat, "audio": { "input": nested } }));
        assert_eq!(info.input().is_some_and(|input| input.turn_detection.is_some()), is_on, "{nested}");
        assert_eq!(reading.left_out, []);
    }
    for none in [Value::Null, json!(false), json!({ "type": null })] {
        let (info, _) = session(json!({ "turn_detection": none }));
        assert!(info.input().is_none_or(|input| input.turn_detection.is_none()), "{none}");
    }
}

#[test]
fn a_flat_g711_session_is_cut_where_it_should_be() {
    let created = r#"{"type":"session.created","session":{"id":"s","output_audio_format":"g711_ulaw"}}"#;
    // A second of it, and cut at 333 ms.
    let audio = "/".repeat(8_000 / 3 * 4);
    let delta = format!(r#"{{"type":"response.audio.delta","response_id":"r","item_id":"a","delta":"{audio}"}}"#);
    let cut = r#"{"type":"conversation.item.truncated","item_id":"a","content_index":0,"audio_end_ms":333}"#;
    check(&[created, OPEN, &delta, cut], &[("items[0].audio_bytes", json!(333 * 8))]);
    // Where it is not said how much was kept, nothing is cut but the words.
    let words = r#"{"type":"response.audio_transcript.delta","response_id":"r","item_id":"a","delta":"Hm"}"#;
    let unsaid = r#"{"type":"conversation.item.truncated","item_id":"a"}"#;
    check(
        &[created, OPEN, &delta, words, unsaid],
        &[("items[0].audio_bytes", json!(7_998)), ("items[0].transcript", json!(""))],
    );
}

#[test]
fn an_update_need_not_repeat_what_the_session_is() {
    let update = r#"{"type":"session.updated","session":{"instructions":"Two.","modalities":["text"]}}"#;
    check(
        &[CREATED, update],
        &[("session.id", json!("s")), ("session.model", json!("m")), ("session.instructions", json!("Two."))],
    );
    let created = r#"{"type":"session.created","session":{"type":"transcription","id":"s"}}"#;
    let update = r#"{"type":"session.updated","session":{"input_audio_format":"pcm16"}}"#;
    check(&[created, update], &[("session.id", json!("s")), ("session.type", json!("transcription"))]);
}
