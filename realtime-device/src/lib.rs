//! Microphones and speakers for realtime voice sessions, by cpal.
//!
//! A [`Microphone`] yields audio in the session's format, whatever the device's rate and channels are. A [`Speaker`]
//! plays the audio of the session's [`Player`](realtime_core::Player) and reports from the device's callback
//! what was heard, so that a barge-in truncates exactly there. Neither callback takes a lock or allocates.
//!
//! ```no_run
//! # #[cfg(feature = "cpal")]
//! # async fn talk(
//! #     connection: realtime_core::Connection<realtime_core::Realtime>,
//! #     timer: &dyn realtime_core::transport::Timer,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use realtime_audio::Format;
//! use realtime_device::{Choice, Devices};
//!
//! let devices = Devices::new();
//! let mut microphone = devices.microphone(&Choice::Default, Format::pcm(24_000))?;
//! // Turn the player on with `Connect::playback` and `Playback::queued()`.
//! let player = connection.player()?;
//! let mut speaker = devices.speaker(&Choice::Default, Format::pcm(24_000))?;
//! let listening = async {
//!     loop {
//!         connection.input_audio_buffer().append(&microphone.next().await?)?;
//!     }
//! };
//! // Beside the loop that reads events: neither ends before a device or the connection does.
//! let _: (Result<(), Box<dyn std::error::Error>>, _) = futures::join!(listening, speaker.run(&player, timer));
//! # Ok(())
//! # }
//! ```
//!
//! Without the feature `cpal`, the crate is empty: on Linux, the sound system needs ALSA's headers to build.
//!
//! A speaker beside a microphone is heard by it. On devices without an echo canceller, use headphones, or half-duplex:
//! [`Microphone::mute`] while [`Speaker::is_playing`].

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

#[cfg(feature = "cpal")]
mod devices;
#[cfg(feature = "cpal")]
mod error;
#[cfg(feature = "cpal")]
mod microphone;
#[cfg(feature = "cpal")]
mod speaker;
#[cfg(feature = "cpal")]
mod stream;

#[cfg(feature = "cpal")]
pub use devices::{Choice, DeviceInfo, Devices};
#[cfg(feature = "cpal")]
pub use error::{DeviceError, DeviceErrorKind};
#[cfg(feature = "cpal")]
pub use microphone::Microphone;
#[cfg(feature = "cpal")]
pub use speaker::Speaker;
