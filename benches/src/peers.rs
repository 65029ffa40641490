//! The peers' types, used as their own clients use them, and audio turned into bytes where they leave it as text.

use adk_realtime::audio::{AudioChunk, AudioFormat};
use async_openai::types::realtime::{
    RealtimeClientEvent, RealtimeClientEventInputAudioBufferAppend, RealtimeServerEvent,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

/// An event, and its audio if it has any.
pub type Decoded<T> = (T, Option<Vec<u8>>);

pub fn async_openai(frame: &str) -> Decoded<RealtimeServerEvent> {
    let event = serde_json::from_str(frame).unwrap_or_else(|error| panic!("{error}: {frame}"));
    let audio = match &event {
        RealtimeServerEvent::ResponseOutputAudioDelta(delta) => Some(BASE64_STANDARD.decode(&delta.delta).unwrap()),
        _ => None,
    };
    (event, audio)
}

pub fn oai_rt_rs(frame: &str) -> Decoded<oai_rt_rs::ServerEvent> {
    let event = serde_json::from_str(frame).unwrap();
    let audio = match &event {
        oai_rt_rs::ServerEvent::ResponseOutputAudioDelta { delta, .. } => Some(BASE64_STANDARD.decode(delta).unwrap()),
        _ => None,
    };
    (event, audio)
}

pub fn oai_rt_rs_live(frame: &str) -> Decoded<oai_rt_rs::live::ServerEvent> {
    let event = serde_json::from_str(frame).unwrap();
    let audio = match &event {
        oai_rt_rs::live::ServerEvent::OutputAudioDelta { delta, .. } => Some(BASE64_STANDARD.decode(delta).unwrap()),
        _ => None,
    };
    (event, audio)
}

/// As its session reads a frame: once for the type, for its log, and once for the event.
pub fn adk(frame: &str) -> (String, adk_realtime::ServerEvent) {
    let kind = serde_json::from_str::<Value>(frame)
        .ok()
        .and_then(|value| value.get("type").and_then(|kind| kind.as_str()).map(String::from))
        .unwrap_or_else(|| "unknown".to_owned());
    (kind, serde_json::from_str(frame).unwrap())
}

pub fn async_openai_append(pcm: &[u8]) -> String {
    let event = RealtimeClientEventInputAudioBufferAppend { event_id: None, audio: BASE64_STANDARD.encode(pcm) };
    serde_json::to_string(&RealtimeClientEvent::InputAudioBufferAppend(event)).unwrap()
}

pub fn oai_rt_rs_append(pcm: &[u8]) -> String {
    let event = oai_rt_rs::ClientEvent::InputAudioBufferAppend { event_id: None, audio: BASE64_STANDARD.encode(pcm) };
    serde_json::to_string(&event).unwrap()
}

/// As its session writes audio.
pub fn adk_append(pcm: &[u8]) -> String {
    let chunk = AudioChunk::new(pcm.to_vec(), AudioFormat::pcm16_24khz());
    serde_json::to_string(&json!({ "type": "input_audio_buffer.append", "audio": chunk.to_base64() })).unwrap()
}
