//! The types of resources, named like those of the protocol: `connection.conversation().item().create(..)`.

pub use crate::{realtime::resources::*, translation::resources::*};
