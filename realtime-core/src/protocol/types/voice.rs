use serde::{Deserialize, Serialize, de::MapAccess};
use serde_json::value::RawValue;

use crate::wire::{FromPlain, Id, Json, Lenient, Notes, Object, Plain, Union, plain_union, read_loosely};

open_enum! {
    /// A built-in voice. OpenAI recommends `marin` and `cedar`.
    pub enum VoiceName {
        /// Alloy.
        Alloy = "alloy",
        /// Ash.
        Ash = "ash",
        /// Ballad.
        Ballad = "ballad",
        /// Coral.
        Coral = "coral",
        /// Echo.
        Echo = "echo",
        /// Sage.
        Sage = "sage",
        /// Shimmer.
        Shimmer = "shimmer",
        /// Verse.
        Verse = "verse",
        /// Marin.
        Marin = "marin",
        /// Cedar.
        Cedar = "cedar",
    }
}

/// The voice of the model. It cannot be changed after the model has spoken in a session.
///
/// Names convert automatically: `.voice("marin")`, `.voice(VoiceName::Marin)`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Voice {
    /// A built-in voice.
    Named(VoiceName),
    /// A custom voice, by its id.
    Custom(Id),
    /// An unknown form, preserved.
    Other(Json),
}

impl Voice {
    /// Selects a custom voice by its id (`voice_...`).
    pub fn custom(id: impl Into<Id>) -> Self {
        Self::Custom(id.into())
    }
}

impl From<VoiceName> for Voice {
    fn from(name: VoiceName) -> Self {
        Self::Named(name)
    }
}

impl From<&str> for Voice {
    fn from(name: &str) -> Self {
        Self::Named(name.into())
    }
}

impl From<String> for Voice {
    fn from(name: String) -> Self {
        Self::Named(name.into())
    }
}

#[derive(Serialize, Deserialize)]
struct ById<T> {
    id: T,
}

union_serde!(Voice, |voice, to| match voice {
    Voice::Named(name) => name.serialize(to),
    Voice::Custom(id) => ById { id }.serialize(to),
    Voice::Other(json) => json.serialize(to),
});

impl FromPlain for Voice {
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        plain_union(text)
    }
}

impl Lenient for Voice {
    const EXPECTED: &'static str = "a voice";

    fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
        value.get().starts_with(['"', '{']).then(|| read_loosely(value)).flatten()
    }
}

impl Union for Voice {
    fn other(json: Json) -> Self {
        Self::Other(json)
    }

    fn text(text: &str) -> Self {
        text.into()
    }

    /// Other servers have voices that are objects without an id.
    fn tagged<'de, A: MapAccess<'de>>(object: Object<'de, A>) -> Result<Self, A::Error> {
        let json = object.json()?;
        Ok(match json.read::<ById<Id>>() {
            Ok(ById { id }) => Self::Custom(id),
            Err(_) => Self::Other(json),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_shape() {
        for (text, voice) in [
            (r#""cedar""#, VoiceName::Cedar.into()),
            (r#""newer""#, "newer".into()),
            (r#"{"id":"voice_1"}"#, Voice::custom("voice_1")),
            (r#"{"type":"azure-standard","name":"n"}"#, Voice::Other(json(r#"{"type":"azure-standard","name":"n"}"#))),
            ("7", Voice::Other(json("7"))),
        ] {
            let read: Voice = serde_json::from_str(text).unwrap();
            assert_eq!(read, voice);
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }

    fn json(text: &str) -> Json {
        Json::parse(text).unwrap()
    }
}
