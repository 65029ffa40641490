//! One message at a time.

use std::path::Path;

use realtime::{
    audio::Format,
    telephony::{Carrier, CarrierStream, Frame, Part, Refused, Settings},
    transport::Instant,
};
use serde_json::{Value, json};

use super::{audio, base64, format, message, reading, same_message, settings};
use crate::case::{json, listed, same};

pub(super) fn parse(carrier: Carrier, case: &Value) -> Result<(), String> {
    let came = match settings(carrier).read(&message(case)?) {
        // Vonage has one encoding, whatever its rate.
        Ok(incoming) => reading(&incoming, (carrier == Carrier::Vonage).then_some(Format::pcm(16_000))),
        Err(_) => json!({ "kind": "malformed" }),
    };
    listed(&case["expect"], &came)
}

pub(super) fn build(carrier: Carrier, path: &Path, case: &Value) -> Result<(), String> {
    let asked = &case["asked"];
    let mut settings = settings(carrier);
    if asked["format"].is_object() {
        settings.outbound = Some(format(&asked["format"], carrier == Carrier::Telnyx)?);
    }
    let mut stream = CarrierStream::new(settings);
    if asked["before_start"] != true {
        stream.receive(&first_start(path)?).map_err(|error| error.to_string())?;
    }
    let (came, payload) = ask(&mut stream, settings, asked)?;
    check(case, &stream, came, &payload)
}

/// The file's first start.
fn first_start(path: &Path) -> Result<Frame, String> {
    let file = json(path)?;
    let mut cases = file["parse"].as_array().into_iter().flatten();
    message(cases.find(|case| case["expect"]["kind"] == "start").ok_or("the file has no start")?)
}

/// What the stream makes of it, and the audio that was asked for.
#[expect(clippy::type_complexity, reason = "a result within a result: of the case, and of the stream")]
fn ask(
    stream: &mut CarrierStream,
    settings: Settings,
    asked: &Value,
) -> Result<(Result<Vec<Frame>, Refused>, Vec<u8>), String> {
    let now = Instant::default();
    let mut payload = Vec::new();
    let frames = match asked["do"].as_str() {
        Some("media") => {
            payload = match (asked["payload_base64"].as_str(), asked["ms"].as_u64()) {
                (Some(text), _) => base64(text)?,
                (_, Some(ms)) => {
                    let format = settings.outbound.or_else(|| stream.outbound_format().ok()).ok_or("no format")?;
                    // Content that shows where it was cut.
                    (0..format.ms_to_bytes(ms)).map(|at| u8::try_from(at % 251).unwrap_or_default()).collect()
                }
                _ => return Err(format!("no audio is asked for: {asked}")),
            };
            stream.media(now, &Part::new("item", 0), &payload)
        }
        Some("mark") => stream.mark(now, asked["name"].as_str().unwrap_or_default()),
        Some("clear") => stream.clear(now).map(|frame| vec![frame]),
        Some("dtmf") => stream.dtmf(asked["digits"].as_str().unwrap_or_default()).map(|frame| vec![frame]),
        other => return Err(format!("something that is not known here is asked for: {other:?}")),
    };
    let frames = frames.and_then(|mut frames| {
        if asked["do"] == "media" {
            frames.extend(stream.flush(now)?);
        }
        Ok(frames)
    });
    Ok((frames, payload))
}

fn check(
    case: &Value,
    stream: &CarrierStream,
    came: Result<Vec<Frame>, Refused>,
    payload: &[u8],
) -> Result<(), String> {
    let demand = &case["json"];
    if demand["refuse"] == true {
        return came.map_or(Ok(()), |frames| Err(format!("expected a refusal, came {frames:?}")));
    }
    let frames = came.map_err(|refused| format!("refused: {refused}"))?;
    let binaries =
        if case["binaries_base64"].is_array() { &case["binaries_base64"] } else { &demand["binaries_base64"] };
    if let Some(binaries) = binaries.as_array() {
        let expected: Result<Vec<_>, String> =
            binaries.iter().map(|it| Ok(Frame::Binary(base64(it.as_str().unwrap_or_default())?.into()))).collect();
        return same("binary messages", expected?, frames);
    }
    let number = |name: &str| demand[name].as_u64();
    if let Some(least) = number("pad_or_carry_to_ms") {
        let pieces = pieces(&frames)?;
        let short = pieces.iter().any(|piece| ms(stream, piece) < least);
        let joined = pieces.concat();
        return match !short && joined.starts_with(payload) {
            true => Ok(()),
            false => {
                Err(format!("{} bytes became {:?}", payload.len(), pieces.iter().map(Vec::len).collect::<Vec<_>>()))
            }
        };
    }
    let (most_ms, most_base64) = (number("split_below_ms"), number("split_below_base64_bytes"));
    if most_ms.is_some() || most_base64.is_some() {
        let pieces = pieces(&frames)?;
        let fits = |piece: &Vec<u8>| {
            let sample = stream.outbound_format().map_or(1, |format| format.bytes_per_sample() as usize);
            most_ms.is_none_or(|most| ms(stream, piece) <= most)
                && most_base64.is_none_or(|most| piece.len().div_ceil(3) as u64 * 4 <= most)
                && piece.len().is_multiple_of(sample)
                && (stream.carrier() != Carrier::Telnyx || ms(stream, piece) >= 20)
        };
        return match pieces.len() > 1 && pieces.iter().all(fits) && pieces.concat() == payload {
            true => Ok(()),
            false => {
                Err(format!("{} bytes became {:?}", payload.len(), pieces.iter().map(Vec::len).collect::<Vec<_>>()))
            }
        };
    }
    let [frame] = &*frames else { return Err(format!("expected one message, came {}", frames.len())) };
    let id = stream.start().and_then(|start| start.stream_id.as_deref());
    same_message(demand, &case["optional"], id, frame)
}

fn pieces(frames: &[Frame]) -> Result<Vec<Vec<u8>>, String> {
    frames.iter().map(audio).collect()
}

fn ms(stream: &CarrierStream, piece: &[u8]) -> u64 {
    stream.outbound_format().map_or(0, |format| format.bytes_to_ms(piece.len() as u64))
}
