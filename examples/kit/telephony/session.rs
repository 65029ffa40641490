//! A whole call: what the carrier said and the application asked for, line by line.

use std::{fs, path::Path, time::Duration};

use realtime::{
    audio::{Converter, Format},
    telephony::{ByteOrder, Carrier, CarrierStream, Frame, Incoming, Media, Part, Settings},
    transport::Instant,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{audio, base64, format, format_value, message, reading, same_message, settings};
use crate::case::{json, listed, same, text};

/// How far what was heard by the clock may be from what was really heard.
const CLOCK_MS: u64 = 40;

pub(super) fn run(carrier: Carrier, path: &Path) -> Result<(), String> {
    let expect = json(&path.with_extension("expect.json"))?;
    let lines = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let mut call = Call::new(carrier, &expect)?;
    for (number, line) in (1..).zip(lines.lines()) {
        let line: Value = serde_json::from_str(line).map_err(|error| format!("line {number}: {error}"))?;
        call.line(&line).map_err(|error| format!("line {number}: {error}"))?;
    }
    call.finish(&expect)
}

struct Call {
    stream: CarrierStream,
    now: Instant,
    /// The items in order, and how much of the first is still to be sent, in milliseconds.
    items: Vec<(Part, u64)>,
    media: Vec<Media>,
    played: Vec<String>,
    returned: Vec<String>,
    dtmf: String,
    /// What was asked for and not sent yet.
    frames: Vec<Frame>,
}

impl Call {
    fn new(carrier: Carrier, expect: &Value) -> Result<Self, String> {
        let items = expect["outbound"]["items"].as_array().into_iter().flatten();
        let item = |item: &Value| (Part::new(text(item, "item"), 0), item["sent_ms"].as_u64().unwrap_or_default());
        Ok(Self {
            stream: CarrierStream::new(configured(settings(carrier), expect)?),
            now: Instant::default(),
            items: items.map(item).collect(),
            media: Vec::new(),
            played: Vec::new(),
            returned: Vec::new(),
            dtmf: String::new(),
            frames: Vec::new(),
        })
    }

    fn line(&mut self, line: &Value) -> Result<(), String> {
        self.now = Instant::from_origin(Duration::from_millis(line["at_ms"].as_u64().unwrap_or_default()));
        match text(line, "from") {
            "carrier" => self.receive(line),
            "app" => self.ask(line),
            other => Err(format!("a line from nobody: {other:?}")),
        }
    }

    fn receive(&mut self, line: &Value) -> Result<(), String> {
        let (mut came, format) = (json!({ "kind": "malformed" }), self.stream.inbound_format().ok());
        if let Ok(incoming) = self.stream.receive(&message(line)?) {
            came = reading(&incoming, format);
            match incoming {
                Incoming::Mark(mark) if mark.played == Some(true) => self.played.push(mark.name),
                Incoming::Mark(mark) if mark.played == Some(false) => self.returned.push(mark.name),
                Incoming::Dtmf(dtmf) => self.dtmf.push_str(&dtmf.digit),
                _ => {}
            }
        }
        self.media.extend(std::iter::from_fn(|| self.stream.next_media()));
        // Whether a mark was played is compared at the end, where it matters.
        let mut expected = line["expect"].clone();
        if let Some(members) = expected.as_object_mut() {
            members.remove("played");
        }
        listed(&expected, &came)
    }

    fn ask(&mut self, line: &Value) -> Result<(), String> {
        let asked = &line["asked"];
        let refused = |error| format!("refused: {error}");
        let expected = match line["binary_base64"].as_str() {
            Some(text) => Some(Frame::Binary(base64(text)?.into())),
            None => None,
        };
        match text(asked, "do") {
            "media" => {
                let payload = match (&expected, line["json"]["media"]["payload"].as_str()) {
                    (Some(frame), _) => audio(frame)?,
                    (None, text) => base64(text.unwrap_or_default())?,
                };
                let big = self.stream.carrier() == Carrier::Telnyx;
                let pcm = pcm16(&payload, format(&asked["format"], big)?)?;
                same("decoded audio", text(asked, "pcm16_sha256"), &sha256(&pcm))?;
                let part = self.part(asked["ms"].as_u64().unwrap_or_default());
                self.frames.extend(self.stream.media(self.now, &part, &payload).map_err(refused)?);
            }
            "mark" => self.frames.extend(self.stream.mark(self.now, text(asked, "name")).map_err(refused)?),
            "clear" => self.frames.push(self.stream.clear(self.now).map_err(refused)?),
            "dtmf" => self.frames.push(self.stream.dtmf(text(asked, "digits")).map_err(refused)?),
            other => return Err(format!("something that is not known here is asked for: {other:?}")),
        }
        if self.frames.len() != 1 {
            return Err(format!("expected one message, came {}", self.frames.len()));
        }
        let Some(came) = self.frames.pop() else { return Ok(()) };
        let id = self.stream.start().and_then(|start| start.stream_id.as_deref());
        match expected {
            Some(expected) if expected == came => Ok(()),
            Some(_) => Err("another binary message was sent".into()),
            None => same_message(&line["json"], &line["optional"], id, &came),
        }
    }

    /// The item that so much more audio belongs to.
    fn part(&mut self, ms: u64) -> Part {
        while self.items.len() > 1 && self.items.first().is_some_and(|(_, left)| *left == 0) {
            self.items.remove(0);
        }
        match self.items.first_mut() {
            Some((part, left)) => {
                *left = left.saturating_sub(ms);
                part.clone()
            }
            None => Part::new("", 0),
        }
    }

    fn finish(mut self, expect: &Value) -> Result<(), String> {
        // The socket is closed.
        self.stream.end();
        self.media.extend(std::iter::from_fn(|| self.stream.next_media()));
        let start = self.stream.start().ok_or("the call never started")?;
        let ids = json!({ "stream_id": start.stream_id, "call_id": start.call_id });
        for name in ["stream_id", "call_id"] {
            same(name, &expect[name], &ids[name])?;
        }
        self.formats(expect)?;
        self.inbound(&expect["inbound"])?;
        for item in expect["outbound"]["items"].as_array().into_iter().flatten() {
            self.item(item).map_err(|error| format!("{}: {error}", text(item, "item")))?;
        }
        same("marks played", &expect["marks_played"], &json!(self.played))?;
        same("marks returned by a clear", &expect["marks_returned_by_a_clear"], &json!(self.returned))?;
        same("dtmf", text(expect, "dtmf"), &self.dtmf)
    }

    fn formats(&self, expect: &Value) -> Result<(), String> {
        let inbound = self.stream.inbound_format().map_err(|error| error.to_string())?;
        let mut from = format_value(inbound);
        from["frame_ms"] = json!(self.media.first().map(|media| inbound.bytes_to_ms(media.audio.len() as u64)));
        listed(&expect["from_carrier"], &from).map_err(|error| format!("from_carrier: {error}"))?;
        let outbound = self.stream.outbound_format().map_err(|error| error.to_string())?;
        let mut to = format_value(outbound);
        to["frame_ms"] = expect["to_carrier"]["frame_ms"].clone();
        listed(&expect["to_carrier"], &to).map_err(|error| format!("to_carrier: {error}"))
    }

    fn inbound(&self, expect: &Value) -> Result<(), String> {
        let format = self.stream.inbound_format().map_err(|error| error.to_string())?;
        let all: Vec<u8> = self.media.iter().flat_map(|media| media.audio.iter().copied()).collect();
        let whole: Vec<u8> = self.media.iter().flat_map(|media| media.samples(format).iter().copied()).collect();
        let came = json!({
            "frames": self.media.len(), "bytes": all.len(), "sha256": sha256(&all),
            "pcm16_sha256": sha256(&pcm16(&whole, format)?),
            "pcm16_sha256_if_little_endian": sha256(&whole),
        });
        listed(expect, &came).map_err(|error| format!("inbound: {error}"))
    }

    fn item(&self, expect: &Value) -> Result<(), String> {
        let (name, part) = (text(expect, "item"), Part::new(text(expect, "item"), 0));
        let number = |name: &str| expect[name].as_u64().unwrap_or_default();
        let ms = |time: Option<Duration>| time.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        same("sent", number("sent_ms"), ms(self.stream.sent(&part)))?;
        let marked = self.played.iter().filter_map(|mark| mark.rsplit_once(':')).filter(|(item, _)| *item == name);
        let acknowledged = marked.filter_map(|(_, ms)| ms.parse::<u64>().ok()).max().unwrap_or_default();
        same("acknowledged", number("acknowledged_ms"), acknowledged)?;
        let (heard, really) = (ms(self.stream.heard(&part, self.now)), number("really_heard_ms"));
        if heard < acknowledged || heard > number("sent_ms") || heard.abs_diff(really) > CLOCK_MS {
            return Err(format!("heard: expected {really}, came {heard}"));
        }
        Ok(())
    }
}

/// With what carriers do not say: the byte order of 16-bit audio, and what Telnyx was asked to play.
fn configured(mut settings: Settings, expect: &Value) -> Result<Settings, String> {
    let order = |side: &str| match text(&expect[side], "byte_order") {
        "big" => Some(ByteOrder::Big),
        "little" => Some(ByteOrder::Little),
        _ => None,
    };
    if settings.carrier == Carrier::Telnyx {
        settings.outbound = Some(format(&expect["to_carrier"], true)?);
    }
    if let Some(order) = order("from_carrier") {
        settings = settings.from_carrier(order);
    }
    if let Some(order) = order("to_carrier") {
        settings = settings.to_carrier(order);
    }
    Ok(settings)
}

/// Decoded to little-endian 16-bit samples at the same rate.
fn pcm16(bytes: &[u8], format: Format) -> Result<Vec<u8>, String> {
    let mut converter = Converter::new(format, Format::pcm(format.rate_hz())).map_err(|error| error.to_string())?;
    let mut decoded = converter.convert(bytes).to_vec();
    decoded.extend_from_slice(converter.finish());
    Ok(decoded)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
