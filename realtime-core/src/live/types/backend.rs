use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Number, Reported};
use crate::{
    event::head::Head,
    wire::{Id, Json},
};

/// An event of the Responses backend, whole: there are about sixty types, and more to come.
///
/// [`view`](Self::view) reads those that matter to delegation.
#[derive(Clone, PartialEq)]
pub struct BackendEvent {
    kind: Box<str>,
    json: Json,
}

impl BackendEvent {
    /// The event's type: `response.created`, `response.output_text.delta`, ..
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The whole event.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// The content of the event that matters to delegation.
    pub fn view(&self) -> BackendView {
        let read = |view: fn(ResponseEnvelope) -> BackendView| self.json.read().map(view).ok();
        let view = match &*self.kind {
            "response.created" => read(|event| BackendView::Created(event.response)),
            "response.completed" => read(|event| BackendView::Completed(event.response)),
            "response.failed" => read(|event| BackendView::Failed(event.response)),
            "response.incomplete" => read(|event| BackendView::Incomplete(event.response)),
            "response.output_item.added" => {
                self.json.read().map(|ItemEnvelope { item }| BackendView::ItemAdded(item)).ok()
            }
            "response.output_item.done" => {
                self.json.read().map(|ItemEnvelope { item }| BackendView::ItemDone(item)).ok()
            }
            "response.output_text.delta" => self.json.read().map(BackendView::TextDelta).ok(),
            "response.output_text.done" => self.json.read().map(BackendView::TextDone).ok(),
            _ => None,
        };
        view.unwrap_or(BackendView::Other)
    }
}

/// Content of a backend event.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BackendView {
    /// A response began.
    Created(Reported<BackendResponse>),
    /// A response ended as it should. Its calls, if there were any, wait for their outputs.
    Completed(Reported<BackendResponse>),
    /// A response failed. Its calls are void.
    Failed(Reported<BackendResponse>),
    /// A response was cut short. Its calls are void.
    Incomplete(Reported<BackendResponse>),
    /// An item of a response began.
    ItemAdded(Reported<BackendItem>),
    /// An item of a response is whole.
    ItemDone(Reported<BackendItem>),
    /// A fragment of text.
    TextDelta(TextFragment),
    /// A whole text.
    TextDone(WholeText),
    /// Anything else: see [`BackendEvent::json`].
    Other,
}

#[derive(Deserialize)]
struct ResponseEnvelope {
    response: Reported<BackendResponse>,
}

#[derive(Deserialize)]
struct ItemEnvelope {
    item: Reported<BackendItem>,
}

wire! {
    /// A response of the backend. Its `output` is always empty: items come by events of their own.
    pub struct BackendResponse {
        /// Id.
        loose id: Id,
        /// Status.
        loose status: String,
        /// Why it failed.
        loose error: BackendFailure,
        /// Why it was cut short.
        loose incomplete_details: IncompleteDetails,
        /// Tokens used.
        loose usage: Json,
    }

    /// Why a response failed.
    pub struct BackendFailure {
        /// Which error it is.
        loose code: String,
        /// The error in words.
        loose message: String,
    }

    /// Why a response was cut short.
    pub struct IncompleteDetails {
        /// `max_output_tokens`, `content_filter`, ..
        loose reason: String,
    }

    /// An item of a response.
    pub struct BackendItem {
        /// Id.
        loose id: Id,
        /// Type.
        loose kind as "type": String,
        /// Status.
        loose status: String,
        /// Id of the call, which its output refers to.
        loose call_id: Id,
        /// Name of the function, for a call.
        loose name: String,
        /// Arguments of a call: JSON as written by the model.
        loose arguments: String,
    }

    /// A fragment of text.
    pub struct TextFragment {
        /// The item that it belongs to.
        loose item_id: Id,
        /// The part's place in the item.
        loose content_index: Number,
        /// The text to be added.
        req_text delta: String,
    }

    /// A whole text, in place of its fragments.
    pub struct WholeText {
        /// The item that it belongs to.
        loose item_id: Id,
        /// The part's place in the item.
        loose content_index: Number,
        /// The text.
        req_text text: String,
    }
}

impl fmt::Debug for BackendEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackendEvent({:?}, {} bytes)", self.kind, self.json.as_str().len())
    }
}

impl TryFrom<Json> for BackendEvent {
    type Error = String;

    /// Fails if it is not an object with a string `type`.
    fn try_from(json: Json) -> Result<Self, String> {
        let kind = Head::scan(json.as_str())?.kind.into();
        Ok(Self { kind, json })
    }
}

impl Serialize for BackendEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BackendEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(Json::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
