//! What to do next: the state machine of a session. No network, no clock, no async.

mod realtime;
mod requests;
mod translation;

use std::fmt;

use crate::{protocol::Protocol, transport::Instant};

pub use realtime::RealtimeSession;
pub use translation::TranslationSession;

/// What is known of a session: fed with every event in both directions, in the order of the wire.
///
/// Time is an argument; nothing here reads a clock.
pub trait State<P: Protocol>: Clone + fmt::Debug + Default + Send + Sync + 'static {
    /// An event of ours goes onto the wire. `seq` is its number in the order of sending.
    fn sent(&mut self, seq: u64, event: &P::ClientEvent, now: Instant);

    /// So many bytes of audio go onto the wire.
    fn sent_audio(&mut self, bytes: usize, now: Instant);

    /// An event arrived.
    fn received(&mut self, event: &P::ServerEvent, now: Instant, changes: &mut Changes);

    /// How many bytes one sample of input audio has.
    fn sample_bytes(&self) -> usize {
        2
    }

    /// How long so many bytes of input audio last, in milliseconds.
    fn input_ms(&self, bytes: usize) -> u64;
}

/// What an event changed beyond the state itself.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Changes {
    /// Requests that the event answers: the number of each, and whether it was granted.
    pub settled: Vec<(u64, bool)>,
}
