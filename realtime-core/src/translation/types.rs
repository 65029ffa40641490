use crate::{
    protocol::types::{NoiseReduction, Transcription},
    wire::{Id, Patch},
};

wire! {
    /// What a session that translates is to be like. What is left out stays as it is.
    pub struct TranslationSessionConfig {
        /// What it hears and what it speaks.
        deep audio: TranslationAudioConfig,
    }

    /// The audio of a session that translates: 16-bit PCM at 24,000 Hz in both directions.
    pub struct TranslationAudioConfig {
        /// What is to be translated.
        deep input: TranslationInput,
        /// What is spoken.
        deep output: TranslationOutput,
    }

    /// What is to be translated.
    pub struct TranslationInput {
        /// The model that writes down what was said (its name, nothing else); null turns that off. The translation
        /// does not need it.
        patch transcription: Transcription,
        /// How the audio is filtered; null turns that off.
        patch noise_reduction: NoiseReduction,
    }

    /// What is spoken.
    pub struct TranslationOutput {
        /// The language of the translation: `es`.
        opt language: String,
    }

    /// A session that translates, as the server reports it.
    pub struct TranslationSessionInfo {
        /// Its id.
        opt id: Id,
        /// Always `translation`.
        opt kind as "type": TranslationSessionKind,
        /// When the server will end it, in seconds since 1970.
        opt_int expires_at: u64,
        /// The model.
        opt model: String,
        /// What it hears and what it speaks.
        opt audio: TranslationAudioInfo,
    }

    /// The audio of a session that translates.
    pub struct TranslationAudioInfo {
        /// What is translated.
        opt input: TranslationInputInfo,
        /// What is spoken.
        opt output: TranslationOutput,
    }

    /// What is translated.
    pub struct TranslationInputInfo {
        /// How what was said is written down, if it is.
        opt transcription: Transcription,
        /// How the audio is filtered, if it is.
        opt noise_reduction: NoiseReduction,
    }
}

open_enum! {
    /// What sort of session it is.
    pub enum TranslationSessionKind {
        /// One that translates.
        Translation = "translation",
    }
}

merged! {
    TranslationAudioConfig { ; input, output }
    TranslationInput { transcription, noise_reduction }
    TranslationOutput { language }
}

/// Short forms of what lies deep.
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
