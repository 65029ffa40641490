//! Duplicate events, sent under both their older and newer names for SDKs that know only one of them.

use crate::{realtime::event::ServerEvent, wire::Id};

/// The latest event of each kind that has two names.
#[derive(Clone, Debug, Default)]
pub(super) struct Twins([Latest; 6]);

#[derive(Clone, Copy, Debug, Default)]
struct Latest {
    /// Its name and a hash of its content. `None` if it was a duplicate or there was none.
    event: Option<(bool, u64)>,
    /// Whether the server uses both names. Only then is hashing all audio worth its time.
    mixed: bool,
}

impl Twins {
    /// Whether the event is of a kind that has two names.
    pub(super) fn concern(event: &ServerEvent) -> bool {
        matches!(
            event,
            ServerEvent::ResponseOutputAudioDelta(_)
                | ServerEvent::ResponseOutputAudioTranscriptDelta(_)
                | ServerEvent::ResponseOutputTextDelta(_)
                | ServerEvent::ResponseOutputAudioDone(_)
                | ServerEvent::ResponseOutputAudioTranscriptDone(_)
                | ServerEvent::ResponseOutputTextDone(_)
        )
    }

    /// Whether the event repeats the previous one of its kind under the other name.
    ///
    /// Neither name is ever ignored permanently: a server may mix them and still send each event once.
    pub(super) fn is_second(&mut self, event: &ServerEvent, older_name: bool) -> bool {
        let (kind, mut print) = match event {
            ServerEvent::ResponseOutputAudioDelta(delta) => {
                let print = Print::new(&delta.response_id, &delta.item_id, delta.output_index, delta.content_index);
                (0, if self.0[0].mixed { print.all(&delta.delta) } else { print.some(&delta.delta) })
            }
            ServerEvent::ResponseOutputAudioTranscriptDelta(delta) => {
                let print = Print::new(&delta.response_id, &delta.item_id, delta.output_index, delta.content_index);
                (1, print.all(delta.delta.as_bytes()))
            }
            ServerEvent::ResponseOutputTextDelta(delta) => {
                let print = Print::new(&delta.response_id, &delta.item_id, delta.output_index, delta.content_index);
                (2, print.all(delta.delta.as_bytes()))
            }
            ServerEvent::ResponseOutputAudioDone(done) => {
                (3, Print::new(&done.response_id, &done.item_id, done.output_index, done.content_index))
            }
            ServerEvent::ResponseOutputAudioTranscriptDone(done) => {
                let print = Print::new(&done.response_id, &done.item_id, done.output_index, done.content_index);
                (4, print.all(done.transcript.as_bytes()))
            }
            ServerEvent::ResponseOutputTextDone(done) => {
                let print = Print::new(&done.response_id, &done.item_id, done.output_index, done.content_index);
                (5, print.all(done.text.as_bytes()))
            }
            _ => return false,
        };
        let latest = &mut self.0[kind];
        let before = latest.event.replace((older_name, print.0));
        let Some((older, _)) = before.filter(|(older, _)| *older != older_name) else { return false };
        if before == Some((older, print.0)) {
            latest.event = None;
            self.widen(kind);
            return true;
        }
        if self.widen(kind)
            && let ServerEvent::ResponseOutputAudioDelta(delta) = event
        {
            print = Print::new(&delta.response_id, &delta.item_id, delta.output_index, delta.content_index);
            self.0[kind].event = Some((older_name, print.all(&delta.delta).0));
        }
        false
    }

    /// Records that the server uses both names. Returns whether that is new.
    fn widen(&mut self, kind: usize) -> bool {
        !std::mem::replace(&mut self.0[kind].mixed, true)
    }
}

/// A hash of an event's content: the multiply-and-rotate hash of the Rust compiler.
#[derive(Clone, Copy)]
struct Print(u64);

impl Print {
    fn new(response: &Id, item: &Id, output_index: u32, content_index: u32) -> Self {
        Self(u64::from(output_index) << 32 | u64::from(content_index)).id(item).id(response)
    }

    /// Hashes the end of an id, which is what differs between two of a server's.
    fn id(self, id: &Id) -> Self {
        let bytes = id.as_bytes();
        self.add(bytes.last_chunk().map_or_else(|| tail(bytes), |end| u64::from_le_bytes(*end)))
    }

    fn add(self, word: u64) -> Self {
        Self((self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95))
    }

    fn all(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<8>();
        let print = words.iter().fold(self.add(bytes.len() as u64), |print, word| print.add(u64::from_le_bytes(*word)));
        print.add(tail(rest))
    }

    /// Hashes a few words only, for the audio of a server that uses one name.
    fn some(self, bytes: &[u8]) -> Self {
        const LOOKS: usize = 8;

        let (words, rest) = bytes.as_chunks::<8>();
        let step = (words.len() / LOOKS).max(1);
        let looks = (0..LOOKS).filter_map(|look| words.get(look * step));
        looks.fold(self.add(bytes.len() as u64), |print, word| print.add(u64::from_le_bytes(*word))).add(tail(rest))
    }
}

/// Hashes fewer than eight bytes.
fn tail(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
}
