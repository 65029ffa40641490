//! The input audio buffer, and turns.

use realtime_core::{Audio, transport::Instant};
use serde_json::json;

use super::{
    Fault,
    buffer::{MS, Ticks},
    conversation::{Clip, Place, StoredItem},
    hearing::{Hearing, SpeechEdge},
    talk::Talk,
};
use crate::simulator::request::SessionKind;

/// Minimum duration of a manual commit.
const LEAST: Ticks = 100 * MS;

/// The current turn: its future item, and its start.
pub(super) struct Speech {
    item: String,
    from: Ticks,
}

/// Idle timeout after the model has spoken.
pub(super) enum Idle {
    /// The client plays the answer until this time.
    Playing(Instant),
    /// Silence since this position of the audio. At that time, the model prompts the user.
    Silent(Ticks, Instant),
}

impl Talk {
    pub(super) fn append(&mut self, audio: &Audio) -> Result<(), Fault> {
        let at = self.buffer.end();
        self.buffer.append(audio, &self.config.input);
        let Some(turns) = self.config.turns.clone() else { return Ok(()) };
        let heard = self.hearing.listen(audio, &self.config.input, at, self.buffer.start(), &turns);
        for heard in heard {
            // A timeout without duration has expired by then.
            self.settle();
            match heard {
                SpeechEdge::Started(from) => {
                    // A turn that ended within the same audio moved the start of the buffer.
                    let from = from.max(self.buffer.start());
                    let item = self.wire.ids.make("item");
                    let members = json!({ "audio_start_ms": from / MS, "item_id": item });
                    self.wire.send("input_audio_buffer.speech_started", members);
                    self.speech = Some(Speech { item, from });
                    self.idle = None;
                    if turns.interrupt_response {
                        self.interrupt();
                    }
                }
                SpeechEdge::Stopped(to) => {
                    let Some(Speech { item, from }) = self.speech.take() else { continue };
                    let members = json!({ "audio_end_ms": to / MS, "item_id": item });
                    self.wire.send("input_audio_buffer.speech_stopped", members);
                    self.take_turn(item, from, to);
                    if turns.create_response && self.kind == SessionKind::Realtime {
                        self.answer_turn();
                    }
                }
            }
        }
        Ok(())
    }

    /// Handles a commit by the client.
    pub(super) fn commit(&mut self) -> Result<(), Fault> {
        let length = self.buffer.length();
        if length < LEAST {
            let ms = length as f64 / MS as f64;
            let message = format!(
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer \
                 only has {ms:.2}ms of audio."
            );
            return Err(Fault::new("input_audio_buffer_commit_empty", message));
        }
        self.stop_listening();
        let item = self.wire.ids.make("item");
        self.take_turn(item, self.buffer.start(), self.buffer.end());
        Ok(())
    }

    /// Handles a clear by the client.
    pub(super) fn clear(&mut self) -> Result<(), Fault> {
        self.stop_listening();
        self.buffer.take(self.buffer.end(), self.buffer.end());
        self.wire.send("input_audio_buffer.cleared", json!({}));
        Ok(())
    }

    /// Discards the current turn.
    pub(super) fn stop_listening(&mut self) {
        self.hearing = Hearing::default();
        self.speech = None;
    }

    /// Turns audio of the buffer into an item of the conversation.
    fn take_turn(&mut self, id: String, from: Ticks, to: Ticks) {
        let audio = self.buffer.take(from, to);
        let format = self.config.input.clone();
        if self.settings.responder.is_some() {
            return self.ask_transcript(id, audio, format);
        }
        let heard = self.understand(&audio, &format);
        let (words, early) = (heard.words(), heard.early);
        let clip = Clip::new(0, format, audio);
        let ms = clip.ms;
        if early {
            self.transcribe(&id, heard.clone(), ms);
        }
        self.commit_item(&id, Some(clip));
        let transcribed = early && heard.failure.is_none() && self.transcribes();
        self.conversation.change(&id, |entry| {
            if transcribed {
                entry.set_transcript(0, &words);
            }
            entry.heard = Some(words);
        });
        if !early {
            self.transcribe(&id, heard, ms);
        }
    }

    pub(super) fn commit_item(&mut self, id: &str, clip: Option<Clip>) {
        let members =
            json!({ "previous_item_id": self.conversation.before(Place::End).map(|id| &**id), "item_id": id });
        self.wire.send("input_audio_buffer.committed", members);
        let entry = StoredItem::new(json!({
            "id": id,
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{ "type": "input_audio", "transcript": null }],
        }));
        self.add(Place::End, entry.with_clip(clip));
    }

    /// Starts the idle timeout after the model's speech of this duration has been played.
    pub(super) fn wait_for_speech(&mut self, spoken_ms: u64) {
        let patient = self.config.turns.as_ref().is_some_and(|turns| turns.idle_ms.is_some());
        if patient && self.speech.is_none() {
            self.idle = Some(Idle::Playing(self.wire.now + std::time::Duration::from_millis(spoken_ms)));
        }
    }

    pub(super) fn idle_due(&self) -> Option<Instant> {
        match self.idle {
            Some(Idle::Playing(until) | Idle::Silent(_, until)) => Some(until),
            None => None,
        }
    }

    pub(super) fn step_idle(&mut self) {
        let Some(timeout) = self.config.turns.as_ref().and_then(|turns| turns.idle_ms) else {
            self.idle = None;
            return;
        };
        match self.idle.take() {
            None => {}
            Some(Idle::Playing(until)) => {
                let until = until + std::time::Duration::from_millis(timeout);
                self.idle = Some(Idle::Silent(self.buffer.end(), until));
            }
            Some(Idle::Silent(from, _)) => {
                let (id, to) = (self.wire.ids.make("item"), self.buffer.end());
                let members = json!({ "audio_start_ms": from / MS, "audio_end_ms": to / MS, "item_id": id });
                self.wire.send("input_audio_buffer.timeout_triggered", members);
                let audio = self.buffer.take(from, to);
                self.commit_item(&id, Some(Clip::new(0, self.config.input.clone(), audio)));
                // No speech.
                self.transcribe(&id, Default::default(), (to - from) / MS);
                self.answer_turn();
            }
        }
    }
}
