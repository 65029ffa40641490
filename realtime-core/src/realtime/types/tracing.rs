use crate::wire::Json;

union! {
    /// Whether the service records traces of the session. Cannot be changed once on.
    pub enum Tracing {
        words {
            /// On, with generated names.
            "auto" => Auto,
        }
        any {
            /// On, with these names.
            Named(TracingConfig)
        }
    }
}

wire! {
    /// Names and metadata of a session's trace.
    pub struct TracingConfig {
        /// Name of the workflow.
        opt workflow_name: String,
        /// Id of the group of traces.
        opt group_id: String,
        /// Metadata to filter by: an object.
        opt metadata: Json,
    }
}
