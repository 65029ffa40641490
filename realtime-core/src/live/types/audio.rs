use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    types::{AudioFormat, Voice},
    wire::{Audio, base64, text::Borrowed, write_tagged},
};

/// Hz of G.711.
const G711_RATE: u32 = 8_000;

/// An encoding of audio, as Live writes it: with the rate, also where only one is possible.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Format(AudioFormat);

impl Deref for Format {
    type Target = AudioFormat;

    fn deref(&self) -> &AudioFormat {
        &self.0
    }
}

impl From<AudioFormat> for Format {
    fn from(format: AudioFormat) -> Self {
        Self(format)
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Rate {
            rate: u32,
        }

        match &self.0 {
            AudioFormat::Pcmu => write_tagged(serializer, "audio/pcmu", &Rate { rate: G711_RATE }),
            AudioFormat::Pcma => write_tagged(serializer, "audio/pcma", &Rate { rate: G711_RATE }),
            other => other.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        AudioFormat::deserialize(deserializer).map(Self)
    }
}

wire! {
    /// Audio settings of a session over WebSocket.
    pub struct AudioConfig {
        /// The encoding of both directions: 16-bit PCM at 24,000 Hz (the default) or 16,000 Hz, or G.711 at 8,000 Hz.
        opt format: Format,
        /// Output settings.
        opt output: AudioOutput,
    }

    /// Audio settings of a session over WebRTC or SIP, where the media transport decides on the encoding.
    pub struct MediaAudio {
        /// Output settings.
        opt output: AudioOutput,
    }

    /// Audio settings that a fork can change.
    pub struct ForkAudio {
        /// The encoding of both directions. A WebSocket fork goes back to 16-bit PCM at 24,000 Hz unless it is given.
        opt format: Format,
    }

    /// Output audio settings.
    pub struct AudioOutput {
        /// The voice: a name, a [`VoiceName`], or [`Voice::custom`]. `marin` unless it is given.
        opt voice: Voice,
    }
}

open_enum! {
    /// A voice of Live sessions.
    pub enum VoiceName {
        /// Alloy.
        Alloy = "alloy",
        /// Ash.
        Ash = "ash",
        /// Ballad.
        Ballad = "ballad",
        /// Beacon.
        Beacon = "beacon",
        /// Bossa.
        Bossa = "bossa",
        /// Cedar.
        Cedar = "cedar",
        /// Cinder.
        Cinder = "cinder",
        /// Coral.
        Coral = "coral",
        /// Delta.
        Delta = "delta",
        /// Echo.
        Echo = "echo",
        /// Gleam.
        Gleam = "gleam",
        /// Marin, the default.
        Marin = "marin",
        /// Meridian.
        Meridian = "meridian",
        /// Quartz.
        Quartz = "quartz",
        /// Ripple.
        Ripple = "ripple",
        /// Sage.
        Sage = "sage",
        /// Shida.
        Shida = "shida",
        /// Shimmer.
        Shimmer = "shimmer",
        /// Stone.
        Stone = "stone",
        /// Tempo.
        Tempo = "tempo",
        /// Verse.
        Verse = "verse",
        /// Vesper.
        Vesper = "vesper",
        /// Willow.
        Willow = "willow",
    }
}

impl From<VoiceName> for Voice {
    fn from(name: VoiceName) -> Self {
        name.as_str().into()
    }
}

/// Reads audio. A text that is not padded base64 of the standard alphabet is audio of no length: the event around it is
/// still an event, and its text is there by [`Connection::tap`](crate::Connection::tap).
pub(crate) fn read_audio<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Audio, D::Error> {
    let text = Borrowed::deserialize(deserializer)?.0;
    Ok(decode_audio(text.as_bytes()))
}

/// The bytes of base64 text; none if it is not that.
pub(crate) fn decode_audio(text: &[u8]) -> Audio {
    base64::decode(text).map(Audio::from).unwrap_or_default()
}
