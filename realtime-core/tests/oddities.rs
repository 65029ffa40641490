//! What arrives and is in no specification: older names, cut characters, messages that are no events.

use bytes::Bytes;
use realtime_core::{
    Patch,
    event::{
        ClientEvent, ConversationItemAdded, Custom, ErrorEvent, Event, EventOf, Recognition, ResponseContentPartAdded,
        ResponseCreated, ResponseOutputTextDelta, ServerEvent, SessionCreated, translation,
    },
    types::{ContentPart, Item, Message, ObjectKind, PartKind, Role, SessionInfo, ToolChoice},
};
use serde_json::{Value, json};

fn server(value: Value) -> ServerEvent {
    ServerEvent::decode(value.to_string().as_bytes())
}

fn get<T: EventOf<ServerEvent>>(value: Value) -> T {
    T::take(server(value)).unwrap_or_else(|event| panic!("{event:?}"))
}

#[test]
fn events_stay_small() {
    assert_eq!(size_of::<ServerEvent>(), 144);
    assert_eq!(size_of::<ClientEvent>(), 80);
    assert_eq!(size_of::<translation::ServerEvent>(), 120);
    assert_eq!(size_of::<translation::ClientEvent>(), 72);
}

#[test]
fn an_older_name_is_read_as_the_current_one() {
    let place = json!({"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0});
    for (older, current, member) in [
        ("response.text.delta", "response.output_text.delta", json!({"delta": "x"})),
        ("response.text.done", "response.output_text.done", json!({"text": "x"})),
        ("response.audio.delta", "response.output_audio.delta", json!({"delta": "AAA="})),
        ("response.audio.done", "response.output_audio.done", json!({})),
        ("response.audio_transcript.delta", "response.output_audio_transcript.delta", json!({"delta": "x"})),
        ("response.audio_transcript.done", "response.output_audio_transcript.done", json!({"transcript": "x"})),
        ("transcription_session.created", "session.created", json!({"session": {"id": "s"}})),
        ("transcription_session.updated", "session.updated", json!({"session": {"id": "s"}})),
    ] {
        let named = |kind: &str, members: &[&Value]| {
            let mut event = json!({"type": kind, "event_id": "e"});
            for (key, value) in members.iter().flat_map(|members| members.as_object().unwrap()) {
                event[key] = value.clone();
            }
            server(event)
        };
        let event = named(older, &[&place, &member]);
        assert_eq!(event, named(current, &[&place, &member]));
        assert_eq!((event.recognition(), event.kind()), (Recognition::Known, current));
        assert!(!ServerEvent::KINDS.contains(&older));

        if current.starts_with("session") {
            continue;
        }
        // What the event is about can be inferred.
        let bare = named(older, &[]);
        assert_eq!((bare.recognition(), bare.kind()), (Recognition::Known, current));
        assert_eq!(bare.event_id().map(|id| id.as_str()), Some("e"));
    }
}

#[test]
fn an_older_part_is_read_as_the_current_one() {
    for (older, current, kind) in
        [("text", "output_text", PartKind::OutputText), ("audio", "output_audio", PartKind::OutputAudio)]
    {
        let part = ContentPart::default().kind(kind);
        for name in [older, current] {
            let added: ConversationItemAdded = get(json!({
                "type": "conversation.item.added",
                "item": {"type": "message", "role": "assistant", "content": [{"type": name}]},
            }));
            assert_eq!(added.item, Message::new(Role::Assistant, [part.clone()]).into());
            let added: ResponseContentPartAdded = get(json!({
                "type": "response.content_part.added", "response_id": "r", "item_id": "i",
                "output_index": 0, "content_index": 0, "part": {"type": name},
            }));
            assert_eq!(added.part, part);
        }
    }
}

#[test]
fn an_older_session_has_no_type() {
    let created: SessionCreated = get(json!({
        "type": "session.created",
        "session": {"id": "sess_1", "object": "realtime.session", "model": "m", "modalities": ["text"], "voice": "alloy",
            "input_audio_format": "pcm16", "turn_detection": {"type": "server_vad"}, "tool_choice": "auto"},
    }));
    let SessionInfo::Realtime(session) = created.session else { panic!("{created:?}") };
    assert_eq!(session.object, Some(ObjectKind::Session));
    assert_eq!(session.tool_choice, Some(ToolChoice::Auto));
}

#[test]
fn null_and_absent_differ_where_the_order_depends_on_them() {
    let added = |previous: Value| {
        let mut event =
            json!({"type": "conversation.item.added", "item": {"type": "message", "role": "user", "content": []}});
        event.as_object_mut().unwrap().extend(previous.as_object().unwrap().clone());
        get::<ConversationItemAdded>(event).previous_item_id
    };
    assert_eq!(added(json!({})), Patch::Keep);
    assert_eq!(added(json!({"previous_item_id": null})), Patch::Clear);
    assert_eq!(added(json!({"previous_item_id": "i"})), "i".into());

    let conversation = |response: Value| {
        get::<ResponseCreated>(json!({"type": "response.created", "response": response})).response.conversation_id
    };
    assert_eq!(conversation(json!({})), Patch::Keep);
    assert_eq!(conversation(json!({"conversation_id": null})), Patch::Clear);
}

/// The service splits text where it likes, an emoji too: every text that it streams is read although half a character
/// is missing.
#[test]
fn half_a_character_loses_no_event() {
    let place = r#""response_id":"r","item_id":"i","output_index":0,"content_index":0,"call_id":"c""#;
    for (kind, member) in [
        ("response.output_text.delta", "delta"),
        ("response.output_text.done", "text"),
        ("response.output_audio_transcript.delta", "delta"),
        ("response.output_audio_transcript.done", "transcript"),
        ("response.function_call_arguments.delta", "delta"),
        ("response.function_call_arguments.done", "arguments"),
        ("response.mcp_call_arguments.delta", "delta"),
        ("response.mcp_call_arguments.done", "arguments"),
        ("conversation.item.input_audio_transcription.delta", "delta"),
        ("conversation.item.input_audio_transcription.completed", "transcript"),
    ] {
        half::<ServerEvent>(&format!(r#"{{"type":"{kind}",{place},"{member}":"hi \ud83d"}}"#), member);
    }
    for kind in ["session.input_transcript.delta", "session.output_transcript.delta"] {
        half::<translation::ServerEvent>(&format!(r#"{{"type":"{kind}","delta":"hi \ud83d"}}"#), "delta");
    }
    for part in [r#"{"text":"hi \ud83d"}"#, r#"{"transcript":"hi \ud83d","type":"audio"}"#] {
        let item = format!(r#"{{"type":"message","role":"assistant","content":[{part}]}}"#);
        let event = ServerEvent::decode(format!(r#"{{"type":"conversation.item.done","item":{item}}}"#).as_bytes());
        let ServerEvent::ConversationItemDone(done) = event else { panic!("{event:?}") };
        assert!(done.item.as_message().unwrap().text().starts_with("hi \u{fffd}"));
    }

    fn half<E: Event>(text: &str, member: &str) {
        let event = E::decode(text.as_bytes());
        assert_eq!(event.recognition(), Recognition::Known, "{text}");
        let written: Value = serde_json::from_slice(event.encode().as_bytes()).unwrap();
        assert!(written[member].as_str().unwrap().starts_with("hi \u{fffd}"), "{written}");
    }
}

#[test]
fn an_item_of_a_newer_type_has_its_place() {
    let item =
        json!({"id": "item_9", "object": "realtime.item", "type": "hologram", "status": "in_progress", "x": [1]});
    let added: ConversationItemAdded = get(json!({"type": "conversation.item.added", "item": item}));
    assert_eq!(added.item.id().map(|id| id.as_str()), Some("item_9"));
    assert_eq!(added.item.status().map(|status| status.as_str()), Some("in_progress"));
    assert_eq!(serde_json::to_value(&added.item).unwrap(), item);
}

#[test]
fn what_does_not_fit_says_where() {
    for (event, why) in [
        (json!({"type": "conversation.item.truncated"}), "missing field `item_id`"),
        (json!({"type": "conversation.item.truncated", "item_id": {}}), "missing field `item_id`"),
        (json!({"type": "conversation.item.added"}), "missing field `item`"),
        (json!({"type": "conversation.item.added", "item": 7}), "missing field `item`"),
        (json!({"type": "conversation.item.deleted", "item_id": "x".repeat(3000)}), "missing field `item_id`"),
    ] {
        let event = server(event);
        let Recognition::Malformed(reason) = event.recognition() else { panic!("{event:?}") };
        assert!(reason.contains(why), "{reason}");
    }
}

#[test]
fn what_is_no_event_is_kept() {
    for (raw, why) in [
        (&b""[..], "EOF"),
        (b"null", "expected a JSON object"),
        (br#""a secret""#, "a string, expected a JSON object"),
        (b"{}", "no member named `type`"),
        (br#"{"type":7}"#, "expected a string"),
        (b"{\"type\":\"error\xff\"}", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "no member named `type`"),
        (br#"{"type":"error"} {}"#, "trailing characters"),
    ] {
        let event = ServerEvent::decode(raw);
        let ServerEvent::Invalid(invalid) = &event else { panic!("{event:?}") };
        assert!(invalid.reason.contains(why), "{}", invalid.reason);
        assert_eq!((&*invalid.raw, event.kind(), event.event_id()), (raw, "", None));
    }
    let binary = ServerEvent::binary(Bytes::from_static(b"{\"type\":7}"));
    assert!(matches!(binary.recognition(), Recognition::Invalid("a binary message")));
    let text = ServerEvent::binary(Bytes::from_static(b"{\"type\":\"error\"}"));
    assert_eq!((text.recognition(), text.kind()), (Recognition::Known, "error"));
}

#[test]
fn an_event_id_that_is_no_text_is_none() {
    let event = server(json!({"type": "newer", "event_id": {"a": 1}}));
    assert_eq!((event.recognition(), event.event_id()), (Recognition::Unknown, None));
    let event = server(json!({"type": "error", "event_id": 7, "error": {"message": "m"}}));
    assert_eq!((event.kind(), event.event_id().map(|id| id.as_str())), ("error", Some("7")));
    assert_eq!(event.recognition(), Recognition::Known);
}

#[test]
fn the_same_name_is_another_event_on_another_socket() {
    let text = br#"{"type":"session.created","session":{"id":"s","type":"translation","audio":{}}}"#;
    let ServerEvent::SessionCreated(created) = ServerEvent::decode(text) else { panic!() };
    assert!(matches!(created.session, SessionInfo::Other(_)));
    let translation::ServerEvent::SessionCreated(created) = translation::ServerEvent::decode(text) else { panic!() };
    assert_eq!(created.session.id.as_deref(), Some("s"));

    let error = ErrorEvent::new(realtime_core::types::ErrorBody::new("m").code("c"));
    assert_eq!(ServerEvent::from(error.clone()).encode(), translation::ServerEvent::from(error).encode());
}

#[test]
fn a_struct_stands_for_its_event() {
    let delta = ResponseOutputTextDelta::new("r", "i", 0, 0, "hi").event_id("e");
    let event = ServerEvent::from(delta.clone());
    assert_eq!(<ResponseOutputTextDelta as EventOf<ServerEvent>>::KIND, event.kind());
    assert_eq!(ResponseOutputTextDelta::get(&event), Some(&delta));
    assert_eq!(ErrorEvent::get(&event), None);
    assert_eq!(ErrorEvent::take(event.clone()), Err(event));
}

#[test]
fn events_of_ones_own_are_sent_as_they_are() {
    let text = r#"{ "event_id": "e", "type": "gateway.ping" }"#;
    let custom = Custom::new(realtime_core::Json::parse(text).unwrap()).unwrap();
    let event = ClientEvent::from(custom);
    assert_eq!((event.kind(), event.recognition()), ("gateway.ping", Recognition::Unknown));
    assert_eq!(event.encode().to_str().unwrap(), text);
    assert_eq!(ClientEvent::decode(text.as_bytes()), event);
    let item = ClientEvent::from(realtime_core::event::ConversationItemCreate::new(Item::user("hi")));
    let list: Vec<ClientEvent> = serde_json::from_str(&serde_json::to_string(&[&event, &item]).unwrap()).unwrap();
    assert_eq!(list, [event, item]);
}
