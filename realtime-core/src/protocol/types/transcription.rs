wire! {
    /// How the user's speech is written down: by a model of its own, beside the one that answers, so its text may
    /// differ from what the other one heard.
    pub struct Transcription as "model" {
        /// The model that transcribes. The only member that a translation session takes.
        opt model: String,
        /// The language that is spoken (ISO 639-1, `en`): told, it is transcribed better and sooner.
        opt language: String,
        /// The languages that may be spoken, for models that take several.
        list languages: String,
        /// Words to expect, for models that take them.
        list keywords: String,
        /// What the text may be about, or (for `whisper-1`) words to expect.
        opt prompt: String,
        /// How long the model waits before it commits itself to a text: longer is better and later.
        opt delay: TranscriptionDelay,
    }

    /// Filters the user's audio before turn detection and the model hear it.
    pub struct NoiseReduction as "type" {
        /// Where the microphone is.
        opt kind as "type": NoiseReductionKind,
        /// How strong the filter is (1 when first turned on).
        opt strength: f64,
    }

    /// How likely a piece of a transcript is.
    pub struct Logprob {
        /// The piece of text.
        req_text token: String,
        /// The natural logarithm of its probability.
        req logprob: f64,
        /// Its bytes in UTF-8: a token may hold a part of a character.
        #[serde(deserialize_with = "crate::wire::int::read_bytes")]
        opt bytes: Vec<u8>,
    }

    /// A language that was heard.
    pub struct DetectedLanguage as "code" {
        /// Its code: `en`.
        req code: String,
    }
}

impl Transcription {
    /// By this model.
    pub fn by(model: impl Into<String>) -> Self {
        Self::default().model(model)
    }
}

impl NoiseReduction {
    /// For a microphone near the mouth: headphones.
    pub fn near_field() -> Self {
        Self::default().kind(NoiseReductionKind::NearField)
    }

    /// For a microphone farther away: of a laptop, in a room.
    pub fn far_field() -> Self {
        Self::default().kind(NoiseReductionKind::FarField)
    }
}

open_enum! {
    /// Where the microphone is.
    pub enum NoiseReductionKind {
        /// Near the mouth.
        NearField = "near_field",
        /// Farther away.
        FarField = "far_field",
    }
}

open_enum! {
    /// How long a transcription model waits before it commits itself to a text.
    pub enum TranscriptionDelay {
        /// As short as can be.
        Minimal = "minimal",
        /// Short.
        Low = "low",
        /// In between.
        Medium = "medium",
        /// Long.
        High = "high",
        /// As long as can be.
        XHigh = "xhigh",
    }
}
