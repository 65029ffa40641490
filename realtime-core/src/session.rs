//! Session state: what the client knows of a session. No network, no clock, no async.
//!
//! ```
//! # let clock = realtime_mock::VirtualClock::new();
//! # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
//! # clock.block_on(client.realtime().model("m").run(async |connection| {
//! let state = connection.state(); // of this moment
//! assert!(state.conversation.is_empty());
//! connection.respond("Good morning!").await?.await?;
//! assert!(state.conversation.is_empty());
//! assert_eq!(connection.state().conversation.len(), 2);
//! # Ok::<_, realtime_core::Error>(())
//! # }))?;
//! # Ok::<_, realtime_core::Error>(())
//! ```

pub use crate::{
    protocol::state::*,
    realtime::{
        Playback, Retention,
        state::{Media, RealtimeState, Snapshot},
    },
    translation::{TranslationSnapshot, state::TranslationState},
};

/// The state of a conversation or transcription session, part by part.
///
/// # Examples
/// ```
/// # let clock = realtime_mock::VirtualClock::new();
/// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
/// # clock.block_on(client.realtime().model("m").run(async |connection| {
/// use realtime_core::session::realtime::{Conversation, Totals};
///
/// /// What one wants to know after a conversation.
/// fn summary(conversation: &Conversation, totals: &Totals) -> String {
///     let tokens = totals.responses.as_ref().and_then(|usage| usage.total_tokens).unwrap_or_default();
///     format!("{} items, {tokens} tokens", conversation.len())
/// }
///
/// connection.respond("Good morning!").await?.await?;
/// let state = connection.state();
/// assert!(summary(&state.conversation, &state.totals).starts_with("2 items"));
/// # Ok::<_, realtime_core::Error>(())
/// # }))?;
/// # Ok::<_, realtime_core::Error>(())
/// ```
pub mod realtime {
    pub use crate::realtime::state::*;
}
