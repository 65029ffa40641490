#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
// Tests may; what users run must not.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

pub mod auth;
mod bridge;
mod call;
mod carrier;
mod error;
mod message;
mod order;
mod playout;
mod settings;
mod stream;

pub use bridge::{Bridge, BridgeEvent, DEFAULT_LEAD};
pub use call::{CallEnd, CallError, CallUpdate, carrier_socket};
pub use error::{Malformed, Refused, UnsupportedFormat};
pub use message::{CarrierError, Dtmf, Frame, Incoming, Mark, Media, Start, Unknown};
pub use order::MOST_HELD;
pub use playout::Part;
pub use settings::{ByteOrder, Carrier, Settings};
pub use stream::{CarrierStream, MOST_EARLY};
