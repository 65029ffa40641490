wire! {
    /// How much of something may still be used.
    pub struct RateLimit {
        /// Of what. The service sends only tokens today.
        opt name: RateLimitName,
        /// How much there is when nothing is used.
        opt_int limit: u64,
        /// How much is left.
        opt_int remaining: u64,
        /// In how many seconds all of it is there again.
        opt reset_seconds: f64,
    }
}

open_enum! {
    /// What is limited.
    pub enum RateLimitName {
        /// How many requests.
        Requests = "requests",
        /// How many tokens.
        Tokens = "tokens",
    }
}
