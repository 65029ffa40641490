//! Functions that the model may call.
//!
//! ```
//! # #[cfg(feature = "schemars")] {
//! use std::{collections::HashMap, sync::Arc};
//!
//! use realtime_core::tools::Tools;
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct GetWeather {
//!     /// The name of a city.
//!     city: String,
//! }
//!
//! #[derive(Clone, serde::Serialize)]
//! struct Weather {
//!     celsius: f32,
//!     sky: String,
//! }
//!
//! let stations = HashMap::from([("Lisbon".to_owned(), Weather { celsius: 24.5, sky: "clear".into() })]);
//! let stations = Arc::new(stations);
//! let tools = Tools::new().add("get_weather", "The weather in a city.", async move |args: GetWeather| {
//!     stations.get(&args.city).cloned().ok_or("no such city")
//! });
//! # }
//! ```
//!
//! A function is an async closure, or anything that gives a future. Each call runs on a clone of it, so whatever it
//! captures is cloned, too: handles such as an `Arc` or a pool of connections, not the data itself. What it gives back
//! is any type that serialises, or a `Result` of one: see [`ToolOutput`].

mod handler;
mod output;

use std::{collections::HashMap, error, fmt, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;

pub use crate::realtime::state::WhenInterrupted;
pub use output::{ToolOutput, marker};

use crate::{
    protocol::types::McpTool,
    realtime::types::{FunctionTool, McpApprovalRequest, Tool},
    wire::{Id, Json},
};
use handler::{Approve, Handler, Spawn};
pub(crate) use handler::{refusal, run, run_function};

/// The functions that the model may call, and who runs them.
///
/// Given to a connection by [`use_tools`](crate::Connection::use_tools), they run whenever somebody drives it: several
/// at once, each call once. Each answer is sent as soon as it is there; after the last one of a response the model is
/// asked to go on. No more than 1,024 calls, and 32 MiB of their arguments, wait at one time: others are not run.
///
/// A function that blocks, blocks the task that drives. Give it a thread, or give [`spawner`](Self::spawner).
///
/// Whatever goes wrong, the model is told in words, and the application by [`Notice::Tool`](crate::connection::Notice).
#[derive(Clone, Default)]
pub struct Tools {
    pub(crate) definitions: Vec<Tool>,
    pub(crate) handlers: HashMap<String, Handler>,
    pub(crate) approve: Option<Approve>,
    pub(crate) spawn: Option<Spawn>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) when_interrupted: WhenInterrupted,
}

impl Tools {
    /// No functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// A function whose arguments have a type of yours. Their schema is made from it; the type's doc comments tell the
    /// model what they mean.
    #[cfg(feature = "schemars")]
    #[must_use]
    pub fn add<A, F, Fut, M>(self, name: impl Into<String>, description: impl Into<String>, function: F) -> Self
    where
        A: DeserializeOwned + schemars::JsonSchema,
        F: FnOnce(A) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: ToolOutput<M>> + Send + 'static,
    {
        let schema = schemars::generate::SchemaSettings::draft07()
            .with(|settings| settings.meta_schema = None)
            .into_generator()
            .into_root_schema_for::<A>();
        self.add_raw(name, description, schema.to_value().into(), function)
    }

    /// A function with a JSON schema of your own for its arguments.
    #[must_use]
    pub fn add_raw<A, F, Fut, M>(
        mut self,
        name: impl Into<String>,
        description: impl Into<String>,
        schema: Json,
        function: F,
    ) -> Self
    where
        A: DeserializeOwned,
        F: FnOnce(A) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: ToolOutput<M>> + Send + 'static,
    {
        let name = name.into();
        self.definitions.push(FunctionTool::new(&*name).description(description).parameters(schema).into());
        self.handlers.insert(name, handler::handler(function));
        self
    }

    /// Tools of an MCP server, which the service calls by itself.
    #[must_use]
    pub fn mcp(mut self, tool: McpTool) -> Self {
        self.definitions.push(tool.into());
        self
    }

    /// Decides whether the model may call a tool of an MCP server, where the service asks.
    #[must_use]
    pub fn approve<F, Fut>(mut self, decide: F) -> Self
    where
        F: FnOnce(McpApprovalRequest) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.approve = Some(Arc::new(move |request| Box::pin((decide.clone())(request))));
        self
    }

    /// The most time a function may take. After it the model is told so, and what the function still gives is dropped.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = Some(time);
        self
    }

    /// What becomes of a call whose response was cut short.
    #[must_use]
    pub fn when_interrupted(mut self, policy: WhenInterrupted) -> Self {
        self.when_interrupted = policy;
        self
    }

    /// Runs the functions elsewhere than in the task that drives: `|future| { tokio::spawn(future); }`.
    #[must_use]
    pub fn spawner(mut self, spawn: impl Fn(BoxFuture<'static, ()>) + Send + Sync + 'static) -> Self {
        self.spawn = Some(Arc::new(spawn));
        self
    }

    /// What the model is told of the functions: for a `session.update` of your own.
    pub fn definitions(&self) -> &[Tool] {
        &self.definitions
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools").field("definitions", &self.definitions).finish_non_exhaustive()
    }
}

/// Why a call could not be answered as it should. The model was told so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolError {
    /// The call.
    pub call_id: Option<Id>,
    /// The function's name, as the model has it.
    pub name: String,
    /// What went wrong.
    pub kind: ToolErrorKind,
}

/// What went wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolErrorKind {
    /// There is no such function.
    Unknown,
    /// The arguments do not fit, for the reason given.
    Arguments(String),
    /// The function failed, in its own words.
    Failed(String),
    /// The function panicked.
    Panicked,
    /// The function took too long.
    TimedOut,
    /// More than a thousand calls, or 32 MiB of arguments, wait for their answers. This one was not run.
    TooMany,
}

impl fmt::Display for ToolErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such function"),
            Self::Arguments(reason) => write!(f, "the arguments do not fit: {reason}"),
            Self::Failed(reason) => f.write_str(reason),
            Self::Panicked => f.write_str("the function broke down"),
            Self::TimedOut => f.write_str("the function took too long"),
            Self::TooMany => f.write_str("too many calls wait for their answers"),
        }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.name, self.kind)
    }
}

impl error::Error for ToolError {}
