use std::time::Duration;

use realtime_audio::Format;
use realtime_core::transport::Instant;

use crate::{
    Carrier, Frame, Incoming, Malformed, Mark, Media, Part, Refused, Settings, Start, carrier, order::Order,
    playout::Playout,
};

/// Maximum number of audio chunks kept before the start message. Beyond it, the oldest is dropped.
pub const MOST_EARLY: usize = 500;

/// A carrier's media stream as a state machine that converts messages and tracks playback. No I/O; the
/// clock is an argument.
///
/// Audio is in the carrier's formats in both directions; [`Bridge`](crate::Bridge) converts it, and paces it.
///
/// # Examples
/// ```
/// use realtime_core::transport::Instant;
/// use realtime_telephony::{CarrierStream, Frame, Incoming, Part, Settings};
///
/// let mut stream = CarrierStream::new(Settings::twilio());
/// let start = r#"{"event":"start","streamSid":"MZ1","start":{"streamSid":"MZ1","callSid":"CA1",
///     "mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}"#;
/// assert!(matches!(stream.receive(&Frame::from(start))?, Incoming::Start(_)));
/// let frames = stream.media(Instant::default(), &Part::new("item_1", 0), &[0xff; 160])?;
/// assert!(!frames.is_empty());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CarrierStream {
    settings: Settings,
    start: Option<Start>,
    /// Media received before the start message, which names their format.
    early: Vec<Media>,
    order: Order,
    /// Audio too short for a message, and the part that it belongs to.
    carry: Vec<u8>,
    carried: Part,
    playout: Playout,
    ended: bool,
}

impl CarrierStream {
    /// Creates a stream that has not started.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            start: None,
            early: Vec::new(),
            order: Order::default(),
            carry: Vec::new(),
            carried: Part::new("", 0),
            playout: Playout::default(),
            ended: false,
        }
    }

    /// The settings of the carrier.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// The carrier's start message, once received.
    pub fn start(&self) -> Option<&Start> {
        self.start.as_ref()
    }

    /// Whether the stream has ended.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Processes a message from the carrier. The caller's audio is put in order and returned by
    /// [`next_media`](Self::next_media).
    ///
    /// # Errors
    /// The message is malformed. The stream continues.
    pub fn receive(&mut self, frame: &Frame) -> Result<Incoming, Malformed> {
        let incoming = self.settings.read(frame)?;
        Ok(match incoming {
            Incoming::Start(start) => {
                self.start = Some((*start).clone());
                self.early.drain(..).for_each(|media| self.order.push(media));
                Incoming::Start(start)
            }
            Incoming::Media(media) if !media.is_left_out() => {
                if self.start.is_some() {
                    self.order.push(media.clone());
                } else {
                    if self.early.len() == MOST_EARLY {
                        self.early.remove(0);
                    }
                    self.early.push(media.clone());
                }
                Incoming::Media(media)
            }
            Incoming::Mark(mark) => {
                let played = self.playout.returned(&mark.name).map(|(played, _)| played);
                Incoming::Mark(Mark { played, ..mark })
            }
            Incoming::Stop { reason } => {
                self.end();
                Incoming::Stop { reason }
            }
            other => other,
        })
    }

    /// Ends the stream, after the carrier closed the socket or when the application hangs up. Nothing more is sent, and
    /// audio that waits for missing chunks is released.
    pub fn end(&mut self) {
        self.ended = true;
        self.carry.clear();
        self.order.finish();
    }

    /// The caller's next audio, in the order of its chunks. `None` before the start.
    pub fn next_media(&mut self) -> Option<Media> {
        self.order.next()
    }

    /// Number of chunks of the caller's audio dropped because they were duplicates or too late.
    pub fn late_media(&self) -> u64 {
        self.order.late()
    }

    /// The format of the caller's audio.
    ///
    /// # Errors
    /// The stream has not started, or its format is not supported.
    pub fn inbound_format(&self) -> Result<Format, Refused> {
        let start = self.start.as_ref().ok_or(Refused::NotStarted)?;
        start.format.clone().map_err(Refused::Format)
    }

    /// The format of audio to the carrier.
    ///
    /// # Errors
    /// The stream has not started, or its format is not supported.
    pub fn outbound_format(&self) -> Result<Format, Refused> {
        match (self.settings.outbound, self.inbound_format()) {
            // As requested, whatever the caller's side sends.
            (Some(format), Ok(_) | Err(Refused::Format(_))) => Ok(format),
            (_, format) => format.map(|format| self.settings.outbound_format(format)),
        }
    }

    /// Creates the messages that play audio of a part, in the outbound format. Audio shorter than the carrier's minimum is
    /// held until the next call or [`flush`](Self::flush); longer audio is split at sample boundaries.
    ///
    /// # Errors
    /// The stream has not started or has ended, or its format is not supported.
    pub fn media(&mut self, now: Instant, part: &Part, audio: &[u8]) -> Result<Vec<Frame>, Refused> {
        self.open()?;
        let format = self.outbound_format()?;
        let mut frames = if self.carried == *part { Vec::new() } else { self.flush(now)? };
        self.carried.clone_from(part);
        self.carry.extend_from_slice(audio);
        let limits = carrier::limits(self.settings.carrier, format);
        let sample = carrier::sample(format);
        let whole = self.carry.len() - self.carry.len() % sample;
        if whole == 0 || whole < limits.least {
            return Ok(frames);
        }
        // Nearly equal lengths, so that none is too short.
        let piece = if limits.least == limits.most {
            limits.most
        } else {
            whole.div_ceil(whole.div_ceil(limits.most)).next_multiple_of(sample).min(limits.most)
        };
        let all = std::mem::take(&mut self.carry);
        let (pieces, rest) = all.split_at(if limits.least == limits.most { whole - whole % piece } else { whole });
        self.carry.extend_from_slice(rest);
        for piece in pieces.chunks(piece) {
            frames.extend(self.play(now, format, piece));
        }
        Ok(frames)
    }

    /// Creates the message that plays the held audio, padded with silence. An incomplete sample is dropped.
    ///
    /// # Errors
    /// The stream has not started or has ended, or its format is not supported.
    pub fn flush(&mut self, now: Instant) -> Result<Vec<Frame>, Refused> {
        self.open()?;
        let format = self.outbound_format()?;
        let sample = carrier::sample(format);
        let mut audio = std::mem::take(&mut self.carry);
        audio.truncate(audio.len() - audio.len() % sample);
        if audio.is_empty() {
            return Ok(Vec::new());
        }
        let least = carrier::limits(self.settings.carrier, format).least;
        audio.resize(audio.len().max(least), format.encoding().silence());
        Ok(self.play(now, format, &audio).into_iter().collect())
    }

    fn play(&mut self, now: Instant, format: Format, audio: &[u8]) -> Option<Frame> {
        let start = self.start.as_ref()?;
        self.playout.sent(&self.carried, length(format, audio.len()), now);
        Some(carrier::media(self.settings.carrier, start, format, audio))
    }

    /// Creates a mark at the end of the audio sent so far; held audio is flushed first. The mark is
    /// returned as [`Incoming::Mark`].
    ///
    /// # Errors
    /// The stream has not started or has ended.
    pub fn mark(&mut self, now: Instant, name: &str) -> Result<Vec<Frame>, Refused> {
        let start = self.open()?;
        let mark = carrier::mark(self.settings.carrier, start, name);
        // With an unsupported format, nothing is held.
        let mut frames = self.flush(now).unwrap_or_default();
        self.playout.mark(name);
        frames.push(mark);
        Ok(frames)
    }

    /// Creates the message that clears the carrier's playback buffer, when the caller interrupts.
    ///
    /// # Errors
    /// The stream has not started or has ended.
    pub fn clear(&mut self, now: Instant) -> Result<Frame, Refused> {
        let clear = carrier::clear(self.settings.carrier, self.open()?);
        self.carry.clear();
        self.playout.clear(now);
        Ok(clear)
    }

    /// Creates the message that sends DTMF digits, such as an extension's number.
    ///
    /// # Errors
    /// The stream has not started or has ended, the carrier's stream cannot do this, or a digit is invalid.
    pub fn dtmf(&self, digits: &str) -> Result<Frame, Refused> {
        self.open()?;
        carrier::dtmf(self.settings.carrier, digits)
    }

    fn open(&self) -> Result<&Start, Refused> {
        let start = self.start.as_ref().ok_or(Refused::NotStarted)?;
        if self.ended { Err(Refused::Ended) } else { Ok(start) }
    }

    /// Duration of a part that the caller has heard: by the clock, and at least up to the last returned mark. `None` if
    /// nothing of the part was sent.
    pub fn heard(&self, part: &Part, now: Instant) -> Option<Duration> {
        self.playout.heard(part, now)
    }

    /// Duration of a part that was sent, including padding.
    pub fn sent(&self, part: &Part) -> Option<Duration> {
        self.playout.sent_of(part)
    }

    /// The part the caller is hearing or heard last, and the position in it.
    pub fn position(&self, now: Instant) -> Option<(Part, Duration)> {
        self.playout.position(now)
    }

    /// When the caller will have heard everything sent.
    pub fn played_at(&self) -> Instant {
        self.playout.end()
    }

    /// Whether no audio is held for the next message.
    pub(crate) fn is_whole(&self) -> bool {
        self.carry.is_empty()
    }

    /// Whether the caller has heard everything sent.
    pub fn is_silent(&self, now: Instant) -> bool {
        self.playout.is_idle(now)
    }

    /// The carrier.
    pub fn carrier(&self) -> Carrier {
        self.settings.carrier
    }
}

/// Duration of a number of bytes.
fn length(format: Format, bytes: usize) -> Duration {
    let nanos = (bytes as u128 * 1_000_000_000).checked_div(u128::from(format.bytes_per_second()));
    Duration::from_nanos(nanos.and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or_default())
}
