use crate::wire::Json;

union! {
    /// Whether the service records the session's traces. Once on, it cannot be changed.
    pub enum Tracing {
        words {
            /// On, under names that the service chooses.
            "auto" => Auto,
        }
        any {
            /// On, under these names.
            Named(TracingConfig)
        }
    }
}

wire! {
    /// The names that a session's trace is found by.
    pub struct TracingConfig {
        /// The workflow.
        opt workflow_name: String,
        /// The group that it belongs to.
        opt group_id: String,
        /// Anything else to filter by: an object.
        opt metadata: Json,
    }
}
