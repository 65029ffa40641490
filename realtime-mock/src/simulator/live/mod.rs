//! Live sessions of the simulated service, on raw JSON with independent schemas.
//!
//! A session is a [room](room::Room) with a timeline, a voice, and delegated work. Each connection is a
//! [port](port::Port) of it: the one that started the session, or a sideband. The [service](service::Service) contains the
//! open rooms, and what was stored of closed ones.

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
