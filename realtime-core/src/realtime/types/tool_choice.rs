union! {
    /// Tool that the model must or may call.
    pub enum ToolChoice {
        words {
            /// The model calls no tool.
            "none" => None,
            /// The model decides.
            "auto" => Auto,
            /// The model calls at least one tool.
            "required" => Required,
        }
        objects {
            /// The model calls this function.
            "function" => Function(FunctionChoice),
            /// The model calls a tool of this MCP server.
            "mcp" => Mcp(McpChoice),
        }
    }
}

wire! {
    /// Requires a call of one function.
    pub struct FunctionChoice within "function" {
        /// Name of the function.
        req name: String,
    }

    /// Requires a call of a tool of one MCP server.
    pub struct McpChoice {
        /// Label of the server.
        req server_label: String,
        /// Name of the tool. If null or unset, the model chooses.
        patch name: String,
    }
}

impl ToolChoice {
    /// Requires a call of this function.
    pub fn function(name: impl Into<String>) -> Self {
        FunctionChoice::new(name).into()
    }

    /// Requires a call of a tool of the MCP server with this label.
    pub fn mcp(server_label: impl Into<String>) -> Self {
        McpChoice::new(server_label).into()
    }
}
