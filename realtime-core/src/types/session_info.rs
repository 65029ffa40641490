use serde::{Deserialize, Deserializer, Serialize, Serializer, de::MapAccess};

use super::{
    AudioFormat, AudioOutput, Include, MaxOutputTokens, Modality, NoiseReduction, ObjectKind, Prompt, Reasoning, Tool,
    ToolChoice, Tracing, Transcription, Truncation, TurnDetection,
};
use crate::wire::{Id, Json, Object, Union, read_union, write_tagged};

/// A session as the server reports it: all that is in force, its defaults included.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "it travels in an event that is boxed")]
pub enum SessionInfo {
    /// A session that converses. Older servers do not name the sort: it is read as this one.
    Realtime(RealtimeSessionInfo),
    /// A session that only transcribes.
    Transcription(TranscriptionSessionInfo),
    /// A sort of session that this crate does not know, kept whole.
    Other(Json),
}

wire! {
    /// A session that converses, as the server reports it.
    pub struct RealtimeSessionInfo {
        /// Its id.
        opt id: Id,
        /// Always [`ObjectKind::Session`].
        opt object: ObjectKind,
        /// When the server will end it, in seconds since 1970.
        opt_int expires_at: u64,
        /// The model.
        opt model: String,
        /// What the model answers in.
        list output_modalities: Modality,
        /// What the model is told to do.
        opt instructions: String,
        /// What it hears and how it sounds.
        opt audio: AudioInfo,
        /// What the server adds to its events.
        list include: Include,
        /// Whether the service records traces.
        opt tracing: Tracing,
        /// What the model may call.
        list tools: Tool,
        /// What the model is made to call.
        opt tool_choice: ToolChoice,
        /// Whether it may call several tools at once.
        opt parallel_tool_calls: bool,
        /// How a model that reasons does so.
        opt reasoning: Reasoning,
        /// How many tokens one response may have.
        opt max_output_tokens: MaxOutputTokens,
        /// What happens when the conversation grows too long.
        opt truncation: Truncation,
        /// The prompt template.
        opt prompt: Prompt,
    }

    /// A session that only transcribes, as the server reports it.
    pub struct TranscriptionSessionInfo {
        /// Its id.
        opt id: Id,
        /// Always [`ObjectKind::TranscriptionSession`].
        opt object: ObjectKind,
        /// When the server will end it, in seconds since 1970.
        opt_int expires_at: u64,
        /// What it hears.
        opt audio: TranscriptionAudioInfo,
        /// What the server adds to its events.
        list include: Include,
    }

    /// The audio of a session that converses.
    pub struct AudioInfo {
        /// The user's.
        opt input: AudioInputInfo,
        /// The model's.
        opt output: AudioOutput,
    }

    /// The audio of a session that only transcribes.
    pub struct TranscriptionAudioInfo {
        /// The user's.
        opt input: AudioInputInfo,
    }

    /// The user's audio.
    pub struct AudioInputInfo {
        /// How it is written.
        opt format: AudioFormat,
        /// How it is transcribed, if it is.
        opt transcription: Transcription,
        /// How it is filtered, if it is.
        opt noise_reduction: NoiseReduction,
        /// How the end of a turn is found, if the server looks for it.
        opt turn_detection: TurnDetection,
    }
}

impl SessionInfo {
    /// Its id.
    pub fn id(&self) -> Option<&Id> {
        match self {
            Self::Realtime(session) => session.id.as_ref(),
            Self::Transcription(session) => session.id.as_ref(),
            Self::Other(_) => None,
        }
    }

    /// When the server will end it, in seconds since 1970.
    pub fn expires_at(&self) -> Option<u64> {
        match self {
            Self::Realtime(session) => session.expires_at,
            Self::Transcription(session) => session.expires_at,
            Self::Other(_) => None,
        }
    }

    /// The user's audio.
    pub fn input(&self) -> Option<&AudioInputInfo> {
        match self {
            Self::Realtime(session) => session.audio.as_ref()?.input.as_ref(),
            Self::Transcription(session) => session.audio.as_ref()?.input.as_ref(),
            Self::Other(_) => None,
        }
    }

    /// The model's audio.
    pub fn output(&self) -> Option<&AudioOutput> {
        match self {
            Self::Realtime(session) => session.audio.as_ref()?.output.as_ref(),
            Self::Transcription(_) | Self::Other(_) => None,
        }
    }
}

impl From<RealtimeSessionInfo> for SessionInfo {
    fn from(session: RealtimeSessionInfo) -> Self {
        Self::Realtime(session)
    }
}

impl From<TranscriptionSessionInfo> for SessionInfo {
    fn from(session: TranscriptionSessionInfo) -> Self {
        Self::Transcription(session)
    }
}

const REALTIME: &str = "realtime";
const TRANSCRIPTION: &str = "transcription";

impl Serialize for SessionInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Realtime(session) => write_tagged(serializer, REALTIME, session),
            Self::Transcription(session) => write_tagged(serializer, TRANSCRIPTION, session),
            Self::Other(json) => json.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SessionInfo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_union(deserializer)
    }
}

impl Union for SessionInfo {
    fn other(json: Json) -> Self {
        Self::Other(json)
    }

    fn tagged<'de, A: MapAccess<'de>>(object: Object<'de, A>) -> Result<Self, A::Error> {
        // Older servers say in `object` what `type` says now.
        let sort = match (object.tag(), object.text("object")) {
            (Some(sort), _) => sort,
            (None, Some("realtime.transcription_session")) => TRANSCRIPTION,
            (None, _) => REALTIME,
        };
        match sort {
            REALTIME => object.fields().map(Self::Realtime),
            TRANSCRIPTION => object.fields().map(Self::Transcription),
            _ => object.json().map(Self::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_server_names_the_sort_elsewhere() {
        let read = |text: &str| serde_json::from_str::<SessionInfo>(text).unwrap();
        let id = Id::new("s");
        for (text, session) in [
            (r#"{"id":"s","voice":"alloy"}"#, RealtimeSessionInfo::default().id(&id).into()),
            (
                r#"{"object":"realtime.session","id":"s"}"#,
                RealtimeSessionInfo::default().id(&id).object(ObjectKind::Session).into(),
            ),
            (
                r#"{"id":"s","object":"realtime.transcription_session","input_audio_format":"pcm16"}"#,
                TranscriptionSessionInfo::default().id(&id).object(ObjectKind::TranscriptionSession).into(),
            ),
            (r#"{"type":"other","id":"s"}"#, SessionInfo::Other(Json::parse(r#"{"id":"s","type":"other"}"#).unwrap())),
        ] {
            assert_eq!(read(text), session, "{text}");
        }
    }
}
