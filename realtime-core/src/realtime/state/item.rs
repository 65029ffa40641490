use crate::{
    protocol::types::{Failure, ItemStatus},
    realtime::types::{ContentPart, FunctionCall, Item, McpCall, McpListTools, Message, PartKind, Role},
    wire::{Audio, Id, Patch},
};

/// An item of the conversation, as far as it is known: what the server said of it at once, and what it said in deltas.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ItemState {
    /// Its id.
    pub id: Id,
    /// The item. Text, transcripts and arguments grow while they are streamed.
    pub item: Item,
    /// What is known of the parts of a message beside their text, in the same order.
    pub parts: Vec<PartState>,
    /// The response that it belongs to.
    pub response_id: Option<Id>,
    /// Why its audio could not be transcribed.
    pub transcription_error: Option<Failure>,
    /// Who said what when, if the transcription tells speakers apart.
    pub segments: Vec<Segment>,
    /// How far the call or the listing has come, if this is one of MCP.
    pub mcp: Option<McpStatus>,
    /// Whether the server has described it. Deltas may come before that.
    pub(super) described: bool,
    /// When it was first spoken of, counted in items: what was spoken of earlier stands in front.
    pub(super) first: u64,
    /// Whether it is part of the conversation.
    pub(super) placed: bool,
    /// Whether the server has said where it stands.
    pub(super) announced: bool,
    /// Bytes of what is not streamed, as it was last described.
    fixed: usize,
    /// What the conversation counts it as: see [`weight`](Self::weight).
    pub(super) weighed: usize,
}

/// What is known of a part of a message beside its text.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PartState {
    /// Bytes of its audio that the conversation holds: what was received, less what was cut off.
    pub audio_bytes: u64,
    /// The audio, where the session keeps it.
    pub audio: Option<Vec<u8>>,
    /// Where it was cut off, in milliseconds. What still arrives for it then is left out.
    pub truncated_ms: Option<u64>,
    /// The first half of a sample whose other half the next delta brings. It is part of the audio already.
    pub(super) half: Option<u8>,
}

/// A piece of a transcription by one speaker.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Segment {
    /// Its id.
    pub id: Id,
    /// Who speaks.
    pub speaker: String,
    /// What is said.
    pub text: String,
    /// From where in the item's audio, in seconds. None if the server does not say.
    pub start: Option<f64>,
    /// Until where, in seconds. None if the server does not say.
    pub end: Option<f64>,
}

/// How far something of MCP has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum McpStatus {
    /// It is under way.
    InProgress,
    /// It is done.
    Completed,
    /// It failed.
    Failed,
}

/// A text of a part that grows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Text,
    Transcript,
}

impl ItemState {
    /// An item that is only known from deltas so far.
    pub(super) fn provisional(id: Id, mut item: Item) -> Self {
        // It may be shown, and made anew, before the server describes it.
        item.set_id(&id);
        Self {
            id,
            item,
            parts: Vec::new(),
            response_id: None,
            transcription_error: None,
            segments: Vec::new(),
            mcp: None,
            described: false,
            first: 0,
            placed: false,
            announced: false,
            fixed: 0,
            weighed: 0,
        }
    }

    /// An item to be described at once: the parts of a message are taken in one by one.
    pub(super) fn blank(id: Id, item: &Item) -> Self {
        match item {
            Item::Message(message) => Self::message(id, message.role.clone()),
            other => Self::provisional(id, other.clone()),
        }
    }

    pub(super) fn message(id: Id, role: Role) -> Self {
        Self::provisional(id, Message::new(role, []).into())
    }

    pub(super) fn function_call(id: Id) -> Self {
        Self::provisional(id, FunctionCall::new("", "").into())
    }

    pub(super) fn mcp_call(id: Id) -> Self {
        Self::provisional(id, McpCall::new("", "", "").into())
    }

    pub(super) fn mcp_list(id: Id) -> Self {
        Self::provisional(id, McpListTools::new("", []).into())
    }

    /// Takes in what the server says of the item. A text that was accumulated is not erased by one that is missing or
    /// empty. `exact` is for an item that was asked for: then what it says of a truncated part counts too.
    pub(super) fn describe(&mut self, item: &Item, keep_audio: bool, exact: bool) {
        self.described = true;
        match (&mut self.item, item) {
            (Item::Message(mine), Item::Message(new)) => {
                if !new.role.as_str().is_empty() || mine.role.as_str().is_empty() {
                    mine.role = new.role.clone();
                }
                fill(&mut mine.id, &new.id);
                fill(&mut mine.object, &new.object);
                fill(&mut mine.status, &new.status);
                for (index, part) in new.content.iter().enumerate() {
                    self.describe_part(index, part, keep_audio, exact);
                }
            }
            (Item::FunctionCall(mine), Item::FunctionCall(new)) => {
                fill(&mut mine.id, &new.id);
                fill(&mut mine.object, &new.object);
                fill(&mut mine.status, &new.status);
                fill(&mut mine.call_id, &new.call_id);
                fill_text(&mut mine.name, &new.name);
                fill_text(&mut mine.arguments, &new.arguments);
            }
            (Item::McpCall(mine), Item::McpCall(new)) => {
                fill(&mut mine.id, &new.id);
                fill_text(&mut mine.server_label, &new.server_label);
                fill_text(&mut mine.name, &new.name);
                fill_text(&mut mine.arguments, &new.arguments);
                fill_patch(&mut mine.approval_request_id, &new.approval_request_id);
                fill_patch(&mut mine.output, &new.output);
                fill_patch(&mut mine.error, &new.error);
            }
            // It was taken for something else as long as there were only deltas.
            (mine, Item::Message(new)) => {
                *mine = Item::Message(Message { content: Vec::new(), ..new.clone() });
                for (index, part) in new.content.iter().enumerate() {
                    self.describe_part(index, part, keep_audio, exact);
                }
            }
            // Nothing of these is streamed, so the server's latest word is the whole.
            (mine, new) => {
                *mine = new.clone();
                self.fixed = serde_json::to_string(new).map_or(0, |text| text.len());
            }
        }
    }

    pub(super) fn describe_part(&mut self, index: usize, new: &ContentPart, keep_audio: bool, exact: bool) {
        let kind = self.kind_of_text(new);
        let Some((part, state)) = self.part(index) else { return };
        fill(&mut part.kind, &kind);
        // Some servers have the words of audio in `text`.
        let spoken = matches!(part.kind, Some(PartKind::InputAudio | PartKind::OutputAudio));
        let (text, transcript) = match (&new.text, &new.transcript) {
            (Some(_), None) if spoken => (&None, &new.text),
            texts => texts,
        };
        fill_some_text(&mut part.text, text);
        fill(&mut part.image_url, &new.image_url);
        fill(&mut part.detail, &new.detail);
        fill(&mut part.format, &new.format);
        if state.truncated_ms.is_some() && !exact {
            return;
        }
        fill_some_text(&mut part.transcript, transcript);
        if let Some(audio) = new.audio.as_ref().filter(|audio| !audio.is_empty()) {
            state.audio_bytes = audio.len() as u64;
            state.audio = keep_audio.then(|| audio.to_vec());
            state.half = None;
        }
    }

    /// The kind of a part. A bare text that stood in its place has none: then it is what its speaker writes.
    fn kind_of_text(&self, part: &ContentPart) -> Option<PartKind> {
        let Item::Message(message) = &self.item else { return part.kind.clone() };
        let guess = || match message.role {
            Role::Assistant => PartKind::OutputText,
            _ => PartKind::InputText,
        };
        part.kind.clone().or_else(|| part.text.as_ref().map(|_| guess()))
    }

    /// Adds to a text, or says what it is as a whole.
    pub(super) fn write(&mut self, index: usize, kind: PartKind, field: Field, text: &str, whole: bool) {
        let Some((part, state)) = self.part(index) else { return };
        if field == Field::Transcript && state.truncated_ms.is_some() {
            return;
        }
        part.kind.get_or_insert(kind);
        // What is empty says nothing of what came before.
        if whole && text.is_empty() {
            return;
        }
        let place = match field {
            Field::Text => &mut part.text,
            Field::Transcript => &mut part.transcript,
        };
        match (place, whole) {
            (Some(place), false) => place.push_str(text),
            (place, _) => *place = Some(text.into()),
        }
    }

    /// Adds audio, of whole samples. `half` is the beginning of the next one; a beginning that was added before comes
    /// once more, with its end.
    pub(super) fn append_audio(&mut self, index: usize, audio: &Audio, half: Option<u8>, keep_audio: bool) {
        let Some((part, state)) = self.part(index) else { return };
        part.kind.get_or_insert(PartKind::OutputAudio);
        let known = std::mem::replace(&mut state.half, half).is_some();
        if state.truncated_ms.is_none() {
            let new = audio.iter().copied().chain(half).skip(usize::from(known));
            state.audio_bytes += (audio.len() + usize::from(half.is_some())).saturating_sub(usize::from(known)) as u64;
            if keep_audio {
                state.audio.get_or_insert_default().extend(new);
            }
        }
    }

    /// The beginning of a sample that waits for its end.
    pub(super) fn half(&self, index: usize) -> Option<u8> {
        self.parts.get(index)?.half
    }

    /// Whether there is something in it that a user could see or hear.
    pub(super) fn shows(&self) -> bool {
        let said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        match &self.item {
            Item::Message(message) => {
                let parts = &message.content;
                parts.iter().any(|part| said(&part.text) || said(&part.transcript) || said(&part.image_url))
                    || self.parts.iter().any(|part| part.audio_bytes > 0)
                    || self.transcription_error.is_some()
                    || !self.segments.is_empty()
            }
            Item::FunctionCall(call) => !call.name.is_empty(),
            Item::McpCall(call) => !call.name.is_empty(),
            Item::McpApprovalRequest(request) => !request.name.is_empty(),
            _ => false,
        }
    }

    /// Cuts audio off. Its transcript goes, for nobody knows which words were heard.
    pub(super) fn truncate(&mut self, index: usize, ms: u64, bytes: Option<u64>) {
        let Some((part, state)) = self.part(index) else { return };
        part.transcript = None;
        state.truncated_ms = Some(ms);
        state.half = None;
        if let Some(bytes) = bytes.filter(|bytes| *bytes < state.audio_bytes) {
            state.audio_bytes = bytes;
            if let (Some(audio), Ok(bytes)) = (&mut state.audio, usize::try_from(bytes)) {
                audio.truncate(bytes);
            }
        }
    }

    /// The arguments of a call, where they are streamed.
    pub(super) fn arguments(&mut self) -> Option<&mut String> {
        match &mut self.item {
            Item::FunctionCall(call) => Some(&mut call.arguments),
            Item::McpCall(call) => Some(&mut call.arguments),
            _ => None,
        }
    }

    /// Once its response is done, an item is not in progress any more, whatever was last said of it.
    pub(super) fn settle(&mut self, response_completed: bool) {
        let status = match &mut self.item {
            Item::Message(item) => &mut item.status,
            Item::FunctionCall(item) => &mut item.status,
            Item::FunctionCallOutput(item) => &mut item.status,
            _ => return,
        };
        if *status == Some(ItemStatus::InProgress) {
            let end = if response_completed { ItemStatus::Completed } else { ItemStatus::Incomplete };
            *status = Some(end);
        }
    }

    /// A part of a message, made if it is not there yet. None if the item is no message, or the index beyond reason.
    fn part(&mut self, index: usize) -> Option<(&mut ContentPart, &mut PartState)> {
        let Item::Message(message) = &mut self.item else { return None };
        if index >= MOST_PARTS {
            return None;
        }
        while message.content.len() <= index {
            message.content.push(ContentPart::default());
        }
        while self.parts.len() <= index {
            self.parts.push(PartState::default());
        }
        Some((&mut message.content[index], &mut self.parts[index]))
    }

    /// Bytes that it holds, about: what can be large, and the least that everything has.
    pub(super) fn weight(&self) -> usize {
        const EACH: usize = 512;
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let item = match &self.item {
            Item::Message(message) => {
                let parts = message.content.iter();
                parts.map(|part| EACH + text(&part.text) + text(&part.transcript) + text(&part.image_url)).sum()
            }
            Item::FunctionCall(call) => call.name.len() + call.arguments.len(),
            Item::McpCall(call) => {
                let output = call.output.as_set().map_or(0, String::len);
                self.fixed + call.name.len() + call.arguments.len() + output
            }
            _ => self.fixed,
        };
        let audio: usize = self.parts.iter().filter_map(|part| part.audio.as_ref()).map(Vec::len).sum();
        let segments =
            self.segments.iter().map(|segment| EACH + segment.text.len() + segment.speaker.len() + segment.id.len());
        // The id is the key of its place too.
        EACH + 2 * self.id.as_bytes().len() + item + audio + segments.sum::<usize>()
    }

    /// What is written in it, all parts together.
    pub fn text(&self) -> String {
        self.texts(|part| part.text.as_deref())
    }

    /// What is said in it, all parts together.
    pub fn transcript(&self) -> String {
        self.texts(|part| part.transcript.as_deref())
    }

    /// Bytes of its audio that the conversation holds.
    pub fn audio_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.audio_bytes).sum()
    }

    fn texts(&self, text: impl Fn(&ContentPart) -> Option<&str>) -> String {
        self.item.as_message().into_iter().flat_map(|message| &message.content).filter_map(text).collect()
    }
}

/// The most parts of a message that are believed: an index is a server's word, and memory is ours.
const MOST_PARTS: usize = 1024;

fn fill<T: Clone>(mine: &mut Option<T>, new: &Option<T>) {
    if new.is_some() {
        mine.clone_from(new);
    }
}

fn fill_some_text(mine: &mut Option<String>, new: &Option<String>) {
    if new.as_ref().is_some_and(|text| !text.is_empty()) {
        mine.clone_from(new);
    }
}

fn fill_text(mine: &mut String, new: &str) {
    if !new.is_empty() {
        new.clone_into(mine);
    }
}

fn fill_patch<T: Clone>(mine: &mut Patch<T>, new: &Patch<T>) {
    if let Patch::Set(_) = new {
        mine.clone_from(new);
    }
}
