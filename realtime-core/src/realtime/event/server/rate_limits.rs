use crate::realtime::types::RateLimit;

server_events! {
    /// How much may still be used, told after each response of a session that converses.
    pub struct RateLimitsUpdated {
        /// All limits, in place of those told before.
        req rate_limits: Vec<RateLimit>,
    }
}
