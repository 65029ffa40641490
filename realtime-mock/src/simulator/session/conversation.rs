use std::{
    collections::{HashMap, VecDeque},
    iter::successors,
    sync::Arc,
};

use realtime_core::{
    Audio,
    types::{AudioFormat, Item},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::usage::{Tokens, of_entry};

/// Maximum number of bytes of audio that can be retrieved. Beyond it, the oldest audio is dropped.
const AUDIO: usize = 32 << 20;

/// The items of a session, in order. Operations on one item take constant time.
#[derive(Default)]
pub(super) struct Conversation {
    items: HashMap<Arc<str>, Node>,
    first: Option<Arc<str>>,
    last: Option<Arc<str>>,
    /// The latest item of a kind, by its name for other items: see [`name`].
    named: HashMap<(&'static str, String), Arc<str>>,
    /// Approved requests whose call has not followed yet, in order.
    approved: HashMap<String, u64>,
    approvals: u64,
    /// Input tokens of all items.
    tokens: Tokens,
    /// Items with audio, the oldest first, and its size in bytes.
    audio: VecDeque<(Arc<str>, usize)>,
    bytes: usize,
}

struct Node {
    entry: StoredItem,
    before: Option<Arc<str>>,
    after: Option<Arc<str>>,
}

/// Position of a new item.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Start,
    After(&'a str),
    End,
}

/// An item, and the service's data about it.
#[derive(Clone)]
pub(crate) struct StoredItem {
    pub(super) id: Arc<str>,
    /// The item as in events, without its audio. Always an object.
    pub(crate) item: Value,
    /// Audio of one of its parts.
    pub(super) clip: Option<Clip>,
    /// What the service understood, whether or not it was transcribed.
    pub(super) heard: Option<String>,
}

/// Audio of a part.
#[derive(Clone)]
pub(super) struct Clip {
    pub(super) part: usize,
    format: AudioFormat,
    /// The audio if it is kept, or nothing.
    data: Vec<u8>,
    /// Size before truncation, kept or not.
    made: u64,
    /// Duration before truncation.
    pub(super) made_ms: u64,
    /// Current duration.
    pub(super) ms: u64,
    pub(super) is_cut: bool,
}

impl Clip {
    pub(super) fn new(part: usize, format: AudioFormat, data: Vec<u8>) -> Self {
        let made = data.len() as u64;
        let ms = format.bytes_to_ms(made).unwrap_or_default();
        Self { part, format, data, made, made_ms: ms, ms, is_cut: false }
    }

    /// Adds generated audio. If it exceeds what a conversation keeps, only its length is recorded.
    pub(super) fn extend(&mut self, audio: &[u8]) {
        if self.is_cut {
            return;
        }
        if self.data.len() as u64 == self.made && self.data.len() + audio.len() <= AUDIO {
            self.data.extend_from_slice(audio);
        } else {
            self.data = Vec::new();
        }
        self.made += audio.len() as u64;
        self.made_ms = self.format.bytes_to_ms(self.made).unwrap_or_default();
        self.ms = self.made_ms;
    }

    /// The audio, if it is kept.
    pub(super) fn audio(&self) -> Option<(Audio, AudioFormat)> {
        (!self.data.is_empty()).then(|| (Audio::from(self.data.as_slice()), self.format.clone()))
    }

    /// Truncates to a duration in milliseconds.
    pub(super) fn cut(&mut self, end_ms: u64) {
        self.is_cut = true;
        self.ms = self.ms.min(end_ms);
        let bytes = self.format.ms_to_bytes(self.ms).unwrap_or_default();
        self.data.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
}

impl StoredItem {
    pub(crate) fn new(item: Value) -> Self {
        let id = item["id"].as_str().unwrap_or_default().into();
        Self { id, item, clip: None, heard: None }
    }

    pub(super) fn with_clip(mut self, clip: Option<Clip>) -> Self {
        self.clip = clip;
        self
    }

    /// Returns a copy without the audio.
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

    /// Sets the transcript of a part, if the part exists.
    pub(super) fn set_transcript(&mut self, part: usize, transcript: &str) {
        set(&mut self.item, part, "transcript", transcript.into());
    }

    /// The item's text, transcript, or what was understood.
    pub(crate) fn text(&self) -> String {
        let read = |part: &Value| part["text"].as_str().or_else(|| part["transcript"].as_str()).map(String::from);
        let text: Vec<_> = self.parts().iter().filter_map(read).collect();
        if text.is_empty() { self.heard.clone().unwrap_or_default() } else { text.join(" ") }
    }

    /// The item as a typed value.
    pub(crate) fn typed(&self) -> Option<Item> {
        Item::deserialize(&self.item).ok()
    }

    /// The item as in `conversation.item.retrieved`, with its audio. An item that is still being generated has no parts.
    pub(super) fn retrieved(&self) -> Value {
        let mut item = self.item.clone();
        if matches!(self.kind(), "message" | "function_call" | "function_call_output")
            && let Value::Object(members) = &mut item
        {
            members.insert("object".into(), "realtime.item".into());
        }
        if let Some(clip) = self.clip.as_ref().filter(|clip| !clip.data.is_empty()) {
            set(&mut item, clip.part, "audio", json!(Audio::from(clip.data.as_slice())));
        }
        item
    }

    /// The name by which other items refer to it.
    fn name(&self) -> Option<(&'static str, String)> {
        let (kind, member) = match self.kind() {
            CALL => (CALL, "call_id"),
            LISTED => (LISTED, "server_label"),
            _ => return None,
        };
        Some((kind, self.item[member].as_str()?.into()))
    }

    /// The approval request that it answers.
    fn approves(&self) -> Option<&str> {
        let approves = self.kind() == "mcp_approval_response" && self.item["approve"] == true;
        self.item["approval_request_id"].as_str().filter(|_| approves)
    }
}

const CALL: &str = "function_call";
const LISTED: &str = "mcp_list_tools";

/// Sets a member of a part, if the part exists.
fn set(item: &mut Value, part: usize, member: &str, value: Value) {
    let content = item.get_mut("content").and_then(Value::as_array_mut);
    if let Some(Value::Object(part)) = content.and_then(|content| content.get_mut(part)) {
        part.insert(member.into(), value);
    }
}

impl Conversation {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.items.contains_key(id)
    }

    /// The items, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &StoredItem> {
        let node = |id: &Option<Arc<str>>| self.items.get(id.as_ref()?);
        successors(node(&self.first), move |at| node(&at.after)).map(|node| &node.entry)
    }

    /// The items, in reverse order.
    pub(super) fn rev(&self) -> impl Iterator<Item = &StoredItem> {
        let node = |id: &Option<Arc<str>>| self.items.get(id.as_ref()?);
        successors(node(&self.last), move |at| node(&at.before)).map(|node| &node.entry)
    }

    pub(super) fn get(&self, id: &str) -> Option<&StoredItem> {
        self.items.get(id).map(|node| &node.entry)
    }

    /// Changes an item, if it exists.
    pub(super) fn change<T>(&mut self, id: &str, change: impl FnOnce(&mut StoredItem) -> T) -> Option<T> {
        let entry = &mut self.items.get_mut(id)?.entry;
        self.tokens.subtract(of_entry(entry));
        let changed = change(entry);
        self.tokens.add(of_entry(entry));
        Some(changed)
    }

    /// The call with this id.
    pub(super) fn call(&self, call_id: &str) -> Option<&StoredItem> {
        self.get(self.named.get(&(CALL, call_id.into()))?)
    }

    /// Whether the tools of a server were listed.
    pub(super) fn lists(&self, server: &str) -> bool {
        self.named.contains_key(&(LISTED, server.into()))
    }

    /// Approved requests whose call has not followed yet, in the order of approval.
    pub(super) fn approved(&self) -> Vec<&StoredItem> {
        let mut approved: Vec<_> = self.approved.iter().map(|(id, number)| (number, id)).collect();
        approved.sort_unstable();
        approved.into_iter().filter_map(|(_, id)| self.get(id)).collect()
    }

    /// Input tokens of all items.
    pub(super) fn tokens(&self) -> Tokens {
        self.tokens
    }

    /// The item before a position.
    pub(super) fn before(&self, place: Place<'_>) -> Option<&Arc<str>> {
        match place {
            Place::Start => None,
            Place::After(id) => self.items.get_key_value(id).map(|(id, _)| id),
            Place::End => self.last.as_ref(),
        }
    }

    /// The item before this one.
    pub(super) fn predecessor(&self, id: &str) -> Option<&str> {
        self.items.get(id)?.before.as_deref()
    }

    /// Inserts an item, replacing another one with the same id.
    pub(super) fn insert(&mut self, place: Place<'_>, entry: StoredItem) {
        self.remove(&entry.id);
        let before = self.before(place).cloned();
        let id = entry.id.clone();
        let after = match &before {
            None => self.first.clone(),
            Some(before) => self.items.get(before).and_then(|node| node.after.clone()),
        };
        *self.link_after(before.as_ref()) = Some(id.clone());
        *self.link_before(after.as_ref()) = Some(id.clone());
        if let Some(clip) = &entry.clip {
            let bytes = clip.data.len();
            self.audio.push_back((id.clone(), bytes));
            self.bytes += bytes;
        }
        self.named.extend(entry.name().map(|name| (name, id.clone())));
        if let Some(request) = entry.approves() {
            self.approved.insert(request.into(), self.approvals);
            self.approvals += 1;
        } else if entry.kind() == "mcp_call"
            && let Some(request) = entry.item["approval_request_id"].as_str()
        {
            self.approved.remove(request);
        }
        self.tokens.add(of_entry(&entry));
        self.items.insert(id, Node { entry, before, after });
        self.let_go();
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<StoredItem> {
        let Node { entry, before, after } = self.items.remove(id)?;
        *self.link_after(before.as_ref()) = after.clone();
        *self.link_before(after.as_ref()) = before;
        self.tokens.subtract(of_entry(&entry));
        if let Some(name) = entry.name().filter(|name| self.named.get(name).is_some_and(|named| **named == *id)) {
            self.named.remove(&name);
        }
        if let Some(request) = entry.approves() {
            self.approved.remove(request);
        }
        Some(entry)
    }

    /// The link after an item, or after the start of the conversation.
    fn link_after(&mut self, id: Option<&Arc<str>>) -> &mut Option<Arc<str>> {
        match id.and_then(|id| self.items.get_mut(id)) {
            Some(node) => &mut node.after,
            None => &mut self.first,
        }
    }

    /// The link before an item, or before the end of the conversation.
    fn link_before(&mut self, id: Option<&Arc<str>>) -> &mut Option<Arc<str>> {
        match id.and_then(|id| self.items.get_mut(id)) {
            Some(node) => &mut node.before,
            None => &mut self.last,
        }
    }

    /// Records that the audio of an item is complete.
    pub(super) fn settle(&mut self, id: &str) {
        if let Some((id, node)) = self.items.get_key_value(id)
            && let Some(clip) = &node.entry.clip
        {
            let bytes = clip.data.len();
            self.audio.push_back((id.clone(), bytes));
            self.bytes += bytes;
            self.let_go();
        }
    }

    /// Drops all audio.
    pub(super) fn forget_audio(&mut self) {
        self.audio.clear();
        self.bytes = 0;
        self.items.values_mut().filter_map(|node| node.entry.clip.as_mut()).for_each(|clip| clip.data = Vec::new());
    }

    /// Drops the oldest audio beyond the limit.
    fn let_go(&mut self) {
        while self.bytes > AUDIO
            && let Some((oldest, bytes)) = self.audio.pop_front()
        {
            self.bytes -= bytes;
            if let Some(clip) = self.items.get_mut(&oldest).and_then(|node| node.entry.clip.as_mut()) {
                clip.data = Vec::new();
            }
        }
    }
}
