use crate::{
    protocol::types::{Failure, ItemStatus},
    realtime::types::{ContentPart, FunctionCall, Item, McpCall, McpListTools, Message, PartKind, Role},
    wire::{Audio, Id, Patch},
};

/// A conversation item as far as it is known, from descriptions and from deltas.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ItemState {
    /// Id.
    pub id: Id,
    /// The item. Text, transcripts and arguments grow while they are streamed.
    pub item: Item,
    /// State of each content part of a message, in the same order.
    pub parts: Vec<PartState>,
    /// Id of the response that it belongs to.
    pub response_id: Option<Id>,
    /// Why transcribing its audio failed.
    pub transcription_error: Option<Failure>,
    /// Segments by speaker, if the transcription distinguishes speakers.
    pub segments: Vec<Segment>,
    /// Status of an MCP call or listing.
    pub mcp: Option<McpStatus>,
    /// Whether the server has described it. Deltas may arrive earlier.
    pub(super) described: bool,
    /// Number of its first mention. Earlier mentions go in front.
    pub(super) first: u64,
    /// Whether it is part of the conversation.
    pub(super) placed: bool,
    /// Whether the server has announced its position.
    pub(super) announced: bool,
    /// Size in bytes of what is not streamed, as of the last description.
    fixed: usize,
    /// Size that the conversation counts: see [`weight`](Self::weight).
    pub(super) weighed: usize,
}

/// State of a content part of a message, apart from its text.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PartState {
    /// Bytes of audio received, minus what was truncated.
    pub audio_bytes: u64,
    /// The audio, if the session keeps it.
    pub audio: Option<Vec<u8>>,
    /// Position at which it was truncated, in milliseconds. Audio received later is dropped.
    pub truncated_ms: Option<u64>,
    /// First byte of an incomplete sample, which the next delta completes. Already counted and stored.
    pub(super) half: Option<u8>,
    /// Whether its transcription was counted.
    billed: bool,
}

/// A segment of a transcription by one speaker.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Segment {
    /// Id.
    pub id: Id,
    /// Label of the speaker.
    pub speaker: String,
    /// Text.
    pub text: String,
    /// Start in the item's audio in seconds, if reported.
    pub start: Option<f64>,
    /// End in the item's audio in seconds, if reported.
    pub end: Option<f64>,
}

/// Status of an MCP call or listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum McpStatus {
    /// In progress.
    InProgress,
    /// Completed.
    Completed,
    /// Failed.
    Failed,
}

/// A growing text of a content part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Text,
    Transcript,
}

impl ItemState {
    /// Creates an item known only from deltas.
    pub(super) fn provisional(id: Id, mut item: Item) -> Self {
        // It may be shown or replayed before the server describes it.
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

    /// Creates an item to be described: the parts of a message are added one by one.
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

    /// Applies a description of the item. Accumulated text is not replaced by missing or empty text. `exact` is set for
    /// a retrieved item, whose truncated parts are then applied too.
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
            // Its type was guessed from the deltas.
            (mine, Item::Message(new)) => {
                *mine = Item::Message(Message { content: Vec::new(), ..new.clone() });
                for (index, part) in new.content.iter().enumerate() {
                    self.describe_part(index, part, keep_audio, exact);
                }
            }
            // These are not streamed, so the latest description is complete.
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
        // Some servers put the transcript of audio in `text`.
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

    /// Kind of a part without a kind, such as a plain string: text of the message's author.
    fn kind_of_text(&self, part: &ContentPart) -> Option<PartKind> {
        let Item::Message(message) = &self.item else { return part.kind.clone() };
        let guess = || match message.role {
            Role::Assistant => PartKind::OutputText,
            _ => PartKind::InputText,
        };
        part.kind.clone().or_else(|| part.text.as_ref().map(|_| guess()))
    }

    /// Appends to a text, or replaces it if `whole`.
    pub(super) fn write(&mut self, index: usize, kind: PartKind, field: Field, text: &str, whole: bool) {
        let Some((part, state)) = self.part(index) else { return };
        if field == Field::Transcript && state.truncated_ms.is_some() {
            return;
        }
        part.kind.get_or_insert(kind);
        // An empty text does not replace earlier text.
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

    /// Appends whole samples. `half` is the first byte of the next sample; a first byte appended before is repeated
    /// together with its second byte.
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

    /// Whether what a part's transcription has used is told for the first time.
    pub(super) fn bill(&mut self, index: usize) -> bool {
        self.part(index).is_none_or(|(_, state)| !std::mem::replace(&mut state.billed, true))
    }

    /// First byte of an incomplete sample.
    pub(super) fn half(&self, index: usize) -> Option<u8> {
        self.parts.get(index)?.half
    }

    /// Whether it has content that a user could see or hear.
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

    /// Truncates audio and removes the transcript, because the words that were heard are unknown.
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

    /// The arguments of a call, which grow while they are streamed.
    pub(super) fn arguments(&mut self) -> Option<&mut String> {
        match &mut self.item {
            Item::FunctionCall(call) => Some(&mut call.arguments),
            Item::McpCall(call) => Some(&mut call.arguments),
            _ => None,
        }
    }

    /// Marks the item as no longer in progress once its response has ended.
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

    /// A content part, created if missing. `None` if the item is not a message, or the index is out of range.
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

    /// Approximate size in bytes: whatever can be large, plus a minimum.
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
        // The id is also a key of the index.
        EACH + 2 * self.id.as_bytes().len() + item + audio + segments.sum::<usize>()
    }

    /// Text of all parts.
    pub fn text(&self) -> String {
        self.texts(|part| part.text.as_deref())
    }

    /// Transcripts of all parts.
    pub fn transcript(&self) -> String {
        self.texts(|part| part.transcript.as_deref())
    }

    /// Bytes of audio of all parts.
    pub fn audio_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.audio_bytes).sum()
    }

    fn texts(&self, text: impl Fn(&ContentPart) -> Option<&str>) -> String {
        self.item.as_message().into_iter().flat_map(|message| &message.content).filter_map(text).collect()
    }
}

/// Maximum index of a content part. It is chosen by the server, so it must be bounded.
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
