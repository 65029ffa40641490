use serde_json::{Number, Value, value::RawValue};

use super::ReasoningEffort;
use crate::wire::{FromPlain, Json, Lenient, Notes, Plain, Union, plain_union, read_loosely};

open_enum! {
    /// Output modality of the model.
    pub enum Modality {
        /// Text only.
        Text = "text",
        /// Audio with a transcript.
        Audio = "audio",
    }
}

open_enum! {
    /// Additional data that the server includes in events on request.
    pub enum Include {
        /// Log probabilities of input transcripts.
        InputTranscriptLogprobs = "item.input_audio_transcription.logprobs",
    }
}

wire! {
    /// Reasoning settings.
    pub struct Reasoning as "effort" {
        /// How much the model thinks before it speaks.
        opt effort: ReasoningEffort,
    }
}

/// Maximum number of tokens of a response, including tool calls.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MaxOutputTokens {
    /// The maximum of the model. The default.
    Inf,
    /// A number from 1 to 4,096.
    Limit(u32),
    /// An unknown form, preserved.
    Other(Json),
}

impl From<u32> for MaxOutputTokens {
    fn from(limit: u32) -> Self {
        Self::Limit(limit)
    }
}

union_serde!(MaxOutputTokens, |tokens, to| match tokens {
    MaxOutputTokens::Inf => to.serialize_str("inf"),
    MaxOutputTokens::Limit(limit) => to.serialize_u32(*limit),
    MaxOutputTokens::Other(json) => json.serialize(to),
});

impl FromPlain for MaxOutputTokens {
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        plain_union(text)
    }
}

impl Lenient for MaxOutputTokens {
    const EXPECTED: &'static str = "a number of tokens";

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        match read_loosely(value)? {
            Self::Other(json) if value.get().starts_with('"') => {
                Some(u32::read(value, notes).map_or(Self::Other(json), Self::Limit))
            }
            read => Some(read),
        }
    }
}

impl Union for MaxOutputTokens {
    fn other(json: Json) -> Self {
        Self::Other(json)
    }

    fn text(text: &str) -> Self {
        match text {
            "inf" => Self::Inf,
            _ => Self::Other(Value::from(text).into()),
        }
    }

    fn number(number: Number) -> Self {
        let whole =
            number.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number));
        // An integer in the range of a `u32`.
        whole.map_or_else(|| Self::Other(Value::from(number).into()), |limit| Self::Limit(limit as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_shape() {
        for (text, max) in [
            (r#""inf""#, MaxOutputTokens::Inf),
            ("4096", 4096.into()),
            ("4096.0", 4096.into()),
            ("-1", MaxOutputTokens::Other(Value::from(-1).into())),
            (r#""much""#, MaxOutputTokens::Other(Value::from("much").into())),
            (r#"{"soft":1}"#, MaxOutputTokens::Other(serde_json::json!({"soft": 1}).into())),
        ] {
            assert_eq!(serde_json::from_str::<MaxOutputTokens>(text).unwrap(), max, "{text}");
        }
    }
}
