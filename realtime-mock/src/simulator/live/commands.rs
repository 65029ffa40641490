//! Client events of an open session.

use realtime_core::{Audio, types::AudioFormat};
use serde_json::{Map, Value, json};

use super::{
    super::session::{Fault, strict_base64},
    config,
    room::{Audience, Media, Pending, Room},
};

/// Maximum duration of a clip, in milliseconds.
const MOST_CLIP_MS: u64 = 30_000;
/// Maximum number of tokens in one added context, at four characters per token.
const MOST_CONTEXT: usize = 500;
/// Duration of added context on the timeline.
const CONTEXT_MS: u64 = 200;
/// Maximum duration of buffered input, in milliseconds.
const MOST_WAITING_MS: u64 = 60_000;
/// Maximum number of items for decisions.
const MOST_ITEMS: usize = 1_024;

impl Room {
    /// Handles an event whose members were validated.
    pub(super) fn command(&mut self, kind: &str, members: &Map<String, Value>) -> Result<(), Fault> {
        if self.is_closing() {
            return Err(Fault::new("invalid_request", "The session is closing."));
        }
        let id = members.get("event_id").and_then(Value::as_str);
        match kind {
            "session.start" => Err(Fault::new("invalid_request", "The session has started already.")),
            "session.update" => {
                config::update(&mut self.config, &members["session"])?;
                let session = json!({ "session": self.config });
                self.emit(Audience::All, "session.updated", id, session);
                Ok(())
            }
            "session.input_audio.append" => self.append_audio(&members["audio"]),
            "session.input_audio.mute" => {
                self.muted = true;
                self.emit(Audience::All, "session.input_audio.muted", id, json!({}));
                Ok(())
            }
            "session.input_audio.unmute" => {
                self.muted = false;
                self.emit(Audience::All, "session.input_audio.unmuted", id, json!({}));
                Ok(())
            }
            "session.output_audio.fixture.play" => self.play_clip(&members["audio"], id),
            "session.instructions.append" => self.append_context("instructions", members, id),
            "session.thinking.append" => self.append_context("thinking", members, id),
            "session.commentary.append" => self.append_context("commentary", members, id),
            "decision.create" => self.create_decision(id.unwrap_or_default()),
            "decision.item.create" => self.create_decision_item(&members["item"], id),
            "decision.item.delete" => self.delete_decision_item(&members["item_id"], id),
            "response.item.create" => self.create_response_item(&members["item"]),
            "response.create" => self.create_response(),
            "session.close" => {
                self.close("close_requested", id);
                Ok(())
            }
            // The only other type with a schema.
            _ => self.press(&members["event"], id),
        }
    }

    fn append_audio(&mut self, audio: &Value) -> Result<(), Fault> {
        let format = self.format();
        let audio = read_audio(audio, &format)?;
        let waiting = format.bytes_to_ms((self.input.len() + audio.len()) as u64).unwrap_or_default();
        if waiting > MOST_WAITING_MS {
            let message = "Audio is sent faster than real time, and a minute of it waits already.";
            return Err(Fault::new("invalid_request", message).at("audio"));
        }
        self.hear(&audio);
        Ok(())
    }

    fn play_clip(&mut self, audio: &Value, id: Option<&str>) -> Result<(), Fault> {
        let audio = read_audio(audio, &AudioFormat::pcm())?;
        let ms = AudioFormat::pcm().bytes_to_ms(audio.len() as u64).unwrap_or_default();
        if ms > MOST_CLIP_MS || audio.is_empty() {
            let message = format!("An audio fixture lasts up to {MOST_CLIP_MS} ms, and this one lasts {ms} ms.");
            return Err(Fault::new("invalid_audio", message).at("audio"));
        }
        if self.voice.plays_a_clip() {
            return Err(Fault::new("invalid_request", "An audio fixture is already active."));
        }
        self.play(audio, id);
        Ok(())
    }

    fn append_context(
        &mut self,
        kind: &'static str,
        members: &Map<String, Value>,
        id: Option<&str>,
    ) -> Result<(), Fault> {
        // Null must be sent explicitly.
        let Some(delegation) = members.get("delegation_id") else { return Err(Fault::missing("delegation_id")) };
        if self.voice.plays_a_clip() {
            let message = "Context cannot be appended while an audio fixture is active.";
            return Err(Fault::new("invalid_request", message));
        }
        if let Some(delegation) = delegation.as_str() {
            if config::target(&self.config) == "responses" {
                let message = "Context for a delegation requires client delegation.";
                return Err(Fault::new("invalid_request", message).at("delegation_id"));
            }
            if !self.delegations.contains(delegation) {
                return Err(Fault::new("invalid_value", "Unknown delegation.").at("delegation_id"));
            }
        }
        let content = members["content"].as_str().unwrap_or_default();
        if content.chars().count() > 4 * MOST_CONTEXT {
            let message = format!("Invalid 'content': at most {MOST_CONTEXT} tokens.");
            return Err(Fault::new("invalid_value", message).at("content"));
        }
        let behind = self.pending.back().map_or(0, |pending| pending.end_ms);
        let start_ms = self.timeline_ms.max(behind);
        self.append(Pending {
            kind,
            client_event_id: id.map(Into::into),
            content: content.into(),
            start_ms,
            end_ms: start_ms + CONTEXT_MS,
        })
    }

    fn create_decision_item(&mut self, item: &Value, id: Option<&str>) -> Result<(), Fault> {
        if !item.is_object() {
            return Err(Fault::new("invalid_type", "Invalid type for 'item': expected an object.").at("item"));
        }
        if self.decision_items.len() == MOST_ITEMS {
            return Err(Fault::new("invalid_request", "There are too many decision items: delete some.").at("item"));
        }
        let mut item = item.clone();
        let name = item["id"].as_str().map_or_else(|| self.ids.make("item"), Into::into);
        if self.decision_items.contains(&name) {
            return Err(Fault::new("invalid_value", format!("The item '{name}' exists already.")).at("item.id"));
        }
        item["id"] = name.as_str().into();
        self.decision_items.push(name);
        self.emit(Audience::All, "decision.item.created", id, json!({ "item": item }));
        Ok(())
    }

    fn delete_decision_item(&mut self, item: &Value, id: Option<&str>) -> Result<(), Fault> {
        let name = item.as_str().unwrap_or_default();
        let Some(at) = self.decision_items.iter().position(|known| known == name) else {
            return Err(Fault::new("invalid_value", format!("There is no item '{name}'.")).at("item_id"));
        };
        self.decision_items.remove(at);
        self.emit(Audience::All, "decision.item.deleted", id, json!({ "item_id": item }));
        Ok(())
    }

    fn press(&mut self, key: &Value, id: Option<&str>) -> Result<(), Fault> {
        if self.media != Media::Sip {
            return Err(Fault::new("invalid_request", "transport.dtmf.send requires a SIP session."));
        }
        let name = key.as_str().unwrap_or_default();
        if name.len() != 1 || !"0123456789ABCD*#".contains(name) {
            return Err(Fault::new("invalid_value", format!("Invalid value: '{name}'.")).at("event"));
        }
        self.emit(Audience::Sidebands, "transport.dtmf.sent", id, json!({ "event": key }));
        Ok(())
    }
}

/// The whole samples of an event's audio.
fn read_audio(audio: &Value, format: &AudioFormat) -> Result<Audio, Fault> {
    let Some(audio) = strict_base64(audio) else {
        let message = "Invalid 'audio'. Expected base64-encoded audio bytes but got an invalid value.";
        return Err(Fault::new("invalid_audio", message).at("audio"));
    };
    let sample = format.bytes_per_sample().unwrap_or(1) as usize;
    if !audio.len().is_multiple_of(sample) {
        let message = "PCM16 audio must contain an even number of bytes";
        return Err(Fault::new("invalid_audio", message).at("audio"));
    }
    Ok(audio)
}
