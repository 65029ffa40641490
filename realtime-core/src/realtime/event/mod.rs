//! Events of a conversation or transcription session.

mod client;
mod fast;
mod server;

pub use crate::protocol::event::*;

pub use client::*;
pub use server::*;
