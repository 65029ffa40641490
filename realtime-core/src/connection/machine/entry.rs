//! Client events on their way into the outbox.

use std::{error, fmt, sync::Arc};

use super::{
    super::answers::Cell,
    config::Config,
    outbox::{Queue, Refusal},
};
use crate::{
    error::{Error, ErrorKind, MAX_APPEND, SendErrorKind},
    protocol::{
        Protocol,
        event::{Event, Recognition},
    },
    transport::{Instant, Text},
};

/// A client event in the outbox.
pub(crate) struct Entry<P: Protocol> {
    /// The position in the order of sending, from 1. 0 for an event that never was in the outbox.
    pub(crate) seq: u64,
    pub(crate) text: Text,
    /// The event itself; none for audio, which is read back from its text where it is needed.
    pub(crate) event: Option<Arc<P::ClientEvent>>,
    /// The slot for its answer, if somebody awaits one.
    pub(crate) cell: Option<Arc<Cell<P>>>,
    /// Whether it asks for a response of the conversation, of which there is one at a time.
    pub(crate) scheduled: bool,
    /// Bytes of audio that it appends to the input buffer.
    pub(crate) audio: usize,
    /// Whether it uses up the audio before it, so that none of that may be dropped.
    pub(crate) barrier: bool,
    /// The time at which it was queued, where the policy for stale audio needs it.
    pub(crate) queued: Option<Instant>,
    /// Whether the connection sends it by itself, in reaction to the server.
    pub(crate) own: bool,
}

impl<P: Protocol> Entry<P> {
    /// The text of an append, with the number of bytes of audio in it.
    pub(crate) fn audio(text: Text, bytes: usize) -> Self {
        Self {
            seq: 0,
            text,
            event: None,
            cell: None,
            scheduled: false,
            audio: bytes,
            barrier: false,
            queued: None,
            own: false,
        }
    }

    /// An event of the replay, which is written ahead of the outbox. `seq` is the number of the request that it repeats.
    pub(super) fn replayed(event: P::ClientEvent, seq: Option<u64>, text: Text) -> Self {
        Self { seq: seq.unwrap_or(0), event: Some(Arc::new(event)), ..Self::audio(text, 0) }
    }

    /// The event, read back from its text where only that was kept.
    pub(crate) fn into_event(self) -> P::ClientEvent {
        self.event.map_or_else(|| P::ClientEvent::decode(self.text.as_bytes()), Arc::unwrap_or_clone)
    }

    /// What is left of it, to be read once no lock is held.
    pub(super) fn unsent(&self) -> Unsent<P> {
        Unsent { text: self.text.clone(), event: self.event.clone() }
    }

    /// Bytes that it takes up in the outbox.
    pub(super) fn len(&self) -> usize {
        self.text.as_bytes().len()
    }
}

/// An event that waits to be sent, shared with the outbox.
pub(crate) struct Unsent<P: Protocol> {
    text: Text,
    event: Option<Arc<P::ClientEvent>>,
}

impl<P: Protocol> Unsent<P> {
    pub(super) fn new(event: P::ClientEvent) -> Self {
        Self { text: Text::default(), event: Some(Arc::new(event)) }
    }

    pub(crate) fn into_event(self) -> P::ClientEvent {
        self.event.map_or_else(|| P::ClientEvent::decode(self.text.as_bytes()), Arc::unwrap_or_clone)
    }
}

impl<P: Protocol> Config<P> {
    /// Checks an event, encodes it, and puts it into the outbox. `own` is set for what the connection sends by itself:
    /// there is always room for that. `queued` is the time, where the policy for stale audio needs it.
    pub(crate) fn enqueue(
        &self,
        queue: &impl Queue<P>,
        mut event: P::ClientEvent,
        cell: Option<Arc<Cell<P>>>,
        own: bool,
        queued: Option<Instant>,
    ) -> Result<(), SendError<P>> {
        if let Recognition::Malformed(_) | Recognition::Invalid(_) = event.recognition() {
            return Err(SendError::new(SendErrorKind::NoEvent, event));
        }
        let audio = P::audio(&event).map(<[u8]>::len);
        if let Some(Err(kind)) = audio.map(|bytes| check_audio(queue, bytes)) {
            return Err(SendError::new(kind, event));
        }
        // Nothing answers an append, so it needs no id.
        if audio.is_none() {
            self.name(&mut event);
        }
        let text = match P::encode(&event, self.dialect) {
            Ok(text) => text,
            Err(error) => return Err(SendError::new(SendErrorKind::Dialect(error), event)),
        };
        let barrier = P::is_audio_barrier(&event);
        let scheduled = P::is_scheduled(&event);
        if let Some(bytes) = P::sample_bytes(&event) {
            queue.with(|out| out.set_sample_bytes(bytes));
        }
        let entry = match audio {
            Some(bytes) => Entry::audio(text, bytes),
            None => Entry { event: Some(Arc::new(event)), cell, scheduled, barrier, ..Entry::audio(text, 0) },
        };
        self.push(queue, entry, own, queued)
    }

    /// Encodes audio straight from its bytes, and puts it into the outbox.
    pub(crate) fn append(
        &self,
        queue: &impl Queue<P>,
        audio: &[u8],
        queued: Option<Instant>,
    ) -> Result<(), SendError<P>> {
        // Asked before anything is encoded: under back pressure an audio callback tries again and again.
        let room = || queue.with(|out| out.check_room(queued)).map_err(SendErrorKind::from);
        if let Err(kind) = check_audio(queue, audio.len()).and_then(|()| room()) {
            return Err(SendError::new(kind, P::appended(audio)));
        }
        self.push(queue, Entry::audio(P::append(audio), audio.len()), false, queued)
    }

    fn push(
        &self,
        queue: &impl Queue<P>,
        entry: Entry<P>,
        own: bool,
        queued: Option<Instant>,
    ) -> Result<(), SendError<P>> {
        let (size, limit) = (entry.len(), self.options.max_outbound);
        if size > limit {
            return Err(SendError::new(SendErrorKind::TooLarge { size, limit }, entry.into_event()));
        }
        let entry = Entry { queued, ..entry };
        let pushed = queue.with(|out| out.push(entry, own));
        pushed.map_err(|(refusal, entry)| SendError::new(refusal.into(), entry.into_event()))
    }
}

fn check_audio<P: Protocol>(queue: &impl Queue<P>, bytes: usize) -> Result<(), SendErrorKind> {
    if bytes > MAX_APPEND {
        return Err(SendErrorKind::TooMuchAudio { bytes });
    }
    if !bytes.is_multiple_of(queue.with(|out| out.sample_bytes())) {
        return Err(SendErrorKind::HalfSample { bytes });
    }
    Ok(())
}

/// An event that was not taken, and why.
pub struct SendError<P: Protocol> {
    kind: SendErrorKind,
    event: Box<P::ClientEvent>,
}

impl From<Refusal> for SendErrorKind {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed => Self::Closed,
            Refusal::Full => Self::Full,
        }
    }
}

impl<P: Protocol> SendError<P> {
    pub(crate) fn new(kind: SendErrorKind, event: P::ClientEvent) -> Self {
        Self { kind, event: Box::new(event) }
    }

    /// Why it was not taken.
    pub fn kind(&self) -> SendErrorKind {
        self.kind
    }

    /// The event.
    pub fn event(&self) -> &P::ClientEvent {
        &self.event
    }

    /// The event, to send it later or elsewhere.
    pub fn into_event(self) -> P::ClientEvent {
        *self.event
    }
}

impl<P: Protocol> fmt::Display for SendError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl<P: Protocol> fmt::Debug for SendError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("kind", &self.kind).field("event", &self.event.kind()).finish()
    }
}

impl<P: Protocol> error::Error for SendError<P> {}

impl<P: Protocol> From<SendError<P>> for Error {
    fn from(error: SendError<P>) -> Self {
        ErrorKind::Send(error.kind).into()
    }
}
