//! A session of a hundred thousand turns.

use realtime::{
    Audio, Id, Patch, RealtimeSettings,
    event::{
        ConversationItemAdded, ConversationItemDone, Event, ResponseCreated, ResponseDone, ResponseOutputAudioDelta,
        ResponseOutputAudioTranscriptDelta, ResponseOutputItemAdded, ServerEvent, Unknown,
    },
    session::{Changes, RealtimeState, Retention, Setup, State},
    transport::Instant,
    types::{Item, ItemStatus, Message, Response, ResponseStatus, Role, Usage},
};

fn say(session: &mut RealtimeState, event: impl Into<ServerEvent>) {
    session.received(&mut event.into(), Instant::default(), &mut Changes::default());
}

#[test]
fn a_hundred_thousand_turns_keep_what_was_asked_for() {
    const TURNS: usize = 100_000;
    const KEPT: usize = 50;

    let mut session = RealtimeState::default();
    let mut memory = Retention::default();
    memory.items = Some(KEPT);
    let setup = Setup::default();
    session.configure(&RealtimeSettings::default().memory(memory.clone()), &setup);
    let unknown: Unknown = match ServerEvent::decode(br#"{"type":"new.event"}"#) {
        ServerEvent::Unknown(unknown) => unknown,
        other => panic!("{other:?}"),
    };
    let mut last = Patch::Clear;
    for turn in 0..TURNS {
        let (user, model) = (Id::new(&format!("item_user_{turn}")), Id::new(&format!("item_model_{turn}")));
        let response = Id::new(&format!("resp_{turn}"));
        let item = Item::user("What is the time? ".repeat(20)).with_id(&user);
        let mut added = ConversationItemAdded::new(item.clone());
        added.previous_item_id = last;
        say(&mut session, added);
        say(&mut session, ConversationItemDone::new(item));
        let begun = Response::default().id(&response).conversation_id(Patch::Set("conv".into()));
        say(&mut session, ResponseCreated::new(begun));
        let item: Item = Message::new(Role::Assistant, []).status(ItemStatus::InProgress).id(&model).into();
        say(&mut session, ResponseOutputItemAdded::new(&response, 0, item.clone()));
        let mut added = ConversationItemAdded::new(item);
        added.previous_item_id = Patch::Set(user);
        say(&mut session, added);
        for _ in 0..5 {
            let words = "It is late. ".repeat(4);
            say(&mut session, ResponseOutputAudioTranscriptDelta::new(&response, &model, 0, 0, words));
            say(&mut session, ResponseOutputAudioDelta::new(&response, &model, 0, 0, Audio::from(vec![0; 480])));
        }
        let usage = Usage::default().total_tokens(10);
        let done = Response::default().id(&response).status(ResponseStatus::Completed).usage(usage);
        say(&mut session, ResponseDone::new(done));
        say(&mut session, unknown.clone());
        last = Patch::Set(model);
    }
    assert_eq!(session.conversation.len(), 2 * TURNS);
    assert_eq!(session.conversation.items().count(), KEPT);
    assert_eq!(session.conversation.detached().count(), 0);
    assert_eq!(session.responses.iter().count(), memory.responses.unwrap());
    assert_eq!(session.unknown.len(), setup.kept_errors.unwrap());
    assert_eq!(session.totals.responses.as_ref().unwrap().total_tokens, Some(10 * TURNS as u64));
    // The order is known to the first item, and the text of the last ones.
    assert_eq!(session.conversation.ids().next().unwrap(), "item_user_0");
    let latest = session.conversation.items().next_back().unwrap();
    assert_eq!((&*latest.id, latest.transcript().len(), latest.audio_bytes()), ("item_model_99999", 240, 2400));
}
