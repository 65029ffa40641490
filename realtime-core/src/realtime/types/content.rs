use serde::{Serialize, Serializer};

use super::{Detail, Role};
use crate::wire::{Audio, Json};

open_enum! {
    /// Kind of a content part. The names of older servers (`text`, `audio`) are read as the current ones.
    pub enum PartKind {
        /// Text of the user or the system.
        InputText = "input_text",
        /// Audio of the user.
        InputAudio = "input_audio",
        /// Image of the user.
        InputImage = "input_image",
        /// Text of the model.
        OutputText = "output_text" | "text",
        /// Audio of the model.
        OutputAudio = "output_audio" | "audio",
    }
}

wire! {
    /// A content part of a message: text, audio with its transcript, or an image.
    ///
    /// Its kind determines which members are set. The server omits what is not known yet, even the kind.
    pub struct ContentPart as "text" {
        /// Kind of the part.
        opt kind as "type": PartKind,
        /// The text, for a text part.
        opt_text text: String,
        /// The audio. The server sends it only in answer to `conversation.item.retrieve`.
        opt audio: Audio,
        /// Transcript of the audio.
        opt_text transcript: String,
        /// The image, as a data URL (PNG or JPEG).
        opt image_url: String,
        /// How closely the model looks at the image.
        opt detail: Detail,
        /// Encoding of retrieved audio. Sent by older servers.
        opt format: Json,
    }
}

impl ContentPart {
    /// Creates a text part of the user or the system.
    pub fn input_text(text: impl Into<String>) -> Self {
        Self::default().kind(PartKind::InputText).text(text)
    }

    /// Creates an audio part of the user, in the session's input format.
    pub fn input_audio(audio: impl Into<Audio>) -> Self {
        Self::default().kind(PartKind::InputAudio).audio(audio)
    }

    /// Creates an image part from a data URL (PNG or JPEG).
    pub fn input_image(url: impl Into<String>) -> Self {
        Self::default().kind(PartKind::InputImage).image_url(url)
    }

    /// Creates a text part of the model.
    pub fn output_text(text: impl Into<String>) -> Self {
        Self::default().kind(PartKind::OutputText).text(text)
    }

    /// Whether the part is audio.
    pub(crate) fn is_audio(&self) -> bool {
        matches!(self.kind, Some(PartKind::InputAudio | PartKind::OutputAudio))
    }

    /// Converts the part to a form that can be sent in a message of this role. The server describes audio without
    /// including it, and does not accept audio parts without audio, so these become their transcript. `None` if there
    /// is no transcript.
    pub(crate) fn in_writing(&self, role: &Role) -> Option<Self> {
        if self.image_url.is_some() || self.audio.is_some() {
            return Some(self.clone());
        }
        let kind = if *role == Role::Assistant { PartKind::OutputText } else { PartKind::InputText };
        let text = if self.is_audio() { self.transcript.as_deref().or(self.text.as_deref()) } else { self.readable() };
        text.filter(|text| !text.is_empty()).map(|text| Self::default().kind(kind).text(text))
    }

    /// The text, or else the transcript.
    pub fn readable(&self) -> Option<&str> {
        self.text.as_deref().or(self.transcript.as_deref())
    }
}

/// Serializes the part of a `response.content_part` event, in which the service uses the kinds `text` and `audio`.
pub(crate) fn write_streamed<S: Serializer>(part: &ContentPart, serializer: S) -> Result<S::Ok, S::Error> {
    let kind = match &part.kind {
        Some(PartKind::OutputText) => PartKind::Other("text".into()),
        Some(PartKind::OutputAudio) => PartKind::Other("audio".into()),
        _ => return part.serialize(serializer),
    };
    part.clone().kind(kind).serialize(serializer)
}
