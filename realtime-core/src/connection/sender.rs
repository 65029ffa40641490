use std::{error, fmt, sync::Arc};

use super::{
    answers::Cell,
    driver::Shared,
    hub::bit,
    outbox::{Entry, Refusal},
    wait::WaitKind,
};
use crate::{
    error::{Error, ErrorKind, MAX_APPEND, SendErrorKind},
    event::{Event, Recognition},
    protocol::Protocol,
};

/// Sends from anywhere: another task, another thread, an audio callback.
///
/// It never waits and never blocks on the network. Events leave in the order in which they were sent, by all senders
/// together, once somebody drives the connection: a task that awaits [`Connection::drive`](crate::Connection::drive),
/// or whoever waits for anything else of it. Sending wakes them.
///
/// A clone sends to the same connection. Senders do not keep it alive: after its end they give events back.
pub struct Sender<P: Protocol> {
    shared: Arc<Shared<P>>,
}

impl<P: Protocol> Sender<P> {
    pub(super) fn new(shared: &Arc<Shared<P>>) -> Self {
        Self { shared: shared.clone() }
    }

    pub(super) fn shared(&self) -> &Arc<Shared<P>> {
        &self.shared
    }

    /// Queues an event.
    ///
    /// # Errors
    /// Gives the event back: the queue is full, the connection has ended, the event is too large, holds half a sample,
    /// or is none that can be sent. Nothing of it was sent.
    pub fn send(&self, event: impl Into<P::ClientEvent>) -> Result<(), SendError<P>> {
        self.shared.send(event.into(), None)
    }

    /// Queues audio for the input buffer: encoded once, straight from these bytes.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn append(&self, audio: &[u8]) -> Result<(), SendError<P>> {
        self.shared.append(audio)
    }

    /// Waits until the queue has room again. Drives the connection meanwhile.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    ///
    /// # Errors
    /// The connection has ended, or events wait to be read and there is no room for more: read them, then wait again.
    pub async fn ready(&self) -> Result<(), Error> {
        self.shared.ready().await
    }

    /// Whether the connection takes no more events. Events that arrived before its end may still wait to be read.
    pub fn is_closed(&self) -> bool {
        self.shared.out().is_closed()
    }
}

impl<P: Protocol> Clone for Sender<P> {
    fn clone(&self) -> Self {
        Self::new(&self.shared)
    }
}

impl<P: Protocol> fmt::Debug for Sender<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("closed", &self.is_closed()).finish()
    }
}

impl<P: Protocol> Shared<P> {
    pub(super) fn send(&self, event: P::ClientEvent, cell: Option<Arc<Cell<P>>>) -> Result<(), SendError<P>> {
        self.enqueue(event, cell, false)?;
        self.hub.wake(bit::QUEUE);
        Ok(())
    }

    /// Queues an event and wakes nobody, so that it may be called under the core's lock. `always` makes room.
    pub(super) fn enqueue(
        &self,
        mut event: P::ClientEvent,
        cell: Option<Arc<Cell<P>>>,
        always: bool,
    ) -> Result<(), SendError<P>> {
        if let Recognition::Malformed(_) | Recognition::Invalid(_) = event.recognition() {
            return Err(SendError::new(SendErrorKind::NoEvent, event));
        }
        let audio = P::audio(&event).map(<[u8]>::len);
        if let Some(Err(kind)) = audio.map(|bytes| self.check_audio(bytes)) {
            return Err(SendError::new(kind, event));
        }
        // Nothing answers an append, so it needs no id of ours.
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
            self.out().set_sample_bytes(bytes);
        }
        let entry = match audio {
            Some(bytes) => Entry::audio(text, bytes),
            None => Entry { event: Some(Box::new(event)), cell, scheduled, barrier, ..Entry::audio(text, 0) },
        };
        self.push(entry, always)
    }

    /// Gives an event the ids that it lacks.
    pub(super) fn name(&self, event: &mut P::ClientEvent) {
        if event.event_id().is_none() {
            event.set_event_id(self.ids.fresh("evt"));
        }
        P::prepare(event, &|prefix| self.ids.fresh(prefix));
    }

    pub(super) fn append(&self, audio: &[u8]) -> Result<(), SendError<P>> {
        // Asked before anything is encoded: under back pressure an audio callback comes again and again.
        if let Err(kind) = self.check_audio(audio.len()).and_then(|()| self.check_room()) {
            return Err(SendError::new(kind, P::appended(audio)));
        }
        self.push(Entry::audio(P::append(audio), audio.len()), false)?;
        self.hub.wake(bit::QUEUE);
        Ok(())
    }

    fn check_audio(&self, bytes: usize) -> Result<(), SendErrorKind> {
        if bytes > MAX_APPEND {
            return Err(SendErrorKind::TooMuchAudio { bytes });
        }
        if !bytes.is_multiple_of(self.out().sample_bytes()) {
            return Err(SendErrorKind::HalfSample { bytes });
        }
        Ok(())
    }

    fn check_room(&self) -> Result<(), SendErrorKind> {
        let now = self.options.audio.max_age.map(|_| self.timer.now());
        self.out().check_room(now).map_err(SendErrorKind::from)
    }

    fn push(&self, mut entry: Entry<P>, always: bool) -> Result<(), SendError<P>> {
        let (size, limit) = (entry.text.as_bytes().len(), self.options.max_outbound);
        entry.queued = self.options.audio.max_age.map(|_| self.timer.now());
        if size > limit {
            return Err(SendError::new(SendErrorKind::TooLarge { size, limit }, entry.into_event()));
        }
        self.out().push(entry, always).map_err(|(refusal, entry)| SendError::new(refusal.into(), entry.into_event()))
    }

    pub(super) async fn ready(&self) -> Result<(), Error> {
        self.wait(WaitKind::Other, |core, shared| match &core.end {
            Some(end) => Some(end.clone().and(Err(ErrorKind::Send(SendErrorKind::Closed).into()))),
            None => shared.out().has_room().then_some(Ok(())),
        })
        .await?
    }
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
    pub(super) fn new(kind: SendErrorKind, event: P::ClientEvent) -> Self {
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
