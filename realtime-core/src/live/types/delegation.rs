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
    /// What a `session.update` changes of the delegation. The kind must stay the same.
    pub enum DelegationUpdate {
        objects {
            /// Of work that the application does.
            "client" => Client(ClientDelegation),
            /// Of work that a Responses model does.
            "responses" => Responses(Box<ResponsesDelegationUpdate>),
            /// Of decisions.
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
                /// How many tokens one response may have, at least 16.
                patch_int max_output_tokens: u32,
                /// Whether several tools may be called at once.
                patch parallel_tool_calls: bool,
                /// How the backend reasons.
                patch reasoning: Reasoning,
                /// How soon and at what price it is served.
                patch service_tier: ServiceTier,
                /// How it writes.
                patch text: TextConfig,
                /// Which tool it calls.
                opt tool_choice: ToolChoice,
                /// What it may call.
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

    /// What changes of a Responses backend: what is left out stays.
    pub struct ResponsesUpdate {
        /// The model.
        opt model: String,
    }
}

wire! {
    /// Work that the application does: the session says that something was handed over, and not what.
    pub struct ClientDelegation {
        /// How long the voice waits before it acknowledges a task by itself, in milliseconds. 0 unless it is given.
        opt acknowledgement_delay_ms: Number,
    }

    /// Work that a Responses model does.
    pub struct ResponsesDelegation {
        /// The backend.
        req responses: ResponsesConfig,
        /// How long the voice waits before it acknowledges a task by itself, in milliseconds. 0 unless it is given.
        opt acknowledgement_delay_ms: Number,
    }

    /// What changes of work that a Responses model does. A fork takes it too.
    pub struct ResponsesDelegationUpdate {
        /// The backend.
        opt responses: ResponsesUpdate,
        /// How long the voice waits before it acknowledges a task by itself, in milliseconds.
        opt acknowledgement_delay_ms: Number,
    }

    /// Questions that a decision model answers.
    pub struct DecisionsDelegation {
        /// The model and the questions.
        req decisions: DecisionsConfig,
        /// How long the voice waits before it acknowledges a task by itself, in milliseconds. 400 unless it is given.
        opt acknowledgement_delay_ms: Number,
    }

    /// What changes of the questions that a decision model answers.
    pub struct DecisionsDelegationUpdate {
        /// The model and the questions.
        opt decisions: DecisionsUpdate,
        /// How long the voice waits before it acknowledges a task by itself, in milliseconds.
        opt acknowledgement_delay_ms: Number,
    }

    /// A decision model and its questions.
    pub struct DecisionsConfig {
        /// The model.
        req model: String,
        /// The questions, answered in this order.
        req questions: Vec<Question>,
    }

    /// What changes of a decision model and its questions: what is left out stays.
    pub struct DecisionsUpdate {
        /// The model.
        opt model: String,
        /// The questions, answered in this order.
        list questions: Question,
    }

    /// How a backend reasons.
    pub struct Reasoning {
        /// How hard it reasons.
        patch effort: ReasoningEffort,
        /// How its reasoning is summarised: `concise`, `detailed`, `auto`.
        patch summary: String,
    }

    /// How a backend writes.
    pub struct TextConfig {
        /// How much it writes: `low`, `medium`, `high`.
        patch verbosity: String,
    }

    /// Work that the voice has handed over.
    pub struct DelegationItem {
        /// Its id, which contexts and backend events name.
        req id: Id,
        /// Type: `delegation`.
        #[serde(rename = "type")]
        loose kind: String,
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
    /// How soon and at what price a backend is served.
    pub enum ServiceTier {
        /// As the project is set.
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
