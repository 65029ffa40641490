use serde::{Serialize, Serializer};

use super::{Detail, Role};
use crate::wire::{Audio, Json};

open_enum! {
    /// What a part of a message is. The names of older servers (`text`, `audio`) are read as the current ones.
    pub enum PartKind {
        /// Text of the user or the system.
        InputText = "input_text",
        /// Audio of the user.
        InputAudio = "input_audio",
        /// An image of the user.
        InputImage = "input_image",
        /// Text of the model.
        OutputText = "output_text" | "text",
        /// Audio of the model.
        OutputAudio = "output_audio" | "audio",
    }
}

wire! {
    /// A part of a message: text, audio with its transcript, or an image.
    ///
    /// Which members there are depends on its kind; the server leaves out what it does not know yet, even the kind.
    pub struct ContentPart as "text" {
        /// What it is.
        opt kind as "type": PartKind,
        /// The text, of a text part.
        opt_text text: String,
        /// The audio. The server sends it only in answer to `conversation.item.retrieve`.
        opt audio: Audio,
        /// What is said in the audio.
        opt_text transcript: String,
        /// The image, as a data URL (PNG or JPEG).
        opt image_url: String,
        /// How closely the model looks at the image.
        opt detail: Detail,
        /// How the audio is written: older servers say so where it was retrieved.
        opt format: Json,
    }
}

impl ContentPart {
    /// Text of the user or the system.
    pub fn input_text(text: impl Into<String>) -> Self {
        Self::default().kind(PartKind::InputText).text(text)
    }

    /// Audio of the user, in the session's input format.
    pub fn input_audio(audio: impl Into<Audio>) -> Self {
        Self::default().kind(PartKind::InputAudio).audio(audio)
    }

    /// An image for the model, as a data URL (PNG or JPEG).
    pub fn input_image(url: impl Into<String>) -> Self {
        Self::default().kind(PartKind::InputImage).image_url(url)
    }

    /// Text of the model.
    pub fn output_text(text: impl Into<String>) -> Self {
        Self::default().kind(PartKind::OutputText).text(text)
    }

    /// Whether it is spoken.
    pub(crate) fn is_audio(&self) -> bool {
        matches!(self.kind, Some(PartKind::InputAudio | PartKind::OutputAudio))
    }

    /// The part as it can be sent in a message of this role. The server tells of audio without handing it out, and
    /// takes no audio that is not there: then what was said stands in its place, in writing. None if nothing is known
    /// of what was said.
    pub(crate) fn in_writing(&self, role: &Role) -> Option<Self> {
        if self.image_url.is_some() || self.audio.is_some() {
            return Some(self.clone());
        }
        let kind = if *role == Role::Assistant { PartKind::OutputText } else { PartKind::InputText };
        let text = if self.is_audio() { self.transcript.as_deref().or(self.text.as_deref()) } else { self.readable() };
        text.filter(|text| !text.is_empty()).map(|text| Self::default().kind(kind).text(text))
    }

    /// What can be read of it: its text, else its transcript.
    pub fn readable(&self) -> Option<&str> {
        self.text.as_deref().or(self.transcript.as_deref())
    }
}

/// Writes the part of a `response.content_part` event: the service names its kinds `text` and `audio` there, and there
/// alone.
pub(crate) fn write_streamed<S: Serializer>(part: &ContentPart, serializer: S) -> Result<S::Ok, S::Error> {
    let kind = match &part.kind {
        Some(PartKind::OutputText) => PartKind::Other("text".into()),
        Some(PartKind::OutputAudio) => PartKind::Other("audio".into()),
        _ => return part.serialize(serializer),
    };
    part.clone().kind(kind).serialize(serializer)
}
