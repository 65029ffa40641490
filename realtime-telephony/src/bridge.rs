//! A call and a session, joined.

use std::{collections::VecDeque, time::Duration};

use realtime_audio::{Converter, Format};
use realtime_core::{Audio, Id, event::ServerEvent, transport::Instant, types::AudioFormat};

use crate::{CarrierError, CarrierStream, Dtmf, Frame, Incoming, Malformed, Media, Part, Refused, Settings, Start};

/// How far ahead of playback audio is sent to the carrier by default: 500 ms.
pub const DEFAULT_LEAD: Duration = Duration::from_millis(500);

/// Audio is sent in pieces of this length.
const PIECE_MS: u64 = 20;
/// A mark is sent after this much audio of a part, and at its end.
const MARK_EVERY: Duration = Duration::from_millis(200);
/// The limit of queued audio, in bytes. Audio beyond it is rejected with an error.
const MOST_WAITING: usize = 128 << 20;
/// What a piece of it counts for beside its audio: a server may send any number of empty ones.
const ENTRY: usize = 128;
/// Responses that are recognised after they were interrupted.
const MOST_CUT: usize = 64;

/// Joins a carrier's media stream to a session, as a state machine: no I/O, and the clock is an argument.
///
/// In the order of a call:
///
/// - pass every message of the carrier to [`receive`](Self::receive); the resulting events come out of
///   [`next_event`](Self::next_event): the caller's audio in the session's format, keys, the end of the call, and what
///   the caller has heard ([`BridgeEvent::Heard`], for the session's playback ledger);
/// - every event of the session goes to [`apply`](Self::apply), which plays the model's audio and stops it when the
///   caller begins to speak;
/// - [`next_frame`](Self::next_frame) gives the messages to be sent, in real time and a little ahead of it. Ask again at
///   [`deadline`](Self::deadline), and after each call of the others.
///
/// ```
/// use std::time::Duration;
///
/// use realtime_core::transport::Instant;
/// use realtime_core::types::AudioFormat;
/// use realtime_telephony::{Bridge, BridgeEvent, Frame, Part, Settings};
///
/// let mut bridge = Bridge::new(Settings::twilio(), AudioFormat::Pcmu, AudioFormat::Pcmu);
/// let mut now = Instant::default();
/// let start = r#"{"event":"start","streamSid":"MZ1","start":{"callSid":"CA1",
///     "mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}"#;
/// bridge.receive(now, &Frame::from(start))?;
/// assert!(matches!(bridge.next_event(), Some(BridgeEvent::Started(start)) if start.call_id.as_deref() == Some("CA1")));
///
/// // 40 ms of the model's audio, which `apply` takes from the session's events.
/// bridge.play(now, &Part::new("item_1", 0), &[0xff; 320])?;
/// bridge.finish(now)?;
/// let frames: Vec<_> = std::iter::from_fn(|| bridge.next_frame(now)).collect();
/// assert_eq!(frames.len(), 3); // two of 20 ms, and a mark
///
/// // The caller speaks.
/// now = now + Duration::from_millis(30);
/// bridge.interrupt(now);
/// assert_eq!(bridge.next_frame(now), Some(Frame::from(r#"{"event":"clear","streamSid":"MZ1"}"#)));
/// assert_eq!(bridge.heard(&Part::new("item_1", 0), now), Some(Duration::from_millis(30)));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Bridge {
    stream: CarrierStream,
    /// The session's input and output formats.
    input: AudioFormat,
    output: AudioFormat,
    to_model: Option<Converter>,
    to_caller: Option<Converter>,
    waiting: VecDeque<Waiting>,
    /// Bytes queued.
    bytes: usize,
    lead: Duration,
    /// The part being sent, and how much of it was sent at the last mark.
    sending: Option<(Part, Duration)>,
    /// The last reported position.
    told: Option<(Part, u64)>,
    frames: VecDeque<Frame>,
    events: VecDeque<BridgeEvent>,
    /// Responses whose audio is arriving, and those interrupted.
    open: VecDeque<Id>,
    cut: VecDeque<Id>,
}

/// Audio queued to be sent, in the session's format.
#[derive(Debug)]
enum Waiting {
    Audio(Part, Audio),
    /// The end of a part: the converter is flushed.
    End,
}

/// An event of a phone call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BridgeEvent {
    /// The stream has started. If its format is not supported, the caller is not heard: hang up, or configure another
    /// format.
    Started(Box<Start>),
    /// The caller's audio, in the session's input format: append it to the input buffer.
    Audio(Audio),
    /// The caller has heard a part up to a position, and everything before that part. Pass it to
    /// [`Player::mark`](realtime_core::Player::mark).
    Heard {
        /// The part.
        part: Part,
        /// Position in milliseconds.
        ms: u64,
    },
    /// The caller pressed a key.
    Dtmf(Dtmf),
    /// The carrier reports an error. The stream continues.
    Error(CarrierError),
    /// The call or the stream has ended.
    Stopped {
        /// The reason, if the carrier gives one.
        reason: Option<String>,
    },
    /// Any other message from the carrier.
    Other(Box<Incoming>),
}

impl Bridge {
    /// Creates a bridge to a session with these audio formats. G.711 on both sides is passed through; everything else is
    /// converted.
    pub fn new(settings: Settings, input: AudioFormat, output: AudioFormat) -> Self {
        Self {
            stream: CarrierStream::new(settings),
            input,
            output,
            to_model: None,
            to_caller: None,
            waiting: VecDeque::new(),
            bytes: 0,
            lead: DEFAULT_LEAD,
            sending: None,
            told: None,
            frames: VecDeque::new(),
            events: VecDeque::new(),
            open: VecDeque::new(),
            cut: VecDeque::new(),
        }
    }

    /// Sets how far ahead of playback audio is sent to the carrier. More compensates for a worse network; it does not delay
    /// a barge-in, because audio sent ahead is cleared.
    #[must_use]
    pub fn lead(mut self, lead: Duration) -> Self {
        self.lead = lead;
        self
    }

    /// The carrier's stream.
    pub fn stream(&self) -> &CarrierStream {
        &self.stream
    }

    /// Processes a message from the carrier.
    ///
    /// # Errors
    /// The message is malformed. The call continues.
    pub fn receive(&mut self, now: Instant, frame: &Frame) -> Result<(), Malformed> {
        let event = match self.stream.receive(frame)? {
            Incoming::Start(start) => BridgeEvent::Started(start),
            Incoming::Dtmf(dtmf) => BridgeEvent::Dtmf(dtmf),
            Incoming::Error(error) => BridgeEvent::Error(error),
            Incoming::Stop { reason } => {
                self.hear();
                BridgeEvent::Stopped { reason }
            }
            Incoming::Media(media) if !media.is_left_out() => {
                self.hear();
                self.tell(now);
                return Ok(());
            }
            Incoming::Mark(mark) if mark.played.is_some() => {
                self.tell(now);
                return Ok(());
            }
            Incoming::Connected | Incoming::Cleared => return Ok(()),
            other => BridgeEvent::Other(Box::new(other)),
        };
        let started = matches!(event, BridgeEvent::Started(_));
        self.events.push_back(event);
        if started {
            // Media may have arrived before.
            self.hear();
        }
        Ok(())
    }

    /// Passes the caller's audio on, as far as it is in order.
    fn hear(&mut self) {
        let Ok(from) = self.stream.inbound_format() else {
            // Audio that cannot be decoded would be noise.
            while self.stream.next_media().is_some() {}
            return;
        };
        while let Some(media) = self.stream.next_media() {
            if let Some(audio) = self.convert_in(from, &media).filter(|audio| !audio.is_empty()) {
                self.events.push_back(BridgeEvent::Audio(audio));
            }
        }
    }

    fn convert_in(&mut self, from: Format, media: &Media) -> Option<Audio> {
        let to = Format::try_from(&self.input).ok()?;
        let samples = media.samples(from);
        if from == to {
            let whole = samples.len() == media.audio.len();
            return Some(if whole { media.audio.clone() } else { Audio::from(samples) });
        }
        if self.to_model.is_none() {
            self.to_model = Converter::new(from, to).ok();
        }
        Some(Audio::from(self.to_model.as_mut()?.convert(samples)))
    }

    /// Reports what the caller has heard, if that has changed.
    fn tell(&mut self, now: Instant) {
        let Some((part, heard)) = self.stream.position(now) else { return };
        let ms = u64::try_from(heard.as_millis()).unwrap_or(u64::MAX);
        let position = (part, ms);
        if self.told.as_ref() != Some(&position) {
            let (part, ms) = position.clone();
            self.told = Some(position);
            self.events.push_back(BridgeEvent::Heard { part, ms });
        }
    }

    /// The next event, if any.
    pub fn next_event(&mut self) -> Option<BridgeEvent> {
        self.events.pop_front()
    }

    /// Processes an event of the session: plays the model's audio, and stops it when the caller begins to speak. Other events
    /// are ignored.
    ///
    /// Audio of an interrupted response is dropped, as in the session's playback ledger.
    ///
    /// # Errors
    /// The call has ended, or too much audio is queued.
    pub fn apply(&mut self, now: Instant, event: &ServerEvent) -> Result<(), Refused> {
        match event {
            ServerEvent::ResponseOutputAudioDelta(delta) => {
                if self.cut.contains(&delta.response_id) {
                    return Ok(());
                }
                if !self.open.contains(&delta.response_id) {
                    remember(&mut self.open, &delta.response_id);
                }
                let part = Part { item_id: delta.item_id.clone(), content_index: delta.content_index };
                self.play(now, &part, &delta.delta)
            }
            ServerEvent::ResponseOutputAudioDone(done) if !self.cut.contains(&done.response_id) => self.finish(now),
            ServerEvent::ResponseDone(done) => {
                if let Some(id) = &done.response.id {
                    self.open.retain(|open| open != id);
                    self.cut.retain(|cut| cut != id);
                }
                Ok(())
            }
            ServerEvent::InputAudioBufferSpeechStarted(_) => {
                self.interrupt(now);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Queues audio of a part, in the session's output format. It is sent in real time once the call has started.
    ///
    /// # Errors
    /// The call has ended, or more than 128 MiB are queued.
    pub fn play(&mut self, now: Instant, part: &Part, audio: &[u8]) -> Result<(), Refused> {
        if self.stream.is_ended() {
            return Err(Refused::Ended);
        }
        self.wait(audio.len(), || Waiting::Audio(part.clone(), Audio::from(audio)))?;
        self.advance(now)
    }

    /// Ends the current part: a remainder too short for the carrier is padded with silence.
    ///
    /// # Errors
    /// The call has ended, or more than 128 MiB are queued.
    pub fn finish(&mut self, now: Instant) -> Result<(), Refused> {
        if self.stream.is_ended() {
            return Err(Refused::Ended);
        }
        self.wait(0, || Waiting::End)?;
        self.advance(now)
    }

    fn wait(&mut self, bytes: usize, waiting: impl FnOnce() -> Waiting) -> Result<(), Refused> {
        let bytes = self.bytes.saturating_add(bytes).saturating_add(ENTRY);
        if bytes > MOST_WAITING {
            return Err(Refused::Full);
        }
        self.bytes = bytes;
        self.waiting.push_back(waiting());
        Ok(())
    }

    /// Stops playback and drops queued audio, for a barge-in. What the caller has heard is exact to the moment at which the
    /// clear is sent.
    pub fn interrupt(&mut self, now: Instant) {
        self.waiting.clear();
        self.bytes = 0;
        self.sending = None;
        if let Some(converter) = &mut self.to_caller {
            converter.reset();
        }
        while let Some(id) = self.open.pop_front() {
            remember(&mut self.cut, &id);
        }
        if !self.stream.is_silent(now)
            && let Ok(clear) = self.stream.clear(now)
        {
            self.frames.push_back(clear);
        }
        self.tell(now);
    }

    /// Presses keys.
    ///
    /// # Errors
    /// The stream has not started or has ended, the carrier's stream cannot do this, or a digit is invalid.
    pub fn dtmf(&mut self, digits: &str) -> Result<(), Refused> {
        let frame = self.stream.dtmf(digits)?;
        self.frames.push_back(frame);
        Ok(())
    }

    /// Ends the call on this side: nothing more is sent. Then close the socket. With Twilio, that ends the stream, and the
    /// call if no instruction follows; with the others, hang up through the REST API, with [`Start::call_id`].
    pub fn hang_up(&mut self) {
        self.stream.end();
        self.hear();
        self.waiting.clear();
        self.bytes = 0;
    }

    /// The next message to the carrier, if it is time for one.
    pub fn next_frame(&mut self, now: Instant) -> Option<Frame> {
        // A refusal was returned when the audio was queued.
        let _ = self.advance(now);
        self.frames.pop_front()
    }

    /// When [`next_frame`](Self::next_frame) returns the next message. `None` if nothing is queued.
    pub fn deadline(&self) -> Option<Instant> {
        if self.stream.outbound_format().is_err() || self.stream.is_ended() {
            return None;
        }
        let due = Instant::from_origin(self.stream.played_at().since_origin().saturating_sub(self.lead));
        (!self.waiting.is_empty()).then_some(due)
    }

    /// Duration of a part that the caller has heard. `None` if nothing of the part was sent.
    pub fn heard(&self, part: &Part, now: Instant) -> Option<Duration> {
        self.stream.heard(part, now)
    }

    /// Sends what is due.
    fn advance(&mut self, now: Instant) -> Result<(), Refused> {
        let to = match self.stream.outbound_format() {
            Ok(to) => to,
            // Waits for the start message.
            Err(Refused::NotStarted) => return Ok(()),
            Err(refused) => return Err(refused),
        };
        let from = Format::try_from(&self.output).map_err(|_| Refused::SessionFormat)?;
        if self.to_caller.is_none() && from != to {
            self.to_caller = Some(Converter::new(from, to).map_err(|_| Refused::SessionFormat)?);
        }
        let piece = usize::try_from(from.ms_to_bytes(PIECE_MS)).unwrap_or(usize::MAX).max(1);
        // `deadline` returns when it ends.
        while self.stream.played_at().since(now) <= self.lead {
            match self.waiting.pop_front() {
                Some(Waiting::Audio(part, audio)) => {
                    let (first, rest) = audio.split_at(piece.min(audio.len()));
                    self.bytes -= first.len() + if rest.is_empty() { ENTRY } else { 0 };
                    self.send(now, &part, first)?;
                    if !rest.is_empty() {
                        let rest = Audio::from(audio.clone().into_bytes().slice(first.len()..));
                        self.waiting.push_front(Waiting::Audio(part, rest));
                    }
                }
                Some(Waiting::End) => {
                    self.bytes -= ENTRY;
                    self.end_part(now)?;
                }
                None => break,
            }
        }
        Ok(())
    }

    fn send(&mut self, now: Instant, part: &Part, audio: &[u8]) -> Result<(), Refused> {
        if self.sending.as_ref().is_some_and(|(sending, _)| sending != part) {
            self.end_part(now)?;
        }
        let audio = match &mut self.to_caller {
            Some(converter) => converter.convert(audio),
            None => audio,
        };
        self.frames.extend(self.stream.media(now, part, audio)?);
        let sent = self.stream.sent(part).unwrap_or_default();
        let marked = self.sending.get_or_insert_with(|| (part.clone(), Duration::ZERO)).1;
        if sent.saturating_sub(marked) >= MARK_EVERY && self.stream.is_whole() {
            self.mark(now, part, sent)?;
        }
        Ok(())
    }

    fn end_part(&mut self, now: Instant) -> Result<(), Refused> {
        let Some((part, marked)) = self.sending.take() else { return Ok(()) };
        if let Some(converter) = &mut self.to_caller {
            let rest = converter.finish();
            self.frames.extend(self.stream.media(now, &part, rest)?);
        }
        self.frames.extend(self.stream.flush(now)?);
        let sent = self.stream.sent(&part).unwrap_or_default();
        if sent > marked {
            self.mark(now, &part, sent)?;
        }
        self.sending = None;
        Ok(())
    }

    fn mark(&mut self, now: Instant, part: &Part, sent: Duration) -> Result<(), Refused> {
        self.sending = Some((part.clone(), sent));
        let name = format!("{}:{}:{}", part.item_id, part.content_index, sent.as_millis());
        self.frames.extend(self.stream.mark(now, &name)?);
        Ok(())
    }
}

fn remember(ids: &mut VecDeque<Id>, id: &Id) {
    if ids.len() == MOST_CUT {
        ids.pop_front();
    }
    ids.push_back(id.clone());
}
