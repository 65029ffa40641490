use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::MapAccess};
use serde_json::value::RawValue;

use super::{
    AudioFormat, Failure, Item, MaxOutputTokens, Modality, ObjectKind, Prompt, Reasoning, ResponseStatus, Tool,
    ToolChoice, Usage, Voice,
};
use crate::wire::{Id, Json, Lenient, Notes, Object, Tag, Union, read_union, tag, write_tagged};

wire! {
    /// A response, as far as it has come.
    pub struct Response as "id" {
        /// Its id.
        opt id: Id,
        /// Always [`ObjectKind::Response`].
        opt object: ObjectKind,
        /// How far it has come, and how it ended.
        opt status: ResponseStatus,
        /// Why it ended so.
        opt status_details: StatusDetails,
        /// The items that it consists of, without their audio.
        list output: Item,
        /// What the client gave it to be recognised by.
        opt metadata: BTreeMap<String, String>,
        /// How it sounds.
        opt audio: ResponseAudio,
        /// What it has used. None while it is in progress, and perhaps when it was cancelled.
        opt usage: Usage,
        /// The conversation that its items are added to. Null for one that is out of band; older servers leave it
        /// out.
        patch conversation_id: Id,
        /// What it is in.
        list output_modalities: Modality,
        /// How many tokens it might have.
        opt max_output_tokens: MaxOutputTokens,
    }

    /// Why a response ended as it did.
    pub struct StatusDetails {
        /// How it ended.
        opt kind as "type": ResponseStatus,
        /// Why it was cancelled, or is incomplete.
        opt reason: StatusReason,
        /// Why it failed.
        opt error: Failure,
    }

    /// How a response sounds.
    pub struct ResponseAudio {
        /// What is spoken.
        deep output: ResponseAudioOutput,
    }

    /// How a response is spoken.
    pub struct ResponseAudioOutput {
        /// How the audio is written.
        opt format: AudioFormat,
        /// Who speaks.
        opt voice: Voice,
    }

    /// How one response is to be made. What is set here counts in place of the session's configuration, once.
    pub struct ResponseConfig {
        /// What it is in: text or audio, not both.
        list output_modalities: Modality,
        /// What the model is told to do.
        opt instructions: String,
        /// How it sounds.
        deep audio: ResponseAudio,
        /// What the model may call.
        list tools: Tool,
        /// What the model is made to call.
        opt tool_choice: ToolChoice,
        /// Whether it may call several tools at once, for models that reason.
        opt parallel_tool_calls: bool,
        /// How a model that reasons does so.
        opt reasoning: Reasoning,
        /// How many tokens it may have.
        opt max_output_tokens: MaxOutputTokens,
        /// Which conversation it reads and is added to.
        opt conversation: ConversationChoice,
        /// Up to 16 pairs to recognise it by: keys of at most 64 characters, values of at most 512.
        patch metadata: BTreeMap<String, String>,
        /// A prompt template.
        patch prompt: Prompt,
        /// What the model reads in place of the conversation. An empty list: nothing.
        list input: InputItem,
    }

    /// An item by its id alone.
    pub struct ItemReference {
        /// The id of an item that the session has seen.
        req id: Id,
    }
}

open_enum! {
    /// Why a response was cancelled, or is incomplete.
    pub enum StatusReason {
        /// Cancelled: the user began to speak.
        TurnDetected = "turn_detected",
        /// Cancelled: the client said so.
        ClientCancelled = "client_cancelled",
        /// Incomplete: it had its tokens.
        MaxOutputTokens = "max_output_tokens",
        /// Incomplete: the service's filter has stopped it.
        ContentFilter = "content_filter",
    }
}

open_enum! {
    /// Which conversation a response reads and is added to.
    pub enum ConversationChoice {
        /// The session's.
        Auto = "auto",
        /// The response is out of band: added to no conversation, and several may run at once.
        None = "none",
    }
}

merged! {
    ResponseAudio { ; output }
    ResponseAudioOutput { format, voice }
}

/// Short forms of `audio.output`.
impl ResponseConfig {
    /// Sets how the audio is written: `audio.output.format`.
    #[must_use]
    pub fn output_format(mut self, format: impl Into<AudioFormat>) -> Self {
        self.output_mut().format = Some(format.into());
        self
    }

    /// Sets who speaks: `audio.output.voice`.
    #[must_use]
    pub fn voice(mut self, voice: impl Into<Voice>) -> Self {
        self.output_mut().voice = Some(voice.into());
        self
    }

    fn output_mut(&mut self) -> &mut ResponseAudioOutput {
        self.audio.get_or_insert_default().output.get_or_insert_default()
    }
}

/// Something that a response reads in place of the conversation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InputItem {
    /// An item, made for this response.
    Item(Item),
    /// An item that the session has seen.
    Reference(ItemReference),
}

impl InputItem {
    /// An item that the session has seen.
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

impl Serialize for InputItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Item(item) => item.serialize(serializer),
            Self::Reference(reference) => write_tagged(serializer, REFERENCE, reference),
        }
    }
}

impl<'de> Deserialize<'de> for InputItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_union(deserializer)
    }
}

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
