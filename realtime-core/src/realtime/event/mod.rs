//! Events of a conversation or transcription session.

mod client;
mod fast;
pub(crate) mod server;

pub use crate::protocol::event::*;

pub use client::*;
pub use server::*;
