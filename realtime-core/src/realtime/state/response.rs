use std::{collections::BTreeMap, time::Duration};

use crate::{
    protocol::{
        state::limits::{MOST_OUTPUT, MOST_OUTPUT_IDS, MOST_WORDS, clip_failure, is_metadata},
        types::{AudioFormat, Failure, ResponseStatus},
    },
    realtime::types::{Response, StatusReason, Usage},
    transport::Instant,
    wire::{INLINE, Id},
};

/// A response as far as it is known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResponseState {
    /// Id.
    pub id: Id,
    /// Status.
    pub status: ResponseStatus,
    /// Why it was cancelled or is incomplete.
    pub reason: Option<StatusReason>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// Whether it is out of band.
    pub out_of_band: bool,
    /// Metadata of the request.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Ids of its items, by output index.
    pub output: BTreeMap<u32, Id>,
    /// Usage. `None` before its end, and if it was cancelled early.
    pub usage: Option<Usage>,
    /// Encoding of its audio.
    pub format: AudioFormat,
    /// When `response.created` was received.
    pub created: Instant,
    /// When its first text, transcript, argument or audio was received.
    pub first_token: Option<Instant>,
    /// When its first audio was received.
    pub first_audio: Option<Instant>,
    /// When it ended.
    pub done: Option<Instant>,
    /// When the user had stopped to speak, if it answers that.
    pub asked: Option<Instant>,
    /// When it was interrupted: by the user or the application.
    pub interrupted: Option<Instant>,
    /// When the first of its function calls was complete.
    pub(super) called: Option<Instant>,
    /// When the output of a function call was sent last.
    pub(super) answered: Option<Instant>,
}

impl ResponseState {
    pub(super) fn update(&mut self, response: &Response) {
        if let Some(status) = response.status.as_ref().filter(|status| status.as_str().len() <= MOST_WORDS) {
            self.status = status.clone();
        }
        if let Some(details) = &response.status_details {
            self.reason = details.reason.clone().filter(|reason| reason.as_str().len() <= MOST_WORDS);
            self.error = details.error.as_ref().map(clip_failure);
        }
        if response.metadata.as_ref().is_some_and(is_metadata) {
            self.metadata.clone_from(&response.metadata);
        }
        // A response that ends twice is counted once.
        if let (None, Some(usage)) = (&self.usage, &response.usage)
            && *usage != Usage::default()
        {
            self.usage = Some(usage.clone());
        }
        let output = response.audio.as_ref().and_then(|audio| audio.output.as_ref());
        if let Some(format) = output.and_then(|output| output.format.as_ref()) {
            self.format.clone_from(format);
        }
    }

    /// Inserts an item at this index, or after those already there: some servers send index 0 for every item.
    pub(super) fn put(&mut self, index: u32, id: &Id) {
        if self.has_room(id) && !self.output.values().any(|known| known == id) {
            let free = (index..).find(|index| !self.output.contains_key(index));
            self.output.insert(free.unwrap_or(index), id.clone());
        }
    }

    /// Reorders the items as the server lists them at the end. Unlisted items stay after their predecessors.
    pub(super) fn arrange(&mut self, told: &[&Id]) {
        // As nearly always.
        if self.output.values().eq(told.iter().copied()) {
            return;
        }
        let known: Vec<&Id> = self.output.values().collect();
        let mut order: Vec<&Id> = Vec::with_capacity(told.len());
        for id in told {
            if !order.contains(id) && order.len() < MOST_OUTPUT {
                order.push(id);
            }
        }
        let mut at = 0;
        for id in &known {
            match order.iter().position(|other| other == id) {
                Some(place) => at = place + 1,
                None => {
                    order.insert(at, id);
                    at += 1;
                }
            }
        }
        if known == order {
            return;
        }
        let order: Vec<Id> = order.into_iter().cloned().collect();
        self.output.clear();
        for (index, id) in (0..).zip(order) {
            if self.has_room(&id) {
                self.output.insert(index, id);
            }
        }
    }

    fn has_room(&self, id: &Id) -> bool {
        let bytes: usize = match id.len() {
            0..=INLINE => 0,
            more => more + self.output.values().map(|id| id.len()).sum::<usize>(),
        };
        self.output.len() < MOST_OUTPUT && bytes <= MOST_OUTPUT_IDS
    }

    /// Time from its beginning to its first text, transcript, argument or audio.
    pub fn time_to_first_token(&self) -> Option<Duration> {
        self.first_token.map(|first| first - self.created)
    }

    /// Time from its beginning to its first audio.
    pub fn time_to_first_audio(&self) -> Option<Duration> {
        self.first_audio.map(|first| first - self.created)
    }
}
