//! Reading and writing WAV files.
//!
//! Every common form is read: PCM, floats, G.711, files of unknown length and files that were cut off.
//!
//! ```
//! use realtime_audio::{Format, wav::{self, Wav}};
//!
//! let file = wav::encode(Format::pcm(8_000), &[0; 16_000])?;
//! let wav = Wav::parse(&file)?;
//! assert_eq!((wav.format().rate_hz(), wav.duration().as_secs()), (8_000, 1));
//! let for_the_session = wav.convert(Format::pcm(24_000))?;
//! assert_eq!(for_the_session.len(), 48_000);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod read;
mod write;

use std::{error, fmt, io};

pub use read::Wav;
pub use write::{WavWriter, encode};

use crate::AudioError;

/// Why a WAV file cannot be read or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum WavError {
    /// Not a WAV file: it does not begin with `RIFF` and `WAVE`.
    NotWav,
    /// The file ends before the audio begins.
    Truncated,
    /// A required part is missing, or a field is invalid. The text says which.
    Malformed(&'static str),
    /// The format tag, sub-format or bit depth is not supported.
    Unsupported {
        /// The format tag. 1 is PCM, 3 float, 6 A-law, 7 μ-law; 0xFFFE is an unknown sub-format.
        tag: u16,
        /// Bits per sample.
        bits: u16,
    },
    /// WAV files do not support this encoding. Convert to [`Pcm`](crate::Encoding::Pcm) first.
    NotForFiles(crate::Encoding),
    /// The format cannot be written.
    Format(AudioError),
    /// The audio exceeds 4 GiB, the limit of WAV's 32-bit lengths. Begin another file.
    TooLong,
    /// Reading or writing failed.
    Io(io::Error),
}

impl fmt::Display for WavError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWav => f.write_str("not a WAV file: it does not begin with RIFF and WAVE"),
            Self::Truncated => f.write_str("the WAV file ends before its audio begins: get a whole copy"),
            Self::Malformed(what) => write!(f, "the WAV file is malformed: {what}"),
            Self::Unsupported { tag, bits } => write!(
                f,
                "the WAV file has format {tag:#06x} with {bits} bits, which is not read: \
                 convert it to PCM, float, A-law or μ-law"
            ),
            Self::NotForFiles(encoding) => write!(f, "WAV files have no {encoding:?}: convert to Pcm first"),
            Self::Format(_) => f.write_str("the format cannot be written to a WAV file"),
            Self::TooLong => f.write_str("a WAV file holds at most 4 GiB: begin another one"),
            Self::Io(_) => f.write_str("the WAV file could not be read or written"),
        }
    }
}

impl error::Error for WavError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Format(error) => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for WavError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
