use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    types::{self, AllowedCaller, AllowedTools, RequireApproval},
    wire::{Id, Json, Patch, Secret},
};

union! {
    /// A tool of the Responses backend. Types without a variant here are kept whole: see [`Tool::hosted`].
    pub enum Tool {
        objects {
            /// A function of the application.
            "function" => Function(FunctionTool),
            /// The tools of an MCP server, called by the service.
            "mcp" => Mcp(Box<McpTool>),
            /// A shell.
            "shell" => Shell(ShellTool),
        }
    }
}

impl Tool {
    /// A function of the application.
    pub fn function(name: impl Into<String>) -> FunctionTool {
        FunctionTool::new(name)
    }

    /// A tool that the service runs, by its type alone: `web_search`, `file_search`, `code_interpreter`, ..
    pub fn hosted(kind: &str) -> Self {
        Self::Other(json!({ "type": kind }).into())
    }
}

/// A tool as sessions of Realtime name it: what [`Tools`](crate::tools::Tools) holds.
impl From<&types::Tool> for Tool {
    fn from(tool: &types::Tool) -> Self {
        match tool {
            types::Tool::Function(function) => {
                let mut told = FunctionTool::new(function.name.clone().unwrap_or_default());
                if let Some(description) = &function.description {
                    told = told.description(&**description);
                }
                if let Some(parameters) = &function.parameters {
                    told = told.parameters(parameters.clone());
                }
                told.into()
            }
            // The structs of the wire always have a JSON form, and both protocols write these alike.
            other => Json::new(other)
                .map_or_else(|_| Self::Other(Value::Null.into()), |json| json.read().unwrap_or(Self::Other(json))),
        }
    }
}

impl From<McpTool> for Tool {
    fn from(tool: McpTool) -> Self {
        Box::new(tool).into()
    }
}

wire! {
    /// A function of the application that the Responses backend may call.
    pub struct FunctionTool {
        /// The name that the backend calls it by.
        req name: String,
        /// Description: what it does, and when to call it.
        patch description: String,
        /// JSON schema of its arguments.
        patch parameters: Json,
        /// Whether the arguments are held to the schema.
        opt strict: bool,
    }

    /// An MCP server whose tools the service calls for the backend.
    pub struct McpTool {
        /// The name that calls and events know the server by.
        opt server_label: String,
        /// URL.
        patch server_url: String,
        /// A connector of the service.
        patch connector_id: String,
        /// A tunnel to a server that has no public URL.
        patch tunnel_id: String,
        /// An OAuth access token for the server or the connector.
        patch authorization: Secret,
        /// Description of the server.
        patch server_description: String,
        /// Headers for the server.
        patch headers: BTreeMap<String, Secret>,
        /// Which of its tools the backend may call; all of them if left out.
        patch allowed_tools: AllowedTools,
        /// Callers that may use the tools.
        patch allowed_callers: Vec<AllowedCaller>,
        /// Which calls the application must approve first.
        patch require_approval: RequireApproval,
        /// Whether the tools are found by tool search instead of being listed at once.
        patch defer_loading: bool,
    }

    /// A shell for the backend.
    pub struct ShellTool {
        /// Environment that it runs in.
        patch environment: ShellEnvironment,
    }

    /// A container that the service makes.
    pub struct ContainerAuto {
        /// Files that are put into it.
        patch file_ids: Vec<Id>,
        /// Memory: `1g`, `4g`, `16g`, `64g`.
        patch memory_limit: String,
        /// Network access.
        patch network_policy: NetworkPolicy,
        /// Skills that are installed in it.
        list skills: Skill,
    }

    /// A container that exists.
    pub struct ContainerReference {
        /// Id.
        req container_id: Id,
    }

    /// The application's own machine.
    pub struct LocalShell {
        /// Skills that are installed there.
        list skills: LocalSkill,
    }

    /// A skill on the application's own machine.
    pub struct LocalSkill {
        /// Name.
        req name: String,
        /// Description.
        req description: String,
        /// Location.
        req path: String,
    }

    /// Access to the network for these domains only.
    pub struct Allowlist {
        /// The domains.
        req allowed_domains: Vec<String>,
    }

    /// No access to the network.
    pub struct NoNetwork {}

    /// A skill that the service has.
    pub struct SkillReference {
        /// Id.
        req skill_id: Id,
        /// Version. The default one if unset.
        opt version: String,
    }

    /// A skill that is sent along.
    pub struct InlineSkill {
        /// Name.
        req name: String,
        /// Description.
        req description: String,
        /// Its files: `{"type": "base64", "media_type": "application/zip", "data": ..}`.
        req source: Json,
    }
}

impl FunctionTool {
    /// Holds the arguments to a JSON schema.
    #[must_use]
    pub fn schema(self, parameters: impl Into<Json>) -> Self {
        self.parameters(parameters.into()).strict(true)
    }
}

impl McpTool {
    /// Adds a header for the server.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        let mut headers = self.headers.into_set().unwrap_or_default();
        headers.insert(name.into(), value.into());
        self.headers = Patch::Set(headers);
        self
    }
}

union! {
    /// Environment of a shell.
    pub enum ShellEnvironment {
        objects {
            /// A container created by the service.
            "container_auto" => ContainerAuto(ContainerAuto),
            /// An existing container.
            "container_reference" => ContainerReference(ContainerReference),
            /// On the application's own machine.
            "local" => Local(LocalShell),
        }
    }
}

union! {
    /// A container's access to the network.
    pub enum NetworkPolicy {
        objects {
            /// None.
            "disabled" => Disabled(NoNetwork),
            /// To some domains.
            "allowlist" => Allowlist(Allowlist),
        }
    }
}

union! {
    /// A skill in a container.
    pub enum Skill {
        objects {
            /// One that the service has.
            "skill_reference" => Reference(SkillReference),
            /// One that is sent along.
            "inline" => Inline(InlineSkill),
        }
    }
}

union! {
    /// Which tool the backend calls. Types without a variant here are kept whole: see [`ToolChoice::hosted`].
    pub enum ToolChoice {
        words {
            /// None.
            "none" => None,
            /// The model decides.
            "auto" => Auto,
            /// At least one.
            "required" => Required,
        }
        objects {
            /// This function.
            "function" => Function(FunctionChoice),
            /// This custom tool.
            "custom" => Custom(CustomChoice),
            /// This tool of an MCP server.
            "mcp" => Mcp(McpChoice),
            /// One of these.
            "allowed_tools" => AllowedTools(AllowedChoice),
        }
    }
}

wire! {
    /// A function, by its name.
    pub struct FunctionChoice {
        /// The name.
        req name: String,
    }

    /// A custom tool, by its name.
    pub struct CustomChoice {
        /// The name.
        req name: String,
    }

    /// A tool of an MCP server.
    pub struct McpChoice {
        /// The server's label.
        req server_label: String,
        /// The tool's name.
        req name: String,
    }

    /// Some tools, and whether one of them must be called.
    pub struct AllowedChoice {
        /// The tools, as a tool choice names them.
        req tools: Vec<Json>,
        /// `none`, `auto` or `required`.
        opt mode: String,
    }
}

impl ToolChoice {
    /// The function of this name.
    pub fn function(name: impl Into<String>) -> Self {
        FunctionChoice::new(name).into()
    }

    /// The custom tool of this name.
    pub fn custom(name: impl Into<String>) -> Self {
        CustomChoice::new(name).into()
    }

    /// A tool of the MCP server with this label.
    pub fn mcp(server_label: impl Into<String>, name: impl Into<String>) -> Self {
        McpChoice::new(server_label, name).into()
    }

    /// A tool that the service runs, by its type alone: `web_search`, `file_search`, ..
    pub fn hosted(kind: &str) -> Self {
        Self::Other(json!({ "type": kind }).into())
    }
}
