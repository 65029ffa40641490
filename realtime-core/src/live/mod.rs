//! Live: sessions that listen and speak at once, and hand work over.
//!
//! There are no turns, no responses of the voice, no items: audio flows both ways all the time, transcripts come as
//! fragments, and the voice delegates work to the application, to a Responses model or to a decision model.
//!
//! There are three kinds of connection, each a protocol: a session of one's own ([`Live`]), one that goes on from a stored
//! session ([`LiveFork`]), and a sideband of a session that a browser or a telephone holds ([`LiveSideband`]). What a
//! kind cannot send is not in its table of events.
//!
//! ```
//! # let clock = realtime_mock::VirtualClock::new();
//! # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
//! # clock.block_on(client.live().model("gpt-live-1.1").run(async |live| {
//! use realtime_core::live::event::ServerEvent;
//!
//! let feeder = live.session().input_audio().feeder(); // input is the session's clock
//! feeder.push(&vec![0; 48_000]).expect("there is room");
//! while let Some(event) = live.next().await {
//!     match event? {
//!         ServerEvent::SessionOutputTranscriptDelta(words) => print!("{}", words.delta),
//!         ServerEvent::SessionOutputAudioDelta(audio) => println!("{} bytes to play", audio.delta.len()),
//!         _ => {}
//!     }
//!     # break;
//! }
//! # Ok::<_, realtime_core::Error>(())
//! # }))?;
//! # Ok::<_, realtime_core::Error>(())
//! ```

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
