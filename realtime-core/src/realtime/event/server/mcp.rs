use crate::wire::Id;

server_events! {
    /// The service asks an MCP server for its tools.
    pub struct McpListToolsInProgress {
        /// The item that the list will be in.
        req item_id: Id,
    }

    /// An MCP server has told its tools.
    pub struct McpListToolsCompleted {
        /// The item that the list is in.
        req item_id: Id,
    }

    /// An MCP server did not tell its tools.
    pub struct McpListToolsFailed {
        /// The item that the list would be in.
        req item_id: Id,
    }

    /// A piece of the arguments of a call of an MCP tool.
    pub struct ResponseMcpCallArgumentsDelta {
        /// The response.
        soft response_id: Id,
        /// The call.
        req item_id: Id,
        /// The call's place in the response.
        req_int output_index: u32,
        /// The JSON text to be added.
        req_text delta: String,
    }

    /// All arguments of a call of an MCP tool.
    pub struct ResponseMcpCallArgumentsDone {
        /// The response.
        soft response_id: Id,
        /// The call.
        req item_id: Id,
        /// The call's place in the response.
        req_int output_index: u32,
        /// The arguments: JSON as the model has written it.
        req_json arguments: String,
    }

    /// A call of an MCP tool runs.
    pub struct ResponseMcpCallInProgress {
        /// The call's place in the response.
        req_int output_index: u32,
        /// The call.
        req item_id: Id,
    }

    /// A call of an MCP tool has ended well.
    pub struct ResponseMcpCallCompleted {
        /// The call's place in the response.
        req_int output_index: u32,
        /// The call.
        req item_id: Id,
    }

    /// A call of an MCP tool has failed.
    pub struct ResponseMcpCallFailed {
        /// The call's place in the response.
        req_int output_index: u32,
        /// The call.
        req item_id: Id,
    }
}
