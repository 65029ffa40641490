use std::collections::{BTreeMap, HashMap};

use realtime_core::{Id, event::ServerEvent, live::event::ServerEvent as LiveEvent};

use crate::{
    Segment,
    segment::one_line,
    sides::{Groups, Side},
};

/// The limit of retained text: 64 MiB, of which each segment takes 256 bytes beside its text. What comes later is
/// dropped, which [`Captions::is_full`] reports.
pub const MOST_TEXT: usize = 64 << 20;

/// What a segment counts for beside its text: a server may send any number of empty ones.
const ENTRY: usize = 256;

/// Collects the captions of a session from its events.
///
/// Segments are ordered by speech, even if their transcriptions complete out of order. An incomplete transcription is a
/// segment with the text so far, and is corrected in place.
///
/// Times come from the server's turn detection. Without it, report how much audio was sent with
/// [`input_position`](Self::input_position) before each commit.
///
/// # Examples
/// ```
/// use realtime_captions::{Captions, srt};
/// use realtime_core::event::{Event, ServerEvent};
///
/// let mut captions = Captions::new().speakers("Guest", "Host");
/// for event in [
///     r#"{"type":"input_audio_buffer.speech_started","audio_start_ms":320,"item_id":"item_1"}"#,
///     r#"{"type":"input_audio_buffer.speech_stopped","audio_end_ms":1480,"item_id":"item_1"}"#,
///     r#"{"type":"conversation.item.input_audio_transcription.completed","item_id":"item_1","content_index":0,"transcript":"Is it open?"}"#,
/// ] {
///     captions.apply(&ServerEvent::decode(event.as_bytes()));
/// }
/// assert_eq!(srt(&captions.segments()), "1\n00:00:00,320 --> 00:00:01,480\nGuest: Is it open?\n\n");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Captions {
    items: Vec<Item>,
    index: HashMap<Id, usize>,
    input: Groups,
    output: Groups,
    speakers: (Option<String>, Option<String>),
    /// Duration of the audio sent, in milliseconds.
    position_ms: u64,
    /// End of the last speech, in milliseconds.
    last_end_ms: u64,
    /// Bytes of text kept.
    kept: usize,
    full: bool,
}

/// A segment, which may still change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caption {
    /// The segment so far.
    pub segment: Segment,
    /// Whether its text is final.
    pub done: bool,
}

#[derive(Clone, Debug)]
struct Item {
    /// Position in the order until the times are known.
    seen_ms: u64,
    start_ms: Option<u64>,
    end_ms: Option<u64>,
    /// Transcript of each audio part.
    parts: BTreeMap<u32, String>,
    done: bool,
    /// Text by speaker, if the service distinguishes speakers. Replaces the text of the parts.
    turns: Vec<(Id, Segment)>,
}

impl Captions {
    /// Creates an empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the speaker names of both sides, for segments without a speaker from the service.
    #[must_use]
    pub fn speakers(mut self, input: impl Into<String>, output: impl Into<String>) -> Self {
        self.speakers = (Some(input.into()), Some(output.into()));
        self
    }

    /// Sets how much audio was sent so far, in milliseconds. Only needed without turn detection: speech that the client
    /// commits lies between its previous commit and this position.
    pub fn input_position(&mut self, ms: u64) {
        self.position_ms = ms;
    }

    /// Applies an event of a conversation or transcription session. Returns the caption that changed.
    pub fn apply(&mut self, event: &ServerEvent) -> Option<Caption> {
        match event {
            ServerEvent::InputAudioBufferSpeechStarted(started) => {
                // Some servers omit the times. The commit then determines them.
                self.item(&started.item_id)?.start_ms = started.audio_start_ms;
                None
            }
            ServerEvent::InputAudioBufferSpeechStopped(stopped) => self.ends(&stopped.item_id, stopped.audio_end_ms?),
            ServerEvent::InputAudioBufferTimeoutTriggered(silence) => {
                self.item(&silence.item_id)?.start_ms = silence.audio_start_ms;
                self.ends(&silence.item_id, silence.audio_end_ms?)
            }
            ServerEvent::InputAudioBufferCommitted(committed) => {
                let (start, end) = (self.last_end_ms, self.position_ms);
                let item = self.item(&committed.item_id)?;
                if item.end_ms.is_some() {
                    return None;
                }
                let start = *item.start_ms.get_or_insert(start);
                self.ends(&committed.item_id, end.max(start))
            }
            ServerEvent::ConversationItemInputAudioTranscriptionDelta(delta) => {
                let (text, part) =
                    (delta.delta.as_deref().unwrap_or_default(), delta.content_index.unwrap_or_default());
                let item = self.item(&delta.item_id)?;
                if item.done {
                    return None;
                }
                let entry = if item.parts.contains_key(&part) { 0 } else { ENTRY };
                self.admit(text.len() + entry)?;
                self.item(&delta.item_id)?.parts.entry(part).or_default().push_str(text);
                self.caption(&delta.item_id)
            }
            ServerEvent::ConversationItemInputAudioTranscriptionCompleted(completed) => {
                let known = self.item(&completed.item_id)?.parts.contains_key(&completed.content_index);
                self.admit(completed.transcript.len() + if known { 0 } else { ENTRY })?;
                let item = self.item(&completed.item_id)?;
                item.done = true;
                let partial = item.parts.insert(completed.content_index, completed.transcript.clone());
                self.kept -= partial.map_or(0, |partial| partial.len());
                self.caption(&completed.item_id)
            }
            ServerEvent::ConversationItemInputAudioTranscriptionFailed(failed) => {
                let item = self.item(&failed.item_id)?;
                item.done = true;
                let partial = item.parts.remove(&failed.content_index);
                self.kept -= partial.map_or(0, |partial| partial.len() + ENTRY);
                None
            }
            ServerEvent::ConversationItemInputAudioTranscriptionSegment(segment) => {
                let (text, speaker) = (one_line(&segment.text), one_line(&segment.speaker));
                // A replacement counts in addition, because the size of what it replaces is not known.
                self.admit(text.len() + speaker.len() + ENTRY)?;
                let item = self.item(&segment.item_id)?;
                // Times are relative to the start of the item's audio.
                let origin = item.start_ms.unwrap_or(item.seen_ms);
                let ms = |seconds: f64| origin.saturating_add(half_up(seconds * 1000.0));
                let start = segment.start.map_or(origin, ms);
                let mut turn = Segment::new(start, segment.end.map_or(start, ms), text);
                turn.speaker = Some(speaker).filter(|speaker| !speaker.is_empty());
                match item.turns.iter_mut().find(|(id, _)| *id == segment.id) {
                    Some((_, known)) => *known = turn.clone(),
                    None => item.turns.push((segment.id.clone(), turn.clone())),
                }
                Some(Caption { segment: turn, done: true })
            }
            _ => None,
        }
    }

    /// Applies an event of a Live session, whose transcripts have their own times. Returns the caption that changed.
    pub fn apply_live(&mut self, event: &LiveEvent) -> Option<Caption> {
        let (side, id, text, start, end) = match event {
            LiveEvent::SessionInputTranscriptDelta(delta) => {
                (Side::Input, &delta.event_id, &delta.delta, delta.start_ms, delta.end_ms)
            }
            LiveEvent::SessionOutputTranscriptDelta(delta) => {
                (Side::Output, &delta.event_id, &delta.delta, delta.start_ms, delta.end_ms)
            }
            _ => return None,
        };
        let id = id.clone().unwrap_or_else(|| Id::new(""));
        self.delta(side, &id, text, start.get(), end.get())
    }

    /// Adds a transcript fragment with its own times in milliseconds, such as a transcript delta of a Live session. Times
    /// are rounded to whole milliseconds, half up. A repeated event is ignored.
    pub fn delta(&mut self, side: Side, event_id: &Id, text: &str, start_ms: f64, end_ms: f64) -> Option<Caption> {
        let seen = match side {
            Side::Input => self.input.is_known(event_id),
            Side::Output => self.output.is_known(event_id),
        };
        if seen {
            return None;
        }
        self.admit(text.len())?;
        let (groups, speaker) = match side {
            Side::Input => (&mut self.input, &self.speakers.0),
            Side::Output => (&mut self.output, &self.speakers.1),
        };
        let before = groups.groups.len();
        groups.add(text, half_up(start_ms), half_up(end_ms));
        self.kept += (groups.groups.len() - before) * ENTRY;
        let mut segment = groups.groups.last()?.segment();
        segment.speaker.clone_from(speaker);
        Some(Caption { segment, done: false })
    }

    /// All segments that have text so far, in the order of speech.
    pub fn segments(&self) -> Vec<Segment> {
        let mut segments: Vec<_> = self.items.iter().flat_map(|item| self.segments_of(item)).collect();
        segments.extend(self.side(Side::Input));
        segments.extend(self.side(Side::Output));
        segments.retain(|segment| !segment.text.is_empty());
        segments.sort_by_key(|segment| (segment.start_ms, segment.end_ms));
        segments
    }

    /// The segments of one side made from fragments with their own times.
    pub fn side(&self, side: Side) -> Vec<Segment> {
        let (groups, speaker) = match side {
            Side::Input => (&self.input, &self.speakers.0),
            Side::Output => (&self.output, &self.speakers.1),
        };
        let named = |mut segment: Segment| {
            segment.speaker.clone_from(speaker);
            segment
        };
        groups.groups.iter().map(|group| named(group.segment())).collect()
    }

    /// Whether text was dropped because it exceeded [`MOST_TEXT`].
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Reserves bytes to be kept. `None` if there is no room.
    fn admit(&mut self, bytes: usize) -> Option<()> {
        let kept = self.kept.saturating_add(bytes);
        self.full |= kept > MOST_TEXT;
        if kept > MOST_TEXT {
            return None;
        }
        self.kept = kept;
        Some(())
    }

    /// The item of this id, which may be new; none if there is no room.
    fn item(&mut self, id: &Id) -> Option<&mut Item> {
        let next = self.items.len();
        let at = self.index.get(id).copied().unwrap_or(next);
        if at == next {
            self.admit(id.len() + ENTRY)?;
            self.index.insert(id.clone(), at);
            self.items.push(Item {
                seen_ms: self.last_end_ms,
                start_ms: None,
                end_ms: None,
                parts: BTreeMap::new(),
                done: false,
                turns: Vec::new(),
            });
        }
        self.items.get_mut(at)
    }

    fn ends(&mut self, id: &Id, end_ms: u64) -> Option<Caption> {
        self.last_end_ms = end_ms;
        let item = self.item(id)?;
        item.end_ms = Some(end_ms);
        let has_text = item.parts.values().any(|text| !text.is_empty());
        if has_text { self.caption(id) } else { None }
    }

    fn caption(&self, id: &Id) -> Option<Caption> {
        let item = self.items.get(*self.index.get(id)?)?;
        let segment = self.segments_of(item).pop()?;
        Some(Caption { segment, done: item.done })
    }

    fn segments_of(&self, item: &Item) -> Vec<Segment> {
        if !item.turns.is_empty() {
            return item.turns.iter().map(|(_, turn)| turn.clone()).collect();
        }
        let start_ms = item.start_ms.unwrap_or(item.seen_ms);
        // Speech in progress lasts until now.
        let end_ms = item.end_ms.unwrap_or(self.position_ms).max(start_ms);
        let texts: Vec<_> = item.parts.values().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
        let mut segment = Segment::new(start_ms, end_ms, texts.join(" "));
        segment.speaker.clone_from(&self.speakers.0);
        vec![segment]
    }
}

/// Rounds to whole milliseconds, half up in decimal: binary fractions are rounded to microseconds first.
fn half_up(ms: f64) -> u64 {
    // Negative times and NaN become 0, and values out of range the maximum.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let us = (ms * 1000.0).round() as u64;
    us.saturating_add(500) / 1000
}
