//! What Live events carry: configurations, delegation, decisions, items, usage.
//!
//! What is sent holds exactly what was set. What the server describes at length (a session, a decision, a response of
//! the backend) is kept whole beside its typed reading: see [`Reported`].
//!
//! ```
//! use realtime_core::live::types::SessionConfig;
//!
//! let config = SessionConfig::new("gpt-live-1.1").instructions("Be brief.".to_owned()).store(true);
//! assert_eq!(serde_json::to_value(&config)?["model"], "gpt-live-1.1");
//! # Ok::<_, serde_json::Error>(())
//! ```

mod audio;
mod backend;
mod config;
mod content;
mod decision;
mod delegation;
mod item;
mod number;
mod reported;
mod resource;
mod tool;

pub(crate) use audio::read_audio;
pub use audio::*;
pub use backend::*;
pub use config::*;
pub use content::*;
pub use decision::*;
pub use delegation::*;
pub use item::*;
pub use number::Number;
pub use reported::Reported;
pub(crate) use reported::required_id;
pub use resource::*;
pub use tool::*;

all_or_nothing!(BackendEvent, ChoiceValue, Content, DecisionItem, Format, Number, ResponseItem);
all_or_nothing!(Allowed<T>, Reported<T>);
