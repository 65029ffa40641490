use std::{fmt, sync::Arc};

use realtime_core::types::{McpError, McpListedTool};

type Call = Arc<dyn Fn(&str, &str) -> Result<String, McpError> + Send + Sync>;

/// An MCP server that the simulated service can reach under a label.
#[derive(Clone)]
pub struct McpServer {
    pub(super) label: String,
    pub(super) tools: Vec<McpListedTool>,
    call: Call,
}

impl McpServer {
    /// Creates a server without tools. Calls return their arguments.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), tools: Vec::new(), call: Arc::new(|_, arguments| Ok(arguments.into())) }
    }

    /// Adds a tool.
    #[must_use]
    pub fn tool(mut self, tool: McpListedTool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Sets the function that runs calls. It receives the tool's name and the arguments.
    #[must_use]
    pub fn answer(mut self, call: impl Fn(&str, &str) -> Result<String, McpError> + Send + Sync + 'static) -> Self {
        self.call = Arc::new(call);
        self
    }

    pub(super) fn call(&self, tool: &str, arguments: &str) -> Result<String, McpError> {
        (self.call)(tool, arguments)
    }
}

impl fmt::Debug for McpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpServer")
            .field("label", &self.label)
            .field("tools", &self.tools.len())
            .finish_non_exhaustive()
    }
}
