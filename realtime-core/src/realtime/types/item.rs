use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{ContentPart, ItemStatus, McpError, McpListedTool, ObjectKind};
use crate::wire::{Id, Json, Members, Tag, tag};

union! {
    /// A conversation item.
    ///
    /// # Examples
    /// ```
    /// use realtime_core::types::Item;
    ///
    /// let items = [Item::system("It is Monday."), Item::user("Which day is it?"), Item::assistant("Monday.")];
    /// assert!(items[1].as_message().is_some_and(|message| message.text() == "Which day is it?"));
    /// let output = Item::function_call_output("call_1", r#"{"celsius":24.5}"#);
    /// # drop(output);
    /// ```
    pub enum Item else OtherItem {
        objects {
            /// A message.
            "message" => Message(Message),
            /// A call of one of the application's functions.
            "function_call" => FunctionCall(FunctionCall),
            /// The application's output for a function call.
            "function_call_output" => FunctionCallOutput(FunctionCallOutput),
            /// The service's request to approve a call of an MCP tool.
            "mcp_approval_request" => McpApprovalRequest(McpApprovalRequest),
            /// The application's decision about an approval request.
            "mcp_approval_response" => McpApprovalResponse(McpApprovalResponse),
            /// The tools of an MCP server.
            "mcp_list_tools" => McpListTools(McpListTools),
            /// A call of an MCP tool by the service.
            "mcp_call" => McpCall(McpCall),
        }
    }
    only objects
}

wire! {
    /// A message of the user, the model, or the system.
    pub struct Message {
        /// Id of the item.
        opt id: Id,
        /// Always [`ObjectKind::Item`].
        opt object: ObjectKind,
        /// Status. Ignored in items that a client sends.
        opt status: ItemStatus,
        /// Author of the message. Empty if the server does not say.
        req role: Role,
        /// Content parts.
        req content: Vec<ContentPart>,
    }

    /// A call of one of the application's functions.
    pub struct FunctionCall within "function" {
        /// Id of the item.
        opt id: Id,
        /// Always [`ObjectKind::Item`].
        opt object: ObjectKind,
        /// Status. Ignored in items that a client sends.
        opt status: ItemStatus,
        /// Id of the call, which its output refers to.
        opt call_id: Id,
        /// Name of the function.
        req name: String,
        /// The arguments: JSON as written by the model, which may be invalid. Empty while they are streamed.
        req_json arguments: String,
    }

    /// The application's output for a function call.
    pub struct FunctionCallOutput {
        /// Id of the item.
        opt id: Id,
        /// Always [`ObjectKind::Item`].
        opt object: ObjectKind,
        /// Status. Ignored in items that a client sends.
        opt status: ItemStatus,
        /// Id of the call.
        soft call_id: Id,
        /// The output: any text, possibly empty.
        req_json output: String,
    }

    /// A request to approve a call of an MCP tool.
    pub struct McpApprovalRequest {
        /// Id of the item, which the answer refers to.
        opt id: Id,
        /// Label of the server.
        req server_label: String,
        /// Name of the tool.
        req name: String,
        /// The arguments: JSON as written by the model.
        req_json arguments: String,
    }

    /// The decision about an approval request.
    pub struct McpApprovalResponse {
        /// Id of the item.
        opt id: Id,
        /// Id of the request.
        soft approval_request_id: Id,
        /// Whether the call is approved.
        req approve: bool,
        /// Reason for the decision.
        patch reason: String,
    }

    /// The tools of an MCP server.
    pub struct McpListTools {
        /// Id of the item.
        opt id: Id,
        /// Label of the server.
        req server_label: String,
        /// The tools.
        req tools: Vec<McpListedTool>,
    }

    /// A call of an MCP tool by the service.
    pub struct McpCall {
        /// Id of the item.
        opt id: Id,
        /// Label of the server.
        req server_label: String,
        /// Name of the tool.
        req name: String,
        /// The arguments: JSON as written by the model.
        req_json arguments: String,
        /// Id of the approval request, if there was one.
        patch approval_request_id: Id,
        /// Output of the tool.
        patch_text output: String,
        /// Why the call failed.
        patch error: McpError,
    }
}

open_enum! {
    /// Author of a message.
    pub enum Role {
        /// The application, instructing the model.
        System = "system",
        /// The user.
        User = "user",
        /// The model.
        Assistant = "assistant",
    }
}

impl Message {
    /// The readable content: the texts and transcripts of all parts, concatenated.
    pub fn text(&self) -> String {
        self.content.iter().filter_map(ContentPart::readable).collect()
    }

    /// Replaces audio parts without audio by their transcripts, so that the server accepts the item. Parts without a
    /// transcript are removed, unless no other part remains.
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
    /// Creates a text message of the user.
    pub fn user(text: impl Into<String>) -> Self {
        Message::new(Role::User, [ContentPart::input_text(text)]).into()
    }

    /// Creates a system message, which instructs the model during the conversation.
    pub fn system(text: impl Into<String>) -> Self {
        Message::new(Role::System, [ContentPart::input_text(text)]).into()
    }

    /// Creates a text message of the model.
    pub fn assistant(text: impl Into<String>) -> Self {
        Message::new(Role::Assistant, [ContentPart::output_text(text)]).into()
    }

    /// Creates the output of a function call.
    pub fn function_call_output(call_id: impl Into<Id>, output: impl Into<String>) -> Self {
        FunctionCallOutput::new(call_id, output).into()
    }

    /// Creates the answer to an approval request.
    pub fn mcp_approval_response(request_id: impl Into<Id>, approve: bool) -> Self {
        McpApprovalResponse::new(request_id, approve).into()
    }

    /// Id of the item.
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

    /// Sets the id, which a client may choose. Does not change an item that is kept as raw JSON.
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

    /// Returns the item with this id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Id>) -> Self {
        self.set_id(id);
        self
    }

    /// Status of the item. MCP items have none.
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

    /// The message, if the item is one.
    pub fn as_message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }

    /// The function call, if the item is one.
    pub fn as_function_call(&self) -> Option<&FunctionCall> {
        match self {
            Self::FunctionCall(call) => Some(call),
            _ => None,
        }
    }
}

/// An item of an unknown type, preserved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OtherItem {
    /// Id, by which it has a place in the conversation like any other item.
    pub id: Option<Id>,
    /// Status.
    pub status: Option<ItemStatus>,
    /// The complete item.
    pub json: Json,
}

impl OtherItem {
    /// An item whose type is not known; one that has none is known by its members.
    pub(crate) fn or_known(json: Json) -> Item {
        let known = match Untyped::of(&json) {
            Some(Untyped::Message) => json.read_leniently().map(Item::Message),
            Some(Untyped::Call) => json.read_leniently().map(Item::FunctionCall),
            Some(Untyped::Output) => json.read_leniently().map(Item::FunctionCallOutput),
            None => None,
        };
        known.unwrap_or_else(|| Item::Other(json.into()))
    }
}

/// What an item is that does not say it.
enum Untyped {
    Message,
    Call,
    Output,
}

impl Untyped {
    fn of(json: &Json) -> Option<Self> {
        let value: &RawValue = serde_json::from_str(json.as_str()).ok()?;
        if !matches!(tag(value), Some(Tag::Absent | Tag::Null)) {
            return None;
        }
        let has = |names| Members::find(value, names, None, None).is_some_and(|members| members.has_any());
        match (has(&["call_id"]), has(&["output"]), has(&["name", "arguments"])) {
            (true, true, _) => Some(Self::Output),
            (true, false, true) => Some(Self::Call),
            _ => has(&["role", "content"]).then_some(Self::Message),
        }
    }
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
