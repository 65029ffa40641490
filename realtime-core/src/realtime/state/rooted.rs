//! Items that the client asked to insert at the front.

use std::collections::VecDeque;

use crate::{
    realtime::types::{Item, Role},
    wire::Id,
};

/// Maximum number remembered.
const MOST: usize = 64;

#[derive(Clone, Debug, Default)]
pub(super) struct Rooted(VecDeque<Front>);

#[derive(Clone, Debug)]
struct Front {
    id: Option<Id>,
    role: Option<Role>,
}

impl Rooted {
    pub(super) fn asked(&mut self, item: &Item) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(Front { id: item.id().cloned(), role: role(item) });
    }

    /// Whether the server now announces such an item. An item sent without an id is recognized by its author.
    pub(super) fn answers(&mut self, item: &Item) -> bool {
        let is = |front: &Front| match &front.id {
            Some(id) => Some(id) == item.id(),
            None => front.role == role(item),
        };
        let at = self.0.iter().position(is);
        at.is_some_and(|at| self.0.remove(at).is_some())
    }
}

fn role(item: &Item) -> Option<Role> {
    item.as_message().map(|message| message.role.clone())
}
