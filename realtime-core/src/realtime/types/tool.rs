use super::McpTool;
use crate::wire::Json;

union! {
    /// Something the model may call.
    pub enum Tool {
        objects {
            /// A function of the application.
            "function" => Function(FunctionTool),
            /// The tools of an MCP server, called by the service.
            "mcp" => Mcp(Box<McpTool>),
        }
    }
    untagged => Function
    only objects
}

impl From<McpTool> for Tool {
    fn from(tool: McpTool) -> Self {
        Box::new(tool).into()
    }
}

wire! {
    /// A function of the application that the model may call.
    pub struct FunctionTool within "function" {
        /// The name that the model calls it by.
        opt name: String,
        /// What it does, when to call it, and what to tell the user meanwhile.
        opt description: String,
        /// Its arguments, as a JSON schema.
        opt parameters: Json,
    }
}

impl FunctionTool {
    /// A function of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self::default().name(name)
    }
}
