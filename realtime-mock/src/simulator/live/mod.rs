//! Live sessions of the simulated service: on raw JSON, with shapes of their own.
//!
//! A session is a [room](room::Room): it has a timeline, a voice, and whatever work it delegates. Each connection is a
//! [port](port::Port) of it: the one that began it, or a sideband. The [service](service::Service) knows the rooms that
//! are open, and what was stored of those that are closed.

mod backend;
mod commands;
pub(super) mod config;
mod cue;
mod decisions;
mod held;
mod port;
mod room;
mod service;
pub(super) mod shapes;
mod sound;
mod voice;

pub use cue::{Cue, Reaction};
pub use held::HeldSession;
pub(super) use port::Port;
pub(super) use room::{Media, Room};
pub(super) use service::{Service, Shared, enter};
