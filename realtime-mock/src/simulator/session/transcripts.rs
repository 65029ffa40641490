//! Transcription of the user's speech, concurrent with the conversation.

use std::{collections::VecDeque, time::Duration};

use realtime_core::{
    Audio,
    transport::Instant,
    types::{AudioFormat, Failure},
};
use serde_json::{Value, json};

use super::{config::merge, responses::with, talk::Talk, usage::of_text};
use crate::simulator::{SimulatedTranscript, Utterance};

/// A transcription in progress.
pub(super) struct Transcript {
    item: String,
    pieces: VecDeque<String>,
    text: String,
    failure: Option<Box<Failure>>,
    model: String,
    ms: u64,
    /// Duration of each delta.
    every: Duration,
}

impl Talk {
    /// Calls the application's transcription function.
    pub(super) fn understand(&mut self, audio: &[u8], format: &AudioFormat) -> SimulatedTranscript {
        let utterance = self.utterance(audio, format);
        (self.settings.transcribe)(&utterance)
    }

    /// The next utterance.
    pub(super) fn utterance(&mut self, audio: &[u8], format: &AudioFormat) -> Utterance {
        let ms = format.bytes_to_ms(audio.len() as u64).unwrap_or_default();
        let number = self.utterances;
        self.utterances += 1;
        Utterance { number, audio: Audio::from(audio), format: format.clone(), ms }
    }

    /// Whether the session requests transcription.
    pub(super) fn transcribes(&self) -> bool {
        self.config.value["audio"]["input"]["transcription"].is_object()
    }

    /// Begins to transcribe, if the session requests it.
    pub(super) fn transcribe(&mut self, item: &str, heard: SimulatedTranscript, ms: u64) {
        if !self.transcribes() {
            return;
        }
        let model = self.config.value["audio"]["input"]["transcription"]["model"].as_str().unwrap_or_default().into();
        let pace = self.settings.pace();
        let after = if heard.early { Duration::ZERO } else { heard.after.unwrap_or(pace.first) };
        self.transcripts.begin(
            self.wire.now + after,
            Transcript {
                item: item.into(),
                pieces: heard.pieces.into(),
                text: String::new(),
                failure: heard.failure,
                model,
                ms,
                every: if after.is_zero() { Duration::ZERO } else { pace.text },
            },
        );
        while self.wire.has_room() && self.transcript_due() == Some(self.wire.now) {
            self.step_transcript();
        }
    }

    pub(super) fn transcript_due(&self) -> Option<Instant> {
        self.transcripts.due()
    }

    pub(super) fn step_transcript(&mut self) {
        let Some((due, number, mut transcript)) = self.transcripts.pop() else { return };
        let part = json!({ "item_id": transcript.item, "content_index": 0 });
        let include = self.config.value["include"].as_array();
        let wants =
            include.is_some_and(|names| names.iter().any(|name| name == "item.input_audio_transcription.logprobs"));
        if let Some(piece) = transcript.pieces.pop_front() {
            transcript.text += &piece;
            self.transcripts.resume(due + transcript.every, number, transcript);
            let mut members = with(&part, json!({ "delta": piece }));
            if wants {
                merge(&mut members, &json!({ "logprobs": [logprob(&piece)] }));
            }
            return self.wire.send_delta("conversation.item.input_audio_transcription.delta", members);
        }
        let Transcript { item, text, failure, model, ms, .. } = transcript;
        if let Some(Failure { kind, code, message, param, .. }) = failure.as_deref() {
            let error = json!({ "type": kind, "code": code, "message": message, "param": param });
            let members = with(&part, json!({ "error": error }));
            return self.wire.send("conversation.item.input_audio_transcription.failed", members);
        }
        if model.ends_with("-diarize") && !text.is_empty() {
            let segment = json!({
                "id": self.wire.ids.make("seg"), "text": text, "speaker": "A", "start": 0.0, "end": seconds(ms),
            });
            self.wire.send("conversation.item.input_audio_transcription.segment", with(&part, segment));
        }
        let mut members = with(&part, json!({ "transcript": text, "usage": usage(&model, &text, ms) }));
        if wants {
            merge(&mut members, &json!({ "logprobs": [logprob(&text)] }));
        }
        self.wire.send("conversation.item.input_audio_transcription.completed", members);
        self.conversation.change(&item, |entry| entry.set_transcript(0, &text));
    }
}

fn logprob(text: &str) -> Value {
    json!({ "token": text, "logprob": -0.25, "bytes": text.as_bytes() })
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// Usage: Whisper is billed by the second, all other models by tokens.
fn usage(model: &str, text: &str, ms: u64) -> Value {
    if model.starts_with("whisper") {
        return json!({ "type": "duration", "seconds": seconds(ms) });
    }
    let (input, output) = (ms.div_ceil(100), of_text(text));
    json!({
        "type": "tokens",
        "total_tokens": input + output,
        "input_tokens": input,
        "input_token_details": { "text_tokens": 0, "audio_tokens": input },
        "output_tokens": output,
    })
}
