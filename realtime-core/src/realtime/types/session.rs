use super::{
    AudioFormat, Include, MaxOutputTokens, Modality, NoiseReduction, Prompt, Reasoning, Tool, ToolChoice, Tracing,
    Transcription, Truncation, TurnDetection, Voice,
};
use crate::wire::Patch;

union! {
    /// What a session is to be like: what `session.update` sends. What is left out stays as it is.
    ///
    /// The sort of session cannot change once it is open.
    #[expect(clippy::large_enum_variant, reason = "it travels in an event that is boxed")]
    pub enum SessionConfig {
        objects {
            /// A session that converses.
            "realtime" => Realtime(RealtimeSessionConfig),
            /// A session that only transcribes.
            "transcription" => Transcription(TranscriptionSessionConfig),
        }
    }
}

wire! {
    /// What a session that converses is to be like. What is left out stays as it is.
    pub struct RealtimeSessionConfig {
        /// The model. It cannot change once the session is open.
        opt model: String,
        /// What the model answers in: text or audio, not both.
        list output_modalities: Modality,
        /// What the model is told to do, and how to speak. Cleared by an empty text.
        opt instructions: String,
        /// What it hears and how it sounds.
        deep audio: AudioConfig,
        /// What the server is to add to its events.
        list include: Include,
        /// Whether the service records traces; null turns that off.
        patch tracing: Tracing,
        /// What the model may call. Cleared by an empty list.
        list tools: Tool,
        /// What the model is made to call.
        opt tool_choice: ToolChoice,
        /// Whether it may call several tools at once, for models that reason.
        opt parallel_tool_calls: bool,
        /// How a model that reasons does so.
        opt reasoning: Reasoning,
        /// How many tokens one response may have.
        opt max_output_tokens: MaxOutputTokens,
        /// What happens when the conversation grows too long.
        opt truncation: Truncation,
        /// A prompt template; null takes it away.
        patch prompt: Prompt,
    }

    /// What a session that only transcribes is to be like. What is left out stays as it is.
    pub struct TranscriptionSessionConfig {
        /// What it hears.
        deep audio: TranscriptionAudioConfig,
        /// What the server is to add to its events.
        list include: Include,
    }

    /// The audio of a session that converses.
    pub struct AudioConfig {
        /// The user's.
        deep input: AudioInput,
        /// The model's.
        deep output: AudioOutput,
    }

    /// The audio of a session that only transcribes.
    pub struct TranscriptionAudioConfig {
        /// The user's.
        deep input: AudioInput,
    }

    /// The user's audio.
    pub struct AudioInput {
        /// How it is written.
        opt format: AudioFormat,
        /// How it is transcribed; null turns that off.
        patch transcription: Transcription,
        /// How it is filtered; null turns that off.
        patch noise_reduction: NoiseReduction,
        /// How the end of a turn is found; null turns that off, and the client commits the audio itself.
        patch turn_detection: TurnDetection,
    }

    /// The model's audio.
    pub struct AudioOutput {
        /// How it is written.
        opt format: AudioFormat,
        /// Who speaks.
        opt voice: Voice,
        /// How fast, as a multiple of the natural speed: 0.25 to 1.5. It cannot change while the model speaks.
        opt speed: f64,
    }
}

merged! {
    AudioConfig { ; input, output }
    TranscriptionAudioConfig { ; input }
    AudioInput { format, transcription, noise_reduction, turn_detection }
    AudioOutput { format, voice, speed }
}

/// The short forms of `audio.input`.
macro_rules! input_short_forms {
    ($config:ident) => {
        impl $config {
            /// Sets `audio.input.format`.
            #[must_use]
            pub fn input_format(mut self, format: impl Into<AudioFormat>) -> Self {
                self.input_mut().format = Some(format.into());
                self
            }

            /// Sets `audio.input.turn_detection`: `None` turns it off.
            #[must_use]
            pub fn turn_detection(mut self, turn_detection: impl Into<Patch<TurnDetection>>) -> Self {
                self.input_mut().turn_detection = turn_detection.into();
                self
            }

            /// Sets `audio.input.transcription`: `None` turns it off.
            #[must_use]
            pub fn transcription(mut self, transcription: impl Into<Patch<Transcription>>) -> Self {
                self.input_mut().transcription = transcription.into();
                self
            }

            /// Sets `audio.input.noise_reduction`: `None` turns it off.
            #[must_use]
            pub fn noise_reduction(mut self, noise_reduction: impl Into<Patch<NoiseReduction>>) -> Self {
                self.input_mut().noise_reduction = noise_reduction.into();
                self
            }

            fn input_mut(&mut self) -> &mut AudioInput {
                self.audio.get_or_insert_default().input.get_or_insert_default()
            }
        }
    };
}

input_short_forms!(RealtimeSessionConfig);
input_short_forms!(TranscriptionSessionConfig);

/// Short forms of `audio.output`.
impl RealtimeSessionConfig {
    /// Sets `audio.output.format`.
    #[must_use]
    pub fn output_format(mut self, format: impl Into<AudioFormat>) -> Self {
        self.output_mut().format = Some(format.into());
        self
    }

    /// Sets `audio.output.voice`.
    #[must_use]
    pub fn voice(mut self, voice: impl Into<Voice>) -> Self {
        self.output_mut().voice = Some(voice.into());
        self
    }

    fn output_mut(&mut self) -> &mut AudioOutput {
        self.audio.get_or_insert_default().output.get_or_insert_default()
    }
}

impl TranscriptionSessionConfig {
    /// Sets what is set in this of `audio.input`, and leaves the rest of it as it was.
    #[must_use]
    pub fn input(self, input: AudioInput) -> Self {
        self.audio(TranscriptionAudioConfig::default().input(input))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::realtime::types::ServerVad;

    #[test]
    fn a_setter_adds_to_what_was_set_before() {
        let input = AudioInput::default().format(AudioFormat::Pcmu);
        let output = AudioOutput::default().format(AudioFormat::Pcmu).speed(1.2);
        let config = RealtimeSessionConfig::default()
            .voice("marin")
            .turn_detection(ServerVad::default())
            .transcription(None)
            .audio(AudioConfig::default().input(input.clone()).output(output));
        let short = RealtimeSessionConfig::default()
            .audio(AudioConfig::default().output(AudioOutput::default().speed(1.2)))
            .input_format(AudioFormat::Pcmu)
            .output_format(AudioFormat::Pcmu)
            .voice("marin")
            .turn_detection(ServerVad::default())
            .transcription(Patch::Clear);
        assert_eq!(config, short);
        // What is said later counts.
        let later = AudioConfig::default().input(AudioInput::default().format(AudioFormat::Pcma).turn_detection(None));
        let config = config.audio(later);
        let written = serde_json::to_value(&config).unwrap_or_default();
        assert_eq!(
            written["audio"],
            serde_json::json!({
                "input": { "format": { "type": "audio/pcma" }, "transcription": null, "turn_detection": null },
                "output": { "format": { "type": "audio/pcmu" }, "voice": "marin", "speed": 1.2 },
            })
        );
        let config = TranscriptionSessionConfig::default()
            .transcription(Transcription::by("whisper-1"))
            .input(input)
            .noise_reduction(NoiseReduction::near_field());
        let written = serde_json::to_value(&config).unwrap_or_default();
        assert_eq!(
            written["audio"]["input"],
            serde_json::json!({
                "format": { "type": "audio/pcmu" }, "transcription": { "model": "whisper-1" },
                "noise_reduction": { "type": "near_field" },
            })
        );
    }

    #[test]
    fn none_turns_off_what_null_turns_off() {
        let off = |config: RealtimeSessionConfig| serde_json::to_string(&config).unwrap_or_default();
        assert_eq!(
            off(RealtimeSessionConfig::default().turn_detection(None)),
            r#"{"audio":{"input":{"turn_detection":null}}}"#
        );
        assert_eq!(
            off(RealtimeSessionConfig::default().tracing(None).prompt(None)),
            r#"{"tracing":null,"prompt":null}"#
        );
    }
}
