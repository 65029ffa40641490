use super::McpTool;
use crate::wire::Json;

union! {
    /// A tool that the model can call.
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
    /// Definition of an application's function.
    pub struct FunctionTool within "function" {
        /// Name by which the model calls it.
        opt name: String,
        /// What it does, when to call it, and what to tell the user meanwhile.
        opt description: String,
        /// JSON schema of its arguments.
        opt parameters: Json,
    }
}

impl FunctionTool {
    /// Defines a function with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self::default().name(name)
    }
}
