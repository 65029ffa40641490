use std::collections::VecDeque;

use realtime_core::{
    Audio,
    types::{AudioFormat, Item},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Bytes of audio that a conversation keeps to be retrieved: older audio is let go.
const AUDIO: usize = 32 << 20;

/// The items of a session, in order.
#[derive(Default)]
pub(super) struct Conversation {
    items: Vec<Entry>,
    /// Which items have audio, the oldest first, and how many bytes.
    audio: VecDeque<(String, usize)>,
    bytes: usize,
}

/// An item, and what the service knows of it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(super) id: String,
    /// As events show it, without its audio.
    pub(crate) item: Value,
    /// The audio of one of its parts.
    pub(super) clip: Option<Clip>,
    /// What the service heard in it, written down or not.
    pub(super) heard: Option<String>,
}

/// The audio of a part.
#[derive(Clone)]
pub(super) struct Clip {
    pub(super) part: usize,
    pub(super) format: AudioFormat,
    pub(super) data: Vec<u8>,
    /// How long it was before it was cut.
    pub(super) made_ms: u64,
    /// How long it is now.
    pub(super) ms: u64,
    pub(super) is_cut: bool,
}

impl Clip {
    pub(super) fn new(part: usize, format: AudioFormat, data: Vec<u8>) -> Self {
        let ms = format.bytes_to_ms(data.len() as u64).unwrap_or_default();
        Self { part, format, data, made_ms: ms, ms, is_cut: false }
    }

    /// Adds what was just made.
    pub(super) fn extend(&mut self, audio: &[u8]) {
        if !self.is_cut {
            self.data.extend_from_slice(audio);
            self.made_ms = self.format.bytes_to_ms(self.data.len() as u64).unwrap_or_default();
            self.ms = self.made_ms;
        }
    }

    /// Takes away what comes after so many milliseconds.
    pub(super) fn cut(&mut self, end_ms: u64) {
        self.is_cut = true;
        self.ms = self.ms.min(end_ms);
        let bytes = self.format.ms_to_bytes(self.ms).unwrap_or_default();
        self.data.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
}

impl Entry {
    pub(super) fn new(item: Value) -> Self {
        let id = item["id"].as_str().unwrap_or_default().into();
        Self { id, item, clip: None, heard: None }
    }

    pub(super) fn with_clip(mut self, clip: Option<Clip>) -> Self {
        self.clip = clip;
        self
    }

    /// A copy without the audio.
    pub(super) fn light(&self) -> Self {
        Self { id: self.id.clone(), item: self.item.clone(), clip: None, heard: self.heard.clone() }
    }

    pub(crate) fn kind(&self) -> &str {
        self.item["type"].as_str().unwrap_or_default()
    }

    pub(crate) fn role(&self) -> &str {
        self.item["role"].as_str().unwrap_or_default()
    }

    pub(super) fn parts(&self) -> &[Value] {
        self.item["content"].as_array().map_or(&[], Vec::as_slice)
    }

    /// What can be read of it: its text, its transcript, or what was heard.
    pub(crate) fn text(&self) -> String {
        let read = |part: &Value| part["text"].as_str().or_else(|| part["transcript"].as_str()).map(String::from);
        let text: Vec<_> = self.parts().iter().filter_map(read).collect();
        if text.is_empty() { self.heard.clone().unwrap_or_default() } else { text.join(" ") }
    }

    /// As a typed item.
    pub(crate) fn typed(&self) -> Option<Item> {
        Item::deserialize(&self.item).ok()
    }

    /// As `conversation.item.retrieved` shows it: with its audio.
    pub(super) fn retrieved(&self) -> Value {
        let mut item = self.item.clone();
        if matches!(self.kind(), "message" | "function_call" | "function_call_output") {
            item["object"] = "realtime.item".into();
        }
        if let Some(clip) = &self.clip
            && !clip.data.is_empty()
        {
            item["content"][clip.part]["audio"] = json!(Audio::from(clip.data.as_slice()));
        }
        item
    }
}

impl Conversation {
    pub(super) fn entries(&self) -> &[Entry] {
        &self.items
    }

    pub(super) fn position(&self, id: &str) -> Option<usize> {
        // What is asked for is mostly near the end.
        self.items.iter().rposition(|entry| entry.id == id)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Entry> {
        self.position(id).map(|at| &self.items[at])
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Entry> {
        self.position(id).map(|at| &mut self.items[at])
    }

    /// The item that stands before this place.
    pub(super) fn before(&self, at: usize) -> Option<&str> {
        Some(&self.items.get(at.checked_sub(1)?)?.id)
    }

    /// The item that stands before that one.
    pub(super) fn predecessor(&self, id: &str) -> Option<&str> {
        self.before(self.position(id)?)
    }

    pub(super) fn insert(&mut self, at: usize, entry: Entry) {
        if let Some(clip) = &entry.clip {
            self.keep(&entry.id, clip.data.len());
        }
        self.items.insert(at.min(self.items.len()), entry);
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.insert(self.items.len(), entry);
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Entry> {
        self.position(id).map(|at| self.items.remove(at))
    }

    /// Notes that an item has all its audio now.
    pub(super) fn settle(&mut self, id: &str) {
        if let Some(bytes) = self.get(id).and_then(|entry| Some(entry.clip.as_ref()?.data.len())) {
            self.keep(id, bytes);
        }
    }

    /// Lets all audio go.
    pub(super) fn forget_audio(&mut self) {
        self.audio.clear();
        self.bytes = 0;
        self.items.iter_mut().filter_map(|entry| entry.clip.as_mut()).for_each(|clip| clip.data = Vec::new());
    }

    /// Notes that an item has audio, and lets the oldest go if that is too much.
    fn keep(&mut self, id: &str, bytes: usize) {
        self.bytes += bytes;
        self.audio.push_back((id.into(), bytes));
        while self.bytes > AUDIO
            && let Some((oldest, bytes)) = self.audio.pop_front()
        {
            self.bytes -= bytes;
            if let Some(clip) = self.get_mut(&oldest).and_then(|entry| entry.clip.as_mut()) {
                clip.data = Vec::new();
            }
        }
    }
}
