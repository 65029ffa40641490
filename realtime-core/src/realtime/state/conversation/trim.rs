//! Shorter conversations, and the smallest set of events that makes one conversation of another.

use std::collections::{HashMap, HashSet};

use super::super::snapshot::Snapshot;
use crate::{
    realtime::types::{Item, Role},
    wire::Id,
};

/// How much of a conversation is kept, from its end.
///
/// Kept in any case are messages of the system, lists of MCP tools, calls and approval requests that are unanswered, and the
/// call of every output that is kept: a call is never separated from its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// This many turns. A turn begins with a message of the user that follows something else.
    Turns(usize),
    /// As many of the latest items as have this many tokens together, estimated as one token for four bytes of text and
    /// four tokens for each item. What is kept in any case comes in addition.
    Tokens(u64),
}

impl Keep {
    /// Which of the items are kept. `None` is an item of which only the id is known.
    pub(crate) fn choose(self, items: &[Option<&Item>]) -> Vec<bool> {
        let first = match self {
            Self::Turns(turns) => first_of_turns(items, turns),
            Self::Tokens(most) => first_within(items, most),
        };
        let (all, late) = (answered(items), answered(&items[first..]));
        let stays = |call: Option<&Id>| call.is_none_or(|id| !all.contains(id) || late.contains(id));
        let belongs = |item: &Item| match item {
            Item::Message(message) => message.role == Role::System,
            Item::McpListTools(_) => true,
            Item::FunctionCall(call) => stays(call.call_id.as_ref()),
            Item::McpApprovalRequest(request) => stays(request.id.as_ref()),
            _ => false,
        };
        items.iter().enumerate().map(|(at, item)| at >= first || item.is_some_and(belongs)).collect()
    }
}

/// Position of the first item of the last turns.
fn first_of_turns(items: &[Option<&Item>], turns: usize) -> usize {
    let is_user = |at: usize| match items.get(at) {
        Some(Some(Item::Message(message))) => message.role == Role::User,
        _ => false,
    };
    let begins = |at: &usize| is_user(*at) && !at.checked_sub(1).is_some_and(is_user);
    match turns.checked_sub(1) {
        Some(earlier) => (0..items.len()).rev().filter(begins).nth(earlier).unwrap_or(0),
        None => items.len(),
    }
}

/// Position of the first of the latest items that have this many tokens together.
fn first_within(items: &[Option<&Item>], most: u64) -> usize {
    let mut left = most;
    let fits = |item: &&Option<&Item>| match left.checked_sub(item.map_or(0, tokens)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    items.len() - items.iter().rev().take_while(fits).count()
}

/// Estimated number of tokens of an item.
fn tokens(item: &Item) -> u64 {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let bytes = match item {
        Item::Message(message) => {
            message.content.iter().map(|part| length(&part.text) + length(&part.transcript)).sum()
        }
        Item::FunctionCall(call) => call.name.len() + call.arguments.len(),
        Item::FunctionCallOutput(output) => output.output.len(),
        Item::McpCall(call) => call.name.len() + call.arguments.len() + call.output.as_set().map_or(0, String::len),
        Item::McpApprovalRequest(request) => request.name.len() + request.arguments.len(),
        _ => 0,
    };
    4 + bytes.div_ceil(4) as u64
}

/// Ids of the calls and approval requests that are answered among the items.
fn answered(items: &[Option<&Item>]) -> HashSet<Id> {
    let answers = |item: &Item| match item {
        Item::FunctionCallOutput(output) => Some(output.call_id.clone()),
        Item::McpApprovalResponse(response) => Some(response.approval_request_id.clone()),
        Item::McpCall(call) => call.approval_request_id.as_set().cloned(),
        _ => None,
    };
    items.iter().copied().flatten().filter_map(answers).collect()
}

/// What makes one conversation of another: first the deletions, then the creations in order, each with the id of the item
/// before it, or none for the front.
#[derive(Debug, PartialEq)]
pub(crate) struct Edit {
    pub(crate) deleted: Vec<Id>,
    pub(crate) created: Vec<(Option<Id>, Item)>,
}

/// The smallest edit after which the conversation has these items, in this order. Each of them has an id. An item stays if it
/// is described in the same way and its order among those that stay is the same.
pub(crate) fn edit(current: &[(&Id, Option<&Item>)], wanted: Vec<Item>) -> Edit {
    let places: HashMap<&Id, usize> = current.iter().enumerate().map(|(at, (id, _))| (*id, at)).collect();
    let place = |item: &Item| {
        let at = *places.get(item.id()?)?;
        (current.get(at)?.1 == Some(item)).then_some(at)
    };
    let same: Vec<Option<usize>> = wanted.iter().map(place).collect();
    let stays: HashSet<usize> = longest_increasing(&same).into_iter().collect();
    let is_kept = |at: Option<usize>| at.is_some_and(|at| stays.contains(&at));
    let deleted = current.iter().enumerate().filter(|(at, _)| !stays.contains(at)).map(|(_, (id, _))| (*id).clone());
    let deleted = deleted.collect();
    let mut created = Vec::new();
    let mut before: Option<Id> = None;
    for (item, at) in wanted.into_iter().zip(same) {
        let id = item.id().cloned();
        if !is_kept(at) {
            created.push((before, item));
        }
        before = id;
    }
    Edit { deleted, created }
}

/// The longest increasing subsequence of the numbers that there are.
fn longest_increasing(numbers: &[Option<usize>]) -> Vec<usize> {
    // For each length, the position of the smallest number that ends a subsequence of that length; and for each position,
    // the position before it.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; numbers.len()];
    for (at, number) in numbers.iter().enumerate() {
        let Some(number) = number else { continue };
        let length = ends.partition_point(|end| numbers[*end].is_some_and(|other| other < *number));
        before[at] = length.checked_sub(1).map(|shorter| ends[shorter]);
        if length == ends.len() {
            ends.push(at);
        } else {
            ends[length] = at;
        }
    }
    let mut found = Vec::new();
    let mut at = ends.last().copied();
    while let Some(position) = at {
        found.extend(numbers[position]);
        at = before[position];
    }
    found.reverse();
    found
}

impl Snapshot {
    /// Shortens the conversation to what is kept, so that a later session begins with it.
    pub fn retain(&mut self, keep: Keep) {
        let items: Vec<_> = self.items.iter().map(|saved| saved.item.as_ref()).collect();
        let mut kept = keep.choose(&items).into_iter();
        self.items.retain(|_| kept.next().unwrap_or(true));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(id: &str, text: &str) -> Item {
        Item::user(text).with_id(id)
    }

    fn call(id: &str, call_id: &str) -> Item {
        crate::realtime::types::FunctionCall::new("f", "{}").id(id).call_id(call_id).into()
    }

    fn output(id: &str, call_id: &str) -> Item {
        Item::function_call_output(call_id, "x").with_id(id)
    }

    fn kept(keep: Keep, items: &[Item]) -> Vec<String> {
        let all: Vec<_> = items.iter().map(Some).collect();
        let kept = keep.choose(&all);
        items.iter().zip(kept).filter(|(_, kept)| *kept).filter_map(|(item, _)| Some(item.id()?.to_string())).collect()
    }

    #[test]
    fn turns_are_kept_whole_with_what_belongs_to_them() {
        let items = [
            Item::system("Be brief.").with_id("system"),
            user("u1", "one"),
            call("answered", "c1"),
            output("output", "c1"),
            call("open", "c2"),
            call("late", "c3"),
            user("u2", "two"),
            user("u3", "three"),
            output("late_output", "c3"),
            Item::assistant("four").with_id("a3"),
            user("u4", "five"),
        ];
        assert_eq!(kept(Keep::Turns(0), &items), ["system", "open"]);
        assert_eq!(kept(Keep::Turns(1), &items), ["system", "open", "u4"]);
        assert_eq!(kept(Keep::Turns(2), &items), ["system", "open", "late", "u2", "u3", "late_output", "a3", "u4"]);
        assert_eq!(kept(Keep::Turns(3), &items).len(), items.len());
        // Five tokens each, and six for `three`.
        assert_eq!(kept(Keep::Tokens(10), &items), ["system", "open", "a3", "u4"]);
        assert_eq!(kept(Keep::Tokens(9), &items), ["system", "open", "u4"]);
        assert_eq!(kept(Keep::Tokens(u64::MAX), &items).len(), items.len());
    }

    /// Makes the edit as a server does.
    fn apply(current: &[Item], edit: Edit) -> Vec<Item> {
        let mut items: Vec<Item> = current.to_vec();
        for id in edit.deleted {
            let at = items.iter().position(|item| item.id() == Some(&id)).expect("only what is there is deleted");
            items.remove(at);
        }
        for (before, item) in edit.created {
            assert!(!items.iter().any(|other| other.id() == item.id()), "an id is there once");
            let at = match before {
                None => 0,
                Some(id) => 1 + items.iter().position(|item| item.id() == Some(&id)).expect("it follows something"),
            };
            items.insert(at, item);
        }
        items
    }

    proptest! {
        #[test]
        fn an_edit_makes_the_wanted_conversation_and_keeps_all_that_can_stay(
            current in prop::sample::subsequence((0..12).collect::<Vec<u8>>(), 0..12).prop_shuffle(),
            wanted in prop::sample::subsequence((0..12).collect::<Vec<u8>>(), 0..12).prop_shuffle(),
            changed in 0..12_u8,
        ) {
            let make = |number: &u8| user(&format!("item_{number}"), "text");
            let current: Vec<_> = current.iter().map(make).collect();
            let wanted: Vec<_> = wanted.iter().map(|number| match *number == changed {
                true => user(&format!("item_{number}"), "changed"),
                false => make(number),
            }).collect();
            let known: Vec<_> = current.iter().filter_map(|item| Some((item.id()?, Some(item)))).collect();
            let made = edit(&known, wanted.clone());
            // The smallest: nothing that stays in order could have stayed besides. Found by trying all subsets.
            let same: Vec<_> = wanted.iter().filter_map(|item| current.iter().position(|other| other == item)).collect();
            let most = (0..1_u32 << same.len()).filter(|set| {
                let chosen: Vec<_> = (0..same.len()).filter(|at| set >> at & 1 == 1).map(|at| same[at]).collect();
                chosen.is_sorted()
            }).map(u32::count_ones).max().unwrap_or(0) as usize;
            prop_assert_eq!(made.deleted.len(), current.len() - most);
            prop_assert_eq!(made.created.len(), wanted.len() - most);
            prop_assert_eq!(apply(&current, made), wanted);
        }
    }
}
