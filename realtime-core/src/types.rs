//! What events carry: sessions and their configuration, items, responses, tools, usage.
//!
//! The structs that are sent hold exactly what is to be written: start from `Default` (or from `new`, where something
//! is required) and name what you want to set. What the server reports about a session has structs of its own.

pub use crate::{realtime::types::*, translation::types::*};
