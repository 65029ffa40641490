union! {
    /// Which tool the model calls.
    pub enum ToolChoice {
        words {
            /// None.
            "none" => None,
            /// Whichever it likes, or none.
            "auto" => Auto,
            /// At least one.
            "required" => Required,
        }
        objects {
            /// This function.
            "function" => Function(FunctionChoice),
            /// A tool of this MCP server.
            "mcp" => Mcp(McpChoice),
        }
    }
}

wire! {
    /// Makes the model call one function.
    pub struct FunctionChoice within "function" {
        /// Its name.
        req name: String,
    }

    /// Makes the model call a tool of one MCP server.
    pub struct McpChoice {
        /// The server's label.
        req server_label: String,
        /// The tool's name; null or left out, the model chooses.
        patch name: String,
    }
}

impl ToolChoice {
    /// The function of this name.
    pub fn function(name: impl Into<String>) -> Self {
        FunctionChoice::new(name).into()
    }

    /// A tool of the MCP server with this label.
    pub fn mcp(server_label: impl Into<String>) -> Self {
        McpChoice::new(server_label).into()
    }
}
