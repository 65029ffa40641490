#![doc = include_str!("../README.md")]
// Tests may; what users run must not.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod convert;
mod error;
mod format;
mod frames;
pub mod g711;
mod gate;
mod level;
mod pacer;
mod player;
mod recorder;
mod resample;
mod sample;
pub mod wav;

pub use convert::Converter;
pub use error::AudioError;
pub use format::{Encoding, Format};
pub use frames::{Frames, Rest};
pub use gate::{Gate, GateOptions, Gated};
pub use level::Level;
pub use pacer::{Pacer, PacerFull};
pub use player::{PlayerCallback, PlayerQueue};
pub use recorder::{RecordError, Recorder};
pub use resample::Resampler;
pub use sample::Sample;
