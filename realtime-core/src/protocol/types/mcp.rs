use std::collections::BTreeMap;

use serde::{
    Deserialize,
    de::{MapAccess, SeqAccess, value::SeqAccessDeserializer},
};

use serde_json::value::RawValue;

use crate::wire::{Json, Lenient, Notes, Patch, Secret, Union, read_loosely, read_object};

wire! {
    /// An MCP server whose tools the service calls for the model. Its location is given by one of `server_url`,
    /// `connector_id` and `tunnel_id`.
    pub struct McpTool {
        /// Label that identifies the server in calls and events.
        req server_label: String,
        /// URL of the server.
        opt server_url: String,
        /// A connector of the service (`connector_gmail`, ..). Not supported by newer models.
        opt connector_id: String,
        /// A tunnel to a server without a public URL.
        opt tunnel_id: String,
        /// OAuth access token for the server or connector.
        opt authorization: Secret,
        /// Description of the server.
        opt server_description: String,
        /// HTTP headers for the server.
        patch headers: BTreeMap<String, Secret>,
        /// Tools that the model may call. All tools if unset.
        patch allowed_tools: AllowedTools,
        /// Allowed callers of the tools.
        patch allowed_callers: Vec<AllowedCaller>,
        /// Calls that require the application's approval.
        patch require_approval: RequireApproval,
        /// Whether tools are discovered by tool search instead of being listed at once.
        opt defer_loading: bool,
    }

    /// A selection of a server's tools.
    pub struct ToolFilter {
        /// Tools with these names.
        list tool_names: String,
        /// Tools that the server marks as read-only (`true`) or not (`false`).
        opt read_only: bool,
    }

    /// Tools whose calls require approval, and tools whose calls do not.
    pub struct ApprovalFilter {
        /// Tools that always require approval.
        opt always: ToolFilter,
        /// Tools that never require approval.
        opt never: ToolFilter,
    }

    /// A tool offered by an MCP server.
    pub struct McpListedTool {
        /// Name.
        req name: String,
        /// Description.
        patch description: String,
        /// JSON schema of the arguments.
        req input_schema: Json,
        /// Annotations of the server.
        patch annotations: Json,
    }

    /// The MCP server violated the protocol, or answered with a protocol error.
    pub struct McpProtocolError {
        /// JSON-RPC error code.
        req_int code: i64,
        /// Message.
        req message: String,
    }

    /// The MCP server answered with an HTTP error.
    pub struct McpHttpError {
        /// HTTP status.
        req_int code: i64,
        /// Message.
        req message: String,
    }

    /// The tool ran and failed.
    pub struct McpToolExecutionError as "message" {
        /// Message.
        req message: String,
    }
}

impl McpTool {
    /// Adds an HTTP header for the server.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        let mut headers = self.headers.into_set().unwrap_or_default();
        headers.insert(name.into(), value.into());
        self.headers = Patch::Set(headers);
        self
    }
}

union! {
    /// Calls that require the application's approval.
    pub enum RequireApproval {
        words {
            /// All calls.
            "always" => Always,
            /// No calls.
            "never" => Never,
        }
        any {
            /// Depends on the tool.
            Filter(ApprovalFilter)
        }
    }
}

union! {
    /// Why a call of an MCP tool failed.
    pub enum McpError {
        objects {
            /// The MCP protocol was violated.
            "protocol_error" => Protocol(McpProtocolError),
            /// The tool failed.
            "tool_execution_error" => ToolExecution(McpToolExecutionError),
            /// The server answered with an HTTP error.
            "http_error" => Http(McpHttpError),
        }
    }
}

open_enum! {
    /// A caller of a tool.
    pub enum AllowedCaller {
        /// The model.
        Direct = "direct",
        /// Code written by the model.
        Programmatic = "programmatic",
    }
}

/// The tools of a server that the model may call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AllowedTools {
    /// Tools with these names.
    Names(Vec<String>),
    /// Tools that match the filter.
    Filter(ToolFilter),
    /// An unknown form, preserved.
    Other(Json),
}

impl AllowedTools {
    /// Allows the tools with these names.
    pub fn names(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Names(names.into_iter().map(Into::into).collect())
    }
}

impl From<ToolFilter> for AllowedTools {
    fn from(filter: ToolFilter) -> Self {
        Self::Filter(filter)
    }
}

impl From<ToolFilter> for Patch<AllowedTools> {
    fn from(filter: ToolFilter) -> Self {
        Self::Set(filter.into())
    }
}

union_serde!(AllowedTools, |tools, to| match tools {
    AllowedTools::Names(names) => names.serialize(to),
    AllowedTools::Filter(filter) => filter.serialize(to),
    AllowedTools::Other(json) => json.serialize(to),
});

decoded_by_serde!(AllowedTools);

impl Lenient for AllowedTools {
    const EXPECTED: &'static str = "names of tools, or a filter";

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        match value.get().as_bytes().first() {
            Some(b'[') => Lenient::read(value, notes).map(Self::Names),
            Some(b'{') => Lenient::read(value, notes).map(Self::Filter),
            _ => read_loosely(value),
        }
    }
}

impl Union for AllowedTools {
    fn other(json: Json) -> Self {
        Self::Other(json)
    }

    fn list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Self::Names)
    }

    fn object<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        read_object(map).map(Self::Filter)
    }
}
