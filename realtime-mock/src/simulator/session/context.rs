use realtime_core::{
    Audio,
    types::{AudioFormat, Item},
};

use super::{
    conversation::{Conversation, StoredItem},
    usage::{Tokens, of_entry},
};

/// The model's input: the conversation, or the items of the request, and the items that follow.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(super) conversation: Option<&'a Conversation>,
    pub(super) then: &'a [StoredItem],
}

impl<'a> Context<'a> {
    /// Only these items.
    pub(crate) fn of(then: &'a [StoredItem]) -> Self {
        Self { conversation: None, then }
    }

    pub(crate) fn len(self) -> usize {
        self.conversation.map_or(0, Conversation::len) + self.then.len()
    }

    /// The items, in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a StoredItem> {
        self.conversation.into_iter().flat_map(Conversation::iter).chain(self.then)
    }

    /// The items, in reverse order.
    pub(crate) fn rev(self) -> impl Iterator<Item = &'a StoredItem> {
        self.then.iter().rev().chain(self.conversation.into_iter().flat_map(Conversation::rev))
    }

    /// The items as typed values.
    pub(crate) fn items(self) -> Vec<Item> {
        self.iter().filter_map(StoredItem::typed).collect()
    }

    /// The user's last input.
    fn said(self) -> Option<&'a StoredItem> {
        self.rev().find(|entry| entry.role() == "user")
    }

    /// The user's last input, text or transcript.
    pub(crate) fn text(self) -> String {
        self.said().map(StoredItem::text).unwrap_or_default()
    }

    /// The audio of the user's last input.
    pub(crate) fn audio(self) -> Option<(Audio, AudioFormat)> {
        self.said()?.clip.as_ref()?.audio()
    }

    /// The function call with this id.
    pub(crate) fn call(self, call_id: &str) -> Option<&'a StoredItem> {
        let is_it = |entry: &&StoredItem| entry.kind() == "function_call" && entry.item["call_id"] == call_id;
        self.then.iter().find(is_it).or_else(|| self.conversation?.call(call_id))
    }

    pub(super) fn tokens(self) -> Tokens {
        let mut tokens = self.conversation.map(Conversation::tokens).unwrap_or_default();
        self.then.iter().for_each(|entry| tokens.add(of_entry(entry)));
        tokens
    }
}
