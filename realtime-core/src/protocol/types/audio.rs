use serde::{
    Deserialize, Serialize,
    de::{IgnoredAny, MapAccess},
};
use serde_json::{Value, value::RawValue};

use crate::wire::{
    FromPlain, Json, Lenient, Members, Notes, Object, Plain, Tag, Union, is_null, lenient_text, plain_union,
    read_loosely, tag, write_tagged,
};

/// Default sample rate of `audio/pcm` in Hz, and the only one that the service accepts today.
const PCM_RATE: u32 = 24_000;

/// Audio encoding. All formats have one channel.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AudioFormat {
    /// Little-endian 16-bit samples: `audio/pcm`.
    Pcm {
        /// Sample rate in Hz.
        rate: u32,
    },
    /// G.711 μ-law, one byte per sample at 8,000 Hz: `audio/pcmu`.
    Pcmu,
    /// G.711 A-law, one byte per sample at 8,000 Hz: `audio/pcma`.
    Pcma,
    /// An unknown format.
    Other(Json),
}

impl AudioFormat {
    /// 16-bit PCM at 24,000 Hz.
    pub fn pcm() -> Self {
        Self::Pcm { rate: PCM_RATE }
    }

    /// Sample rate in Hz. `None` for an unknown format.
    pub fn rate_hz(&self) -> Option<u32> {
        match self {
            Self::Pcm { rate } => Some(*rate),
            Self::Pcmu | Self::Pcma => Some(8_000),
            Self::Other(_) => None,
        }
    }

    /// Bytes per sample. `None` for an unknown format.
    pub fn bytes_per_sample(&self) -> Option<u32> {
        match self {
            Self::Pcm { .. } => Some(2),
            Self::Pcmu | Self::Pcma => Some(1),
            Self::Other(_) => None,
        }
    }

    /// Bytes per second. `None` for an unknown format.
    pub fn bytes_per_second(&self) -> Option<u64> {
        Some(u64::from(self.rate_hz()?) * u64::from(self.bytes_per_sample()?))
    }

    /// Duration of this many bytes in milliseconds, rounded down. `None` for an unknown format.
    pub fn bytes_to_ms(&self, bytes: u64) -> Option<u64> {
        let per_second = u128::from(self.bytes_per_second()?);
        (u128::from(bytes) * 1000).checked_div(per_second).map(saturate)
    }

    /// Size in bytes of the whole samples in this many milliseconds. `None` for an unknown format.
    pub fn ms_to_bytes(&self, ms: u64) -> Option<u64> {
        let samples = u128::from(ms) * u128::from(self.rate_hz()?) / 1000;
        Some(saturate(samples * u128::from(self.bytes_per_sample()?)))
    }
}

impl AudioFormat {
    /// Parses the type of a format that is an object.
    fn typed(kind: &str) -> Option<Self> {
        match kind {
            "audio/pcm" => Some(Self::pcm()),
            "audio/pcmu" => Some(Self::Pcmu),
            "audio/pcma" => Some(Self::Pcma),
            _ => None,
        }
    }

    /// Parses a format name, current or from the beta.
    fn named(name: &str) -> Option<Self> {
        match name {
            "pcm16" | "pcm" | "pcm24" => Some(Self::pcm()),
            "g711_ulaw" => Some(Self::Pcmu),
            "g711_alaw" => Some(Self::Pcma),
            _ => Self::typed(name),
        }
    }

    fn with_rate(value: &RawValue, rate: u32, notes: &mut Notes) -> Option<Self> {
        let members = Members::find(value, &["rate", "sample_rate"], None, None)?;
        let said = members.optional("rate", &["sample_rate"], notes)?;
        Some(Self::Pcm { rate: said.unwrap_or(rate) })
    }
}

fn saturate(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Returns [`AudioFormat::pcm`], the default of a session.
impl Default for AudioFormat {
    fn default() -> Self {
        Self::pcm()
    }
}

#[derive(Serialize, Deserialize)]
struct Rate {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::wire::int::read")]
    rate: Option<u32>,
}

union_serde!(AudioFormat, |format, to| match format {
    AudioFormat::Pcm { rate } => write_tagged(to, "audio/pcm", &Rate { rate: Some(*rate) }),
    AudioFormat::Pcmu => write_tagged(to, "audio/pcmu", &Rate { rate: None }),
    AudioFormat::Pcma => write_tagged(to, "audio/pcma", &Rate { rate: None }),
    AudioFormat::Other(json) => json.serialize(to),
});

impl FromPlain for AudioFormat {
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        let Some(format) = text.tag().and_then(Self::typed) else { return plain_union(text) };
        let (mut at, mut rate) = (text.begin_members()?, None);
        while at.more {
            match text.word(r#""rate":"#) {
                true => text.optional(0, &mut rate, &mut at)?,
                false => text.skip(false, &mut at)?,
            }
        }
        Some(match (format, rate) {
            (Self::Pcm { .. }, Some(rate)) => Self::Pcm { rate },
            (format, _) => format,
        })
    }
}

impl Lenient for AudioFormat {
    const EXPECTED: &'static str = "an audio format";

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        match tag(value) {
            Some(Tag::Text(kind)) => match Self::named(&kind) {
                Some(Self::Pcm { rate }) => Self::with_rate(value, rate, notes),
                Some(format) => Some(format),
                None => read_loosely(value),
            },
            Some(Tag::Absent | Tag::Null) => Self::with_rate(value, PCM_RATE, notes),
            Some(Tag::Odd) => None,
            None => lenient_text(value).map(|text| Self::text(&text)),
        }
    }

    /// Some servers use a string to say that no format is set.
    fn is_none(value: &RawValue) -> bool {
        is_null(value) || lenient_text(value).is_some_and(|text| text.is_empty() || text == "not specified")
    }
}

impl Union for AudioFormat {
    fn other(json: Json) -> Self {
        Self::Other(json)
    }

    fn text(text: &str) -> Self {
        Self::named(text).unwrap_or_else(|| Self::Other(Value::from(text).into()))
    }

    fn tagged<'de, A: MapAccess<'de>>(object: Object<'de, A>) -> Result<Self, A::Error> {
        match object.tag().map_or(Some(Self::pcm()), Self::typed) {
            Some(Self::Pcm { rate }) => {
                let rate = object.fields::<Rate>()?.rate.unwrap_or(rate);
                Ok(Self::Pcm { rate })
            }
            Some(format) => object.fields::<IgnoredAny>().map(|_| format),
            None => object.json().map(Self::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reckons_in_whole_milliseconds() {
        let pcm = AudioFormat::pcm();
        for (format, bytes, ms) in [
            (&pcm, 0, 0),
            (&pcm, 47, 0),
            (&pcm, 48, 1),
            (&pcm, 48_000, 1000),
            (&AudioFormat::Pcm { rate: 16_000 }, 32, 1),
            (&AudioFormat::Pcm { rate: 44_100 }, 88_200, 1000),
            (&AudioFormat::Pcmu, 8, 1),
            (&AudioFormat::Pcma, 15, 1),
            (&AudioFormat::Pcma, u64::MAX, u64::MAX / 8),
        ] {
            assert_eq!(format.bytes_to_ms(bytes), Some(ms), "{format:?} {bytes}");
        }
        for (format, ms, bytes) in [
            (&pcm, 1, 48),
            (&pcm, 1500, 72_000),
            (&AudioFormat::Pcm { rate: 44_100 }, 1, 88),
            (&AudioFormat::Pcmu, 20, 160),
            (&AudioFormat::Pcmu, u64::MAX, u64::MAX),
        ] {
            assert_eq!(format.ms_to_bytes(ms), Some(bytes), "{format:?} {ms}");
        }
        assert_eq!(AudioFormat::Pcm { rate: 0 }.bytes_to_ms(1), None);
        assert_eq!(AudioFormat::Other(Value::Null.into()).bytes_to_ms(1), None);
    }

    #[test]
    fn reads_every_shape() {
        for (text, format, written) in [
            (
                r#"{"type":"audio/pcm","rate":16000.0}"#,
                AudioFormat::Pcm { rate: 16_000 },
                Some(r#"{"type":"audio/pcm","rate":16000}"#),
            ),
            (r#"{"type":"audio/pcm","rate":null}"#, AudioFormat::pcm(), Some(r#"{"type":"audio/pcm","rate":24000}"#)),
            (r#"{"rate":16000}"#, AudioFormat::Pcm { rate: 16_000 }, Some(r#"{"type":"audio/pcm","rate":16000}"#)),
            (r#"{"rate":8000,"type":"audio/pcmu"}"#, AudioFormat::Pcmu, Some(r#"{"type":"audio/pcmu"}"#)),
            (r#""g711_alaw""#, AudioFormat::Pcma, Some(r#"{"type":"audio/pcma"}"#)),
            (r#""opus""#, AudioFormat::Other(Value::from("opus").into()), None),
        ] {
            let read: AudioFormat = serde_json::from_str(text).unwrap();
            assert_eq!(read, format, "{text}");
            let written = Json::parse(written.unwrap_or(text)).unwrap().to_value();
            let expected = serde_json::to_value(&read).unwrap();
            assert_eq!(expected, written, "{text}");
        }
    }
}
