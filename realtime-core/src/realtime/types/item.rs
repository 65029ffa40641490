use serde::{Deserialize, Serialize, Serializer};

use super::{ContentPart, ItemStatus, McpError, McpListedTool, ObjectKind};
use crate::wire::{Id, Json};

union! {
    /// A thing that a conversation is made of.
    pub enum Item else OtherItem {
        objects {
            /// Something said or written.
            "message" => Message(Message),
            /// The model calls a function of the application.
            "function_call" => FunctionCall(FunctionCall),
            /// What the application answers to such a call.
            "function_call_output" => FunctionCallOutput(FunctionCallOutput),
            /// The service asks whether the model may call a tool of an MCP server.
            "mcp_approval_request" => McpApprovalRequest(McpApprovalRequest),
            /// What the application answers to that.
            "mcp_approval_response" => McpApprovalResponse(McpApprovalResponse),
            /// The tools that an MCP server offers.
            "mcp_list_tools" => McpListTools(McpListTools),
            /// The model calls a tool of an MCP server.
            "mcp_call" => McpCall(McpCall),
        }
    }
    only objects
}

wire! {
    /// Something said or written.
    pub struct Message {
        /// The item's id.
        opt id: Id,
        /// Always [`ObjectKind::Item`].
        opt object: ObjectKind,
        /// How far it has come. Without meaning in what a client sends.
        opt status: ItemStatus,
        /// Who said it. An empty word if the server does not say.
        req role: Role,
        /// What was said.
        req content: Vec<ContentPart>,
    }

    /// The model calls a function of the application.
    pub struct FunctionCall {
        /// The item's id.
        opt id: Id,
        /// Always [`ObjectKind::Item`].
        opt object: ObjectKind,
        /// How far it has come. Without meaning in what a client sends.
        opt status: ItemStatus,
        /// The call's id, which the answer names.
        opt call_id: Id,
        /// The function's name.
        req name: String,
        /// The arguments: JSON as the model has written it, so perhaps not JSON at all. Empty while they are
        /// streamed.
        req_json arguments: String,
    }

    /// What the application answers to a call.
    pub struct FunctionCallOutput {
        /// The item's id.
        opt id: Id,
        /// Always [`ObjectKind::Item`].
        opt object: ObjectKind,
        /// How far it has come. Without meaning in what a client sends.
        opt status: ItemStatus,
        /// The call that it answers.
        soft call_id: Id,
        /// The answer: any text, also none.
        req_json output: String,
    }

    /// The service asks whether the model may call a tool of an MCP server.
    pub struct McpApprovalRequest {
        /// The item's id, which the answer names.
        opt id: Id,
        /// The server's label.
        req server_label: String,
        /// The tool's name.
        req name: String,
        /// The arguments: JSON as the model has written it.
        req_json arguments: String,
    }

    /// Whether the model may call a tool of an MCP server.
    pub struct McpApprovalResponse {
        /// The item's id.
        opt id: Id,
        /// The request that it answers.
        soft approval_request_id: Id,
        /// Whether it may.
        req approve: bool,
        /// Why.
        patch reason: String,
    }

    /// The tools that an MCP server offers.
    pub struct McpListTools {
        /// The item's id.
        opt id: Id,
        /// The server's label.
        req server_label: String,
        /// The tools.
        req tools: Vec<McpListedTool>,
    }

    /// The model calls a tool of an MCP server.
    pub struct McpCall {
        /// The item's id.
        opt id: Id,
        /// The server's label.
        req server_label: String,
        /// The tool's name.
        req name: String,
        /// The arguments: JSON as the model has written it.
        req_json arguments: String,
        /// The approval that was asked for.
        patch approval_request_id: Id,
        /// What the tool gave back.
        patch_text output: String,
        /// Why it failed.
        patch error: McpError,
    }
}

open_enum! {
    /// Who said something.
    pub enum Role {
        /// The application, to the model.
        System = "system",
        /// The user.
        User = "user",
        /// The model.
        Assistant = "assistant",
    }
}

impl Message {
    /// What can be read of it: the texts and transcripts of its parts, one after the other.
    pub fn text(&self) -> String {
        self.content.iter().filter_map(ContentPart::readable).collect()
    }

    /// Puts what was said in writing where the audio is not there, so that the server takes the item. Parts of which
    /// nothing is known go, if others stay.
    pub(crate) fn make_creatable(&mut self) {
        if self.content.iter().any(|part| part.is_audio() && part.audio.is_none()) {
            let content: Vec<_> = self.content.iter().filter_map(|part| part.in_writing(&self.role)).collect();
            if !content.is_empty() {
                self.content = content;
            }
        }
    }
}

impl Item {
    /// The user says this, in writing.
    pub fn user(text: impl Into<String>) -> Self {
        Message::new(Role::User, [ContentPart::input_text(text)]).into()
    }

    /// The application tells the model this, in the middle of the conversation.
    pub fn system(text: impl Into<String>) -> Self {
        Message::new(Role::System, [ContentPart::input_text(text)]).into()
    }

    /// The model has said this, in writing.
    pub fn assistant(text: impl Into<String>) -> Self {
        Message::new(Role::Assistant, [ContentPart::output_text(text)]).into()
    }

    /// The answer to a function call.
    pub fn function_call_output(call_id: impl Into<Id>, output: impl Into<String>) -> Self {
        FunctionCallOutput::new(call_id, output).into()
    }

    /// The answer to a request for approval.
    pub fn mcp_approval_response(request_id: impl Into<Id>, approve: bool) -> Self {
        McpApprovalResponse::new(request_id, approve).into()
    }

    /// Its id.
    pub fn id(&self) -> Option<&Id> {
        match self {
            Self::Message(item) => item.id.as_ref(),
            Self::FunctionCall(item) => item.id.as_ref(),
            Self::FunctionCallOutput(item) => item.id.as_ref(),
            Self::McpApprovalRequest(item) => item.id.as_ref(),
            Self::McpApprovalResponse(item) => item.id.as_ref(),
            Self::McpListTools(item) => item.id.as_ref(),
            Self::McpCall(item) => item.id.as_ref(),
            Self::Other(item) => item.id.as_ref(),
        }
    }

    /// Gives it an id: the client may choose one. An item that is kept as raw text stays as it is.
    pub fn set_id(&mut self, id: impl Into<Id>) {
        *match self {
            Self::Message(item) => &mut item.id,
            Self::FunctionCall(item) => &mut item.id,
            Self::FunctionCallOutput(item) => &mut item.id,
            Self::McpApprovalRequest(item) => &mut item.id,
            Self::McpApprovalResponse(item) => &mut item.id,
            Self::McpListTools(item) => &mut item.id,
            Self::McpCall(item) => &mut item.id,
            Self::Other(_) => return,
        } = Some(id.into());
    }

    /// With this id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Id>) -> Self {
        self.set_id(id);
        self
    }

    /// How far it has come. Items of MCP have no status.
    pub fn status(&self) -> Option<&ItemStatus> {
        match self {
            Self::Message(item) => item.status.as_ref(),
            Self::FunctionCall(item) => item.status.as_ref(),
            Self::FunctionCallOutput(item) => item.status.as_ref(),
            Self::Other(item) => item.status.as_ref(),
            Self::McpApprovalRequest(_) | Self::McpApprovalResponse(_) | Self::McpListTools(_) | Self::McpCall(_) => {
                None
            }
        }
    }

    /// The message, if it is one.
    pub fn as_message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }

    /// The function call, if it is one.
    pub fn as_function_call(&self) -> Option<&FunctionCall> {
        match self {
            Self::FunctionCall(call) => Some(call),
            _ => None,
        }
    }
}

/// An item of a type that this crate does not know, kept whole.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OtherItem {
    /// Its id: it has its place in the conversation, whatever it is.
    pub id: Option<Id>,
    /// How far it has come.
    pub status: Option<ItemStatus>,
    /// The whole item.
    pub json: Json,
}

impl From<Json> for OtherItem {
    fn from(json: Json) -> Self {
        #[derive(Default, Deserialize)]
        struct Head {
            id: Option<Json>,
            status: Option<Json>,
        }

        let Head { id, status } = json.read().unwrap_or_default();
        Self {
            id: id.and_then(|id| id.read_leniently()),
            status: status.and_then(|status| status.read_leniently()),
            json,
        }
    }
}

impl Serialize for OtherItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}
