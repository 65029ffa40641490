use std::{collections::VecDeque, sync::Arc};

use realtime_core::{
    Audio,
    transport::{CloseFrame, Instant},
    types::AudioFormat,
};
use serde_json::{Value, json};

use super::{
    Fault, Incoming, Wire,
    config::{member, merge},
    hearing::is_silent,
    shape::check_event,
    shapes,
};
use crate::simulator::{request::Request, settings::Settings, voice};

/// Bytes of a step of 200 ms.
const PIECE: usize = 9_600;

/// A translation session. Output follows input with a delay of one step.
pub(super) struct Translate {
    pub(super) wire: Wire,
    settings: Arc<Settings>,
    pub(super) config: Value,
    /// Audio of an incomplete step.
    partial: Vec<u8>,
    heard: u64,
    phrases: u64,
    input: VecDeque<String>,
    output: VecDeque<String>,
    /// Whether speech was received that is not translated yet.
    behind: bool,
}

impl Translate {
    pub(super) fn open(mut wire: Wire, settings: Arc<Settings>, request: &Request) -> Self {
        let mut config = described(&wire.ids.make("sess"), request.model.as_deref(), wire.expires_at());
        if let Some(audio) = request.preset.as_ref().and_then(|session| session.get("audio")) {
            update(&mut config, audio);
        }
        wire.send("session.created", json!({ "session": config }));
        Self {
            wire,
            settings,
            config,
            partial: Vec::new(),
            heard: 0,
            phrases: 0,
            input: VecDeque::new(),
            output: VecDeque::new(),
            behind: false,
        }
    }

    pub(super) fn receive(&mut self, Incoming { kind, members }: Incoming<'_>) -> Result<(), Fault> {
        let Some(shape) = shapes::translation(kind) else {
            return Err(Fault::value("type", kind, shapes::KINDS));
        };
        check_event(shape, members)?;
        match kind {
            "session.update" => {
                update(&mut self.config, &members["session"]["audio"]);
                self.wire.send("session.updated", json!({ "session": self.config }));
            }
            "session.input_audio_buffer.append" => self.append(&super::decode(members)?),
            // The only other type with a schema.
            _ => self.close(),
        }
        Ok(())
    }

    fn append(&mut self, audio: &Audio) {
        let mut buffered = std::mem::take(&mut self.partial);
        buffered.extend_from_slice(audio);
        let pieces = buffered.chunks_exact(PIECE);
        self.partial = pieces.remainder().to_vec();
        pieces.for_each(|piece| self.translate(piece));
    }

    fn translate(&mut self, piece: &[u8]) {
        let elapsed = json!(self.heard * 200);
        self.heard += 1;
        if self.input.is_empty() && self.output.is_empty() && !is_silent(piece, &AudioFormat::pcm()) {
            let phrase = (self.settings.translate)(self.phrases);
            self.phrases += 1;
            (self.input, self.output) = (phrase.input.into(), phrase.output.into());
        }
        let spoken = std::mem::take(&mut self.behind);
        if let Some(word) = self.input.pop_front() {
            self.behind = true;
            if !self.config["audio"]["input"]["transcription"].is_null() {
                let members = json!({ "delta": word, "elapsed_ms": elapsed });
                self.wire.send("session.input_transcript.delta", members);
            }
        }
        if spoken || (self.input.is_empty() && !self.behind) {
            self.speak(&elapsed);
        }
    }

    /// The next word of the translation.
    fn speak(&mut self, elapsed: &Value) {
        let Some(word) = self.output.pop_front() else { return };
        self.wire.send("session.output_transcript.delta", json!({ "delta": word, "elapsed_ms": elapsed }));
        let audio = Audio::from(voice::speak(200, &AudioFormat::pcm()));
        let members = json!({
            "delta": audio, "sample_rate": 24_000, "channels": 1, "format": "pcm16", "elapsed_ms": elapsed,
        });
        self.wire.send("session.output_audio.delta", members);
    }

    /// Translates the rest, and ends the session.
    fn close(&mut self) {
        while !self.output.is_empty() {
            self.speak(&Value::Null);
        }
        self.wire.send("session.closed", json!({}));
        self.wire.close(CloseFrame::new(1000, ""));
    }

    pub(super) fn heard_ms(&self) -> u64 {
        self.heard * 200 + self.partial.len() as u64 / 48
    }

    /// Nothing is scheduled by the clock.
    pub(super) fn due(&self) -> Option<Instant> {
        None
    }

    pub(super) fn step(&mut self) {}
}

/// The configuration of a new session.
pub(super) fn described(id: &str, model: Option<&str>, expires_at: u64) -> Value {
    json!({
        "id": id,
        "type": "translation",
        "expires_at": expires_at,
        "model": model.unwrap_or("gpt-realtime-translate"),
        "audio": { "input": { "transcription": null, "noise_reduction": null }, "output": { "language": "en" } },
    })
}

/// Sets the given members of `audio`.
pub(super) fn update(config: &mut Value, audio: &Value) {
    for side in ["input", "output"] {
        for (name, value) in audio[side].as_object().into_iter().flatten() {
            if let Some(current) = member(config, &["audio", side, name]) {
                merge(current, value);
            }
        }
    }
}
