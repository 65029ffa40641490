use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, value::SeqAccessDeserializer},
};

use crate::{
    types::Detail,
    wire::{Id, Json, Union, read_union},
};

union! {
    /// A part of a question or of an item.
    pub enum ContentPart {
        objects {
            /// Text for the model.
            "input_text" => InputText(InputText),
            /// An image for the model.
            "input_image" => InputImage(InputImage),
            /// JSON for the model.
            "input_json" => InputJson(InputJson),
            /// Text of the model.
            "output_text" => OutputText(OutputText),
            /// The model's refusal.
            "refusal" => Refusal(RefusalText),
        }
    }
}

wire! {
    /// Text for the model.
    pub struct InputText {
        /// The text.
        req_text text: String,
    }

    /// An image for the model.
    pub struct InputImage {
        /// The image, as a URL or a data URL.
        opt image_url: String,
        /// The image, as a file that the service has.
        opt file_id: Id,
        /// How closely the model looks at the image.
        opt detail: Detail,
    }

    /// JSON for the model.
    pub struct InputJson {
        /// An object, or a list of objects.
        req data: Json,
    }

    /// Text of the model.
    pub struct OutputText {
        /// The text.
        req_text text: String,
        /// Annotations of the text.
        opt annotations: Json,
        /// Log probability of each token.
        opt logprobs: Json,
    }

    /// The model's refusal.
    pub struct RefusalText {
        /// The refusal in words.
        req_text refusal: String,
    }
}

impl ContentPart {
    /// Text for the model.
    pub fn text(text: impl Into<String>) -> Self {
        InputText::new(text).into()
    }

    /// An image for the model, as a URL or a data URL.
    pub fn image(url: impl Into<String>) -> Self {
        InputImage::default().image_url(url).into()
    }

    /// JSON for the model: an object, or a list of objects.
    pub fn json(data: impl Into<Json>) -> Self {
        InputJson::new(data).into()
    }

    /// Text of the model.
    pub fn output_text(text: impl Into<String>) -> Self {
        OutputText::new(text).into()
    }
}

/// Content of a question or an item: text, or parts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// Text alone.
    Text(String),
    /// Text, images and JSON.
    Parts(Vec<ContentPart>),
    /// A shape that this crate does not know, kept whole.
    Other(Json),
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<const N: usize> From<[ContentPart; N]> for Content {
    fn from(parts: [ContentPart; N]) -> Self {
        Self::Parts(parts.into())
    }
}

impl From<Vec<ContentPart>> for Content {
    fn from(parts: Vec<ContentPart>) -> Self {
        Self::Parts(parts)
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Parts(parts) => parts.serialize(serializer),
            Self::Other(json) => json.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_union(deserializer)
    }
}

impl Union for Content {
    fn other(json: Json) -> Self {
        Self::Other(json)
    }

    fn text(text: &str) -> Self {
        text.into()
    }

    fn list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Self::Parts)
    }
}
