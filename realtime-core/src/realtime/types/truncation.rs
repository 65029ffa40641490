union! {
    /// What happens when the conversation exceeds the model's input limit.
    pub enum Truncation {
        words {
            /// The oldest messages are dropped. The default.
            "auto" => Auto,
            /// The request fails.
            "disabled" => Disabled,
        }
        objects {
            /// More messages are dropped than necessary, so that it happens less often and the prompt cache remains
            /// useful.
            "retention_ratio" => RetentionRatio(RetentionRatio),
        }
    }
}

wire! {
    /// How much of the conversation is kept when it exceeds the limit.
    pub struct RetentionRatio {
        /// Fraction of the tokens after the instructions that is kept, from 0 to 1.
        req retention_ratio: f64,
        /// Custom limits, lower than the model's.
        opt token_limits: TokenLimits,
    }

    /// Limits on the model's input.
    pub struct TokenLimits {
        /// Maximum number of tokens after the instructions and the tools.
        opt_int post_instructions: u64,
    }
}

impl Truncation {
    /// Keeps this fraction of the conversation, from 0 to 1.
    pub fn retention_ratio(ratio: f64) -> Self {
        RetentionRatio::new(ratio).into()
    }
}
