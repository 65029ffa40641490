//! The types of resources, named like those of the protocol: `connection.conversation().item().create(..)`.
//!
//! ```
//! # let clock = realtime_mock::VirtualClock::new();
//! # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
//! # clock.block_on(client.realtime().model("m").run(async |connection| {
//! use realtime_core::{resources::InputAudioBufferResource, types::Item};
//!
//! let buffer: InputAudioBufferResource<'_> = connection.input_audio_buffer();
//! buffer.append(&[0; 4_800])?; // `input_audio_buffer.append`
//! buffer.clear()?; // `input_audio_buffer.clear`
//! connection.conversation().item().create(Item::user("Hello"))?.await?; // `conversation.item.create`
//! # Ok::<_, realtime_core::Error>(())
//! # }))?;
//! # Ok::<_, realtime_core::Error>(())
//! ```

pub use crate::{realtime::resources::*, translation::resources::*};
