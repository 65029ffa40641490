//! A recorded session as a picture: what happened when, as data for the page that draws it.

mod live;
mod page;
mod realtime;
#[cfg(test)]
mod tests;
mod translation;

use serde::Serialize;
use serde_json::Value;

pub(crate) use page::html;

use crate::frames::{Recorded, Recording, Sender, Spoken};

/// Maximum length of an event's text in the page, in bytes. Longer ones are cut: audio cannot be read.
const MOST_TEXT: usize = 2_000;

/// What happens at the same time stands in different lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Lane {
    /// The user's speech, as the server detected it.
    Speech,
    /// What the user said.
    Heard,
    /// The model's audio, as it arrived.
    Sent,
    /// The model's audio, as it was played.
    Played,
    /// What the model said.
    Said,
    /// Responses, from their creation to their end.
    Responses,
    /// Calls of functions, from their arguments to their output.
    Tools,
    /// Interruptions, errors, and the beginnings and ends of connections.
    Notes,
}

/// Something that lasts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Span {
    pub(crate) lane: Lane,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) label: String,
    /// Of which item, response or call.
    pub(crate) id: String,
    /// Why it is drawn differently, such as `cancelled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
}

/// Something that happens at one time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Mark {
    pub(crate) lane: Lane,
    pub(crate) at: u64,
    pub(crate) label: String,
    pub(crate) kind: &'static str,
}

/// An event of the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Listed {
    pub(crate) at: u64,
    /// `c` for the client, `s` for the server.
    pub(crate) from: char,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) text: String,
}

/// A measured delay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Latency {
    pub(crate) what: &'static str,
    pub(crate) id: String,
    pub(crate) ms: u64,
}

/// Everything that the page shows, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Picture {
    pub(crate) title: String,
    /// Whether the times were recorded; otherwise they are estimated from the audio.
    pub(crate) timed: bool,
    pub(crate) duration: u64,
    pub(crate) spans: Vec<Span>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) latencies: Vec<Latency>,
    pub(crate) events: Vec<Listed>,
    /// The session's state at its end.
    pub(crate) state: Value,
}

impl Picture {
    /// Creates the picture of a recording.
    pub(crate) fn new(title: String, recording: &Recording) -> Self {
        let mut picture = match recording.protocol {
            Spoken::Realtime => realtime::picture(recording),
            Spoken::Translation => translation::picture(recording),
            Spoken::Live => live::picture(recording),
        };
        picture.title = title;
        picture.timed = recording.timed;
        let ends = picture.spans.iter().map(|span| span.end);
        picture.duration = ends.chain(recording.entries.last().map(|(at, _)| *at)).max().unwrap_or(0);
        picture
    }

    /// An empty picture with the events and connections, which all protocols have.
    fn of(recording: &Recording) -> Self {
        let mut picture = Self {
            title: String::new(),
            timed: false,
            duration: 0,
            spans: Vec::new(),
            marks: Vec::new(),
            latencies: Vec::new(),
            events: Vec::new(),
            state: Value::Null,
        };
        for (at, entry) in &recording.entries {
            match entry {
                Recorded::Event(sender, raw) => picture.list(*at, *sender, raw),
                Recorded::Opened(link, url) => {
                    let label = if *link > 1 { format!("reconnected, link {link}") } else { "connected".into() };
                    let label = url.as_ref().map_or(label.clone(), |url| format!("{label}: {url}"));
                    picture.mark(Lane::Notes, *at, "link", label);
                }
                Recorded::Ended(reason) => {
                    let reason = reason.as_deref().unwrap_or("gracefully");
                    picture.mark(Lane::Notes, *at, "link", format!("connection ended: {reason}"));
                }
            }
        }
        picture
    }

    fn list(&mut self, at: u64, sender: Sender, raw: &[u8]) {
        let mut event: Value = serde_json::from_slice(raw).unwrap_or(Value::Null);
        for member in ["audio", "delta"] {
            if let Some(audio) = event[member].as_str().filter(|text| text.len() > 200 && !text.contains(' ')) {
                event[member] = format!("({} characters of audio)", audio.len()).into();
            }
        }
        let mut text = if event.is_null() { String::from_utf8_lossy(raw).into_owned() } else { event.to_string() };
        let end = text.floor_char_boundary(MOST_TEXT);
        if end < text.len() {
            text.truncate(end);
            text.push('…');
        }
        let from = if sender == Sender::Client { 'c' } else { 's' };
        let kind = event["type"].as_str().unwrap_or("not an event").to_owned();
        self.events.push(Listed { at, from, kind, text });
    }

    fn mark(&mut self, lane: Lane, at: u64, kind: &'static str, label: impl Into<String>) {
        self.marks.push(Mark { lane, at, label: label.into(), kind });
    }

    fn add(&mut self, lane: Lane, (start, end): (u64, u64), id: impl ToString, label: impl Into<String>) {
        let end = end.max(start);
        self.spans.push(Span { lane, start, end, label: label.into(), id: id.to_string(), state: None });
    }

    /// The newest span of an item in a lane, to be continued.
    fn find(&mut self, lane: Lane, id: &str) -> Option<&mut Span> {
        self.spans.iter_mut().rev().find(|span| span.lane == lane && span.id == id)
    }

    /// Continues the text of an item in a lane, or begins it.
    fn continue_text(&mut self, lane: Lane, at: u64, id: &str, text: &str) {
        match self.find(lane, id) {
            Some(span) => {
                span.label.push_str(text);
                span.end = span.end.max(at);
            }
            None => self.add(lane, (at, at), id, text),
        }
    }
}

/// A loudspeaker that plays what arrives, one after another.
#[derive(Default)]
struct Loudspeaker {
    /// When everything that has arrived will have been played.
    free: u64,
}

impl Loudspeaker {
    /// Audio arrives: one span as it arrived, one as it is played.
    fn play(&mut self, picture: &mut Picture, at: u64, ms: u64, id: &str) {
        match picture.find(Lane::Sent, id) {
            Some(span) => span.end = at,
            None => picture.add(Lane::Sent, (at, at), id, ""),
        }
        let start = at.max(self.free);
        self.free = start + ms;
        match picture.find(Lane::Played, id).filter(|span| span.end == start) {
            Some(span) => span.end = start + ms,
            None => picture.add(Lane::Played, (start, start + ms), id, ""),
        }
    }

    /// Playback of an item stopped after this much of it.
    fn stop(&mut self, picture: &mut Picture, at: u64, heard: u64, id: &str) {
        let mut left = heard;
        for span in picture.spans.iter_mut().filter(|span| span.lane == Lane::Played && span.id == id) {
            let length = (span.end - span.start).min(left);
            span.end = span.start + length;
            span.state = Some("interrupted".into());
            left -= length;
        }
        picture.spans.retain(|span| span.lane != Lane::Played || span.id != id || span.end > span.start);
        self.free = self.free.min(at);
    }
}
