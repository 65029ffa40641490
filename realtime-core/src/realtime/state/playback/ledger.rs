//! Playback as part of the session: what is played, what was cut off, and what the server is told.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use super::{
    super::{Conversation, RealtimeState, output_format},
    AudioQueue, Heard, Playback, Unheard,
    track::Part,
};
use crate::{
    realtime::{
        event::{
            ClientEvent, ConversationItemCreate, ConversationItemDelete, ConversationItemTruncate, ResponseCancel,
            ServerEvent,
        },
        types::{Item, TurnDetection},
    },
    transport::Instant,
    wire::Id,
};

/// Playback state apart from the audio itself. Clones share the audio.
#[derive(Clone, Debug)]
pub(in super::super) struct Ledger {
    settings: Playback,
    audio: Arc<AudioQueue>,
    /// Responses that were cut off. Audio that still arrives for them is not played.
    cut: HashSet<Id>,
    heard: VecDeque<Heard>,
    /// Parts of a session that was lost, with their transcripts so far. They continue to play; in the new session their
    /// items are text.
    orphans: Vec<Orphan>,
}

#[derive(Clone, Debug)]
struct Orphan {
    item_id: Id,
    content_index: u32,
    transcript: Box<str>,
}

/// Maximum number of interrupted items remembered.
const MOST_HEARD: usize = 64;
const MOST_CUT: usize = 256;

impl Ledger {
    pub(in super::super) fn new(settings: Playback) -> Self {
        let audio = Arc::new(AudioQueue::new(&settings));
        Self { settings, audio, cut: HashSet::new(), heard: VecDeque::new(), orphans: Vec::new() }
    }

    /// What was heard before, in a conversation that is resumed.
    pub(in super::super) fn recall(&mut self, heard: &[Heard]) {
        self.heard.extend(heard.iter().skip(heard.len().saturating_sub(MOST_HEARD)).cloned());
    }

    /// The audio.
    pub(in super::super) fn audio(&self) -> &AudioQueue {
        &self.audio
    }

    /// Whether all received audio was heard.
    pub(in super::super) fn is_silent(&self, now: Instant) -> bool {
        self.audio.lock().is_silent(now)
    }

    /// The link was lost. Audio already received continues to play.
    pub(in super::super) fn break_off(&mut self) {
        self.cut.clear();
        self.audio.lock().break_off();
    }

    /// The session was lost too, and the conversation continues as text.
    pub(in super::super) fn outlive(&mut self, conversation: &Conversation) {
        self.cut.clear();
        let parts = self.audio.lock().break_off();
        self.orphans = parts
            .into_iter()
            .map(|(item_id, content_index)| {
                let transcript = self.transcript(&item_id, content_index, conversation).unwrap_or_default().into();
                Orphan { item_id, content_index, transcript }
            })
            .collect();
    }

    fn cut(&mut self, response_id: Id) {
        if self.cut.len() < MOST_CUT {
            self.cut.insert(response_id);
        }
    }

    fn orphan(&self, item_id: &Id, content_index: u32) -> Option<&Orphan> {
        self.orphans.iter().find(|orphan| orphan.item_id == *item_id && orphan.content_index == content_index)
    }

    /// Truncates what was not heard. Returns the ids of the responses that it belongs to.
    fn cut_off(&mut self, conversation: &Conversation, outgoing: &mut VecDeque<ClientEvent>, now: Instant) -> Vec<Id> {
        let mut playing = true;
        let mut interrupted = Vec::new();
        let parts = self.audio.lock().cut_off(now);
        for part in parts {
            self.cut(part.response_id.clone());
            // Heard completely.
            if part.whole && part.heard == part.received {
                continue;
            }
            interrupted.push(part.response_id.clone());
            let behind = !std::mem::replace(&mut playing, false) && part.heard == 0;
            let (heard_ms, received_ms) = (part.ms(part.heard), part.ms(part.received));
            let transcript = self.transcript_share(&part, conversation);
            if self.orphan(&part.item_id, part.content_index).is_some() {
                rewrite(&part.item_id, &transcript, conversation, outgoing);
            } else if behind && self.settings.unheard == Unheard::Delete {
                outgoing.push_back(ConversationItemDelete::new(&part.item_id).into());
            } else {
                outgoing.push_back(ConversationItemTruncate::new(&part.item_id, part.content_index, heard_ms).into());
            }
            let Part { item_id, content_index, .. } = part;
            if self.heard.len() == MOST_HEARD {
                self.heard.pop_front();
            }
            self.heard.push_back(Heard { item_id, content_index, ms: heard_ms, received_ms, transcript });
        }
        self.orphans.clear();
        interrupted
    }

    fn transcript<'a>(&'a self, item_id: &Id, content_index: u32, conversation: &'a Conversation) -> Option<&'a str> {
        if let Some(orphan) = self.orphan(item_id, content_index) {
            return Some(&orphan.transcript);
        }
        let item = conversation.get(item_id).and_then(|item| item.item.as_message());
        let index = usize::try_from(content_index).unwrap_or(usize::MAX);
        item.and_then(|message| message.content.get(index)?.transcript.as_deref())
    }

    /// The part of the transcript that corresponds to what was heard.
    fn transcript_share(&self, part: &Part, conversation: &Conversation) -> String {
        let transcript = self.transcript(&part.item_id, part.content_index, conversation);
        let Some(transcript) = transcript.filter(|_| part.received > 0) else { return String::new() };
        let letters = transcript.chars().count() as u128;
        let share = letters * u128::from(part.heard) / u128::from(part.received);
        let end = transcript.char_indices().nth(usize::try_from(share).unwrap_or(usize::MAX));
        match end {
            None => transcript.into(),
            Some((end, letter)) => {
                let start = &transcript[..end];
                // A partially spoken word was not heard.
                let whole =
                    if letter.is_whitespace() { start } else { start.rsplit_once(' ').map_or("", |(whole, _)| whole) };
                whole.trim_end().into()
            }
        }
    }
}

/// Replaces the restored item by what was heard. It is text, which cannot be truncated.
fn rewrite(item: &Id, heard: &str, conversation: &Conversation, outgoing: &mut VecDeque<ClientEvent>) {
    if !conversation.contains(item) {
        return;
    }
    outgoing.push_back(ConversationItemDelete::new(item).into());
    if !heard.is_empty() {
        let previous = conversation.previous(item).map_or_else(|| "root".into(), Id::clone);
        let again = ConversationItemCreate::new(Item::assistant(heard).with_id(item)).previous_item_id(previous);
        outgoing.push_back(again.into());
    }
}

impl RealtimeState {
    /// Tracks audio to be played, before the event is applied.
    pub(in super::super) fn follow(&mut self, event: &ServerEvent, now: Instant) {
        let Some(ledger) = &mut self.ledger else { return };
        match event {
            ServerEvent::ResponseOutputAudioDelta(delta) if !ledger.cut.contains(&delta.response_id) => {
                let format = || match self.responses.find(&delta.response_id) {
                    Some(response) => response.format.clone(),
                    None => output_format(self.info.as_deref()),
                };
                let asked = self.responses.find(&delta.response_id).and_then(|response| response.asked);
                let began = ledger.audio.lock().add(delta, format, asked, now);
                if began && !ledger.orphans.is_empty() {
                    // A part of the current session, even if a lost one had the same id.
                    let is_this = |orphan: &Orphan| {
                        orphan.item_id == delta.item_id && orphan.content_index == delta.content_index
                    };
                    ledger.orphans.retain(|orphan| !is_this(orphan));
                }
            }
            ServerEvent::ResponseOutputAudioDone(done) => {
                let ends = |part: &Part| part.item_id == done.item_id && part.content_index == done.content_index;
                ledger.audio.lock().finish(ends, now);
            }
            ServerEvent::ResponseDone(done) => {
                let Some(id) = &done.response.id else { return };
                ledger.cut.remove(id);
                ledger.audio.lock().finish(|part| part.response_id == *id, now);
            }
            ServerEvent::ConversationItemDeleted(deleted) => {
                let removed = ledger.audio.lock().remove(&deleted.item_id);
                drop(removed);
            }
            ServerEvent::InputAudioBufferSpeechStarted(_) if ledger.settings.barge_in => {
                let cancel = !self.interrupts_by_itself();
                self.interrupt(cancel, now);
            }
            _ => {}
        }
    }

    /// Whether the server cancels its response when the user starts to speak.
    fn interrupts_by_itself(&self) -> bool {
        match self.turn_detection() {
            Some(TurnDetection::ServerVad(vad)) => vad.interrupt_response != Some(false),
            Some(TurnDetection::SemanticVad(vad)) => vad.interrupt_response != Some(false),
            Some(_) | None => false,
        }
    }

    /// Truncates what was not heard, and cancels the active response if requested.
    pub(crate) fn interrupt(&mut self, cancel: bool, now: Instant) {
        if let Some(ledger) = &mut self.ledger {
            let interrupted = ledger.cut_off(&self.conversation, &mut self.outgoing, now);
            interrupted.iter().for_each(|id| self.note_interruption(id, now));
        }
        let Some(active) = self.responses.active() else { return };
        let id = active.id.clone();
        if let Some(ledger) = &mut self.ledger {
            ledger.cut(id.clone());
        }
        self.note_interruption(&id, now);
        if cancel {
            self.outgoing.push_back(ResponseCancel::default().response_id(id).into());
        }
    }

    /// The audio queue between session and player, if playback is tracked.
    pub(crate) fn audio_queue(&self) -> Option<Arc<AudioQueue>> {
        self.ledger.as_ref().map(|ledger| ledger.audio.clone())
    }

    /// What was heard of interrupted items, the latest last.
    pub fn heard(&self) -> impl DoubleEndedIterator<Item = &Heard> {
        self.ledger.iter().flat_map(|ledger| &ledger.heard)
    }
}
