//! Names for what the server gives none: responses and items without an id. What comes of them finds its place by them.

use std::collections::HashMap;

use super::{RealtimeState, Sort};
use crate::{
    protocol::state::limits::{MOST_OUTPUT, MOST_WORDS},
    realtime::{event::ServerEvent, types::Item},
    wire::Id,
};

impl RealtimeState {
    /// A response that the server gave no name has one now that something of it came.
    pub(super) fn name_unnamed(&mut self, event: &ServerEvent) {
        let Some(unnamed) = self.aside.as_ref().and_then(|aside| aside.unnamed.as_ref()) else { return };
        if !self.is_in_progress(unnamed) {
            self.aside.get_or_insert_default().unnamed = None;
            return;
        }
        if matches!(event, ServerEvent::ResponseCreated(_)) {
            return;
        }
        if let Some(id) = event.response_id().filter(|id| self.responses.find(id).is_none()).cloned()
            && let Some(unnamed) = self.aside.as_mut().and_then(|aside| aside.unnamed.take())
        {
            self.responses.rename(&unnamed, &id);
            self.scheduler.rename(&unnamed, &id);
        }
    }

    /// A name for a response that has none.
    pub(super) fn unnamed_response(&mut self) -> Id {
        let start = self.responses.iter().count() + 1;
        let mut names = (start..).map(|number| Id::from(format!("response_{number}")));
        let id = names.find(|id| self.responses.find(id).is_none()).unwrap_or_default();
        self.aside.get_or_insert_default().unnamed = Some(id.clone());
        id
    }

    /// The response that an event without a name is about: the only one in progress.
    pub(super) fn implied_response(&self) -> Option<&Id> {
        self.responses.active_id().or_else(|| self.scheduler.only_open())
    }

    /// Finds the item of an event that does not name it.
    pub(super) fn name_item(&self, event: &mut ServerEvent) {
        let (response, item, index) = match event {
            ServerEvent::ResponseOutputTextDelta(delta) => (&delta.response_id, &mut delta.item_id, delta.output_index),
            ServerEvent::ResponseOutputAudioTranscriptDelta(delta) => {
                (&delta.response_id, &mut delta.item_id, delta.output_index)
            }
            ServerEvent::ResponseOutputAudioDone(done) => (&done.response_id, &mut done.item_id, done.output_index),
            ServerEvent::ResponseOutputAudioTranscriptDone(done) => {
                (&done.response_id, &mut done.item_id, done.output_index)
            }
            ServerEvent::ResponseOutputTextDone(done) => (&done.response_id, &mut done.item_id, done.output_index),
            ServerEvent::ResponseContentPartAdded(added) => {
                (&added.response_id, &mut added.item_id, added.output_index)
            }
            ServerEvent::ResponseContentPartDone(done) => (&done.response_id, &mut done.item_id, done.output_index),
            ServerEvent::ResponseOutputItemAdded(added) => {
                return self.name_output(&added.response_id, added.output_index, &mut added.item);
            }
            ServerEvent::ResponseOutputItemDone(done) => {
                return self.name_output(&done.response_id, done.output_index, &mut done.item);
            }
            ServerEvent::ConversationItemAdded(added) => return self.name_announced(&mut added.item, false),
            ServerEvent::ConversationItemCreated(created) => return self.name_announced(&mut created.item, false),
            ServerEvent::ConversationItemDone(done) => return self.name_announced(&mut done.item, true),
            ServerEvent::ConversationItemInputAudioTranscriptionDelta(delta) => {
                return self.name_spoken(&mut delta.item_id);
            }
            ServerEvent::ConversationItemInputAudioTranscriptionCompleted(done) => {
                return self.name_spoken(&mut done.item_id);
            }
            ServerEvent::ConversationItemInputAudioTranscriptionSegment(part) => {
                return self.name_spoken(&mut part.item_id);
            }
            ServerEvent::ConversationItemInputAudioTranscriptionFailed(failed) => {
                return self.name_spoken(&mut failed.item_id);
            }
            _ => return,
        };
        self.complete_item(response, item, index, Sort::Assistant);
    }

    /// What is transcribed is what the user has said last.
    fn name_spoken(&self, item: &mut Id) {
        if item.is_empty()
            && let Some(spoken) = self.aside.as_ref().and_then(|aside| aside.spoken.as_ref())
        {
            *item = spoken.clone();
        }
    }

    /// The item of a response that a stream without a name is about: the one at its place, else the latest of its sort,
    /// else one that begins with it.
    pub(super) fn complete_item(&self, response: &Id, item: &mut Id, output_index: u32, sort: Sort) {
        if !item.is_empty() || response.is_empty() || response.len() > MOST_WORDS {
            return;
        }
        let is = |id: &&Id| self.conversation.get(id).is_some_and(|state| sort_of(&state.item) == sort);
        let placed = self.responses.find(response).and_then(|response| response.output.get(&output_index));
        *item = match placed.filter(is) {
            Some(placed) => placed.clone(),
            None => {
                let of_response = |id: &Option<Id>| id.as_ref() == Some(response);
                let latest = self
                    .conversation
                    .find_latest(|state| of_response(&state.response_id) && sort_of(&state.item) == sort);
                latest.map_or_else(|| unnamed_item(response, output_index), |latest| latest.id.clone())
            }
        };
    }

    /// An item of a response that has no id: the call of this id, the one at this place, else a new one.
    pub(super) fn name_output(&self, response: &Id, output_index: u32, item: &mut Item) {
        if is_named(item) || response.is_empty() || response.len() > MOST_WORDS {
            return;
        }
        let mut id = Id::default();
        match &*item {
            Item::FunctionCall(call) => {
                let call_id = call.call_id.clone().unwrap_or_default();
                let known = self.conversation.find_latest(|state| {
                    let known = state.item.as_function_call().and_then(|call| call.call_id.as_ref());
                    known == Some(&call_id) && state.response_id.as_ref() == Some(response)
                });
                match known {
                    Some(known) => id = known.id.clone(),
                    None => id = unnamed_item(response, output_index),
                }
            }
            other => self.complete_item(response, &mut id, output_index, sort_of(other)),
        }
        item.set_id(id);
    }

    /// The items of an end that have no id: each is the next one of its sort that the response has.
    pub(super) fn name_outputs(&self, response: &Id, output: &mut [Item]) {
        let most = output.len().min(MOST_OUTPUT);
        let output = &mut output[..most];
        if output.iter().all(is_named) || response.len() > MOST_WORDS {
            return;
        }
        let told: Vec<Id> = output.iter().filter_map(Item::id).filter(|id| !id.is_empty()).cloned().collect();
        let of_response =
            |state: &&super::ItemState| state.response_id.as_ref() == Some(response) && !told.contains(&state.id);
        let mut known: Vec<_> =
            self.conversation.items().chain(self.conversation.detached()).filter(of_response).collect();
        known.sort_by_key(|state| state.first);
        let mut taken: HashMap<Sort, usize> = HashMap::new();
        for (index, item) in (0..).zip(output) {
            if is_named(item) {
                continue;
            }
            let sort = sort_of(item);
            let nth = taken.entry(sort).or_default();
            let same = known.iter().filter(|state| sort_of(&state.item) == sort).nth(*nth);
            *nth += 1;
            match same {
                Some(same) => item.set_id(&same.id),
                None => item.set_id(unnamed_item(response, index)),
            }
        }
    }

    /// An item of the conversation that has no id: the only one of its sort that was asked for, else one of the response
    /// in progress, else a new one.
    pub(super) fn name_announced(&self, item: &mut Item, is_whole: bool) {
        if is_named(item) {
            return;
        }
        let sort = Sort::of(item);
        if let Some(asked) = self.requests.only_subject(|kind| kind.creates(item)) {
            return item.set_id(asked);
        }
        let known = |id: &Id| self.conversation.get(id);
        let is_output = matches!(sort, Sort::Assistant | Sort::Call);
        let prefix = self.responses.active_id().filter(|id| is_output && id.len() <= MOST_WORDS);
        let prefix = prefix.cloned().unwrap_or_else(|| "item".into());
        // What is told as whole was begun before.
        let begun = (0..MOST_OUTPUT as u32).map(|at| unnamed_item(&prefix, at)).take_while(|id| known(id).is_some());
        let begun = begun.last().filter(|id| known(id).is_some_and(|state| is_whole || !state.announced));
        let fresh = || (0..).map(|at| unnamed_item(&prefix, at)).find(|id| !self.conversation.is_known(id));
        if let Some(id) = begun.or_else(fresh) {
            item.set_id(id);
        }
    }
}

/// The sort of an item that the model makes: a message of it is its own, whoever is said to say it.
fn sort_of(item: &Item) -> Sort {
    match item {
        Item::Message(_) => Sort::Assistant,
        item => Sort::of(item),
    }
}

fn is_named(item: &Item) -> bool {
    item.id().is_some_and(|id| !id.is_empty())
}

fn unnamed_item(response: &Id, output_index: u32) -> Id {
    format!("{response}_{output_index}").into()
}
