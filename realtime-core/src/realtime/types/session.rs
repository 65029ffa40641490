use super::{
    AudioFormat, Include, MaxOutputTokens, Modality, NoiseReduction, Prompt, Reasoning, Tool, ToolChoice, Tracing,
    Transcription, Truncation, TurnDetection, Voice,
};
use crate::wire::Patch;

union! {
    /// Configuration of a session, sent by `session.update`. Members that are not set keep their value.
    ///
    /// The type of a session cannot be changed once it is open.
    #[expect(clippy::large_enum_variant, reason = "it travels in an event that is boxed")]
    pub enum SessionConfig {
        objects {
            /// A conversation session.
            "realtime" => Realtime(RealtimeSessionConfig),
            /// A transcription session.
            "transcription" => Transcription(TranscriptionSessionConfig),
        }
    }
}

wire! {
    /// Configuration of a conversation session. Members that are not set keep their value.
    ///
    /// # Examples
    /// ```
    /// use realtime_core::types::{Modality, RealtimeSessionConfig, ServerVad, Transcription};
    ///
    /// let config = RealtimeSessionConfig::default()
    ///     .output_modalities([Modality::Audio])
    ///     .instructions("You take orders for a bakery.")
    ///     .voice("marin")
    ///     .transcription(Transcription::by("gpt-4o-mini-transcribe"))
    ///     .turn_detection(ServerVad::default().silence_duration_ms(400));
    /// let json = serde_json::to_value(&config)?;
    /// assert_eq!(json["audio"]["output"]["voice"], "marin");
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    pub struct RealtimeSessionConfig {
        /// The model. Cannot be changed once the session is open.
        opt model: String,
        /// Output modality: text or audio, not both.
        list output_modalities: Modality,
        /// Instructions for the model. Cleared by an empty string.
        opt instructions: String,
        /// Audio settings.
        deep audio: AudioConfig,
        /// Additional data to include in events.
        list include: Include,
        /// Tracing settings, or null to turn tracing off.
        patch tracing: Tracing,
        /// Tools that the model can call. Cleared by an empty list.
        list tools: Tool,
        /// Tool that the model must call, if any.
        opt tool_choice: ToolChoice,
        /// Whether a reasoning model can call several tools at once.
        opt parallel_tool_calls: bool,
        /// Reasoning settings.
        opt reasoning: Reasoning,
        /// Maximum number of tokens of a response.
        opt max_output_tokens: MaxOutputTokens,
        /// What happens when the conversation exceeds the model's input limit.
        opt truncation: Truncation,
        /// Prompt template, or null to remove it.
        patch prompt: Prompt,
    }

    /// Configuration of a transcription session. Members that are not set keep their value.
    ///
    /// # Examples
    /// ```
    /// use realtime_core::types::{AudioFormat, Transcription, TranscriptionSessionConfig};
    ///
    /// let config = TranscriptionSessionConfig::default()
    ///     .input_format(AudioFormat::Pcmu) // from a telephone
    ///     .transcription(Transcription::by("gpt-4o-transcribe").language("en"));
    /// # drop(config);
    /// ```
    pub struct TranscriptionSessionConfig {
        /// Audio settings.
        deep audio: TranscriptionAudioConfig,
        /// Additional data to include in events.
        list include: Include,
    }

    /// Input and output audio settings.
    pub struct AudioConfig {
        /// Input settings.
        deep input: AudioInput,
        /// Output settings.
        deep output: AudioOutput,
    }

    /// Audio settings of a transcription session.
    pub struct TranscriptionAudioConfig {
        /// Input settings.
        deep input: AudioInput,
    }

    /// Input audio settings.
    pub struct AudioInput {
        /// Audio encoding.
        opt format: AudioFormat,
        /// Transcription settings, or null to turn transcription off.
        patch transcription: Transcription,
        /// Noise reduction, or null to turn it off.
        patch noise_reduction: NoiseReduction,
        /// Turn detection, or null to turn it off; the client then commits the audio.
        patch turn_detection: TurnDetection,
    }

    /// Output audio settings.
    pub struct AudioOutput {
        /// Audio encoding.
        opt format: AudioFormat,
        /// Voice.
        opt voice: Voice,
        /// Speed, as a multiple of the natural speed: 0.25 to 1.5. Cannot be changed while the model speaks.
        opt speed: f64,
    }
}

merged! {
    AudioConfig { ; input, output }
    TranscriptionAudioConfig { ; input }
    AudioInput { format, transcription, noise_reduction, turn_detection }
    AudioOutput { format, voice, speed }
}

/// Shortcuts for `audio.input`.
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

/// Shortcuts for `audio.output`.
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
    /// Merges these settings into `audio.input`.
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
        // The last call wins.
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
