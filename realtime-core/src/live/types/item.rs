use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::Content;
use crate::{
    types::ItemStatus,
    wire::{Id, Json},
};

wire! {
    /// Something said or written.
    pub struct Message {
        /// The speaker.
        req role: Role,
        /// Content.
        req content: Content,
        /// Id.
        patch id: Id,
        /// Type: `message`. Optional on the wire, also in what the server sends.
        opt kind as "type": String,
        /// Status.
        patch status: ItemStatus,
        /// Whether the assistant said it on the way (`commentary`) or as the answer (`final_answer`).
        patch phase: String,
    }

    /// A call of a function.
    pub struct FunctionCall {
        /// Id, which the answer refers to.
        req call_id: Id,
        /// The function's name.
        req name: String,
        /// The arguments: JSON as the model wrote it.
        req_text arguments: String,
        /// The item's id.
        patch id: Id,
        /// The namespace of the function.
        patch namespace: String,
        /// Status.
        patch status: ItemStatus,
    }

    /// Output of a function.
    pub struct FunctionCallOutput {
        /// The call.
        req call_id: Id,
        /// The result: text, or parts.
        req output: Content,
        /// The item's id.
        patch id: Id,
        /// Status.
        patch status: ItemStatus,
        /// The caller of the function: `{"type": "direct"}`, or a program.
        patch caller: Json,
        /// The function's name.
        patch name: String,
        /// The namespace of the function.
        patch namespace: String,
    }

    /// A call of a custom tool.
    pub struct CustomToolCall {
        /// Id, which the answer refers to.
        req call_id: Id,
        /// The tool's name.
        req name: String,
        /// The input, in the tool's own language.
        req_text input: String,
        /// The item's id.
        patch id: Id,
        /// The namespace of the tool.
        patch namespace: String,
        /// Status.
        patch status: ItemStatus,
    }

    /// Output of a custom tool.
    pub struct CustomToolCallOutput {
        /// The call.
        req call_id: Id,
        /// The result: text, or parts.
        req output: Content,
        /// The item's id.
        patch id: Id,
        /// Status.
        patch status: ItemStatus,
    }

    /// A text of the conversation before the session.
    pub struct HistoryItem {
        /// The speaker: developer, user or assistant.
        req role: Role,
        /// Content: exactly one part.
        req content: Vec<HistoryPart>,
        /// Id.
        patch id: Id,
        /// Status: completed or incomplete.
        patch status: ItemStatus,
        /// Type: `message`.
        opt kind as "type": String,
    }

    /// A part of such a text.
    pub struct HistoryPart {
        /// The text.
        req_text text: String,
        /// Type: `input_text`, `text`, `output_text`.
        opt kind as "type": String,
    }
}

open_enum! {
    /// The author of a message.
    pub enum Role {
        /// The operator of the service.
        System = "system",
        /// The application.
        Developer = "developer",
        /// The user.
        User = "user",
        /// The model.
        Assistant = "assistant",
    }
}

impl Message {
    /// Something that the user wrote.
    pub fn user(content: impl Into<Content>) -> Self {
        Self::new(Role::User, content).kind("message")
    }

    /// Something that the application says to the model.
    pub fn developer(content: impl Into<Content>) -> Self {
        Self::new(Role::Developer, content).kind("message")
    }

    /// Something that the model said.
    pub fn assistant(content: impl Into<Content>) -> Self {
        Self::new(Role::Assistant, content).kind("message")
    }
}

impl HistoryItem {
    /// Something that the user said.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, [HistoryPart::new(text).kind("input_text")])
    }

    /// Something that the model said.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, [HistoryPart::new(text).kind("output_text")])
    }

    /// Something that the application says to the model.
    pub fn developer(text: impl Into<String>) -> Self {
        Self::new(Role::Developer, [HistoryPart::new(text).kind("input_text")])
    }
}

impl ResponseItem {
    /// The call that it answers, if it is an output.
    pub fn answers(&self) -> Option<Id> {
        match self {
            Self::FunctionCallOutput(output) => Some(output.call_id.clone()),
            Self::Message(_) => None,
            Self::Other(json) => {
                let answer: Answer = json.read().ok()?;
                (answer.kind.as_deref() == Some("function_call_output")).then_some(answer.call_id)?
            }
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "type")]
    kind: Option<String>,
    call_id: Option<Id>,
}

#[derive(Deserialize)]
struct WithId {
    id: Option<Id>,
}

/// Items told apart by their type; a message may have none. What does not go back to the same JSON is kept whole.
macro_rules! items {
    ($($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $tag:literal => $variant:ident($inner:ident),)* })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            /// Something said or written.
            Message(Message),
            $($(#[$vmeta])* $variant($inner),)*
            /// An item that this crate does not know, kept whole.
            Other(Json),
        }

        impl From<Message> for $name {
            fn from(message: Message) -> Self {
                Self::Message(message)
            }
        }

        $(impl From<$inner> for $name {
            fn from(item: $inner) -> Self {
                Self::$variant(item)
            }
        })*

        impl From<Json> for $name {
            fn from(json: Json) -> Self {
                Self::Other(json)
            }
        }

        impl $name {
            /// The item's id.
            pub fn id(&self) -> Option<Id> {
                match self {
                    Self::Message(item) => item.id.as_set().cloned(),
                    $(Self::$variant(item) => item.id.as_set().cloned(),)*
                    Self::Other(json) => json.read::<WithId>().ok()?.id,
                }
            }

            fn typed(value: &Value) -> Option<Self> {
                let item = match value.get("type").and_then(Value::as_str) {
                    $(Some($tag) => Self::$variant($inner::deserialize(value).ok()?),)*
                    Some("message") | None if value.get("role").is_some() => Self::Message(Message::deserialize(value).ok()?),
                    _ => return None,
                };
                (serde_json::to_value(&item).as_ref().ok() == Some(value)).then_some(item)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::Message(item) => item.serialize(serializer),
                    $(Self::$variant(item) => crate::wire::write_tagged(serializer, $tag, item),)*
                    Self::Other(json) => json.serialize(serializer),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let json = Json::deserialize(deserializer)?;
                let value = json.to_value();
                if !json.as_str().starts_with('{') {
                    return Err(de::Error::custom("expected an item"));
                }
                Ok(Self::typed(&value).unwrap_or(Self::Other(json)))
            }
        }
    )+};
}

items! {
    /// An item for the Responses backend. Types without a variant here (`item_reference`, `mcp_approval_response`, ..)
    /// are kept whole, and sent as [`Json`].
    pub enum ResponseItem {
        /// Output of a function.
        "function_call_output" => FunctionCallOutput(FunctionCallOutput),
    }

    /// An item for future decisions.
    pub enum DecisionItem {
        /// A call of a function.
        "function_call" => FunctionCall(FunctionCall),
        /// Output of a function.
        "function_call_output" => FunctionCallOutput(FunctionCallOutput),
        /// A call of a custom tool.
        "custom_tool_call" => CustomToolCall(CustomToolCall),
        /// Output of a custom tool.
        "custom_tool_call_output" => CustomToolCallOutput(CustomToolCallOutput),
    }
}
