//! Types that events carry: session configuration, items, responses, tools, usage.
//!
//! Structs that are sent serialize exactly the members that were set: start with `Default` (or with `new`, if there are
//! required members) and call the setters. Structs that describe a session as the server reports it are separate.
//!
//! ```
//! use realtime_core::types::{Item, RealtimeSessionConfig, ToolChoice};
//!
//! let config = RealtimeSessionConfig::default().instructions("Be brief.").tool_choice(ToolChoice::None);
//! // Members that were not set are not written.
//! assert_eq!(serde_json::to_string(&config)?, r#"{"instructions":"Be brief.","tool_choice":"none"}"#);
//! assert!(Item::user("Hello").as_message().is_some());
//! # Ok::<_, serde_json::Error>(())
//! ```

pub use crate::{realtime::types::*, translation::types::*};
