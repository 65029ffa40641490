use crate::wire::Id;

server_events! {
    /// The service is listing the tools of an MCP server.
    pub struct McpListToolsInProgress {
        /// Id of the item that will contain the list.
        req item_id: Id,
    }

    /// The service has listed the tools of an MCP server.
    pub struct McpListToolsCompleted {
        /// Id of the item that contains the list.
        req item_id: Id,
    }

    /// Listing the tools of an MCP server failed.
    pub struct McpListToolsFailed {
        /// Id of the item that would have contained the list.
        req item_id: Id,
    }

    /// Part of the arguments of a call of an MCP tool.
    pub struct ResponseMcpCallArgumentsDelta {
        /// Id of the response.
        soft response_id: Id,
        /// Id of the call's item.
        req item_id: Id,
        /// Index of the call in the output of the response.
        req_int output_index: u32,
        /// JSON text to append.
        req_text delta: String,
    }

    /// The complete arguments of a call of an MCP tool.
    pub struct ResponseMcpCallArgumentsDone {
        /// Id of the response.
        soft response_id: Id,
        /// Id of the call's item.
        req item_id: Id,
        /// Index of the call in the output of the response.
        req_int output_index: u32,
        /// The arguments: JSON as written by the model.
        req_json arguments: String,
    }

    /// A call of an MCP tool is in progress.
    pub struct ResponseMcpCallInProgress {
        /// Index of the call in the output of the response.
        req_int output_index: u32,
        /// Id of the call's item.
        req item_id: Id,
    }

    /// A call of an MCP tool has succeeded.
    pub struct ResponseMcpCallCompleted {
        /// Index of the call in the output of the response.
        req_int output_index: u32,
        /// Id of the call's item.
        req item_id: Id,
    }

    /// A call of an MCP tool has failed.
    pub struct ResponseMcpCallFailed {
        /// Index of the call in the output of the response.
        req_int output_index: u32,
        /// Id of the call's item.
        req item_id: Id,
    }
}
