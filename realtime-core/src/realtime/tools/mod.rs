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
//!
//! A function can also take its call ([`ToolContext`]), give an output that no response follows ([`Silent`]), have the
//! application answer [`Later`], and need [approval](Tools::needs_approval):
//!
//! ```
//! # #[cfg(feature = "schemars")] {
//! use realtime_core::tools::{Approval, Later, Silent, ToolContext, Tools};
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Order {
//!     article: String,
//! }
//!
//! # fn queue(_: String, _: realtime_core::Id) {}
//! let tools = Tools::new()
//!     .add_with_context("order", "Orders an article.", async |order: Order, call: ToolContext| {
//!         queue(order.article, call.call_id().clone()); // answered by `Connection::answer_call`
//!         Later
//!     })
//!     .needs_approval()
//!     .on_approval(async |request| match request.name.as_str() {
//!         "order" => Approval::Once,
//!         _ => Approval::deny("the user did not agree"),
//!     })
//!     .add("remember", "Remembers an article.", async |order: Order| Silent(format!("remembered {}", order.article)));
//! # }
//! ```

mod answer;
mod approval;
mod context;
mod handler;
mod output;
mod runner;

use std::{collections::HashMap, error, fmt, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;

pub use crate::realtime::state::WhenInterrupted;
pub use answer::AnswerError;
pub use approval::{Approval, ApprovalRequest};
pub use context::ToolContext;
pub use output::{Later, Silent, ToolOutput, ToolReply, marker};

use crate::{
    protocol::{Protocol, types::McpTool},
    realtime::types::{FunctionTool, McpApprovalRequest, Tool},
    wire::{Id, Json},
};
use approval::Decide;
pub(crate) use context::cancellation;
pub(crate) use handler::InUse;
use handler::{Approve, Handler, Spawn};
pub(super) use runner::attend;

/// The functions that the model can call.
///
/// Given to a connection with [`use_tools`](crate::Connection::use_tools), they run while the connection is driven:
/// concurrently, and each call once. Each output is sent when it is ready. After the last call of a response, a new
/// response is requested. At most 1,024 calls with 32 MiB of arguments can be unanswered at a time, those answered
/// [later](Later) included; further calls are refused.
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
#[derive(Clone)]
#[doc(alias("function calling", "function calls"))]
pub struct Tools {
    pub(crate) definitions: Vec<Tool>,
    pub(crate) handlers: HashMap<String, Handler>,
    pub(crate) approve: Option<Approve>,
    pub(crate) on_approval: Option<Decide>,
    pub(crate) spawn: Option<Spawn>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) approval_timeout: Option<Duration>,
    pub(crate) later_timeout: Option<Duration>,
    pub(crate) when_interrupted: WhenInterrupted,
}

/// An empty set.
impl Default for Tools {
    fn default() -> Self {
        Self {
            definitions: Vec::new(),
            handlers: HashMap::new(),
            approve: None,
            on_approval: None,
            spawn: None,
            timeout: None,
            approval_timeout: Some(Duration::from_secs(5 * 60)),
            later_timeout: Some(Duration::from_secs(60 * 60)),
            when_interrupted: WhenInterrupted::default(),
        }
    }
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
        self.add_raw(name, description, schema::<A>(), function)
    }

    /// Adds a function that also takes its call: see [`ToolContext`]. The schema is derived as by [`add`](Self::add).
    ///
    /// In a set for a [`Live`](crate::live) connection, name its protocol: `ToolContext<Live>`. A function that names another
    /// protocol than the connection's is not run, and the call fails with [`ToolErrorKind::OtherProtocol`].
    #[cfg(feature = "schemars")]
    #[must_use]
    pub fn add_with_context<A, P, F, Fut, M>(
        self,
        name: impl Into<String>,
        description: impl Into<String>,
        function: F,
    ) -> Self
    where
        A: DeserializeOwned + schemars::JsonSchema,
        P: Protocol,
        F: FnOnce(A, ToolContext<P>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: ToolOutput<M>> + Send + 'static,
    {
        self.add_raw_with_context(name, description, schema::<A>(), function)
    }

    /// Adds a function with an explicit JSON schema for its arguments.
    #[must_use]
    pub fn add_raw<A, F, Fut, M>(
        self,
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
        self.insert(name.into(), description.into(), schema, Handler::new(function))
    }

    /// Adds a function that also takes its call, with an explicit JSON schema: see
    /// [`add_with_context`](Self::add_with_context).
    #[must_use]
    pub fn add_raw_with_context<A, P, F, Fut, M>(
        self,
        name: impl Into<String>,
        description: impl Into<String>,
        schema: Json,
        function: F,
    ) -> Self
    where
        A: DeserializeOwned,
        P: Protocol,
        F: FnOnce(A, ToolContext<P>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: ToolOutput<M>> + Send + 'static,
    {
        self.insert(name.into(), description.into(), schema, Handler::with_context(function))
    }

    fn insert(mut self, name: String, description: String, schema: Json, mut handler: Handler) -> Self {
        self.definitions.push(FunctionTool::new(&*name).description(description).parameters(schema).into());
        // A function that takes the place of one that needs approval needs it too.
        handler.needs_approval = self.handlers.get(&name).is_some_and(|before| before.needs_approval);
        self.handlers.insert(name, handler);
        self
    }

    /// Has the function that was added last run only with approval: see [`on_approval`](Self::on_approval).
    #[must_use]
    pub fn needs_approval(mut self) -> Self {
        let mut functions = self.definitions.iter().rev().filter_map(|tool| match tool {
            Tool::Function(function) => function.name.as_ref(),
            _ => None,
        });
        if let Some(handler) = functions.next().and_then(|name| self.handlers.get_mut(name)) {
            handler.needs_approval = true;
        }
        self
    }

    /// Sets the function that decides about calls of functions that [need approval](Self::needs_approval): an
    /// [`Approval`], or a `bool`. Without it, such calls are denied.
    ///
    /// It is asked for each call, after the arguments were checked, and may take its time: the conversation goes on
    /// meanwhile, also on another link. A denial is told to the model with its reason, and to the application by
    /// [`RealtimeNotice::Tool`](crate::RealtimeNotice::Tool). If the conversation is resumed elsewhere meanwhile, the decision is
    /// asked for there.
    #[must_use]
    #[doc(alias("human in the loop", "confirm"))]
    pub fn on_approval<F, Fut>(mut self, decide: F) -> Self
    where
        F: FnOnce(ApprovalRequest) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: Into<Approval>> + Send + 'static,
    {
        self.on_approval = Some(Arc::new(move |request| {
            let decision = (decide.clone())(request);
            Box::pin(async move { decision.await.into() })
        }));
        self
    }

    /// Sets the maximum time for a decision. After that, the call is denied. 5 minutes by default; `None` waits until the
    /// connection ends.
    #[must_use]
    pub fn approval_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.approval_timeout = time.into();
        self
    }

    /// Sets the maximum time for an answer that comes [`Later`]. After that, the model is told about the timeout, and the
    /// answer is refused. An hour by default, and counted from the start where a conversation is resumed; `None` waits until the connection
    /// ends.
    #[must_use]
    pub fn later_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.later_timeout = time.into();
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

/// The JSON schema of a type.
#[cfg(feature = "schemars")]
fn schema<A: schemars::JsonSchema>() -> Json {
    let schema = schemars::generate::SchemaSettings::draft07()
        .with(|settings| settings.meta_schema = None)
        .into_generator()
        .into_root_schema_for::<A>();
    schema.to_value().into()
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
    /// The call was not approved, for this reason.
    Denied(String),
    /// The session that called was replaced by one without the call before it was approved. The function was not run.
    Lost,
    /// The application had answered the call before the function returned. The output was discarded.
    Answered,
    /// The function takes a [`ToolContext`] of another protocol than the connection's. It was not run.
    OtherProtocol,
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
            Self::Denied(reason) if reason.is_empty() => f.write_str("the call was not approved"),
            Self::Denied(reason) => write!(f, "the call was not approved: {reason}"),
            Self::Lost => f.write_str("the session was replaced by one without the call"),
            Self::Answered => f.write_str("the call was answered before the function returned"),
            Self::OtherProtocol => f.write_str("the function takes the context of another protocol"),
        }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.name, self.kind)
    }
}

impl error::Error for ToolError {}
