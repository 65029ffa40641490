use crate::realtime::types::RateLimit;

server_events! {
    /// The remaining rate limits. Sent after each response of a conversation.
    pub struct RateLimitsUpdated {
        /// All limits. Replaces earlier ones.
        req rate_limits: Vec<RateLimit>,
    }
}
