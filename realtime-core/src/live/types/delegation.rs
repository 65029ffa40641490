use super::{Number, Question, Tool, ToolChoice};
use crate::{types::ReasoningEffort, wire::Id};

union! {
    /// The worker for tasks that the voice hands over. The kind is fixed for the session's life.
    pub enum Delegation {
        objects {
            /// The application. What a session does that names no delegation.
            "client" => Client(ClientDelegation),
            /// A Responses model of the service, with tools.
            "responses" => Responses(Box<ResponsesDelegation>),
            /// A decision model, which answers fixed questions.
            "decisions" => Decisions(DecisionsDelegation),
        }
    }
}

union! {
    /// Changes to the delegation in a `session.update`. The kind must stay the same.
    pub enum DelegationUpdate {
        objects {
            /// Delegation to the application.
            "client" => Client(ClientDelegation),
            /// Delegation to a Responses model.
            "responses" => Responses(Box<ResponsesDelegationUpdate>),
            /// Decisions.
            "decisions" => Decisions(DecisionsDelegationUpdate),
        }
    }
}

impl From<ResponsesDelegation> for Delegation {
    fn from(delegation: ResponsesDelegation) -> Self {
        Box::new(delegation).into()
    }
}

impl From<ResponsesDelegationUpdate> for DelegationUpdate {
    fn from(delegation: ResponsesDelegationUpdate) -> Self {
        Box::new(delegation).into()
    }
}

/// Backend settings, as a whole and as an update.
macro_rules! responses {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })+) => {
        wire! {$(
            $(#[$meta])*
            pub struct $name {
                $($body)*
                /// The backend's instructions.
                patch instructions: String,
                /// Maximum number of tokens of a response, at least 16.
                patch_int max_output_tokens: u32,
                /// Whether several tools may be called at once.
                patch parallel_tool_calls: bool,
                /// Reasoning settings of the backend.
                patch reasoning: Reasoning,
                /// Service tier.
                patch service_tier: ServiceTier,
                /// Text settings.
                patch text: TextConfig,
                /// Which tool it calls.
                opt tool_choice: ToolChoice,
                /// Tools that the model can call.
                list tools: Tool,
            }
        )+}
    };
}

responses! {
    /// A Responses backend.
    pub struct ResponsesConfig {
        /// The model.
        req model: String,
    }

    /// Changes to a Responses backend. Members that are not set keep their value.
    pub struct ResponsesUpdate {
        /// The model.
        opt model: String,
    }
}

wire! {
    /// Work that the application does: the session says that something was handed over, and not what.
    pub struct ClientDelegation {
        /// Delay in milliseconds before the voice acknowledges a task by itself. 0 by default.
        opt acknowledgement_delay_ms: Number,
    }

    /// Work that a Responses model does.
    pub struct ResponsesDelegation {
        /// The backend.
        req responses: ResponsesConfig,
        /// Delay in milliseconds before the voice acknowledges a task by itself. 0 by default.
        opt acknowledgement_delay_ms: Number,
    }

    /// Changes to the delegation to a Responses model. Also accepted by a fork.
    pub struct ResponsesDelegationUpdate {
        /// The backend.
        opt responses: ResponsesUpdate,
        /// Delay in milliseconds before the voice acknowledges a task by itself.
        opt acknowledgement_delay_ms: Number,
    }

    /// Questions that a decision model answers.
    pub struct DecisionsDelegation {
        /// The model and the questions.
        req decisions: DecisionsConfig,
        /// Delay in milliseconds before the voice acknowledges a task by itself. 400 by default.
        opt acknowledgement_delay_ms: Number,
    }

    /// Changes to the questions of a decision model.
    pub struct DecisionsDelegationUpdate {
        /// The model and the questions.
        opt decisions: DecisionsUpdate,
        /// Delay in milliseconds before the voice acknowledges a task by itself.
        opt acknowledgement_delay_ms: Number,
    }

    /// A decision model and its questions.
    pub struct DecisionsConfig {
        /// The model.
        req model: String,
        /// The questions, answered in this order.
        req questions: Vec<Question>,
    }

    /// Changes to a decision model and its questions. Members that are not set keep their value.
    pub struct DecisionsUpdate {
        /// The model.
        opt model: String,
        /// The questions, answered in this order.
        list questions: Question,
    }

    /// Reasoning settings of a backend.
    pub struct Reasoning {
        /// Reasoning effort.
        patch effort: ReasoningEffort,
        /// Summary of its reasoning: `concise`, `detailed`, `auto`.
        patch summary: String,
    }

    /// Text settings of a backend.
    pub struct TextConfig {
        /// Verbosity: `low`, `medium`, `high`.
        patch verbosity: String,
    }

    /// Work that the voice has handed over.
    pub struct DelegationItem {
        /// Id, which contexts and backend events refer to.
        req id: Id,
        /// Type: `delegation`.
        loose kind as "type": String,
        /// The worker.
        req target: DelegationTarget,
        /// The backend's first response to it.
        loose response_id: Id,
    }
}

open_enum! {
    /// The worker for tasks that the voice hands over.
    pub enum DelegationTarget {
        /// The application.
        Client = "client",
        /// A Responses model.
        Responses = "responses",
        /// A decision model.
        Decisions = "decisions",
    }
}

open_enum! {
    /// Service tier of a backend.
    pub enum ServiceTier {
        /// The project's setting.
        Auto = "auto",
        /// The standard.
        Default = "default",
        /// A pilot of faster service.
        FastTierTempPilot = "fast_tier_temp_pilot",
        /// Cheaper and slower.
        Flex = "flex",
        /// Faster.
        Priority = "priority",
        /// Fastest.
        Ultrafast = "ultrafast",
    }
}
