use std::{error, fmt};

use crate::{Format, format::RATES};

/// Why a format, a conversion or a frame length is not supported. Reported at setup, never while audio flows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AudioError {
    /// The rate is outside 4,000 to 384,000 Hz.
    Rate(u32),
    /// There are no channels.
    NoChannels,
    /// These numbers of channels cannot be converted. Any number can be mixed down to one, and one can be copied to any
    /// number.
    Channels {
        /// Channels of the input.
        from: u16,
        /// Channels of the output.
        to: u16,
    },
    /// A frame of this length is empty, or not a whole number of samples.
    FrameLength {
        /// The length, in milliseconds.
        ms: u32,
        /// The rate, in Hz.
        rate: u32,
    },
    /// The session's format is unknown to this crate.
    UnknownFormat,
    /// The API does not support this format: it takes mono `pcm`, and `pcmu` and `pcma` at 8,000 Hz.
    NotForSessions(Format),
    /// The resampler rejected its settings.
    Resampler(Box<str>),
}

impl fmt::Display for AudioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => {
                write!(f, "a rate of {rate} Hz is not supported: use one from {} to {} Hz", RATES.start(), RATES.end())
            }
            Self::NoChannels => f.write_str("audio needs at least one channel"),
            Self::Channels { from, to } => {
                write!(f, "{from} channels cannot become {to}: convert to one channel, or keep their number")
            }
            Self::FrameLength { ms, rate } => write!(
                f,
                "frames of {ms} ms at {rate} Hz are not a whole number of samples: use another length, or resample first"
            ),
            Self::UnknownFormat => f.write_str("the session's audio format is not known: use pcm, pcmu or pcma"),
            Self::NotForSessions(format) => {
                write!(f, "a session cannot use {format:?}: convert to mono pcm, or to pcmu or pcma at 8,000 Hz")
            }
            Self::Resampler(why) => write!(f, "the resampler cannot be set up: {why}"),
        }
    }
}

impl error::Error for AudioError {}
