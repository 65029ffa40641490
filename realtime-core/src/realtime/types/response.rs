use std::collections::BTreeMap;

use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::{
    AudioFormat, Failure, Item, MaxOutputTokens, Modality, ObjectKind, Prompt, Reasoning, ResponseStatus, Tool,
    ToolChoice, Usage, Voice,
};
use crate::wire::{Id, Json, Lenient, Notes, Object, Tag, Union, tag, write_tagged};

wire! {
    /// A response.
    pub struct Response as "id" {
        /// Id.
        opt id: Id,
        /// Always [`ObjectKind::Response`].
        opt object: ObjectKind,
        /// Status.
        opt status: ResponseStatus,
        /// Details of the final status.
        opt status_details: StatusDetails,
        /// Why it failed, where other servers put it here instead of into [`status_details`](Self::status_details).
        opt error: Failure,
        /// Output items, without audio.
        list output: Item,
        /// Metadata set by the client.
        opt metadata: BTreeMap<String, String>,
        /// Audio settings.
        opt audio: ResponseAudio,
        /// Usage. Unset while the response is in progress, and possibly if it was cancelled.
        opt usage: Usage,
        /// Id of the conversation that its items are added to. Null if out of band. Omitted by older servers.
        patch conversation_id: Id,
        /// Output modalities.
        list output_modalities: Modality,
        /// Maximum number of tokens.
        opt max_output_tokens: MaxOutputTokens,
    }

    /// Details of the final status of a response.
    pub struct StatusDetails {
        /// The final status.
        opt kind as "type": ResponseStatus,
        /// Why the response was cancelled or is incomplete.
        opt reason: StatusReason,
        /// Why the response failed.
        opt error: Failure,
    }

    /// Audio settings of a response.
    pub struct ResponseAudio {
        /// Output settings.
        deep output: ResponseAudioOutput,
    }

    /// Output audio settings of a response.
    pub struct ResponseAudioOutput {
        /// Audio encoding.
        opt format: AudioFormat,
        /// Voice.
        opt voice: Voice,
    }

    /// Settings of a single response. They override the session's configuration.
    ///
    /// # Examples
    /// ```
    /// use realtime_core::types::{Modality, ResponseConfig};
    ///
    /// let config = ResponseConfig::default().output_modalities([Modality::Text]).instructions("Say it in French.");
    /// # drop(config);
    /// ```
    pub struct ResponseConfig {
        /// Output modality: text or audio, not both.
        list output_modalities: Modality,
        /// Instructions for the model.
        opt instructions: String,
        /// Audio settings.
        deep audio: ResponseAudio,
        /// Tools that the model can call.
        list tools: Tool,
        /// Tool that the model must call, if any.
        opt tool_choice: ToolChoice,
        /// Whether a reasoning model can call several tools at once.
        opt parallel_tool_calls: bool,
        /// Reasoning settings.
        opt reasoning: Reasoning,
        /// Maximum number of tokens.
        opt max_output_tokens: MaxOutputTokens,
        /// Conversation that the response reads and is added to.
        opt conversation: ConversationChoice,
        /// Up to 16 pairs of metadata: keys of up to 64 characters, values of up to 512.
        patch metadata: BTreeMap<String, String>,
        /// Prompt template.
        patch prompt: Prompt,
        /// Input that the model reads instead of the conversation. An empty list means no input.
        list input: InputItem,
    }

    /// A reference to an item by id.
    pub struct ItemReference {
        /// Id of an item that the session has seen.
        req id: Id,
    }
}

open_enum! {
    /// Why a response was cancelled or is incomplete.
    pub enum StatusReason {
        /// Cancelled: the user began to speak.
        TurnDetected = "turn_detected",
        /// Cancelled by the client.
        ClientCancelled = "client_cancelled",
        /// Incomplete: the token limit was reached.
        MaxOutputTokens = "max_output_tokens",
        /// Incomplete: stopped by the content filter.
        ContentFilter = "content_filter",
    }
}

open_enum! {
    /// Conversation of a response.
    pub enum ConversationChoice {
        /// The session's conversation.
        Auto = "auto",
        /// Out of band: added to no conversation. Several such responses can be active at once.
        None = "none",
    }
}

merged! {
    ResponseAudio { ; output }
    ResponseAudioOutput { format, voice }
}

/// Shortcuts for nested settings.
impl ResponseConfig {
    /// Sets `audio.output.format`.
    #[must_use]
    pub fn output_format(mut self, format: impl Into<AudioFormat>) -> Self {
        self.output_mut().format = Some(format.into());
        self
    }

    /// Sets `audio.output.voice`.
    #[must_use]
    pub fn voice(mut self, voice: impl Into<Voice>) -> Self {
        self.output_mut().voice = Some(voice.into());
        self
    }

    fn output_mut(&mut self) -> &mut ResponseAudioOutput {
        self.audio.get_or_insert_default().output.get_or_insert_default()
    }
}

/// Input of a response that replaces the conversation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InputItem {
    /// An item made for this response.
    Item(Item),
    /// An item that the session has seen.
    Reference(ItemReference),
}

impl InputItem {
    /// Refers to an item that the session has seen.
    pub fn reference(id: impl Into<Id>) -> Self {
        Self::Reference(ItemReference::new(id))
    }
}

impl From<Item> for InputItem {
    fn from(item: Item) -> Self {
        Self::Item(item)
    }
}

impl From<ItemReference> for InputItem {
    fn from(reference: ItemReference) -> Self {
        Self::Reference(reference)
    }
}

const REFERENCE: &str = "item_reference";

union_serde!(InputItem, |item, to| match item {
    InputItem::Item(item) => item.serialize(to),
    InputItem::Reference(reference) => write_tagged(to, REFERENCE, reference),
});

decoded_by_serde!(InputItem);

impl Lenient for InputItem {
    const EXPECTED: &'static str = "an item";

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        match tag(value)? {
            Tag::Text(tag) if tag == REFERENCE => Lenient::read(value, notes).map(Self::Reference),
            _ => Lenient::read(value, notes).map(Self::Item),
        }
    }
}

impl Union for InputItem {
    const ONLY_OBJECTS: bool = true;

    fn other(json: Json) -> Self {
        Self::Item(Item::other(json))
    }

    fn tagged<'de, A: MapAccess<'de>>(object: Object<'de, A>) -> Result<Self, A::Error> {
        match object.tag() {
            Some(REFERENCE) => object.fields().map(Self::Reference),
            _ => Item::tagged(object).map(Self::Item),
        }
    }
}
