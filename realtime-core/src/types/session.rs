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
        opt audio: AudioConfig,
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
        opt audio: TranscriptionAudioConfig,
        /// What the server is to add to its events.
        list include: Include,
    }

    /// The audio of a session that converses.
    pub struct AudioConfig {
        /// The user's.
        opt input: AudioInput,
        /// The model's.
        opt output: AudioOutput,
    }

    /// The audio of a session that only transcribes.
    pub struct TranscriptionAudioConfig {
        /// The user's.
        opt input: AudioInput,
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

/// Short forms of what lies deep.
impl RealtimeSessionConfig {
    /// Sets `audio.output.voice`.
    #[must_use]
    pub fn voice(mut self, voice: impl Into<Voice>) -> Self {
        self.audio_mut().output.get_or_insert_default().voice = Some(voice.into());
        self
    }

    /// Sets `audio.input.turn_detection`.
    #[must_use]
    pub fn turn_detection(mut self, turn_detection: impl Into<Patch<TurnDetection>>) -> Self {
        self.input_mut().turn_detection = turn_detection.into();
        self
    }

    /// Sets `audio.input.transcription`.
    #[must_use]
    pub fn transcription(mut self, transcription: impl Into<Patch<Transcription>>) -> Self {
        self.input_mut().transcription = transcription.into();
        self
    }

    /// Sets `audio.input.noise_reduction`.
    #[must_use]
    pub fn noise_reduction(mut self, noise_reduction: impl Into<Patch<NoiseReduction>>) -> Self {
        self.input_mut().noise_reduction = noise_reduction.into();
        self
    }

    fn input_mut(&mut self) -> &mut AudioInput {
        self.audio_mut().input.get_or_insert_default()
    }

    fn audio_mut(&mut self) -> &mut AudioConfig {
        self.audio.get_or_insert_default()
    }
}

impl TranscriptionSessionConfig {
    /// Sets `audio.input`.
    #[must_use]
    pub fn input(self, input: AudioInput) -> Self {
        self.audio(TranscriptionAudioConfig::default().input(input))
    }
}
