//! Deltas that continue the one before: nine of ten events.

use super::{
    Changes, RealtimeState,
    item::{Field, ItemState},
};
use crate::{
    realtime::{event::ServerEvent, types::PartKind},
    transport::Instant,
    wire::Audio,
};

/// What a delta adds to an item.
enum Added<'a> {
    Audio(&'a Audio),
    Text(PartKind, Field, &'a str),
}

impl RealtimeState {
    /// Applies a delta to the item of the delta before it. Returns whether it was one; if not, nothing has changed.
    ///
    /// The state then has to do nothing else, because the response, the item and its place in the conversation are
    /// known, and the times of its first output too. The general way comes to the same, as a test shows.
    pub(super) fn continue_delta(&mut self, event: &ServerEvent, now: Instant, changes: &mut Changes) -> bool {
        let (response, item, content_index, added) = match event {
            ServerEvent::ResponseOutputAudioDelta(delta) if delta.delta.len().is_multiple_of(2) => {
                (&delta.response_id, &delta.item_id, delta.content_index, Added::Audio(&delta.delta))
            }
            ServerEvent::ResponseOutputAudioTranscriptDelta(delta) => {
                let text = Added::Text(PartKind::OutputAudio, Field::Transcript, delta.delta.as_str());
                (&delta.response_id, &delta.item_id, delta.content_index, text)
            }
            ServerEvent::ResponseOutputTextDelta(delta) => {
                let text = Added::Text(PartKind::OutputText, Field::Text, delta.delta.as_str());
                (&delta.response_id, &delta.item_id, delta.content_index, text)
            }
            _ => return false,
        };
        let is_audio = matches!(added, Added::Audio(_));
        let has_halves = self.stream.as_ref().is_some_and(|stream| stream.has_halves);
        let has_names = self.aside.as_ref().is_none_or(|aside| aside.unnamed.is_none());
        let is_plain = changes.reading.left_out.is_empty() && self.ledger.is_none() && has_names;
        if !is_plain || (is_audio && has_halves) || !self.responses.has_output(response, is_audio) {
            return false;
        }
        let continues =
            |state: &ItemState| state.placed && state.id == *item && state.response_id.as_ref() == Some(response);
        if !self.conversation.latest().is_some_and(continues) {
            return false;
        }
        let Some(asked) = self.alive(response, now) else { return false };
        changes.part_of = asked;
        self.add(content_index, added);
        self.patience.rest(true, now);
        true
    }

    fn add(&mut self, content_index: u32, added: Added<'_>) {
        let keep = self.keeps_audio;
        let Some(item) = self.conversation.latest_mut() else { return };
        let at = usize::try_from(content_index).unwrap_or(usize::MAX);
        let is_new_part = item.parts.len() <= at;
        let bytes = match added {
            Added::Audio(audio) => {
                item.append_audio(at, audio, None, keep);
                if keep { audio.len() } else { 0 }
            }
            Added::Text(kind, field, text) => {
                item.write(at, kind, field, text, false);
                text.len()
            }
        };
        self.conversation.grew(if is_new_part { usize::MAX } else { bytes });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::{prelude::*, test_runner::TestCaseError};

    use super::*;
    use crate::{
        protocol::{
            event::Event,
            state::{Setup, State},
        },
        realtime::{RealtimeSettings, event::ResponseCreate},
        session::Retention,
    };

    /// Events of a few responses and items, mostly deltas.
    fn event() -> impl Strategy<Value = String> {
        let ids = (0..3_u32, 0..3_u32, 0..2_u32);
        const NAMES: &[&str] =
            &["output_text.delta", "output_audio_transcript.delta", "output_audio.delta", "text.delta", "audio.delta"];
        let delta = (prop::sample::select(NAMES), ids.clone(), 0..4_usize);
        let delta = delta.prop_map(|(kind, (response, item, part), size)| {
            let delta = if kind.contains("audio.delta") { ["AQID", "AQIDBA==", "", "AQ=="][size] } else { ["a", "", "bc", "a"][size] };
            let response = ["", "r1", "r2"][response as usize];
            let item = ["", "i1", "i2"][item as usize];
            format!(r#"{{"type":"response.{kind}","response_id":"{response}","item_id":"{item}","output_index":0,"content_index":{part},"delta":"{delta}"}}"#)
        });
        let other = (0..8_usize, ids).prop_map(|(kind, (response, item, _))| match kind {
            0 => format!(r#"{{"type":"response.created","response":{{"id":"r{response}"}}}}"#),
            1 => format!(r#"{{"type":"response.created","response":{{"id":"r{response}","conversation_id":null}}}}"#),
            2 => format!(r#"{{"type":"response.done","response":{{"id":"r{response}","status":"completed"}}}}"#),
            3 => format!(r#"{{"type":"conversation.item.added","item":{{"id":"i{item}","type":"message","role":"assistant"}}}}"#),
            4 => format!(r#"{{"type":"conversation.item.deleted","item_id":"i{item}"}}"#),
            5 => format!(r#"{{"type":"conversation.item.truncated","item_id":"i{item}","content_index":0,"audio_end_ms":0}}"#),
            6 => r#"{"type":"error","error":{"message":"no"}}"#.into(),
            _ => format!(r#"{{"type":"response.output_item.added","response_id":"r{response}","output_index":0,"item":{{"id":"i{item}","type":"message"}}}}"#),
        });
        prop_oneof![4 => delta, 1 => other]
    }

    /// All that a state tells, apart from the seeds of its tables.
    fn shown(state: &RealtimeState) -> String {
        let RealtimeState { conversation, responses, scheduler, patience, stream, spoke, aside, outgoing, .. } = state;
        let items: Vec<_> = conversation.items().chain(conversation.detached()).collect();
        let responses: Vec<_> = responses.iter().collect();
        format!(
            "{items:?} {:?} {responses:?} {scheduler:?} {patience:?} {stream:?} {spoke} {aside:?} {outgoing:?}",
            conversation.ids().collect::<Vec<_>>()
        )
    }

    /// Applies events to two states, to one of them in the general way only. Returns the states.
    fn both(events: &[String], memory: &Retention, asks: bool) -> Result<[RealtimeState; 2], TestCaseError> {
        let (mut short, mut long) = (RealtimeState::default(), RealtimeState::default());
        for state in [&mut short, &mut long] {
            state.configure(&RealtimeSettings::default().memory(memory.clone()), &Setup::default());
            if asks {
                state.sent(1, &ResponseCreate::default().event_id("e").into(), Instant::default());
            }
        }
        for (ms, text) in (0..).zip(events) {
            let now = Instant::from_origin(Duration::from_millis(ms));
            let [mut one, mut other] = [Changes::default(), Changes::default()];
            let mut event = ServerEvent::read(text.as_bytes(), &mut one.reading);
            let mut again = ServerEvent::read(text.as_bytes(), &mut other.reading);
            short.received(&mut event, now, &mut one);
            other.repeated = long.is_second(&again, &other);
            if !other.repeated {
                long.follow_event(&mut again, now, &mut other);
            }
            prop_assert_eq!(event, again);
            prop_assert_eq!(format!("{one:?}"), format!("{other:?}"));
            prop_assert_eq!(shown(&short), shown(&long), "{}", text);
        }
        Ok([short, long])
    }

    #[test]
    fn what_grows_by_deltas_evicts_what_is_older() {
        // Text of 96 bytes, or audio of 72.
        let delta = "AQID".repeat(24);
        for kind in ["output_text", "output_audio_transcript", "output_audio"] {
            let delta = |item: &str| {
                format!(
                    r#"{{"type":"response.{kind}.delta","response_id":"r1","item_id":"{item}","output_index":0,"content_index":0,"delta":"{delta}"}}"#
                )
            };
            let events = [vec![delta("i1")], vec![delta("i2"); 24]].concat();
            let memory = Retention { bytes: Some(3_500), audio: true, ..Retention::default() };
            let [state, _] = both(&events, &memory, false).unwrap();
            let kept = |id: &str| state.conversation.get(id).is_some();
            assert_eq!((kept("i1"), kept("i2")), (false, true), "{kind}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_delta_changes_the_same_either_way(
            events in prop::collection::vec(event(), 0..60),
            bytes in prop::option::of(1_000_usize..6_000),
            audio: bool,
            asks: bool,
        ) {
            both(&events, &Retention { bytes, audio, ..Retention::default() }, asks)?;
        }
    }
}
