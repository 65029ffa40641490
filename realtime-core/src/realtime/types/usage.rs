wire! {
    /// Billed usage of a response.
    ///
    /// The conversation so far counts as input of every response, so usage grows with its length. Cached tokens cost
    /// less.
    pub struct Usage {
        /// Total number of tokens.
        opt_int total_tokens: u64,
        /// Input tokens, including cached ones.
        opt_int input_tokens: u64,
        /// Output tokens.
        opt_int output_tokens: u64,
        /// Input tokens by kind.
        opt input_token_details | "input_tokens_details": InputTokenDetails,
        /// Output tokens by kind.
        opt output_token_details | "output_tokens_details": OutputTokenDetails,
    }

    /// Input tokens by kind.
    pub struct InputTokenDetails {
        /// Text tokens.
        opt_int text_tokens: u64,
        /// Audio tokens.
        opt_int audio_tokens: u64,
        /// Image tokens.
        opt_int image_tokens: u64,
        /// Cached tokens among all of these.
        opt_int cached_tokens: u64,
        /// Cached tokens by kind.
        opt cached_tokens_details: CachedTokenDetails,
    }

    /// Cached tokens by kind.
    pub struct CachedTokenDetails {
        /// Text tokens.
        opt_int text_tokens: u64,
        /// Audio tokens.
        opt_int audio_tokens: u64,
        /// Image tokens.
        opt_int image_tokens: u64,
    }

    /// Output tokens by kind.
    pub struct OutputTokenDetails {
        /// Text tokens.
        opt_int text_tokens: u64,
        /// Audio tokens.
        opt_int audio_tokens: u64,
    }

    /// Usage of a transcription in tokens.
    pub struct TranscriptionTokens {
        /// Input tokens.
        req_int input_tokens: u64,
        /// Output tokens.
        req_int output_tokens: u64,
        /// Total number of tokens.
        req_int total_tokens: u64,
        /// Input tokens by kind.
        opt input_token_details | "input_tokens_details": InputTokenDetails,
    }

    /// Usage of a transcription in time.
    pub struct TranscriptionDuration {
        /// Duration of the audio, in seconds.
        req seconds: f64,
    }
}

union! {
    /// Usage of a transcription. Billed separately from responses, at the price of the transcription model.
    pub enum TranscriptionUsage {
        objects {
            /// Billed by tokens.
            "tokens" => Tokens(TranscriptionTokens),
            /// Billed by duration of the audio.
            "duration" => Duration(TranscriptionDuration),
        }
    }
}
