//! Functions that the model can call.
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
//! A function is an async closure, or any closure that returns a future. Each call runs on a clone of it, so everything
//! that it captures is cloned too: capture handles such as an `Arc` or a connection pool, not the data itself. The
//! output is any serializable type, or a `Result` of one: see [`ToolOutput`].

mod handler;
mod output;
mod runner;

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
pub(crate) use handler::run_function;
use handler::{Approve, Handler, Spawn};
pub(super) use runner::attend;

/// The functions that the model can call.
///
/// Given to a connection with [`use_tools`](crate::Connection::use_tools), they run while the connection is driven:
/// concurrently, and each call once. Each output is sent when it is ready. After the last call of a response, a new
/// response is requested. At most 1,024 calls with 32 MiB of arguments can be unanswered at a time; further calls are
/// refused.
///
/// A function that blocks also blocks the task that drives the connection. Run it on a thread, or set a
/// [`spawner`](Self::spawner).
///
/// If a call fails, the model receives an explanation, and the application receives
/// [`RealtimeNotice::Tool`](crate::RealtimeNotice::Tool).
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use realtime_core::tools::{Tools, WhenInterrupted};
/// use serde_json::{Value, json};
///
/// let schema = json!({ "type": "object", "properties": { "order": { "type": "integer" } } });
/// let tools = Tools::new()
///     .add_raw("lookup", "The state of an order.", schema.into(), async |arguments: Value| {
///         arguments["order"].as_u64().map(|order| format!("order {order} is on its way")).ok_or("no number")
///     })
///     .timeout(Duration::from_secs(10))
///     .when_interrupted(WhenInterrupted::Cancel);
/// assert_eq!(tools.definitions().len(), 1);
/// ```
#[derive(Clone, Default)]
#[doc(alias("function calling", "function calls"))]
pub struct Tools {
    pub(crate) definitions: Vec<Tool>,
    pub(crate) handlers: HashMap<String, Handler>,
    pub(crate) approve: Option<Approve>,
    pub(crate) spawn: Option<Spawn>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) when_interrupted: WhenInterrupted,
}

impl Tools {
    /// Creates an empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function with typed arguments. Their JSON schema is derived from the type; its doc comments become the
    /// descriptions that the model sees.
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

    /// Adds a function with an explicit JSON schema for its arguments.
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

    /// Adds the tools of an MCP server, which the service calls itself.
    #[must_use]
    pub fn mcp(mut self, tool: McpTool) -> Self {
        self.definitions.push(tool.into());
        self
    }

    /// Sets the function that approves calls of MCP tools, if the service requires approval.
    #[must_use]
    pub fn approve<F, Fut>(mut self, decide: F) -> Self
    where
        F: FnOnce(McpApprovalRequest) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.approve = Some(Arc::new(move |request| Box::pin((decide.clone())(request))));
        self
    }

    /// Sets the maximum run time of a function. After that, the model is told about the timeout, and the output is
    /// discarded.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = Some(time);
        self
    }

    /// Sets what happens to a call whose response was cut short.
    #[must_use]
    pub fn when_interrupted(mut self, policy: WhenInterrupted) -> Self {
        self.when_interrupted = policy;
        self
    }

    /// Runs the functions on another task: `|future| { tokio::spawn(future); }`.
    #[must_use]
    pub fn spawner(mut self, spawn: impl Fn(BoxFuture<'static, ()>) + Send + Sync + 'static) -> Self {
        self.spawn = Some(Arc::new(spawn));
        self
    }

    /// The definitions of the functions, for a custom `session.update`.
    pub fn definitions(&self) -> &[Tool] {
        &self.definitions
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools").field("definitions", &self.definitions).finish_non_exhaustive()
    }
}

/// Failure of a function call, already reported to the model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolError {
    /// Id of the call.
    pub call_id: Option<Id>,
    /// Name of the function, as used by the model.
    pub name: String,
    /// Kind of the failure.
    pub kind: ToolErrorKind,
}

/// Why a function call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolErrorKind {
    /// No such function exists.
    Unknown,
    /// The arguments do not match the function, for this reason.
    Arguments(String),
    /// The function failed, with this message.
    Failed(String),
    /// The function panicked.
    Panicked,
    /// The function timed out.
    TimedOut,
    /// Too many calls were unanswered: 1,024, or 32 MiB of arguments. This one was not run.
    TooMany,
}

impl fmt::Display for ToolErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such function"),
            Self::Arguments(reason) => write!(f, "invalid arguments: {reason}"),
            Self::Failed(reason) => f.write_str(reason),
            Self::Panicked => f.write_str("the function panicked"),
            Self::TimedOut => f.write_str("the function timed out"),
            Self::TooMany => f.write_str("too many function calls are unanswered"),
        }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.name, self.kind)
    }
}

impl error::Error for ToolError {}
