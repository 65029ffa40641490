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
    /// Playback of the model's audio, if [`RealtimeSettings::playback`](crate::RealtimeSettings::playback) is set.
    ///
    /// # Errors
    /// [`ErrorKind::NoPlayback`]: it is not set.
    pub fn player(&self) -> Result<Player, Error> {
        let audio = self.state().audio_queue().ok_or(ErrorKind::NoPlayback)?;
        Ok(Player { sender: self.sender(), audio })
    }
}

/// Playback of the model's audio: returns the audio to play, and accepts reports of what was heard.
///
/// The application reports what was heard in any of three ways: bytes [`read`](Self::read), samples
/// [`played`](Self::played), or a [`mark`](Self::mark). Until it reports anything, playback is assumed to run in real time,
/// one item after the other: from when audio is returned here (with
/// [`Playback::queued`](crate::session::Playback::queued)), otherwise from when it arrives. After a mark, audio returned here
/// is again assumed to play in real time. Queued audio that was never taken was not heard.
///
/// On a barge-in, or on [`interrupt`](Self::interrupt), unheard audio is cut off: the item being played is truncated at what
/// was heard of it, the items after it at zero. Audio that still arrives for them remains in the events and in the state,
/// but is not returned here.
///
/// # Threads
/// It can be used from any thread, including an audio callback's. [`read`](Self::read), [`next`](Self::next),
/// [`played`](Self::played), [`mark`](Self::mark), [`position`](Self::position) and [`unheard_ms`](Self::unheard_ms)
/// take one lock, which guards only the audio queue and is held while a chunk is moved. No frame is decoded under it, and
/// the state is not copied. `read`, `played` and `mark` never allocate; chunks that are used up are freed. For a callback
/// that must not take any lock, the crate `realtime-audio` has a wait-free queue on top of this.
///
/// # Examples
/// ```
/// # let clock = realtime_mock::VirtualClock::new();
/// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
/// # clock.block_on(client.realtime().model("m").playback(realtime_core::session::Playback::queued()).run(async |connection| {
/// let player = connection.player()?;
/// connection.respond("Good morning!").await?.await?;
/// let mut buffer = [0; 4_800];
/// while player.read(&mut buffer) > 0 {
///     // The buffer is played here.
/// }
/// println!("{:?}", player.position());
/// # Ok::<_, realtime_core::Error>(())
/// # }))?;
/// # Ok::<_, realtime_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Player {
    sender: Sender<Realtime>,
    audio: Arc<AudioQueue>,
}

impl Player {
    /// Fills a buffer with the next audio, as bytes of the session's output format, and counts it as heard. Returns the
    /// number of bytes; the rest of the buffer is unchanged.
    ///
    /// Only returns audio with [`Playback::queued`](crate::session::Playback::queued): otherwise the application plays the
    /// audio of the events.
    ///
    /// For an audio callback. Audio in the sound card's buffer counts as heard, so keep that buffer short. If there is more
    /// between this and the listener, use [`next`](Self::next).
    pub fn read(&self, buffer: &mut [u8]) -> usize {
        let now = self.sender.now();
        self.audio.lock().read(buffer, now)
    }

    /// Returns the next audio to play, or the instruction to drop audio returned before, in the order of arrival. `None` if
    /// there is nothing to do.
    ///
    /// Handle interruptions here, not on the event that reports them: events that arrive together are read together, so the
    /// audio returned here may already come after the interruption when the event is read.
    ///
    /// Only returns audio with [`Playback::queued`](crate::session::Playback::queued): otherwise the application plays the
    /// audio of the events.
    ///
    /// Returned audio does not count as heard: report what was played, or leave it to the clock.
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

    /// Reports that more samples were heard, in playback order.
    pub fn played(&self, samples: u64) {
        let now = self.sender.now();
        self.audio.lock().played(samples, now);
    }

    /// Reports that a content part was heard up to a position in milliseconds, and everything before it completely. If audio
    /// is returned here, playback is assumed to continue in real time from there, up to the end of the returned audio.
    pub fn mark(&self, item_id: &str, content_index: u32, ms: u64) {
        let now = self.sender.now();
        self.audio.lock().mark(item_id, content_index, ms, now);
    }

    /// Returns the current position: item, content part, and milliseconds heard of it.
    pub fn position(&self) -> Option<(Id, u32, u64)> {
        let now = self.sender.now();
        self.audio.lock().position(now)
    }

    /// Duration of the audio received and not heard yet, in milliseconds.
    pub fn unheard_ms(&self) -> u64 {
        let now = self.sender.now();
        self.audio.lock().unheard_ms(now)
    }

    /// What was heard of an item that was cut off. Blocks while another thread drives the connection.
    pub fn heard(&self, item_id: &str) -> Option<Heard> {
        self.sender.state().heard().rev().find(|heard| heard.item_id == item_id).cloned()
    }

    /// Interrupts the model: cuts off unheard audio, and cancels the active response. For a button, or for turns that the
    /// application detects itself. Blocks while another thread drives the connection.
    pub fn interrupt(&self) {
        self.sender.with_state(|state, now| state.interrupt(true, now));
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Player").finish_non_exhaustive()
    }
}
