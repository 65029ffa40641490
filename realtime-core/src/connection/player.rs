use std::{fmt, sync::Arc};

use super::{Connection, driver::Shared};
use crate::{
    error::{Error, ErrorKind},
    protocol::Realtime,
    session::realtime::{Heard, Output},
    wire::Id,
};

impl Connection<Realtime> {
    /// The playback of the model's audio, where [`Options::playback`](crate::Options::playback) turns it on.
    ///
    /// # Errors
    /// [`ErrorKind::NoPlayback`]: the options do not turn it on, so there is nothing to play from.
    pub fn player(&self) -> Result<Player, Error> {
        if !self.shared.core().state.follows_playback() {
            return Err(ErrorKind::NoPlayback.into());
        }
        Ok(Player { shared: self.shared.clone() })
    }
}

/// The playback of the model's audio: hands out what is to be played, and is told what was heard.
///
/// What was heard is taken from whatever the application says: bytes that it [`read`](Self::read), samples
/// [`played`](Self::played), a [`mark`](Self::mark). As long as it says nothing, the clock is believed: that audio plays
/// from when it is handed out (with [`Playback::queued`](crate::session::Playback::queued), else from when it arrives),
/// one item after the other. Between two marks the clock is believed too where audio is handed out here. Audio that
/// waits here and was never taken was not heard.
///
/// When the user speaks up, or on [`interrupt`](Self::interrupt), what was not heard is cut off: the item that plays
/// at what was heard of it, those behind it at zero. What still arrives of them stays in the stream of events and in the
/// state, and is not handed out here.
///
/// It can be used from any thread. Its calls are short, but wait while another thread drives the connection.
#[derive(Clone)]
pub struct Player {
    shared: Arc<Shared<Realtime>>,
}

impl Player {
    /// Fills a buffer with the audio that is next, as bytes of the session's output format. It counts as heard. How
    /// many bytes there were; the rest of the buffer stays as it is.
    ///
    /// There is audio only with [`Playback::queued`](crate::session::Playback::queued): otherwise the application plays
    /// what the events bring.
    ///
    /// For an audio callback: what the sound card still holds was not heard yet, so keep that short. Where more than
    /// that lies between this and the ear, use [`next`](Self::next).
    pub fn read(&self, buffer: &mut [u8]) -> usize {
        self.shared.with_state(|state, _| state.read_audio(buffer))
    }

    /// What is to be played next, or that what was handed out before is to be dropped: in the order in which the
    /// audio and the interruptions came. None while there is nothing to do.
    ///
    /// An interruption is to be taken from here, not from the event that tells of it: events that arrive together are
    /// read together, so what is handed out may already belong behind the interruption when the event is read.
    ///
    /// There is audio only with [`Playback::queued`](crate::session::Playback::queued): otherwise the application plays
    /// what the events bring.
    ///
    /// Audio does not count as heard by being taken: say what was played, or leave it to the clock.
    ///
    /// ```
    /// # use realtime_core::{Audio, connection::Player};
    /// use realtime_core::session::realtime::Output;
    ///
    /// # trait FarEnd { fn play(&self, audio: &Audio); fn clear(&self); }
    /// fn forward(player: &Player, far_end: &impl FarEnd) {
    ///     while let Some(output) = player.next() {
    ///         match output {
    ///             Output::Chunk(chunk) => far_end.play(&chunk.audio),
    ///             Output::Flush => far_end.clear(),
    ///             _ => {}
    ///         }
    ///     }
    /// }
    /// ```
    pub fn next(&self) -> Option<Output> {
        self.shared.with_state(|state, now| state.next_output(now))
    }

    /// So many more samples were heard, in the order of playing.
    pub fn played(&self, samples: u64) {
        self.shared.with_state(|state, _| state.played(samples));
    }

    /// This part of this item was heard up to so many milliseconds, and everything before it to its end. Where audio is
    /// handed out here, the clock goes on from there, up to what was handed out.
    pub fn mark(&self, item_id: &str, content_index: u32, ms: u64) {
        self.shared.with_state(|state, now| state.mark(item_id, content_index, ms, now));
    }

    /// What plays: the item, its part, and how much of that was heard, in milliseconds.
    pub fn position(&self) -> Option<(Id, u32, u64)> {
        self.shared.with_state(|state, now| state.position(now))
    }

    /// How much audio came that was not heard yet, in milliseconds.
    pub fn unheard_ms(&self) -> u64 {
        self.shared.with_state(|state, now| state.unheard_ms(now))
    }

    /// What was heard of an item that was cut off.
    pub fn heard(&self, item_id: &str) -> Option<Heard> {
        self.shared.core().state.heard().rev().find(|heard| heard.item_id == item_id).cloned()
    }

    /// Stops the model: cuts off what was not heard, and cancels the response in progress. For a button, or for turns
    /// that the application finds by itself.
    pub fn interrupt(&self) {
        self.shared.with_state(|state, now| state.interrupt(true, now));
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Player").finish_non_exhaustive()
    }
}
