union! {
    /// What happens when the conversation outgrows what the model can read.
    pub enum Truncation {
        words {
            /// The oldest messages are left out: the default.
            "auto" => Auto,
            /// An error.
            "disabled" => Disabled,
        }
        objects {
            /// More is left out than must be, so that it happens less often and the cache stays useful.
            "retention_ratio" => RetentionRatio(RetentionRatio),
        }
    }
}

wire! {
    /// How much of the conversation is kept when it outgrows the limit.
    pub struct RetentionRatio {
        /// The part that is kept, from 0 to 1, of the tokens after the instructions.
        req retention_ratio: f64,
        /// A limit of your own, lower than the model's.
        opt token_limits: TokenLimits,
    }

    /// Limits on what the model reads.
    pub struct TokenLimits {
        /// Tokens after the instructions and the tools.
        opt_int post_instructions: u64,
    }
}

impl Truncation {
    /// Keeps this part of the conversation, from 0 to 1.
    pub fn retention_ratio(ratio: f64) -> Self {
        RetentionRatio::new(ratio).into()
    }
}
