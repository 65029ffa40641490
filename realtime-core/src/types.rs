//! Types that events carry: session configuration, items, responses, tools, usage.
//!
//! Structs that are sent serialize exactly the members that were set: start with `Default` (or with `new`, if there are
//! required members) and call the setters. Structs that describe a session as the server reports it are separate.

pub use crate::{realtime::types::*, translation::types::*};
