//! Writes events as a server of an older form takes them.

mod fit;
mod flat;
#[cfg(test)]
mod tests;

use crate::{
    dialect::{Dialect, DialectError},
    protocol::event::Event,
    realtime::event::ClientEvent,
    transport::Text,
};

pub(super) use fit::fit;

impl Dialect {
    /// The text of an event as a server of this dialect takes it.
    ///
    /// Events of the application's own ([`ClientEvent::Custom`]) and what else is kept as raw JSON go as they are.
    ///
    /// # Errors
    /// The event has something that the dialect cannot say.
    pub fn encode(self, event: &ClientEvent) -> Result<Text, DialectError> {
        match self {
            Self::Current => Ok(event.encode()),
            Self::Flat => flat::encode(event),
        }
    }
}
