//! The events of a session that converses or transcribes.

mod client;
mod fast;
mod server;

pub use crate::protocol::event::*;

pub use client::*;
pub use server::*;
