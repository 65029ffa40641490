wire! {
    /// Transcription of the user's speech. It is made by a separate model, so the text may differ from what the
    /// conversing model understood.
    pub struct Transcription as "model" {
        /// The transcription model. The only member allowed in a translation session.
        opt model: String,
        /// Language of the speech (ISO 639-1, `en`). Improves accuracy and latency.
        opt language: String,
        /// Possible languages of the speech, for models that accept several.
        list languages: String,
        /// Words to expect, for models that accept them.
        list keywords: String,
        /// Context for the transcription or, for `whisper-1`, words to expect.
        opt prompt: String,
        /// How long the model waits before it commits to a text. A longer delay improves accuracy.
        opt delay: TranscriptionDelay,
    }

    /// Noise reduction applied to the user's audio before turn detection and the model.
    pub struct NoiseReduction as "type" {
        /// Position of the microphone.
        opt kind as "type": NoiseReductionKind,
        /// Strength of the filter. 1 when first turned on.
        opt strength: f64,
    }

    /// Log probability of a token of a transcript.
    pub struct Logprob {
        /// The token.
        req_text token: String,
        /// Natural logarithm of its probability.
        req logprob: f64,
        /// UTF-8 bytes of the token, which may contain part of a character.
        #[serde(deserialize_with = "crate::wire::int::read_bytes")]
        opt bytes: Vec<u8>,
    }

    /// A detected language.
    pub struct DetectedLanguage as "code" {
        /// Language code: `en`.
        req code: String,
    }
}

impl Transcription {
    /// Transcribes with this model.
    pub fn by(model: impl Into<String>) -> Self {
        Self::default().model(model)
    }
}

impl NoiseReduction {
    /// For a microphone close to the mouth, such as a headset.
    pub fn near_field() -> Self {
        Self::default().kind(NoiseReductionKind::NearField)
    }

    /// For a distant microphone, such as that of a laptop or a conference room.
    pub fn far_field() -> Self {
        Self::default().kind(NoiseReductionKind::FarField)
    }
}

open_enum! {
    /// Position of the microphone.
    pub enum NoiseReductionKind {
        /// Close to the mouth.
        NearField = "near_field",
        /// Distant.
        FarField = "far_field",
    }
}

open_enum! {
    /// How long a transcription model waits before it commits to a text.
    pub enum TranscriptionDelay {
        /// `minimal`
        Minimal = "minimal",
        /// `low`
        Low = "low",
        /// `medium`
        Medium = "medium",
        /// `high`
        High = "high",
        /// `xhigh`
        XHigh = "xhigh",
    }
}
