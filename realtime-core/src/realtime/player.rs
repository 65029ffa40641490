//! Playback of the model's audio by the application.

use std::{fmt, sync::Arc};

use super::{
    Realtime,
    state::{AudioQueue, Heard, Output},
};
use crate::{
    connection::{Connection, Sender},
    error::{Error, ErrorKind},
    wire::Id,
};

impl Connection<Realtime> {
    /// Hands out and follows the playback of the model's audio, where
    /// [`RealtimeSettings::playback`](crate::RealtimeSettings::playback) turns it on.
    ///
    /// # Errors
    /// [`ErrorKind::NoPlayback`]: the settings do not turn it on, so there is nothing to play from.
    pub fn player(&self) -> Result<Player, Error> {
        let audio = self.state().audio_queue().ok_or(ErrorKind::NoPlayback)?;
        Ok(Player { sender: self.sender(), audio })
    }
}

/// Playback of the model's audio: hands out what is to be played, and takes reports of what was heard.
///
/// What was heard is taken from whatever the application reports: bytes that it [`read`](Self::read), samples
/// [`played`](Self::played), a [`mark`](Self::mark). Until it reports anything, playback is assumed to run in real time,
/// one item after the other: from when audio is handed out (with
/// [`Playback::queued`](crate::session::Playback::queued)), else from when it arrives. Between two marks it is assumed
/// to run in real time too, where audio is handed out here. Audio that waits here and was never taken was not heard.
///
/// When the user starts to speak (barge-in), or on [`interrupt`](Self::interrupt), what was not heard is cut off: the
/// item that plays is truncated at what was heard of it, those behind it at zero. What still arrives of them stays in the
/// stream of events and in the state, and is not handed out here.
///
/// # Threads
/// It can be used from any thread, an audio callback's included. [`read`](Self::read), [`next`](Self::next),
/// [`played`](Self::played), [`mark`](Self::mark), [`position`](Self::position) and [`unheard_ms`](Self::unheard_ms)
/// take one lock, which guards the queue of audio alone and is held while a chunk is moved. No frame is decoded under
/// it, and none of them copies the state. `read`, `played` and `mark` never allocate; chunks that are used up are freed.
/// For a callback that must not take a lock at all, the crate `realtime-audio` has a wait-free queue on top of this.
#[derive(Clone)]
pub struct Player {
    sender: Sender<Realtime>,
    audio: Arc<AudioQueue>,
}

impl Player {
    /// Fills a buffer with the audio that is next, as bytes of the session's output format, and counts it as heard.
    /// Returns how many bytes there were; the rest of the buffer stays as it is.
    ///
    /// There is audio only with [`Playback::queued`](crate::session::Playback::queued): otherwise the application plays
    /// what the events bring.
    ///
    /// Meant for an audio callback: what the sound card still holds has not been heard yet, so keep that short. Where
    /// more than that lies between this and the ear, use [`next`](Self::next).
    pub fn read(&self, buffer: &mut [u8]) -> usize {
        self.audio.lock().read(buffer)
    }

    /// Returns what to play next, or that what was handed out before is to be dropped: in the order in which the audio
    /// and the interruptions came. None while there is nothing to do.
    ///
    /// Take an interruption from here, not from the event that reports it: events that arrive together are read
    /// together, so what is handed out may already belong behind the interruption when the event is read.
    ///
    /// There is audio only with [`Playback::queued`](crate::session::Playback::queued): otherwise the application plays
    /// what the events bring.
    ///
    /// Audio does not count as heard by being taken: report what was played, or leave it to the clock.
    ///
    /// ```
    /// # use realtime_core::{Audio, Player};
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
        let now = self.sender.now();
        self.audio.lock().next(now)
    }

    /// Reports that more samples were heard, in the order of playing.
    pub fn played(&self, samples: u64) {
        self.audio.lock().played(samples);
    }

    /// Reports that this part of this item was heard up to a position in milliseconds, and everything before it to its
    /// end. Where audio is handed out here, playback is assumed to go on from there in real time, up to what was handed
    /// out.
    pub fn mark(&self, item_id: &str, content_index: u32, ms: u64) {
        let now = self.sender.now();
        self.audio.lock().mark(item_id, content_index, ms, now);
    }

    /// Returns what plays: the item, its part, and how much of that was heard, in milliseconds.
    pub fn position(&self) -> Option<(Id, u32, u64)> {
        let now = self.sender.now();
        self.audio.lock().position(now)
    }

    /// Returns how much audio was received and not heard yet, in milliseconds.
    pub fn unheard_ms(&self) -> u64 {
        let now = self.sender.now();
        self.audio.lock().unheard_ms(now)
    }

    /// Returns what was heard of an item that was cut off. Waits while another thread drives the connection.
    pub fn heard(&self, item_id: &str) -> Option<Heard> {
        self.sender.state().heard().rev().find(|heard| heard.item_id == item_id).cloned()
    }

    /// Stops the model: cuts off what was not heard, and cancels the response in progress. For a button, or for turns
    /// that the application detects itself. Waits while another thread drives the connection.
    pub fn interrupt(&self) {
        self.sender.with_state(|state, now| state.interrupt(true, now));
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Player").finish_non_exhaustive()
    }
}
