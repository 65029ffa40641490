wire! {
    /// A rate limit.
    pub struct RateLimit {
        /// The limited quantity. OpenAI currently reports tokens only.
        opt name: RateLimitName,
        /// Maximum.
        opt_int limit: u64,
        /// Remaining amount.
        opt_int remaining: u64,
        /// Time until the limit is fully reset, in seconds.
        opt reset_seconds: f64,
    }
}

open_enum! {
    /// Quantity limited by a rate limit.
    pub enum RateLimitName {
        /// Requests.
        Requests = "requests",
        /// Tokens.
        Tokens = "tokens",
    }
}
