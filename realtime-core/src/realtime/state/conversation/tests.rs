use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Say(u8, usize),
    Place(u8, Option<u8>),
    Show,
    Mention(u8),
    Remove(u8),
    Restart(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0_u8..24;
    prop_oneof![
        4 => (id.clone(), 0_usize..300).prop_map(|(id, words)| Step::Say(id, words)),
        4 => (id.clone(), prop::option::of(id.clone())).prop_map(|(id, previous)| Step::Place(id, previous)),
        2 => Just(Step::Show),
        1 => id.clone().prop_map(Step::Mention),
        1 => id.clone().prop_map(Step::Remove),
        1 => id.prop_map(Step::Restart),
    ]
}

/// Some ids are too long to be kept once their items are forgotten.
fn id(number: u8) -> Id {
    let long = if number.is_multiple_of(5) { "x".repeat(MOST_KEPT_ID) } else { String::new() };
    Id::new(&format!("item_{number}{long}"))
}

fn say(conversation: &mut Conversation, number: u8, words: usize) {
    let item = Item::user("word ".repeat(words)).with_id(id(number));
    if let Some(state) = conversation.get_or_insert(&id(number), |id| ItemState::blank(id, &item)) {
        state.describe(&item, false, false);
    }
    conversation.weigh();
}

/// The invariants between the lists, the index and the counters.
fn check(conversation: &Conversation) {
    let mut listed: Vec<usize> = conversation.order.iter().chain(&conversation.detached).copied().collect();
    listed.sort_unstable();
    let is_used = |place: &usize| !matches!(conversation.places.get(*place), Some(Place::Free(_)));
    let places: Vec<usize> = (0..conversation.places.len()).filter(is_used).collect();
    assert_eq!(listed, places, "every place stands in one list, once");
    for &place in &places {
        let id = conversation.id_at(place);
        if conversation.known(place).is_some() || !id.is_empty() {
            let found = conversation.index.get(id.as_bytes(), |at| is_used(&at) && conversation.id_at(at) == id);
            assert_eq!(found, Some(place), "the index finds every item");
        }
    }
    let is_open = |place: &usize| matches!(conversation.places.get(*place), Some(Place::Open));
    let open: Vec<usize> = places.iter().copied().filter(is_open).collect();
    assert_eq!(open, Vec::from_iter(conversation.open.as_ref().map(|_| conversation.latest)), "one is kept apart");
    let known = || places.iter().filter_map(|&place| conversation.known(place));
    assert_eq!(conversation.bytes, known().map(|item| item.weighed).sum::<usize>());
    assert!(conversation.forgotten <= conversation.order.len());
    let evicted = conversation.order.iter().take(conversation.forgotten);
    assert!(evicted.copied().all(|place| conversation.known(place).is_none()));
    assert!(conversation.detached.len() <= MOST_DETACHED);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lists_index_and_counters_agree_after_every_step(
        steps in prop::collection::vec(step(), 0..80),
        keep in prop::option::of(0_usize..12),
        most_bytes in prop::option::of(0_usize..8_000),
    ) {
        let mut conversation = Conversation::default();
        conversation.set_keep(keep, most_bytes);
        for step in steps {
            match step {
                Step::Say(number, words) => {
                    say(&mut conversation, number, words);
                    let items = conversation.items().chain(conversation.detached());
                    let size: usize = items.map(ItemState::weight).sum();
                    prop_assert!(most_bytes.is_none_or(|most| size <= most));
                }
                Step::Place(number, previous) => {
                    let previous = previous.map_or(Patch::Clear, |previous| Patch::Set(id(previous)));
                    conversation.place(&id(number), &previous);
                }
                Step::Show => conversation.show_latest(|_| false),
                Step::Mention(number) => conversation.mention(&id(number)),
                Step::Remove(number) => conversation.remove(&id(number)),
                Step::Restart(items) => {
                    let items: Vec<_> = (0..items).map(|number| Item::user("Hi").with_id(id(number))).collect();
                    conversation.restart(items.iter());
                }
            }
            check(&conversation);
        }
    }
}

#[test]
fn items_outside_the_conversation_are_limited_too() {
    let mut conversation = Conversation::default();
    for number in 0..2 * MOST_DETACHED {
        let item = Item::user("Hi").with_id(format!("item_{number}"));
        conversation.get_or_insert(&format!("item_{number}").as_str().into(), |id| ItemState::blank(id, &item));
        conversation.weigh();
    }
    check(&conversation);
    assert_eq!((conversation.detached.len(), conversation.len()), (MOST_DETACHED, 0));
}
