use crate::{
    protocol::types::{NoiseReduction, Transcription},
    wire::{Id, Patch},
};

wire! {
    /// Configuration of a translation session. Members that are not set keep their value.
    pub struct TranslationSessionConfig {
        /// Audio settings.
        deep audio: TranslationAudioConfig,
    }

    /// Audio settings of a translation session: 16-bit PCM at 24,000 Hz in both directions.
    pub struct TranslationAudioConfig {
        /// Input settings.
        deep input: TranslationInput,
        /// Output settings.
        deep output: TranslationOutput,
    }

    /// Input settings of a translation session.
    pub struct TranslationInput {
        /// Model that transcribes the user's speech (only its name), or null to turn transcription off. The translation
        /// does not depend on it.
        patch transcription: Transcription,
        /// Noise reduction, or null to turn it off.
        patch noise_reduction: NoiseReduction,
    }

    /// Output settings of a translation session.
    pub struct TranslationOutput {
        /// Target language: `es`.
        opt language: String,
    }

    /// A translation session as described by the server.
    pub struct TranslationSessionInfo {
        /// Id.
        opt id: Id,
        /// Always `translation`.
        opt kind as "type": TranslationSessionKind,
        /// When the server will end the session, in seconds since the Unix epoch.
        opt_int expires_at: u64,
        /// The model.
        opt model: String,
        /// Audio settings.
        opt audio: TranslationAudioInfo,
    }

    /// Audio settings of a translation session, as described by the server.
    pub struct TranslationAudioInfo {
        /// Input settings.
        opt input: TranslationInputInfo,
        /// Output settings.
        opt output: TranslationOutput,
    }

    /// Input settings of a translation session, as described by the server.
    pub struct TranslationInputInfo {
        /// Transcription settings, if on.
        opt transcription: Transcription,
        /// Noise reduction, if on.
        opt noise_reduction: NoiseReduction,
    }
}

open_enum! {
    /// Type of the session.
    pub enum TranslationSessionKind {
        /// A translation session.
        Translation = "translation",
    }
}

merged! {
    TranslationAudioConfig { ; input, output }
    TranslationInput { transcription, noise_reduction }
    TranslationOutput { language }
}

/// Shortcuts for nested settings.
impl TranslationSessionConfig {
    /// Sets `audio.output.language`.
    #[must_use]
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.audio_mut().output.get_or_insert_default().language = Some(language.into());
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

    fn input_mut(&mut self) -> &mut TranslationInput {
        self.audio_mut().input.get_or_insert_default()
    }

    fn audio_mut(&mut self) -> &mut TranslationAudioConfig {
        self.audio.get_or_insert_default()
    }
}
