//! Client events on their way into the outbox.

use std::{error, fmt, sync::Arc};

use super::{
    super::answers::Cell,
    config::Config,
    outbox::{Queue, Refusal},
};
use crate::{
    dialect::Dialect,
    error::{Error, ErrorKind, MAX_APPEND, SendErrorKind},
    protocol::{
        Protocol,
        event::{Event, Recognition},
    },
    transport::{Instant, Text},
};

/// A client event in the outbox.
pub(crate) struct Entry<P: Protocol> {
    /// Sequence number, from 1. 0 for an event that was never in the outbox.
    pub(crate) seq: u64,
    pub(crate) text: Text,
    /// The event. `None` for audio, which is decoded from its text if it is needed.
    pub(crate) event: Option<Arc<P::ClientEvent>>,
    /// The slot for its answer, if it is awaited.
    pub(crate) cell: Option<Arc<Cell<P>>>,
    /// Whether it requests a response of the conversation, of which one at a time is allowed.
    pub(crate) scheduled: bool,
    /// Bytes of audio that it appends to the input buffer.
    pub(crate) audio: usize,
    /// Whether it uses the audio before it, none of which may then be dropped.
    pub(crate) barrier: bool,
    /// The time at which it was queued, if the policy for stale audio needs it.
    pub(crate) queued: Option<Instant>,
    /// Whether the connection sends it by itself, in response to the server.
    pub(crate) own: bool,
}

impl<P: Protocol> Entry<P> {
    /// Creates an append from its text and the number of bytes of audio in it.
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

    /// Creates an event of the replay, which is written before the outbox. `seq` is the number of the request that it
    /// repeats.
    pub(super) fn replayed(event: P::ClientEvent, seq: Option<u64>, text: Text) -> Self {
        Self { seq: seq.unwrap_or(0), event: Some(Arc::new(event)), ..Self::audio(text, 0) }
    }

    /// Returns the event, decoded from its text if only that was kept.
    pub(crate) fn into_event(self) -> P::ClientEvent {
        self.event.map_or_else(|| P::ClientEvent::decode(self.text.as_bytes()), Arc::unwrap_or_clone)
    }

    /// Converts it to an unsent event, which is decoded later with no lock held.
    pub(super) fn unsent(&self) -> Unsent<P> {
        Unsent { text: self.text.clone(), event: self.event.clone() }
    }

    /// Bytes that it counts for in the outbox.
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
    /// Checks an event, encodes it, and queues it. `own` is set for events that the connection sends by itself, which always
    /// have room. `queued` is the current time, if the policy for stale audio needs it.
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
        // An append is not answered, so it needs no id.
        if audio.is_none() {
            self.name(&mut event);
        }
        let barrier = P::is_audio_barrier(&event);
        let scheduled = P::is_scheduled(&event);
        let sample_bytes = P::sample_bytes(&event);
        // Once more for each time that another server takes over meanwhile.
        loop {
            let dialect = queue.with(|out| out.dialect());
            let text = match P::encode(&event, dialect) {
                Ok(text) => text,
                Err(error) => return Err(SendError::new(SendErrorKind::Dialect(error), event)),
            };
            if let Some(bytes) = sample_bytes {
                queue.with(|out| out.set_sample_bytes(bytes));
            }
            let entry = match audio {
                Some(bytes) => Entry::audio(text, bytes),
                None => {
                    let (event, cell) = (Some(Arc::new(event)), cell.clone());
                    Entry { event, cell, scheduled, barrier, ..Entry::audio(text, 0) }
                }
            };
            match self.push(queue, entry, own, queued, Some(dialect))? {
                None => return Ok(()),
                Some(entry) => event = entry.into_event(),
            }
        }
    }

    /// Encodes audio directly from its bytes, and queues it.
    pub(crate) fn append(
        &self,
        queue: &impl Queue<P>,
        audio: &[u8],
        queued: Option<Instant>,
    ) -> Result<(), SendError<P>> {
        // Checked before anything is encoded, because an audio callback retries constantly under back pressure.
        let room = || queue.with(|out| out.check_room(queued)).map_err(SendErrorKind::from);
        if let Err(kind) = check_audio(queue, audio.len()).and_then(|()| room()) {
            return Err(SendError::new(kind, P::appended(audio)));
        }
        self.push(queue, Entry::audio(P::append(audio), audio.len()), false, queued, None).map(drop)
    }

    /// Gives the entry back if the server is now written to in another dialect than that.
    fn push(
        &self,
        queue: &impl Queue<P>,
        entry: Entry<P>,
        own: bool,
        queued: Option<Instant>,
        dialect: Option<Dialect>,
    ) -> Result<Option<Entry<P>>, SendError<P>> {
        let (size, limit) = (entry.len(), self.options.max_outbound);
        if size > limit {
            return Err(SendError::new(SendErrorKind::TooLarge { size, limit }, entry.into_event()));
        }
        let entry = Entry { queued, ..entry };
        let pushed = queue.with(|out| match dialect {
            Some(dialect) if dialect != out.dialect() => Ok(Some(entry)),
            _ => out.push(entry, own).map(|()| None),
        });
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

/// An event that was not accepted, and the reason.
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

    /// The reason.
    pub fn kind(&self) -> SendErrorKind {
        self.kind
    }

    /// The event.
    pub fn event(&self) -> &P::ClientEvent {
        &self.event
    }

    /// Returns the event, to send it later or elsewhere.
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
