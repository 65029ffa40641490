//! Lenient reading: numbers may be strings and strings may be numbers.

use realtime_audio::{Encoding, Format};
use realtime_core::Audio;
use serde_json::{Map, Value};

use crate::{ByteOrder, Dtmf, Mark, Media, UnsupportedFormat, settings::ordered};

/// A string, or a number as a string.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number, or a string that contains one.
pub(super) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok().or_else(|| whole(text.trim().parse().ok()?)),
        _ => None,
    }
}

/// A whole number written as `12.0`.
fn whole(number: f64) -> Option<u64> {
    let fits = number.fract() == 0.0 && (0.0..=9_007_199_254_740_991.0).contains(&number);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it fits exactly")]
    fits.then_some(number as u64)
}

/// The members of an object, or none.
pub(super) fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// The member `media` of a message, identical for three carriers.
pub(super) fn media(json: &Value) -> Result<Media, String> {
    let media = &json["media"];
    let payload = media["payload"].as_str().ok_or("the media have no payload")?;
    let audio = base64_turbo::STANDARD.decode(payload).map_err(|_| "the payload is not base64")?;
    Ok(Media {
        track: media["track"].as_str().map(Into::into),
        chunk: number(&media["chunk"]),
        timestamp_ms: number(&media["timestamp"]),
        audio: Audio::from(audio),
    })
}

pub(super) fn mark(name: &Value) -> Result<Mark, String> {
    Ok(Mark { name: text(name).ok_or("the mark has no name")?, played: None })
}

pub(super) fn dtmf(dtmf: &Value) -> Result<Dtmf, String> {
    let digit = text(&dtmf["digit"]).ok_or("the key is not named")?;
    Ok(Dtmf { digit, duration_ms: number(&dtmf["duration"]), occurred_at: None })
}

/// A format of one channel: its name (`audio/x-l16;rate=16000`, or without the rate), its rate, its channels.
pub(super) fn format(
    name: &Value,
    rate: &Value,
    channels: &Value,
    order: ByteOrder,
) -> Result<Format, UnsupportedFormat> {
    let name = name.as_str().unwrap_or_default();
    let mut parameters = name.split(';').map(str::trim);
    let kind = parameters.next().unwrap_or_default().to_ascii_lowercase();
    let named_rate = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("rate").then(|| value.trim().parse::<u64>().ok())?
    });
    let rate = number(rate).or(named_rate);
    let hz = |rate: Option<u64>| rate.and_then(|rate| u32::try_from(rate).ok()).filter(|rate| *rate > 0);
    let format = match &*kind {
        "audio/x-mulaw" | "audio/mulaw" | "audio/pcmu" | "pcmu" => {
            hz(rate.or(Some(8_000))).map(|hz| Format::new(Encoding::Pcmu, hz))
        }
        "audio/x-alaw" | "audio/alaw" | "audio/pcma" | "pcma" => {
            hz(rate.or(Some(8_000))).map(|hz| Format::new(Encoding::Pcma, hz))
        }
        "audio/x-l16" | "audio/l16" | "l16" => hz(rate).map(|hz| ordered(Format::pcm(hz), order)),
        _ => None,
    };
    let mono = number(channels).is_none_or(|channels| channels == 1);
    format.filter(|_| mono).ok_or_else(|| UnsupportedFormat::new(name))
}
