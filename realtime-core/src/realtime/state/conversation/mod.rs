mod trim;

use std::{collections::VecDeque, sync::Arc};

pub use trim::Keep;
pub(crate) use trim::{Edit, edit};

use super::{index::Index, item::ItemState, pages::Pages, snapshot::SavedItem};
use crate::{
    protocol::state::limits::{MOST_ITEMS, MOST_KEPT_ID, MOST_MENTIONS},
    realtime::types::Item,
    wire::{Id, Patch},
};

/// The conversation's items in order, and items outside it.
///
/// # Examples
/// ```
/// # let clock = realtime_mock::VirtualClock::new();
/// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
/// # clock.block_on(client.realtime().model("m").run(async |connection| {
/// connection.respond("Good morning!").await?.await?;
/// let state = connection.state();
/// let last = state.conversation.items().next_back().expect("an answer");
/// assert!(state.conversation.contains(&last.id));
/// println!("{}", last.transcript());
/// # Ok::<_, realtime_core::Error>(())
/// # }))?;
/// # Ok::<_, realtime_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    pub(super) id: Option<Id>,
    /// Slab keys of the conversation's items, in order.
    order: Pages<usize>,
    places: Pages<Place>,
    /// The first of the places that are free, each of which names the next.
    free: Option<usize>,
    index: Index,
    /// Key of the most recently used item: consecutive events usually concern the same item.
    latest: usize,
    /// That item, taken out of its place so that a delta need not ask whether the pages are shared. `None` if it is not
    /// known.
    open: Option<Arc<ItemState>>,
    /// Keys of items outside the conversation, oldest first.
    detached: Vec<usize>,
    /// `None` until an item is mentioned.
    mentions: Option<Box<Mentions>>,
    /// Number of items that keep their content.
    keep: Option<usize>,
    /// Maximum and current size of all items in bytes.
    most_bytes: Option<usize>,
    bytes: usize,
    /// By how much the latest item may grow before items have to be weighed again. Zero if anything else has changed.
    room: usize,
    /// All items before this position are evicted.
    forgotten: usize,
}

/// Order in which items were first mentioned.
#[derive(Clone, Debug, Default)]
struct Mentions {
    /// Number of mentions so far.
    count: u64,
    /// Latest mention of an item that was placed without an announcement.
    latest_unannounced: u64,
    /// Mentioned items without any content, the latest last.
    waiting: VecDeque<(Id, u64)>,
}

#[derive(Clone, Debug)]
enum Place {
    // Shared, so that a page of the state that is held for long costs a pointer an item.
    Known(Arc<ItemState>),
    /// The most recently used item, which is kept apart.
    Open,
    /// An evicted item: only its id and position remain.
    Forgotten(Id),
    /// None, and the next of these.
    Free(Option<usize>),
}

/// Maximum number of items kept outside the conversation: out-of-band output, and items known only from deltas.
const MOST_DETACHED: usize = 256;

impl Conversation {
    /// Id of the conversation, as in responses.
    pub fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// Number of items, including evicted ones.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The items in order, except those whose content was evicted. See [`ids`](Self::ids).
    pub fn items(&self) -> impl DoubleEndedIterator<Item = &ItemState> {
        self.order.iter().filter_map(|&place| self.known(place))
    }

    /// The ids of all items in order, including evicted ones.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = &Id> + ExactSizeIterator {
        (0..self.order.len()).map(|at| self.order.get(at).map_or(&Id::EMPTY, |place| self.id_at(*place)))
    }

    /// An item, whether or not it is part of the conversation.
    pub fn get(&self, id: &str) -> Option<&ItemState> {
        self.find(id.as_bytes()).and_then(|place| self.known(place))
    }

    /// Whether the item was ever mentioned, within the retention limits.
    pub(super) fn is_known(&self, id: &Id) -> bool {
        self.find(id.as_bytes()).is_some()
    }

    /// Whether the item is part of the conversation.
    pub fn contains(&self, id: &str) -> bool {
        self.position(id).is_some()
    }

    /// Id of the item before this one.
    pub fn previous(&self, id: &str) -> Option<&Id> {
        let at = self.position(id)?.checked_sub(1)?;
        self.order.get(at).map(|place| self.id_at(*place))
    }

    /// Items outside the conversation: output of out-of-band responses, and items without any content yet.
    pub fn detached(&self) -> impl Iterator<Item = &ItemState> {
        self.detached.iter().filter_map(|&place| self.known(place))
    }

    pub(super) fn set_keep(&mut self, items: Option<usize>, bytes: Option<usize>) {
        self.keep = items;
        self.most_bytes = bytes;
        self.room = 0;
    }

    /// Notes that the latest item has grown by at most so many bytes.
    pub(super) fn grew(&mut self, bytes: usize) {
        self.room = self.room.saturating_sub(bytes);
        if self.room == 0 {
            self.weigh();
        }
    }

    /// Evicts the oldest items beyond the limit.
    pub(super) fn weigh(&mut self) {
        let Some(most) = self.most_bytes else {
            self.room = usize::MAX;
            return;
        };
        // The growth of the most recently used item is noted once another is used, or it matters.
        let grown = self.latest().map_or(0, |item| item.weight().saturating_sub(item.weighed));
        if let Some(room) = most.checked_sub(self.bytes + grown) {
            self.room = room;
            return;
        }
        self.weigh_latest();
        while self.bytes > most {
            if let Some(&place) = self.order.get(self.forgotten) {
                if self.known(place).is_some() {
                    self.forget(self.forgotten);
                }
                self.forgotten += 1;
            } else if self.detached.is_empty() {
                break;
            } else {
                let oldest = self.detached.remove(0);
                self.drop_place(oldest);
            }
        }
    }

    fn weigh_latest(&mut self) {
        let Some(item) = self.latest() else { return };
        let (weight, weighed) = (item.weight(), item.weighed);
        if weight != weighed {
            self.bytes = (self.bytes + weight).saturating_sub(weighed);
            if let Some(item) = self.known_mut(self.latest) {
                item.weighed = weight;
            }
        }
    }

    /// By the bytes of the id, because an [`Id`] validates its text whenever it is asked for.
    fn find(&self, id: &[u8]) -> Option<usize> {
        if self.latest().is_some_and(|item| item.id.as_bytes() == id) {
            return Some(self.latest);
        }
        self.index.get(id, |place| self.id_at(place).as_bytes() == id)
    }

    /// Finds an item, whatever is known of it, and turns to it.
    fn look_up(&mut self, id: &Id) -> Option<usize> {
        let at = self.find(id.as_bytes())?;
        self.turn_to(at);
        Some(at)
    }

    fn turn_to(&mut self, at: usize) {
        if at == self.latest && self.open.is_some() {
            return;
        }
        self.weigh_latest();
        if let Some(item) = self.open.take() {
            self.set_place(self.latest, Place::Known(item));
        }
        self.latest = at;
        if let Some(Place::Known(item)) = self.places.get(at).cloned() {
            self.open = Some(item);
            // Taken out last, so that it has one owner again.
            self.set_place(at, Place::Open);
        }
    }

    fn set_place(&mut self, at: usize, new: Place) {
        if let Some(place) = self.places.get_mut(at) {
            *place = new;
        }
    }

    /// The most recently used item.
    pub(super) fn latest(&self) -> Option<&ItemState> {
        self.open.as_deref()
    }

    /// The same, for a change that is noted with [`grew`](Self::grew).
    pub(super) fn latest_mut(&mut self) -> Option<&mut ItemState> {
        self.open.as_mut().map(Arc::make_mut)
    }

    pub(super) fn get_mut(&mut self, id: &Id) -> Option<&mut ItemState> {
        let at = self.look_up(id)?;
        self.known_mut(at)
    }

    /// The item, created outside the conversation if unknown. `None` if it was evicted.
    pub(super) fn get_or_insert(&mut self, id: &Id, make: impl FnOnce(Id) -> ItemState) -> Option<&mut ItemState> {
        if let Some(at) = self.look_up(id) {
            return self.known_mut(at);
        }
        // Without a name there is no place.
        if id.is_empty() {
            return None;
        }
        if self.detached.len() == MOST_DETACHED {
            let oldest = self.detached.remove(0);
            self.drop_place(oldest);
        }
        let mut item = make(id.clone());
        item.first = self.first_mention(id);
        let place = self.add_place(Place::Known(Arc::new(item)));
        self.index.insert(id.as_bytes(), place);
        self.detached.push(place);
        self.turn_to(place);
        self.known_mut(place)
    }

    fn add_place(&mut self, new: Place) -> usize {
        if let Some(at) = self.free
            && let Some(place) = self.places.get_mut(at)
            && let Place::Free(next) = *place
        {
            self.free = next;
            *place = new;
            return at;
        }
        self.places.push(new);
        self.places.len() - 1
    }

    /// Records a mention of an item, which determines its position unless one is given.
    pub(super) fn mention(&mut self, id: &Id) {
        if self.is_known(id) {
            return;
        }
        let Mentions { count, waiting, .. } = &mut **self.mentions.get_or_insert_default();
        if waiting.iter().any(|(known, _)| known == id) {
            return;
        }
        if waiting.len() == MOST_MENTIONS {
            waiting.pop_front();
        }
        *count += 1;
        waiting.push_back((id.clone(), *count));
    }

    fn first_mention(&mut self, id: &Id) -> u64 {
        let Mentions { count, waiting, .. } = &mut **self.mentions.get_or_insert_default();
        match waiting.iter().position(|(known, _)| known == id) {
            Some(at) => waiting.remove(at).map_or(0, |(_, first)| first),
            None => {
                *count += 1;
                *count
            }
        }
    }

    /// Adds a known item to the conversation after its predecessor, when the server announces it. An item announced
    /// before keeps its position.
    pub(super) fn place(&mut self, id: &Id, previous: &Patch<Id>) {
        let Some(place) = self.find(id.as_bytes()) else { return };
        let Some(first) = self.known(place).filter(|item| !item.announced).map(|item| item.first) else { return };
        self.take_out(place);
        let mut at = match previous {
            Patch::Clear => 0,
            Patch::Set(previous) if previous == "root" => 0,
            // Without a known predecessor, the item goes to the end.
            Patch::Set(previous) => self.position(previous).map_or(self.order.len(), |at| at + 1),
            Patch::Keep => self.order.len(),
        };
        // Unannounced items go after everything mentioned earlier, and before everything mentioned later.
        let unannounced = |place: &usize| self.known(*place).filter(|item| !item.announced).map(|item| item.first);
        while self.order.get(at).and_then(unannounced).is_some_and(|other| other < first) {
            at += 1;
        }
        let displaced: Vec<usize> =
            match self.mentions.as_ref().is_some_and(|mentions| mentions.latest_unannounced > first) {
                true => (self.order.iter().take(at).copied())
                    .filter(|place| unannounced(place).is_some_and(|other| other > first))
                    .collect(),
                false => Vec::new(),
            };
        self.order.insert(at, place);
        self.forgotten = self.forgotten.min(at);
        if let Some(item) = self.known_mut(place) {
            (item.placed, item.announced) = (true, true);
        }
        for place in displaced {
            self.take_out(place);
            self.put_by_mention(place);
        }
        self.limit(at);
    }

    /// Adds the most recently used item to the conversation if it has content and was never placed.
    pub(super) fn show_latest(&mut self, is_out_of_band: impl FnOnce(&Id) -> bool) {
        let place = self.latest;
        let Some(item) = self.known(place).filter(|item| !item.placed && item.shows()) else { return };
        if item.response_id.as_ref().is_some_and(is_out_of_band) {
            return;
        }
        self.take_out(place);
        let at = self.put_by_mention(place);
        self.limit(at);
    }

    /// Inserts an item after everything mentioned earlier.
    fn put_by_mention(&mut self, place: usize) -> usize {
        let first = self.known(place).map_or(0, |item| item.first);
        let earlier = |place: &usize| self.known(*place).is_none_or(|item| item.first < first);
        let at = self.order.last_position(earlier).map_or(0, |at| at + 1);
        self.order.insert(at, place);
        self.forgotten = self.forgotten.min(at);
        let latest = &mut self.mentions.get_or_insert_default().latest_unannounced;
        *latest = first.max(*latest);
        if let Some(item) = self.known_mut(place) {
            item.placed = true;
        }
        at
    }

    /// Removes an item from the order, or from those outside it.
    fn take_out(&mut self, place: usize) {
        if let Some(at) = self.detached.iter().rposition(|other| *other == place) {
            self.detached.remove(at);
        } else if let Some(at) = self.order.last_position(|other| *other == place) {
            self.order.remove(at);
            self.forgotten -= usize::from(at < self.forgotten);
        }
    }

    /// Evicts items beyond the limit after an insertion at this position.
    fn limit(&mut self, at: usize) {
        if self.order.len() > MOST_ITEMS {
            let (order, oldest) = (std::mem::take(&mut self.order), MOST_ITEMS / 16);
            self.order = order.iter().skip(oldest).copied().collect();
            order.iter().take(oldest).for_each(|place| self.drop_place(*place));
            self.forgotten = self.forgotten.saturating_sub(MOST_ITEMS / 16);
            return;
        }
        if let Some(keep) = self.keep
            && let Some(boundary) = self.order.len().checked_sub(keep + 1)
        {
            self.forget(boundary.min(at));
            self.forget(boundary);
        }
    }

    fn known_mut(&mut self, place: usize) -> Option<&mut ItemState> {
        self.room = 0;
        self.item_mut(place)
    }

    fn item_mut(&mut self, place: usize) -> Option<&mut ItemState> {
        match self.places.get_mut(place) {
            Some(Place::Known(item)) => Some(Arc::make_mut(item)),
            Some(Place::Open) => self.open.as_mut().map(Arc::make_mut),
            _ => None,
        }
    }

    /// The latest item that satisfies the predicate.
    pub(super) fn find_latest(&self, holds: impl Fn(&ItemState) -> bool) -> Option<&ItemState> {
        let all = self.order.iter().chain(&self.detached).filter_map(|&place| self.known(place));
        all.filter(|item| holds(item)).max_by_key(|item| item.first)
    }

    /// Ids of the items that are not kept, in order: [`ConversationResource::retain`](crate::resources::ConversationResource::retain)
    /// deletes them.
    pub fn beyond(&self, keep: Keep) -> impl Iterator<Item = &Id> {
        let items: Vec<_> = self.ids().map(|id| self.get(id).map(|state| &state.item)).collect();
        self.ids().zip(keep.choose(&items)).filter(|(_, kept)| !kept).map(|(id, _)| id)
    }

    /// Replaces all items by these, which count as sent until the server describes them.
    pub(super) fn restart<'a>(&mut self, items: impl Iterator<Item = &'a Item>) {
        *self = Self { keep: self.keep, most_bytes: self.most_bytes, ..Self::default() };
        for item in items {
            let Some(id) = item.id() else { continue };
            if let Some(state) = self.get_or_insert(id, |id| ItemState::blank(id, item)) {
                state.describe(item, false, false);
            }
            self.place(id, &Patch::Keep);
        }
    }

    /// The items of a conversation that is resumed.
    pub(super) fn resume(&mut self, id: Option<Id>, items: &[SavedItem]) {
        self.restart([].iter());
        self.id = id;
        for saved in items {
            let Some(item) = &saved.item else {
                let place = self.add_place(Place::Forgotten(saved.id.clone()));
                self.index.insert(saved.id.as_bytes(), place);
                self.order.push(place);
                continue;
            };
            if let Some(state) = self.get_or_insert(&saved.id, |id| ItemState::blank(id, item)) {
                state.describe(item, false, false);
                state.response_id.clone_from(&saved.response_id);
            }
            self.place(&saved.id, &Patch::Keep);
        }
    }

    pub(super) fn remove(&mut self, id: &Id) {
        if let Some(at) = self.position(id) {
            self.forgotten -= usize::from(at < self.forgotten);
            if let Some(place) = self.order.remove(at) {
                self.drop_place(place);
            }
        } else if let Some(place) = self.find(id.as_bytes()) {
            self.detached.retain(|other| *other != place);
            self.drop_place(place);
        }
    }

    fn forget(&mut self, at: usize) {
        let Some(&at) = self.order.get(at) else { return };
        let item = match self.places.get(at) {
            Some(Place::Known(item)) => Some(item.clone()),
            Some(Place::Open) => self.open.take(),
            _ => None,
        };
        let Some(item) = item else { return };
        self.bytes = self.bytes.saturating_sub(item.weighed);
        // Ids are normally short. An unusually long one costs as much as content, so it is dropped.
        let id = if item.id.len() > MOST_KEPT_ID { Id::EMPTY } else { item.id.clone() };
        if id.is_empty() {
            self.index.remove(item.id.as_bytes(), at);
        }
        self.set_place(at, Place::Forgotten(id));
    }

    fn drop_place(&mut self, at: usize) {
        let id = self.id_at(at).clone();
        if let Some(item) = self.known(at) {
            self.bytes = self.bytes.saturating_sub(item.weighed);
        }
        self.index.remove(id.as_bytes(), at);
        if let Some(Place::Open) = self.places.get(at) {
            self.open = None;
        }
        if let Some(place) = self.places.get_mut(at) {
            *place = Place::Free(self.free.replace(at));
        }
    }

    /// Position of an item. Searched from the end, where it usually is.
    fn position(&self, id: &str) -> Option<usize> {
        let place = self.find(id.as_bytes())?;
        self.order.last_position(|at| *at == place)
    }

    fn known(&self, place: usize) -> Option<&ItemState> {
        match self.places.get(place) {
            Some(Place::Known(item)) => Some(item),
            Some(Place::Open) => self.open.as_deref(),
            _ => None,
        }
    }

    fn id_at(&self, place: usize) -> &Id {
        match self.places.get(place) {
            Some(Place::Known(item)) => &item.id,
            Some(Place::Open) => self.open.as_ref().map_or(&Id::EMPTY, |item| &item.id),
            Some(Place::Forgotten(id)) => id,
            Some(Place::Free(_)) | None => &Id::EMPTY,
        }
    }
}

#[cfg(test)]
mod tests;
