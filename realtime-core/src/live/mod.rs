//! Live: sessions that listen and speak at once, and hand work over.
//!
//! There are no turns, no responses of the voice, no items: audio flows both ways all the time, transcripts come as
//! fragments, and the voice delegates work to the application, to a Responses model or to a decision model.
//!
//! There are three kinds of connection, each a protocol: a session of one's own ([`Live`]), one that goes on from a stored
//! session ([`LiveFork`]), and a sideband of a session that a browser or a telephone holds ([`LiveSideband`]). What a
//! kind cannot send is not in its table of events.

mod clip;
mod connect;
mod delegate;
pub mod event;
mod feeder;
mod protocol;
mod resources;
pub mod state;
pub mod types;

pub use clip::Clip;
pub use connect::LiveClient;
pub use delegate::Task;
pub use feeder::{Feeder, FeederFull, FeederStatus};
pub use protocol::{AfterLoss, ForkSettings, Live, LiveFork, LiveNotice, LiveSettings, LiveSideband, SidebandSettings};
pub use resources::*;
pub use state::LiveState;
