//! What of the model's audio the user has heard, and what is cut off when the user speaks up.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use super::{Conversation, RealtimeState};
use crate::{
    protocol::{
        state::limits::{MOST_PARTS, MOST_QUEUED},
        types::AudioFormat,
    },
    realtime::{
        event::{
            ClientEvent, ConversationItemCreate, ConversationItemDelete, ConversationItemTruncate, ResponseCancel,
            ResponseOutputAudioDelta, ServerEvent,
        },
        types::{Item, TurnDetection},
    },
    transport::Instant,
    wire::{Audio, Id},
};

/// How the session follows the playback of the model's audio: see [`Options::playback`](crate::Options::playback).
///
/// The model sends faster than one can listen, so when the user speaks up several items may wait to be played. The one
/// that is playing is truncated at what was heard, those behind it at zero, and what still arrives of them is never
/// played.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Playback {
    /// Whether audio is kept until the [`Player`](crate::connection::Player) hands it out, up to 128 MiB. Nothing beyond
    /// what was handed out counts as heard then. Off: the application plays what the events bring.
    pub queue: bool,
    /// What becomes of items of which nothing was heard.
    pub unheard: Unheard,
    /// Whether the start of speech interrupts the playback by itself. On.
    pub barge_in: bool,
}

impl Default for Playback {
    fn default() -> Self {
        Self { queue: false, unheard: Unheard::Truncate, barge_in: true }
    }
}

impl Playback {
    /// Keeps the audio for the player to hand out.
    pub fn queued() -> Self {
        Self { queue: true, ..Self::default() }
    }
}

/// What becomes of items of which nothing was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unheard {
    /// They stay in the conversation, cut off at 0 ms.
    Truncate,
    /// They are deleted.
    Delete,
}

/// What was heard of an item that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// The item.
    pub item_id: Id,
    /// Its part.
    pub content_index: u32,
    /// How much was heard, in milliseconds.
    pub ms: u64,
    /// How much had come, in milliseconds.
    pub received_ms: u64,
    /// What was heard, in words: an estimate by the share of the audio, for the service drops the transcript.
    pub transcript: String,
}

/// What is to be done next where the model's audio is played.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Play this behind what was handed out before.
    Chunk(Chunk),
    /// The model was interrupted: drop what was handed out and not played yet. What is handed out after this stays.
    Flush,
}

impl Output {
    /// The audio, if there is some to be played.
    pub fn into_chunk(self) -> Option<Chunk> {
        match self {
            Self::Chunk(chunk) => Some(chunk),
            Self::Flush => None,
        }
    }
}

/// Audio to be played, and where it belongs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Chunk {
    /// The item.
    pub item_id: Id,
    /// Its part.
    pub content_index: u32,
    /// How the audio is written.
    pub format: AudioFormat,
    /// The audio.
    pub audio: Audio,
}

/// The parts that wait to be heard, in the order of playing.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    settings: Playback,
    parts: VecDeque<Part>,
    /// Responses that were cut off: what still comes of them is not played.
    cut: HashSet<Id>,
    heard: VecDeque<Heard>,
    /// Who says what was heard.
    source: Source,
    /// When the clock was last believed.
    then: Instant,
    /// Whether audio was handed out since the last flush.
    handed_out: bool,
    /// Whether the player is to be told to drop what was handed out, before it gets more.
    flush: bool,
}

/// Who says what of the audio was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The clock, as long as the application says nothing.
    Clock,
    /// The application, sample by sample.
    Samples,
    /// The application now and then, and the clock in between: up to what was handed out, where that is known.
    Marks,
}

#[derive(Clone, Debug)]
struct Part {
    item_id: Id,
    content_index: u32,
    response_id: Id,
    format: AudioFormat,
    /// Bytes that came.
    received: u64,
    /// Bytes that were heard.
    heard: u64,
    /// Whether all of it has come.
    whole: bool,
    /// Where its session is gone: what it says, as far as it had come. It is still heard, and its item in the next
    /// session is one in writing.
    orphan: Option<String>,
    queue: VecDeque<Audio>,
    /// Bytes in the queue.
    queued: usize,
}

/// How many items' ends are remembered.
const MOST_HEARD: usize = 64;
const MOST_CUT: usize = 256;

impl Ledger {
    pub(super) fn new(settings: Playback) -> Self {
        Self {
            settings,
            parts: VecDeque::new(),
            cut: HashSet::new(),
            heard: VecDeque::new(),
            source: Source::Clock,
            then: Instant::default(),
            handed_out: false,
            flush: false,
        }
    }

    fn add(&mut self, delta: &ResponseOutputAudioDelta, format: impl FnOnce() -> AudioFormat, now: Instant) {
        if self.cut.contains(&delta.response_id) {
            return;
        }
        self.tick(now);
        let queued: usize = self.parts.iter().map(|part| part.queued).sum();
        if queued + delta.delta.len() > MOST_QUEUED {
            return;
        }
        let known = |part: &Part| part.content_index == delta.content_index && part.item_id == delta.item_id;
        let part = match self.parts.iter().rposition(known) {
            Some(at) => &mut self.parts[at],
            None if self.parts.len() >= MOST_PARTS => return,
            None => {
                if self.parts.is_empty() {
                    self.then = now;
                }
                self.parts.push_back(Part {
                    item_id: delta.item_id.clone(),
                    content_index: delta.content_index,
                    response_id: delta.response_id.clone(),
                    format: format(),
                    received: 0,
                    heard: 0,
                    whole: false,
                    orphan: None,
                    queue: VecDeque::new(),
                    queued: 0,
                });
                let last = self.parts.len() - 1;
                &mut self.parts[last]
            }
        };
        part.received += delta.delta.len() as u64;
        if self.settings.queue {
            part.queue.push_back(delta.delta.clone());
            part.queued += delta.delta.len();
        }
    }

    /// Lets the clock play, as far as there is something to play.
    fn tick(&mut self, now: Instant) {
        let mut time = now - std::mem::replace(&mut self.then, now);
        if !self.believes_the_clock() {
            return;
        }
        for part in &mut self.parts {
            let Some(rate) = part.format.bytes_per_second().filter(|rate| *rate > 0) else { break };
            let left = part.audible() - part.heard;
            let can = bytes_in(time, rate);
            part.heard += can.min(left);
            if can < left || !part.is_all_out() {
                break;
            }
            time = time.saturating_sub(time_of(left, rate));
        }
        self.drop_heard();
    }

    /// Whether everything that came has been heard by now.
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        let mut time = now - self.then;
        self.parts.iter().all(|part| {
            let Some(rate) = part.format.bytes_per_second().filter(|rate| *rate > 0) else { return false };
            let left = part.audible() - part.heard;
            let is_over = part.is_all_out() && self.believes_the_clock() && bytes_in(time, rate) >= left;
            time = time.saturating_sub(time_of(left, rate));
            is_over
        })
    }

    fn believes_the_clock(&self) -> bool {
        match self.source {
            Source::Clock => true,
            Source::Samples => false,
            // What the application plays by itself is known to its marks alone.
            Source::Marks => self.settings.queue,
        }
    }

    /// So many more bytes were heard.
    fn advance(&mut self, mut bytes: u64) {
        self.source = Source::Samples;
        for part in &mut self.parts {
            let step = bytes.min(part.audible() - part.heard);
            part.heard += step;
            bytes -= step;
            if bytes == 0 {
                break;
            }
        }
        self.drop_heard();
    }

    /// The link is gone, and no more comes of what it brought: that is still played.
    pub(super) fn break_off(&mut self) {
        self.cut.clear();
        self.parts.iter_mut().for_each(|part| part.whole = true);
    }

    /// The session is gone too, and its conversation goes on in writing.
    pub(super) fn outlive(&mut self, conversation: &Conversation) {
        self.break_off();
        for part in &mut self.parts {
            part.orphan = Some(part.transcript(conversation).unwrap_or_default().into());
        }
    }

    /// What was heard from beginning to end needs no more attention.
    fn drop_heard(&mut self) {
        while self.parts.front().is_some_and(|part| part.whole && part.heard == part.received && part.queue.is_empty())
        {
            self.parts.pop_front();
        }
    }

    fn finish(&mut self, ends: impl Fn(&Part) -> bool, now: Instant) {
        self.tick(now);
        self.parts.iter_mut().filter(|part| ends(part)).for_each(|part| part.whole = true);
        self.drop_heard();
    }

    /// Cuts off what was not heard.
    fn cut_off(&mut self, conversation: &Conversation, outgoing: &mut VecDeque<ClientEvent>) {
        let mut playing = true;
        self.flush |= std::mem::take(&mut self.handed_out);
        for part in std::mem::take(&mut self.parts) {
            let ms = |bytes| part.format.bytes_to_ms(bytes).unwrap_or_default();
            let (heard_ms, received_ms) = (ms(part.heard), ms(part.received));
            if self.cut.len() < MOST_CUT {
                self.cut.insert(part.response_id.clone());
            }
            // Heard to its end, and it has one.
            if part.whole && part.heard == part.received {
                continue;
            }
            let behind = !std::mem::replace(&mut playing, false) && part.heard == 0;
            let transcript = part.transcript_share(conversation);
            if part.orphan.is_some() {
                rewrite(&part.item_id, &transcript, conversation, outgoing);
            } else if behind && self.settings.unheard == Unheard::Delete {
                outgoing.push_back(ConversationItemDelete::new(&part.item_id).into());
            } else {
                outgoing.push_back(ConversationItemTruncate::new(&part.item_id, part.content_index, heard_ms).into());
            }
            let Part { item_id, content_index, .. } = part;
            let heard = Heard { item_id, content_index, ms: heard_ms, received_ms, transcript };
            if self.heard.len() == MOST_HEARD {
                self.heard.pop_front();
            }
            self.heard.push_back(heard);
        }
    }
}

/// Makes the restored item say what was heard. It is one in writing, which cannot be truncated.
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

impl Part {
    /// Bytes that can have been heard: where it is this crate that hands them out, no more than it has.
    fn audible(&self) -> u64 {
        self.received - self.queued as u64
    }

    /// Whether nothing more of it comes, here or from the server.
    fn is_all_out(&self) -> bool {
        self.whole && self.queue.is_empty()
    }

    fn transcript<'a>(&'a self, conversation: &'a Conversation) -> Option<&'a str> {
        if let Some(transcript) = &self.orphan {
            return Some(transcript);
        }
        let item = conversation.get(&self.item_id).and_then(|item| item.item.as_message());
        let index = usize::try_from(self.content_index).unwrap_or(usize::MAX);
        item.and_then(|message| message.content.get(index)?.transcript.as_deref())
    }

    /// The words that fit what was heard.
    fn transcript_share(&self, conversation: &Conversation) -> String {
        let transcript = self.transcript(conversation);
        let Some(transcript) = transcript.filter(|_| self.received > 0) else { return String::new() };
        let letters = transcript.chars().count() as u128;
        let share = letters * u128::from(self.heard) / u128::from(self.received);
        let end = transcript.char_indices().nth(usize::try_from(share).unwrap_or(usize::MAX));
        match end {
            None => transcript.into(),
            Some((end, letter)) => {
                let start = &transcript[..end];
                // A word that was begun was not heard.
                let whole =
                    if letter.is_whitespace() { start } else { start.rsplit_once(' ').map_or("", |(whole, _)| whole) };
                whole.trim_end().into()
            }
        }
    }
}

/// Bytes played in a time: whole milliseconds are exact.
fn bytes_in(time: Duration, rate: u64) -> u64 {
    u64::try_from(time.as_nanos() * u128::from(rate) / 1_000_000_000).unwrap_or(u64::MAX)
}

fn time_of(bytes: u64, rate: u64) -> Duration {
    let nanos = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(rate));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

impl RealtimeState {
    /// Follows the audio that is to be played, before the event is applied.
    pub(super) fn follow(&mut self, event: &ServerEvent, now: Instant) {
        let Some(ledger) = &mut self.ledger else { return };
        match event {
            ServerEvent::ResponseOutputAudioDelta(delta) => {
                let responses = &self.responses;
                let info = self.info.as_deref();
                ledger.add(
                    delta,
                    || match responses.get(&delta.response_id) {
                        Some(response) => response.format.clone(),
                        None => super::output_format(info),
                    },
                    now,
                );
            }
            ServerEvent::ResponseOutputAudioDone(done) => {
                let ends = |part: &Part| part.item_id == done.item_id && part.content_index == done.content_index;
                ledger.finish(ends, now);
            }
            ServerEvent::ResponseDone(done) => {
                let Some(id) = &done.response.id else { return };
                ledger.cut.remove(id);
                ledger.finish(|part| part.response_id == *id, now);
            }
            ServerEvent::ConversationItemDeleted(deleted) => {
                ledger.parts.retain(|part| part.item_id != deleted.item_id);
            }
            ServerEvent::InputAudioBufferSpeechStarted(_) if ledger.settings.barge_in => {
                let cancel = !self.interrupts_by_itself();
                self.interrupt(cancel, now);
            }
            _ => {}
        }
    }

    /// Whether the server cancels its response when the user speaks up.
    fn interrupts_by_itself(&self) -> bool {
        match self.turn_detection() {
            Some(TurnDetection::ServerVad(vad)) => vad.interrupt_response != Some(false),
            Some(TurnDetection::SemanticVad(vad)) => vad.interrupt_response != Some(false),
            Some(_) | None => false,
        }
    }

    /// The user has had enough: cuts off what was not heard, and cancels the response in progress if asked to.
    pub(crate) fn interrupt(&mut self, cancel: bool, now: Instant) {
        if let Some(ledger) = &mut self.ledger {
            ledger.tick(now);
            ledger.cut_off(&self.conversation, &mut self.outgoing);
        }
        let Some(active) = self.responses.active() else { return };
        let id = active.id.clone();
        if let Some(ledger) = self.ledger.as_mut().filter(|ledger| ledger.cut.len() < MOST_CUT) {
            ledger.cut.insert(id.clone());
        }
        if cancel {
            self.outgoing.push_back(ResponseCancel::default().response_id(id).into());
        }
    }

    /// Whether the playback is followed at all.
    pub(crate) fn follows_playback(&self) -> bool {
        self.ledger.is_some()
    }

    pub(crate) fn next_output(&mut self, now: Instant) -> Option<Output> {
        let ledger = self.ledger.as_mut()?;
        if std::mem::take(&mut ledger.flush) {
            return Some(Output::Flush);
        }
        // What was not handed out before could not be heard before.
        ledger.tick(now);
        let part = ledger.parts.iter_mut().find(|part| !part.queue.is_empty())?;
        let audio = part.queue.pop_front()?;
        part.queued -= audio.len();
        ledger.handed_out = true;
        let chunk = Chunk {
            item_id: part.item_id.clone(),
            content_index: part.content_index,
            format: part.format.clone(),
            audio,
        };
        ledger.drop_heard();
        Some(Output::Chunk(chunk))
    }

    /// Fills a buffer with audio, which is heard with that. How many bytes there were.
    pub(crate) fn read_audio(&mut self, buffer: &mut [u8]) -> usize {
        let Some(ledger) = &mut self.ledger else { return 0 };
        // What is read is played at once, so there is nothing behind it to be dropped.
        ledger.flush = false;
        let mut filled = 0;
        for part in &mut ledger.parts {
            while filled < buffer.len()
                && let Some(mut audio) = part.queue.pop_front()
            {
                let rest = audio.split_off(buffer.len() - filled);
                buffer[filled..filled + audio.len()].copy_from_slice(&audio);
                filled += audio.len();
                part.queued -= audio.len();
                if !rest.is_empty() {
                    part.queue.push_front(rest);
                }
            }
            if filled == buffer.len() {
                break;
            }
        }
        ledger.advance(filled as u64);
        filled
    }

    /// So many more samples were heard, in the order of playing.
    pub(crate) fn played(&mut self, samples: u64) {
        let Some(ledger) = &mut self.ledger else { return };
        let sample = ledger.parts.front().and_then(|part| part.format.bytes_per_sample()).unwrap_or(1);
        ledger.advance(samples.saturating_mul(u64::from(sample)));
    }

    /// The part was heard up to there, and everything before it.
    pub(crate) fn mark(&mut self, item: &str, content_index: u32, ms: u64, now: Instant) {
        let Some(ledger) = &mut self.ledger else { return };
        ledger.tick(now);
        ledger.source = Source::Marks;
        let at = |part: &Part| part.content_index == content_index && part.item_id == item;
        let Some(at) = ledger.parts.iter().position(at) else { return };
        for part in ledger.parts.iter_mut().take(at) {
            part.heard = part.audible();
        }
        let part = &mut ledger.parts[at];
        if let Some(bytes) = part.format.ms_to_bytes(ms) {
            part.heard = bytes.min(part.audible());
        }
        ledger.drop_heard();
    }

    /// What is playing, and how much of it was heard, in milliseconds.
    pub(crate) fn position(&mut self, now: Instant) -> Option<(Id, u32, u64)> {
        let ledger = self.ledger.as_mut()?;
        ledger.tick(now);
        let playing = |part: &&Part| part.heard < part.received || !part.whole;
        let part = ledger.parts.iter().find(playing)?;
        Some((part.item_id.clone(), part.content_index, part.format.bytes_to_ms(part.heard).unwrap_or_default()))
    }

    /// How much audio came and was not heard, in milliseconds.
    pub(crate) fn unheard_ms(&mut self, now: Instant) -> u64 {
        let Some(ledger) = &mut self.ledger else { return 0 };
        ledger.tick(now);
        let left = |part: &Part| part.format.bytes_to_ms(part.received - part.heard).unwrap_or_default();
        ledger.parts.iter().map(left).sum()
    }

    /// What was heard of items that were cut off, the latest last.
    pub fn heard(&self) -> impl DoubleEndedIterator<Item = &Heard> {
        self.ledger.iter().flat_map(|ledger| &ledger.heard)
    }
}
