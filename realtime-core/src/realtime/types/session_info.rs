use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess},
};
use serde_json::value::RawValue;

use super::{
    AudioFormat, AudioOutput, Include, MaxOutputTokens, Modality, NoiseReduction, ObjectKind, Prompt, Reasoning, Tool,
    ToolChoice, Tracing, Transcription, Truncation, TurnDetection,
};
use crate::{
    protocol::event::once::{Checked, second_type},
    wire::{FromPlain, Id, Json, Lenient, Members, Notes, Object, Plain, Tag, tag, write_tagged},
};

/// A session as described by the server: its effective configuration, including defaults.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "it travels in an event that is boxed")]
pub enum SessionInfo {
    /// A conversation session. Also used for older servers, which do not name the type.
    Realtime(RealtimeSessionInfo),
    /// A transcription session.
    Transcription(TranscriptionSessionInfo),
    /// An unknown type of session, preserved.
    Other(Json),
}

wire! {
    /// A conversation session as described by the server.
    pub struct RealtimeSessionInfo as "id" mended by realtime_from_flat {
        /// Id.
        opt id: Id,
        /// Always [`ObjectKind::Session`].
        opt object: ObjectKind,
        /// When the server will end the session, in seconds since the Unix epoch.
        opt_int expires_at: u64,
        /// The model.
        opt model: String,
        /// Output modalities.
        list output_modalities | "modalities": Modality,
        /// Instructions for the model.
        opt instructions: String,
        /// Audio settings.
        opt audio: AudioInfo,
        /// Additional data included in events.
        list include: Include,
        /// Tracing settings.
        opt tracing: Tracing,
        /// Tools that the model can call.
        list tools: Tool,
        /// Tool that the model must call, if any.
        opt tool_choice: ToolChoice,
        /// Whether the model can call several tools at once.
        opt parallel_tool_calls: bool,
        /// Reasoning settings.
        opt reasoning: Reasoning,
        /// Maximum number of tokens of a response.
        opt max_output_tokens | "max_response_output_tokens" | "max_response_output_token": MaxOutputTokens,
        /// What happens when the conversation exceeds the model's input limit.
        opt truncation: Truncation,
        /// Prompt template.
        opt prompt: Prompt,
    }

    /// A transcription session as described by the server.
    pub struct TranscriptionSessionInfo mended by transcription_from_flat {
        /// Id.
        opt id: Id,
        /// Always [`ObjectKind::TranscriptionSession`].
        opt object: ObjectKind,
        /// When the server will end the session, in seconds since the Unix epoch.
        opt_int expires_at: u64,
        /// Audio settings.
        opt audio: TranscriptionAudioInfo,
        /// Additional data included in events.
        list include: Include,
    }

    /// Input and output audio settings, as described by the server.
    pub struct AudioInfo {
        /// Input settings.
        opt input: AudioInputInfo,
        /// Output settings.
        opt output: AudioOutput,
    }

    /// Audio settings of a transcription session, as described by the server.
    pub struct TranscriptionAudioInfo {
        /// Input settings.
        opt input: AudioInputInfo,
    }

    /// Input audio settings, as described by the server.
    pub struct AudioInputInfo {
        /// Audio encoding.
        opt format: AudioFormat,
        /// Transcription settings, if on.
        opt transcription: Transcription,
        /// Noise reduction, if on.
        opt noise_reduction: NoiseReduction,
        /// Turn detection, if on.
        opt turn_detection: TurnDetection,
    }
}

impl SessionInfo {
    /// Id of the session.
    pub fn id(&self) -> Option<&Id> {
        match self {
            Self::Realtime(session) => session.id.as_ref(),
            Self::Transcription(session) => session.id.as_ref(),
            Self::Other(_) => None,
        }
    }

    /// When the server will end the session, in seconds since the Unix epoch.
    pub fn expires_at(&self) -> Option<u64> {
        match self {
            Self::Realtime(session) => session.expires_at,
            Self::Transcription(session) => session.expires_at,
            Self::Other(_) => None,
        }
    }

    /// Input audio settings.
    pub fn input(&self) -> Option<&AudioInputInfo> {
        match self {
            Self::Realtime(session) => session.audio.as_ref()?.input.as_ref(),
            Self::Transcription(session) => session.audio.as_ref()?.input.as_ref(),
            Self::Other(_) => None,
        }
    }

    /// Output audio settings.
    pub fn output(&self) -> Option<&AudioOutput> {
        match self {
            Self::Realtime(session) => session.audio.as_ref()?.output.as_ref(),
            Self::Transcription(_) | Self::Other(_) => None,
        }
    }
}

impl SessionInfo {
    /// Keeps what an update need not repeat: the id, the model, and the type of the session.
    pub(crate) fn keep_from(&mut self, before: &Self) {
        if let (Self::Realtime(session), Self::Transcription(_)) = (&mut *self, before)
            && session.object.is_none()
            && session.model.is_none()
        {
            let audio = session.audio.take().map(|audio| TranscriptionAudioInfo { input: audio.input });
            let (id, expires_at, include) = (session.id.take(), session.expires_at, session.include.take());
            *self = TranscriptionSessionInfo { id, object: None, expires_at, audio, include }.into();
        }
        match (self, before) {
            (Self::Realtime(session), Self::Realtime(before)) => {
                keep(&mut session.id, &before.id);
                keep(&mut session.model, &before.model);
            }
            (Self::Transcription(session), Self::Transcription(before)) => keep(&mut session.id, &before.id),
            _ => {}
        }
    }
}

fn keep<T: Clone>(member: &mut Option<T>, before: &Option<T>) {
    if member.is_none() {
        member.clone_from(before);
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

/// Creates a description without any details.
impl Default for SessionInfo {
    fn default() -> Self {
        Self::Realtime(RealtimeSessionInfo::default())
    }
}

/// Reads a session that is described in the current form. Fails on another, and is then read leniently with its event.
pub(crate) fn read_current<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SessionInfo, D::Error> {
    struct Visitor;

    impl<'de> de::Visitor<'de> for Visitor {
        type Value = SessionInfo;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a session")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SessionInfo, A::Error> {
            let mut once = second_type();
            let object =
                Object::new(Checked::new(map, |name: &[u8]| match FLAT.iter().any(|flat| flat.as_bytes() == name) {
                    true => Err("a member of an older form"),
                    false => once(name),
                }))?;
            let object = match object {
                Ok(object) => object,
                Err(reordered) => {
                    return read_current(&mut serde_json::Deserializer::from_str(reordered.as_str()))
                        .map_err(de::Error::custom);
                }
            };
            match object.tag() {
                Some(REALTIME) => object.fields().map(SessionInfo::Realtime),
                Some(TRANSCRIPTION) => object.fields().map(SessionInfo::Transcription),
                Some(_) => object.json().map(SessionInfo::Other),
                None => Err(de::Error::missing_field("type")),
            }
        }
    }

    deserializer.deserialize_map(Visitor)
}

/// Always read leniently: members that older servers place at the top level need special treatment.
impl<'de> Deserialize<'de> for SessionInfo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let mut notes = Notes::new(raw.get().len());
        let read = Self::read(&raw, &mut notes).filter(|_| notes.is_empty());
        read.ok_or_else(|| match notes.finish().first() {
            Some(omission) => de::Error::custom(format_args!("{}: {}", omission.path, omission.reason)),
            None => de::Error::custom("a session was expected"),
        })
    }
}

impl FromPlain for SessionInfo {
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        match text.tag()? {
            REALTIME => FromPlain::from_plain(text).map(Self::Realtime),
            TRANSCRIPTION => FromPlain::from_plain(text).map(Self::Transcription),
            _ => None,
        }
    }
}

impl Lenient for SessionInfo {
    const EXPECTED: &'static str = "a session";

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        let sort = match tag(value) {
            Some(Tag::Text(sort)) => sort,
            // Older servers put in `object` what is now in `type`.
            Some(Tag::Absent | Tag::Null | Tag::Odd) if is_transcription(value) => TRANSCRIPTION.into(),
            _ => REALTIME.into(),
        };
        match &*sort {
            REALTIME => Lenient::read(value, notes).map(Self::Realtime),
            TRANSCRIPTION => Lenient::read(value, notes).map(Self::Transcription),
            _ => Some(Self::Other(value.to_owned().into())),
        }
    }
}

fn is_transcription(value: &RawValue) -> bool {
    let object = Members::find(value, &["object"], None, None)
        .and_then(|members| members.optional::<ObjectKind>("object", &[], &mut Notes::new(0)).flatten());
    object == Some(ObjectKind::TranscriptionSession)
}

/// Names of the members that older servers place at the top level instead of in `audio`.
const FLAT: &[&str] = &[
    "input_audio_format",
    "output_audio_format",
    "input_audio_transcription",
    "input_audio_noise_reduction",
    "turn_detection",
    "voice",
    "speed",
];

fn realtime_from_flat(mut session: RealtimeSessionInfo, value: &RawValue, notes: &mut Notes) -> RealtimeSessionInfo {
    let Some(flat) = Members::find(value, FLAT, None, None).filter(Members::has_any) else { return session };
    let mut audio = session.audio.take().unwrap_or_default();
    input_from_flat(&mut audio.input, value, &flat, notes);
    let mut output = audio.output.take().unwrap_or_default();
    fill(&mut output.format, flat.optional("output_audio_format", &[], notes));
    fill(&mut output.voice, flat.optional("voice", &[], notes));
    fill(&mut output.speed, flat.optional("speed", &[], notes));
    audio.output = some(output);
    session.audio = some(audio);
    session
}

fn transcription_from_flat(
    mut session: TranscriptionSessionInfo,
    value: &RawValue,
    notes: &mut Notes,
) -> TranscriptionSessionInfo {
    let Some(flat) = Members::find(value, FLAT, None, None).filter(Members::has_any) else { return session };
    let mut audio = session.audio.take().unwrap_or_default();
    input_from_flat(&mut audio.input, value, &flat, notes);
    session.audio = some(audio);
    session
}

/// A member in its current place takes precedence, even if null; but a null format counts as missing.
fn input_from_flat(place: &mut Option<AudioInputInfo>, value: &RawValue, flat: &Members<'_>, notes: &mut Notes) {
    const TODAY: &[&str] = &["transcription", "noise_reduction", "turn_detection"];

    let audio = Members::find(value, &["audio"], None, None).and_then(|session| session.value("audio"));
    let today = audio
        .and_then(|audio| Members::find(audio, &["input"], None, None)?.value("input"))
        .and_then(|input| Members::find(input, TODAY, None, None));
    let said = |name| today.as_ref().is_some_and(|today| today.value(name).is_some());
    let mut input = place.take().unwrap_or_default();
    fill(&mut input.format, flat.optional("input_audio_format", &[], notes));
    if !said("transcription") {
        fill(&mut input.transcription, flat.optional("input_audio_transcription", &[], notes));
    }
    if !said("noise_reduction") {
        fill(&mut input.noise_reduction, flat.optional("input_audio_noise_reduction", &[], notes));
    }
    if !said("turn_detection") {
        fill(&mut input.turn_detection, flat.optional("turn_detection", &[], notes));
    }
    *place = some(input);
}

/// `None` if the value is the default.
fn some<T: Default + PartialEq>(value: T) -> Option<T> {
    Some(value).filter(|value| *value != T::default())
}

fn fill<T>(member: &mut Option<T>, flat: Option<Option<T>>) {
    if member.is_none() {
        *member = flat.flatten();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_may_follow_an_object() {
        let read = |text: &str| read_current(&mut serde_json::Deserializer::from_str(text)).ok();
        let first = read(r#"{"type":"realtime","audio":{"output":{"speed":1.5}},"id":"s","tools":[]}"#);
        assert!(matches!(&first, Some(SessionInfo::Realtime(session)) if session.audio.is_some()));
        assert_eq!(read(r#"{"audio":{"output":{"speed":1.5}},"id":"s","tools":[],"type":"realtime"}"#), first);
        for refused in [
            r#"{"audio":{},"voice":"alloy","type":"realtime"}"#,
            r#"{"audio":{},"type":"realtime","voice":"alloy"}"#,
            r#"{"audio":{},"type":"realtime","type":"realtime"}"#,
            r#"{"audio":{},"id":"s"}"#,
        ] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }

    #[test]
    fn an_older_server_names_the_sort_elsewhere() {
        let read = |text: &str| {
            let raw = serde_json::from_str::<Json>(text).unwrap();
            raw.read_leniently::<SessionInfo>().unwrap()
        };
        let id = Id::new("s");
        for (text, session) in [
            (r#"{"id":"s"}"#, RealtimeSessionInfo::default().id(&id).into()),
            (r#"{"id":"s","type":null,"voice":null,"tools":true}"#, RealtimeSessionInfo::default().id(&id).into()),
            (
                r#"{"object":"realtime.session","id":"s"}"#,
                RealtimeSessionInfo::default().id(&id).object(ObjectKind::Session).into(),
            ),
            (
                r#"{"id":"s","object":"realtime.transcription_session","input_audio_format":"pcm16"}"#,
                TranscriptionSessionInfo::default()
                    .id(&id)
                    .object(ObjectKind::TranscriptionSession)
                    .audio(
                        TranscriptionAudioInfo::default().input(AudioInputInfo::default().format(AudioFormat::pcm())),
                    )
                    .into(),
            ),
            (r#"{"type":"other","id":"s"}"#, SessionInfo::Other(Json::parse(r#"{"type":"other","id":"s"}"#).unwrap())),
        ] {
            assert_eq!(read(text), session, "{text}");
        }
    }
}
