//! Whatever order the server's events come in, doubled, left out or cut short: nothing panics, no item is lost, and the
//! order is the one that the anchors tell.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
    time::Duration,
};

use proptest::prelude::*;
use realtime::{
    Audio, Id, Patch, RealtimeSettings,
    event::{
        ConversationItemAdded, ConversationItemCreated, ConversationItemDeleted, ConversationItemDone,
        ConversationItemRetrieved, ConversationItemTruncated, Event, InputAudioBufferSpeechStarted, ResponseCreated,
        ResponseDone, ResponseOutputAudioDelta, ResponseOutputAudioTranscriptDelta, ResponseOutputItemAdded,
        ResponseOutputTextDelta, ServerEvent,
    },
    session::{Changes, Playback, RealtimeState, Retention, Setup, State, realtime::ItemState},
    transport::Instant,
    types::{Item, Response, ResponseStatus},
};

/// Where an item is said to stand.
#[derive(Clone, Debug)]
enum Anchor {
    Absent,
    Null,
    Root,
    Behind(u8),
}

#[derive(Clone, Debug)]
enum Step {
    Added(u8, Anchor),
    Created(u8, Anchor),
    Done(u8, Anchor),
    Retrieved(u8),
    Deleted(u8),
    Truncated(u8, u64),
    OutputItem(u8, u8),
    Text(u8, u32),
    Transcript(u8, u32),
    Audio(u8, u8, u32, u16),
    Began(u8, bool),
    Ended(u8, Option<bool>),
    Speech,
    Wait(u16),
}

fn anchor() -> impl Strategy<Value = Anchor> {
    prop_oneof![
        Just(Anchor::Absent),
        Just(Anchor::Null),
        Just(Anchor::Root),
        (0..12_u8).prop_map(Anchor::Behind),
        (0..12_u8).prop_map(Anchor::Behind),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let item = 0..10_u8;
    let response = 0..3_u8;
    prop_oneof![
        4 => (item.clone(), anchor()).prop_map(|(item, anchor)| Step::Added(item, anchor)),
        1 => (item.clone(), anchor()).prop_map(|(item, anchor)| Step::Created(item, anchor)),
        1 => (item.clone(), anchor()).prop_map(|(item, anchor)| Step::Done(item, anchor)),
        1 => item.clone().prop_map(Step::Retrieved),
        1 => item.clone().prop_map(Step::Deleted),
        1 => (item.clone(), 0..3000_u64).prop_map(|(item, ms)| Step::Truncated(item, ms)),
        1 => (item.clone(), response.clone()).prop_map(|(item, response)| Step::OutputItem(item, response)),
        1 => (item.clone(), 0..3_u32).prop_map(|(item, part)| Step::Text(item, part)),
        1 => (item.clone(), 0..3_u32).prop_map(|(item, part)| Step::Transcript(item, part)),
        4 => (item, response.clone(), 0..2_u32, any::<u16>())
            .prop_map(|(item, response, part, bytes)| Step::Audio(item, response, part, bytes)),
        1 => (response.clone(), any::<bool>()).prop_map(|(response, aside)| Step::Began(response, aside)),
        1 => (response, any::<Option<bool>>()).prop_map(|(response, completed)| Step::Ended(response, completed)),
        1 => Just(Step::Speech),
        1 => any::<u16>().prop_map(Step::Wait),
    ]
}

fn item_id(item: u8) -> Id {
    Id::new(&format!("item_{item}"))
}

fn response_id(response: u8) -> Id {
    Id::new(&format!("resp_{response}"))
}

fn item(id: u8) -> Item {
    let id = item_id(id);
    Item::assistant(format!("I am {id}.")).with_id(id)
}

fn previous(anchor: &Anchor) -> Patch<Id> {
    match anchor {
        Anchor::Absent => Patch::Keep,
        Anchor::Null => Patch::Clear,
        Anchor::Root => Patch::Set("root".into()),
        Anchor::Behind(item) => Patch::Set(item_id(*item)),
    }
}

fn event(step: &Step) -> Option<ServerEvent> {
    Some(match step {
        Step::Added(id, anchor) => {
            let mut added = ConversationItemAdded::new(item(*id));
            added.previous_item_id = previous(anchor);
            added.into()
        }
        Step::Created(id, anchor) => {
            let mut created = ConversationItemCreated::new(item(*id));
            created.previous_item_id = previous(anchor);
            created.into()
        }
        Step::Done(id, anchor) => {
            let mut done = ConversationItemDone::new(item(*id));
            done.previous_item_id = previous(anchor);
            done.into()
        }
        Step::Retrieved(id) => ConversationItemRetrieved::new(item(*id)).into(),
        Step::Deleted(id) => ConversationItemDeleted::new(item_id(*id)).into(),
        Step::Truncated(id, ms) => ConversationItemTruncated::new(item_id(*id), 0).audio_end_ms(*ms).into(),
        Step::OutputItem(id, response) => ResponseOutputItemAdded::new(response_id(*response), 0, item(*id)).into(),
        Step::Text(id, part) => ResponseOutputTextDelta::new(response_id(0), item_id(*id), 0, *part, "more").into(),
        Step::Transcript(id, part) => {
            ResponseOutputAudioTranscriptDelta::new(response_id(0), item_id(*id), 0, *part, "more words").into()
        }
        Step::Audio(id, response, part, bytes) => {
            let audio = Audio::from(vec![0; usize::from(*bytes)]);
            ResponseOutputAudioDelta::new(response_id(*response), item_id(*id), 0, *part, audio).into()
        }
        Step::Began(id, aside) => {
            let conversation = if *aside { Patch::Clear } else { Patch::Set(Id::new("conv")) };
            let response = Response::default().id(response_id(*id)).conversation_id(conversation);
            ResponseCreated::new(response.status(ResponseStatus::InProgress)).into()
        }
        Step::Ended(id, completed) => {
            let status = match completed {
                Some(true) => ResponseStatus::Completed,
                Some(false) => ResponseStatus::Cancelled,
                None => ResponseStatus::Failed,
            };
            ResponseDone::new(Response::default().id(response_id(*id)).status(status)).into()
        }
        Step::Speech => InputAudioBufferSpeechStarted::new("item_u").audio_start_ms(0).into(),
        Step::Wait(_) => return None,
    })
}

/// The order of a conversation, in the plainest way: what was announced as the anchors say, and the rest behind all that
/// was spoken of before it.
#[derive(Default)]
struct Model {
    announced: Vec<Id>,
    others: Vec<Id>,
    first: HashMap<Id, usize>,
    mentions: usize,
    /// Whether something was deleted: then what stood behind it may stand where it likes.
    loose: bool,
}

impl Model {
    fn mention(&mut self, id: Id) {
        self.mentions += 1;
        self.first.entry(id).or_insert(self.mentions);
    }

    fn order(&self) -> Vec<Id> {
        let mut order = self.announced.clone();
        let mut others = self.others.clone();
        others.sort_by_key(|id| self.first[id]);
        for id in others {
            let at = order.iter().rposition(|other| self.first[other] < self.first[&id]).map_or(0, |at| at + 1);
            order.insert(at, id);
        }
        order
    }

    /// What the step does, seen from a session that it was done to.
    fn follow(&mut self, step: &Step, was_known: bool, session: &RealtimeState) {
        match step {
            Step::Added(id, anchor) | Step::Created(id, anchor) | Step::Done(id, anchor) => {
                if let Anchor::Behind(previous) = anchor {
                    self.mention(item_id(*previous));
                }
                let id = item_id(*id);
                self.mention(id.clone());
                if self.announced.contains(&id) {
                    return;
                }
                let is_empty = self.announced.is_empty() && self.others.is_empty();
                self.others.retain(|other| *other != id);
                let order = self.order();
                let at = match anchor {
                    Anchor::Null if is_empty => 0,
                    Anchor::Root => 0,
                    Anchor::Absent | Anchor::Null => order.len(),
                    Anchor::Behind(previous) => {
                        let previous = item_id(*previous);
                        order.iter().position(|id| *id == previous).map_or(order.len(), |at| at + 1)
                    }
                };
                let before = order[..at].iter().filter(|id| self.announced.contains(id)).count();
                self.announced.insert(before, id);
            }
            Step::OutputItem(id, _)
            | Step::Text(id, _)
            | Step::Transcript(id, _)
            | Step::Audio(id, ..)
            | Step::Retrieved(id) => {
                let id = item_id(*id);
                if !matches!(step, Step::Retrieved(_)) {
                    self.mention(id.clone());
                }
                let Some(state) = session.conversation.get(&id) else { return };
                let aside = state.response_id.as_ref().and_then(|id| session.responses.get(id));
                let shows = state.audio_bytes() > 0 || !state.text().is_empty() || !state.transcript().is_empty();
                let is_there = self.announced.contains(&id) || self.others.contains(&id);
                if shows && !is_there && aside.is_none_or(|response| !response.out_of_band) {
                    self.others.push(id);
                }
            }
            Step::Deleted(id) if was_known => {
                let id = item_id(*id);
                self.announced.retain(|present| *present != id);
                self.others.retain(|present| *present != id);
                self.first.remove(&id);
                self.loose = true;
            }
            _ => {}
        }
    }
}

fn check(session: &RealtimeState) {
    let ids: Vec<_> = session.conversation.ids().collect();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "an id stands twice");
    assert_eq!(ids.len(), session.conversation.len());
    for heard in session.heard() {
        assert!(heard.ms <= heard.received_ms, "{heard:?}");
    }
    let aside = session.conversation.detached().filter(|item| ids.contains(&&item.id)).count();
    assert_eq!(aside, 0, "an item is both in the conversation and outside");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::seeds::seeds(2000) as u32, ..ProptestConfig::default() })]

    #[test]
    fn the_conversation_is_the_servers(steps in prop::collection::vec(step(), 0..120), limit in any::<Option<u8>>()) {
        let mut session = RealtimeState::default();
        let mut memory = Retention::default();
        memory.items = limit.map(usize::from);
        session.configure(&RealtimeSettings::default().memory(memory).playback(Playback::queued()), &Setup::default());
        let mut model = Model::default();
        let mut now = Instant::default();
        for step in &steps {
            if let Step::Wait(ms) = step {
                now = now + Duration::from_millis(u64::from(*ms));
            }
            let was_known = matches!(step, Step::Deleted(id) if session.conversation.get(&item_id(*id)).is_some()
                || session.conversation.contains(&item_id(*id)));
            if let Some(mut event) = event(step) {
                session.received(&mut event, now, &mut Changes::default());
                while session.next_outgoing().is_some() {}
            }
            model.follow(step, was_known, &session);
            let (mut ids, mut order): (Vec<_>, _) = (session.conversation.ids().cloned().collect(), model.order());
            if limit.is_some() {
                // Whether there was something in what is forgotten cannot be seen any more.
                prop_assert!(model.announced.iter().all(|id| ids.contains(id)));
            } else {
                if model.loose {
                    ids.sort_unstable();
                    order.sort_unstable();
                }
                prop_assert_eq!(ids, order);
            }
            check(&session);
        }
        for id in &model.order() {
            prop_assert!(limit.is_some() || session.conversation.get(id).is_some());
        }
    }

    #[test]
    fn recorded_sessions_in_any_disorder(
        which in 0..1000_usize,
        disorder in prop::collection::vec((any::<prop::sample::Index>(), 0..5_u8), 0..40),
        end in any::<prop::sample::Index>(),
    ) {
        let frames = recorded(which);
        let mut order: Vec<_> = (0..frames.len()).collect();
        for (at, what) in &disorder {
            if order.is_empty() {
                break;
            }
            let at = at.index(order.len());
            match what {
                0 => drop(order.remove(at)),
                1 => order.insert(at, order[at]),
                2 => {
                    let middle = order.len() / 2;
                    order.swap(at, middle);
                }
                3 if at > 0 => order.swap(at, at - 1),
                _ => {}
            }
        }
        order.truncate(end.index(order.len() + 1));
        let mut session = RealtimeState::default();
        session.configure(&RealtimeSettings::default().playback(Playback::default()), &Setup::default());
        let mut there = HashSet::new();
        for at in order {
            let mut event = frames[at].clone();
            match &event {
                ServerEvent::ConversationItemAdded(added) => there.extend(added.item.id().cloned()),
                ServerEvent::ConversationItemCreated(created) => there.extend(created.item.id().cloned()),
                ServerEvent::ConversationItemDone(done) => there.extend(done.item.id().cloned()),
                ServerEvent::ConversationItemDeleted(deleted) => drop(there.remove(&deleted.item_id)),
                _ => {}
            }
            session.received(&mut event, Instant::default(), &mut Changes::default());
            check(&session);
        }
        let ids: HashSet<_> = session.conversation.ids().cloned().collect();
        prop_assert!(there.is_subset(&ids));
        // The others are there because there is something in them, which is never so of what stands outside.
        let says = |item: &ItemState| !item.text().is_empty() || !item.transcript().is_empty() || item.audio_bytes() > 0;
        for id in ids.difference(&there) {
            let item = session.conversation.get(id).unwrap();
            let was_cut = item.parts.iter().any(|part| part.truncated_ms.is_some());
            let other = item.item.as_message().is_none() || item.transcription_error.is_some() || !item.segments.is_empty();
            prop_assert!(says(item) || was_cut || other, "{item:?}");
        }
        for item in session.conversation.detached().filter(|item| says(item)) {
            let response = item.response_id.as_ref().and_then(|id| session.responses.get(id));
            prop_assert!(response.is_some_and(|response| response.out_of_band), "{item:?}");
        }
    }
}

/// The server's frames of one of the recorded sessions.
fn recorded(which: usize) -> Vec<ServerEvent> {
    static ALL: std::sync::OnceLock<Vec<Vec<ServerEvent>>> = std::sync::OnceLock::new();
    let all = ALL.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/transcripts");
        let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        paths.sort();
        let read = |path| {
            let text = fs::read_to_string(path).unwrap();
            let frames = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            let server = frames.filter(|frame| frame["dir"] == "s2c");
            server.map(|frame| ServerEvent::decode(frame["frame"].to_string().as_bytes())).collect()
        };
        paths.into_iter().map(read).collect()
    });
    all[which % all.len()].clone()
}
