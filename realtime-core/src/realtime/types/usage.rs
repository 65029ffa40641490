wire! {
    /// What a response has used: what is billed.
    ///
    /// The conversation so far is input again each time, so the numbers grow with it; what is cached costs less.
    pub struct Usage {
        /// Input and output together.
        opt_int total_tokens: u64,
        /// Tokens read, cached ones included.
        opt_int input_tokens: u64,
        /// Tokens written.
        opt_int output_tokens: u64,
        /// Tokens read, by what they are.
        opt input_token_details | "input_tokens_details": InputTokenDetails,
        /// Tokens written, by what they are.
        opt output_token_details | "output_tokens_details": OutputTokenDetails,
    }

    /// Tokens read, by what they are.
    pub struct InputTokenDetails {
        /// Of text.
        opt_int text_tokens: u64,
        /// Of audio.
        opt_int audio_tokens: u64,
        /// Of images.
        opt_int image_tokens: u64,
        /// How many of all these were cached.
        opt_int cached_tokens: u64,
        /// The cached ones, by what they are.
        opt cached_tokens_details: CachedTokenDetails,
    }

    /// Cached tokens, by what they are.
    pub struct CachedTokenDetails {
        /// Of text.
        opt_int text_tokens: u64,
        /// Of audio.
        opt_int audio_tokens: u64,
        /// Of images.
        opt_int image_tokens: u64,
    }

    /// Tokens written, by what they are.
    pub struct OutputTokenDetails {
        /// Of text.
        opt_int text_tokens: u64,
        /// Of audio.
        opt_int audio_tokens: u64,
    }

    /// What a transcription has used, in tokens.
    pub struct TranscriptionTokens {
        /// Tokens read.
        req_int input_tokens: u64,
        /// Tokens written.
        req_int output_tokens: u64,
        /// Both together.
        req_int total_tokens: u64,
        /// Tokens read, by what they are.
        opt input_token_details | "input_tokens_details": InputTokenDetails,
    }

    /// What a transcription has used, in time.
    pub struct TranscriptionDuration {
        /// The length of the audio, in seconds.
        req seconds: f64,
    }
}

union! {
    /// What a transcription has used: billed apart from the responses, by the price of the model that transcribes.
    pub enum TranscriptionUsage {
        objects {
            /// Billed by tokens.
            "tokens" => Tokens(TranscriptionTokens),
            /// Billed by the length of the audio.
            "duration" => Duration(TranscriptionDuration),
        }
    }
}
