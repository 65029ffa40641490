use std::collections::BTreeMap;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, value::SeqAccessDeserializer},
};

use serde_json::value::RawValue;

use crate::wire::{Json, Lenient, Notes, Patch, Secret, Union, read_loosely, read_object, read_union};

wire! {
    /// An MCP server whose tools the service calls for the model. One of `server_url`, `connector_id` and `tunnel_id`
    /// says where it is.
    pub struct McpTool {
        /// The name that calls and events know the server by.
        req server_label: String,
        /// Its URL.
        opt server_url: String,
        /// A connector of the service (`connector_gmail`, ..). Newer models do not take them any more.
        opt connector_id: String,
        /// A tunnel to a server that has no public URL.
        opt tunnel_id: String,
        /// An OAuth access token for the server or the connector.
        opt authorization: Secret,
        /// What the server is for.
        opt server_description: String,
        /// Headers for the server.
        patch headers: BTreeMap<String, Secret>,
        /// Which of its tools the model may call; all of them, if left out.
        patch allowed_tools: AllowedTools,
        /// Who may call the tools.
        patch allowed_callers: Vec<AllowedCaller>,
        /// Which calls the application must approve first.
        patch require_approval: RequireApproval,
        /// Whether the tools are found by tool search, and not listed at once.
        opt defer_loading: bool,
    }

    /// Some of a server's tools.
    pub struct ToolFilter {
        /// Those of these names.
        list tool_names: String,
        /// Those that the server marks as changing nothing, or as changing something.
        opt read_only: bool,
    }

    /// Which calls need an approval, tool by tool.
    pub struct ApprovalFilter {
        /// Those that always do.
        opt always: ToolFilter,
        /// Those that never do.
        opt never: ToolFilter,
    }

    /// A tool that an MCP server offers.
    pub struct McpListedTool {
        /// Its name.
        req name: String,
        /// What it does.
        patch description: String,
        /// Its arguments, as a JSON schema.
        req input_schema: Json,
        /// What else the server says of it.
        patch annotations: Json,
    }

    /// The MCP server broke the protocol, or answered with one of its errors.
    pub struct McpProtocolError {
        /// The JSON-RPC error code.
        req_int code: i64,
        /// The error in words.
        req message: String,
    }

    /// The MCP server answered with an HTTP error.
    pub struct McpHttpError {
        /// The HTTP status.
        req_int code: i64,
        /// The error in words.
        req message: String,
    }

    /// The tool ran and failed.
    pub struct McpToolExecutionError as "message" {
        /// The error in words.
        req message: String,
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
    /// Which calls the application must approve first.
    pub enum RequireApproval {
        words {
            /// All.
            "always" => Always,
            /// None.
            "never" => Never,
        }
        any {
            /// It depends on the tool.
            Filter(ApprovalFilter)
        }
    }
}

union! {
    /// Why a call of an MCP tool failed.
    pub enum McpError {
        objects {
            /// The protocol was broken.
            "protocol_error" => Protocol(McpProtocolError),
            /// The tool failed.
            "tool_execution_error" => ToolExecution(McpToolExecutionError),
            /// The server refused over HTTP.
            "http_error" => Http(McpHttpError),
        }
    }
}

open_enum! {
    /// Who may call a tool.
    pub enum AllowedCaller {
        /// The model.
        Direct = "direct",
        /// Code that the model has written.
        Programmatic = "programmatic",
    }
}

/// Which of a server's tools the model may call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AllowedTools {
    /// Those of these names.
    Names(Vec<String>),
    /// Those that pass the filter.
    Filter(ToolFilter),
    /// A shape that this crate does not know, kept whole.
    Other(Json),
}

impl AllowedTools {
    /// Those of these names.
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

impl Serialize for AllowedTools {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Names(names) => names.serialize(serializer),
            Self::Filter(filter) => filter.serialize(serializer),
            Self::Other(json) => json.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AllowedTools {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_union(deserializer)
    }
}

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
