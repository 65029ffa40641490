use std::{
    borrow::Borrow,
    collections::{BTreeMap, HashMap, VecDeque},
    hash::{Hash, Hasher},
    sync::Arc,
};

use super::response::ResponseState;
use crate::{
    protocol::{
        event::ErrorEvent,
        state::limits::clip_failure,
        types::{AudioFormat, Failure, ResponseStatus},
    },
    realtime::types::{Response, Usage},
    transport::Instant,
    wire::{Id, Patch},
};

/// The model's responses: active ones, and the most recent ones that have ended.
#[derive(Clone, Debug, Default)]
pub struct Responses {
    /// The response that began last, which nearly everything is about: apart from the others, so that it is found without
    /// a table, and changed without a copy of it.
    newest: Option<Arc<ResponseState>>,
    /// None until there are any.
    older: Option<Arc<Older>>,
    active: Option<Id>,
    keep: Option<usize>,
    /// The response that last produced output, and whether that was audio. More of the same changes nothing.
    latest: Option<(Id, bool)>,
}

/// Shared with copies of the state until another response begins, or one of these goes on.
#[derive(Clone, Debug, Default)]
struct Older {
    all: HashMap<Key, Arc<ResponseState>>,
    order: VecDeque<Id>,
}

/// An id that is hashed by its bytes, because an [`Id`] validates its text whenever it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key(Id);

impl Hash for Key {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.as_bytes().hash(hasher);
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Responses {
    /// The active response of the conversation.
    pub fn active(&self) -> Option<&ResponseState> {
        self.active.as_ref().and_then(|id| self.find(id))
    }

    /// Active out-of-band responses.
    pub fn out_of_band(&self) -> impl Iterator<Item = &ResponseState> {
        self.iter().filter(|response| response.out_of_band && response.done.is_none())
    }

    /// All known responses, in the order in which they began.
    pub fn iter(&self) -> impl Iterator<Item = &ResponseState> {
        let older = self.older.iter().flat_map(|older| &older.order).filter_map(|id| self.find(id));
        older.chain(self.newest())
    }

    /// The response with this id.
    pub fn get(&self, id: &str) -> Option<&ResponseState> {
        self.find_bytes(id.as_bytes())
    }

    /// The same, without a validation of the id's text.
    pub(super) fn find(&self, id: &Id) -> Option<&ResponseState> {
        self.find_bytes(id.as_bytes())
    }

    fn find_bytes(&self, id: &[u8]) -> Option<&ResponseState> {
        let newest = self.newest().filter(|newest| newest.id.as_bytes() == id);
        newest.or_else(|| self.older.as_ref()?.all.get(id).map(|response| &**response))
    }

    pub(super) fn set_keep(&mut self, responses: Option<usize>) {
        self.keep = responses;
    }

    /// Records when output of a response was received. Returns whether it is its first audio.
    pub(super) fn record_first_output(&mut self, id: &Id, now: Instant, audio: bool) -> bool {
        if self.has_output(id, audio) {
            return false;
        }
        let Some(response) = self.get_mut(id) else { return false };
        response.first_token.get_or_insert(now);
        let is_first = audio && response.first_audio.is_none();
        if is_first {
            response.first_audio = Some(now);
        }
        let heard = response.first_audio.is_some();
        self.latest = Some((id.clone(), heard));
        is_first
    }

    /// Whether the response is the one that last produced output, and produced this sort before.
    pub(super) fn has_output(&self, id: &Id, audio: bool) -> bool {
        self.latest.as_ref().is_some_and(|(last, heard)| last == id && (*heard || !audio))
    }

    pub(super) fn get_mut(&mut self, id: &Id) -> Option<&mut ResponseState> {
        if self.is_newest(id) {
            return self.newest.as_mut().map(Arc::make_mut);
        }
        let older = self.older.as_mut()?;
        // Copied only for a change, and looked up once where there is no copy.
        if Arc::get_mut(older).is_none() && !older.all.contains_key(id.as_bytes()) {
            return None;
        }
        Arc::make_mut(older).all.get_mut(id.as_bytes()).map(Arc::make_mut)
    }

    fn is_newest(&self, id: &Id) -> bool {
        self.newest().is_some_and(|newest| newest.id == *id)
    }

    /// Id of the active response.
    pub(super) fn active_id(&self) -> Option<&Id> {
        self.active.as_ref()
    }

    /// The response that began last.
    pub(super) fn newest(&self) -> Option<&ResponseState> {
        self.newest.as_deref()
    }

    pub(super) fn is_active(&self, id: &Id) -> bool {
        self.active.as_ref() == Some(id)
    }

    /// The session was lost: active responses will not end.
    pub(super) fn interrupt(&mut self, now: Instant) {
        self.active = None;
        let older = self.older.as_mut().map(|older| Arc::make_mut(older).all.values_mut());
        let all = older.into_iter().flatten().chain(&mut self.newest);
        for response in all.filter(|response| response.done.is_none()) {
            let response = Arc::make_mut(response);
            response.status = ResponseStatus::Incomplete;
            response.done = Some(now);
        }
    }

    /// A response has begun.
    pub(super) fn created(&mut self, id: &Id, response: &Response, format: &AudioFormat, now: Instant) {
        let out_of_band = response.conversation_id == Patch::Clear;
        let ended = response.status.as_ref().is_some_and(|status| {
            use ResponseStatus::{Cancelled, Completed, Failed};

            matches!(status, Completed | Failed | Cancelled)
        });
        if !out_of_band && !ended {
            self.active = Some(id.clone());
        }
        // A server that gives an id twice begins another response.
        if self.find(id).is_some_and(|before| before.done.is_some()) {
            if self.is_newest(id) {
                self.newest = None;
            } else if let Some(older) = self.older.as_mut().map(Arc::make_mut) {
                older.all.remove(id.as_bytes());
                older.order.retain(|before| before != id);
            }
        }
        let Some(state) = self.entry(id, out_of_band, format, now) else { return };
        state.update(response);
        // Usage is final only at the end. Some servers send zeros before.
        state.usage = None;
        if ended {
            state.done = Some(now);
        } else {
            // Some servers create responses with status `incomplete`.
            state.status = ResponseStatus::InProgress;
        }
    }

    /// A response goes by another name.
    pub(super) fn rename(&mut self, before: &Id, id: &Id) {
        let is_newest = self.is_newest(before);
        let Some(response) = self.get_mut(before) else { return };
        response.id = id.clone();
        // Of the older ones, the table and the order have the name too.
        if !is_newest
            && let Some(older) = self.older.as_mut().map(Arc::make_mut)
            && let Some(response) = older.all.remove(before.as_bytes())
        {
            older.all.insert(Key(id.clone()), response);
            if let Some(place) = older.order.iter_mut().rfind(|place| *place == before) {
                *place = id.clone();
            }
        }
        if self.is_active(before) {
            self.active = Some(id.clone());
        }
        self.latest = None;
    }

    /// A response has ended. If its beginning was missed, it is added. Returns its usage, if that is new.
    pub(super) fn done(&mut self, id: &Id, response: &Response, format: &AudioFormat, now: Instant) -> Option<&Usage> {
        if self.is_active(id) {
            self.active = None;
        }
        let state = self.entry(id, response.conversation_id == Patch::Clear, format, now)?;
        let is_billed = state.usage.is_some();
        state.update(response);
        state.done = Some(now);
        state.usage.as_ref().filter(|_| !is_billed)
    }

    /// Gives up a response: as failed with this error, or as incomplete.
    pub(super) fn give_up(&mut self, id: &Id, error: Option<&ErrorEvent>, now: Instant) {
        if self.is_active(id) {
            self.active = None;
        }
        let Some(response) = self.get_mut(id) else { return };
        response.done = Some(now);
        response.status = ResponseStatus::Incomplete;
        if let Some(ErrorEvent { error, .. }) = error {
            let failure = Failure {
                kind: error.kind.clone(),
                code: error.code.clone(),
                message: Some(error.message.clone()),
                param: error.param.clone(),
            };
            response.status = ResponseStatus::Failed;
            response.error = Some(clip_failure(&failure));
        }
    }

    /// The response, begun now if it is unknown.
    fn entry(&mut self, id: &Id, out_of_band: bool, format: &AudioFormat, now: Instant) -> Option<&mut ResponseState> {
        if self.find(id).is_none() {
            self.latest = None;
            let new = ResponseState {
                id: id.clone(),
                status: ResponseStatus::InProgress,
                reason: None,
                error: None,
                out_of_band,
                metadata: None,
                output: BTreeMap::new(),
                usage: None,
                format: format.clone(),
                created: now,
                first_token: None,
                first_audio: None,
                done: None,
                asked: None,
                interrupted: None,
                called: None,
                answered: None,
            };
            if let Some(before) = self.newest.replace(Arc::new(new)) {
                let older = Arc::make_mut(self.older.get_or_insert_default());
                older.order.push_back(before.id.clone());
                older.all.insert(Key(before.id.clone()), before);
            }
            let most = self.keep.map_or(usize::MAX, |keep| keep.max(1));
            if let Some(older) = self.older.as_mut().filter(|older| older.order.len() >= most) {
                let older = Arc::make_mut(older);
                while older.order.len() >= most && older.forget_oldest() {}
            }
        }
        self.get_mut(id)
    }
}

impl Older {
    /// Removes the oldest response that has ended. Returns whether there was one.
    fn forget_oldest(&mut self) -> bool {
        let ended = |id: &Id| self.all.get(id.as_bytes()).is_some_and(|response| response.done.is_some());
        // Normally only a few are active. If a server never ends any, the oldest is removed anyway.
        let at = self.order.iter().take(64).position(ended).or((self.order.len() >= 1024).then_some(0));
        let Some(id) = at.and_then(|at| self.order.remove(at)) else { return false };
        self.all.remove(id.as_bytes());
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// A list of ids, and whether each has ended.
    type Model = Vec<(String, bool)>;

    fn begin(model: &mut Model, id: &str, keep: usize) {
        if model.iter().all(|(known, _)| known != id) {
            model.push((id.into(), false));
            while model.len() > keep
                && let Some(at) = model.iter().position(|(_, ended)| *ended)
            {
                model.remove(at);
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_a_list(keep in 1..5_usize, steps in prop::collection::vec((0..4_u8, 0..8_u8, 0..8_u8), 0..60)) {
            let mut responses = Responses::default();
            responses.set_keep(Some(keep));
            let mut model = Model::new();
            for (step, id, other) in steps {
                let (name, id, other) = (format!("r{id}"), Id::from(format!("r{id}")), Id::from(format!("r{other}")));
                let at = model.iter().position(|(known, _)| *known == name);
                let (response, format, now) = (Response::default(), AudioFormat::default(), Instant::default());
                match step {
                    0 => {
                        responses.created(&id, &response, &format, now);
                        if let Some(at) = at.filter(|at| model[*at].1) {
                            model.remove(at);
                        }
                        begin(&mut model, &name, keep);
                    }
                    1 => {
                        responses.done(&id, &response, &format, now);
                        begin(&mut model, &name, keep);
                        model.iter_mut().filter(|(known, _)| *known == name).for_each(|(_, ended)| *ended = true);
                    }
                    2 if responses.find(&other).is_none() => {
                        responses.rename(&id, &other);
                        if let Some(at) = at {
                            model[at].0 = other.to_string();
                        }
                    }
                    2 => {}
                    _ => {
                        responses.interrupt(now);
                        model.iter_mut().for_each(|(_, ended)| *ended = true);
                    }
                }
                let list: Model =
                    responses.iter().map(|response| (response.id.to_string(), response.done.is_some())).collect();
                prop_assert_eq!(&list, &model);
                prop_assert_eq!(responses.newest().map(|newest| &*newest.id), model.last().map(|(id, _)| &**id));
                for (id, ended) in &model {
                    prop_assert_eq!(responses.get(id).map(|response| response.done.is_some()), Some(*ended));
                    prop_assert!(responses.get_mut(&id.as_str().into()).is_some());
                }
            }
        }
    }

    #[test]
    fn the_first_of_each_sort_is_noted() {
        let at = |ms| Instant::from_origin(Duration::from_millis(ms));
        let mut responses = Responses::default();
        responses.set_keep(Some(1));
        let begin = |responses: &mut Responses, id: &str| {
            responses.created(&id.into(), &Response::default(), &AudioFormat::default(), at(0));
        };
        begin(&mut responses, "a");
        begin(&mut responses, "b");
        for (ms, id, audio) in
            [(1, "a", false), (2, "a", false), (3, "a", true), (4, "b", true), (5, "a", true), (6, "b", false)]
        {
            responses.record_first_output(&id.into(), at(ms), audio);
        }
        let firsts = |responses: &Responses, id| {
            let response = responses.get(id).unwrap();
            (response.first_token, response.first_audio)
        };
        assert_eq!(firsts(&responses, "a"), (Some(at(1)), Some(at(3))));
        assert_eq!(firsts(&responses, "b"), (Some(at(4)), Some(at(4))));
        // Removed, and begun again by a server that reuses an id.
        responses.done(&"b".into(), &Response::default(), &AudioFormat::default(), at(7));
        begin(&mut responses, "c");
        assert!(responses.get("b").is_none());
        begin(&mut responses, "b");
        responses.record_first_output(&"b".into(), at(8), true);
        assert_eq!(firsts(&responses, "b"), (Some(at(8)), Some(at(8))));
    }
}
