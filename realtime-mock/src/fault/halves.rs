use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{future::BoxFuture, stream::BoxStream};
use realtime_core::transport::{
    Duplex, Instant, Message, ReadHalf, Text, Timer, TransportError, TransportErrorKind, WriteHalf,
};
use serde_json::Value;

use super::{
    asked_for,
    line::{Edges, End, Line, Reading, Writing},
};

pub(super) fn wrap(inner: Duplex, line: Arc<Line>) -> Duplex {
    let read = Read {
        // As a stream: a fault may interrupt the wait, and the half's own wait goes on all the same.
        incoming: Some(inner.read.into_stream()),
        held: None,
        rest: None,
        half: None,
        alarm: Alarm::default(),
        line: line.clone(),
    };
    let mut duplex = Duplex::new(Write { inner: Some(inner.write), line }, read);
    duplex.headers = inner.headers;
    duplex.can_ping = inner.can_ping;
    duplex
}

struct Read {
    /// None once a fault has ended the connection.
    incoming: Option<BoxStream<'static, Result<Message, TransportError>>>,
    /// A message that is slow, and when it arrives.
    held: Option<(Instant, Message)>,
    /// What was cut off it, and comes next.
    rest: Option<Message>,
    /// A text that waits for the one that it is joined with.
    half: Option<Text>,
    alarm: Alarm,
    line: Arc<Line>,
}

#[async_trait]
impl ReadHalf for Read {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        poll_fn(|cx| self.poll_receive(cx)).await
    }
}

impl Read {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, TransportError>> {
        loop {
            let until = match self.line.reading(cx) {
                Reading::Ended(end) => return Poll::Ready(self.end(end)),
                Reading::Give(message) => return Poll::Ready(Ok(Some(message))),
                Reading::Wait(until) => until,
                Reading::Ask(until) => match self.poll_held(cx) {
                    Poll::Ready(Some(message)) => {
                        self.line.has_read();
                        return Poll::Ready(message);
                    }
                    Poll::Ready(None) => continue,
                    Poll::Pending => earlier(until, self.held.as_ref().map(|(at, _)| *at)),
                },
            };
            std::task::ready!(self.alarm.poll(until, &*self.line.timer, cx));
        }
    }

    /// The message that is held back, once its time has come, else another one to hold back. None: to look again.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Option<Message>, TransportError>>> {
        let now = self.line.timer.now();
        if let Some((_, message)) = self.held.take_if(|(at, _)| *at <= now) {
            self.held = self.rest.take().map(|rest| (now + self.line.slow_reads(), rest));
            return Poll::Ready(Some(Ok(Some(message))));
        }
        let Some(incoming) = self.incoming.as_mut().filter(|_| self.held.is_none()) else { return Poll::Pending };
        match std::task::ready!(incoming.as_mut().poll_next(cx)) {
            Some(Ok(message)) => {
                self.held = self.edges(message).map(|message| (now + self.line.slow_reads(), message));
                Poll::Ready(None)
            }
            end => Poll::Ready(Some(end.transpose())),
        }
    }

    fn end(&mut self, end: End) -> Result<Option<Message>, TransportError> {
        // The peer sees the link go, too.
        self.incoming = None;
        match end {
            End::Closing(frame) => Ok(Some(Message::Close(Some(frame)))),
            End::Closed => Ok(None),
            End::Broken(kind) => Err(asked_for(kind)),
        }
    }

    /// The message with the edges that it is to have. None if it waits for more.
    fn edges(&mut self, message: Message) -> Option<Message> {
        let Message::Text(text) = message else { return Some(message) };
        if let Some(half) = self.half.take() {
            let mut whole = BytesMut::from(half.as_bytes());
            whole.extend_from_slice(text.as_bytes());
            return Some(Message::Text(Text::declared(whole.freeze())));
        }
        match self.line.edges() {
            Edges::Keep => Some(Message::Text(text)),
            Edges::Omit => None,
            Edges::Rename => Some(Message::Text(renamed(text))),
            Edges::Join => {
                self.half = Some(text);
                None
            }
            Edges::Split => {
                let (first, second) = halves(text);
                self.rest = Some(second);
                Some(first)
            }
        }
    }
}

/// A text in two, each of them UTF-8 if the whole is.
fn halves(text: Text) -> (Message, Message) {
    let mut bytes: Bytes = text.into_bytes();
    let middle = (bytes.len() / 2..bytes.len()).find(|&at| bytes[at] & 0xC0 != 0x80).unwrap_or(bytes.len());
    let second = bytes.split_off(middle);
    (Message::Text(Text::declared(bytes)), Message::Text(Text::declared(second)))
}

/// The names of events in the beta protocol, as they differ from today's.
const BETA: [(&str, &str); 5] = [
    ("response.output_text.", "response.text."),
    ("response.output_audio_transcript.", "response.audio_transcript."),
    ("response.output_audio.", "response.audio."),
    ("conversation.item.added", "conversation.item.created"),
    ("conversation.item.done", "conversation.item.created"),
];

/// The event under another name. Anything that is not an event is not changed.
fn renamed(text: Text) -> Text {
    let event = serde_json::from_slice::<Value>(text.as_bytes());
    let Some(mut event) = event.ok().filter(|event| event["type"].is_string()) else { return text };
    let Some(Value::String(kind)) = event.get_mut("type") else { return text };
    let older = BETA.iter().find_map(|(new, old)| Some(format!("{old}{}", kind.strip_prefix(new)?)));
    *kind = older.unwrap_or_else(|| format!("vendor.{kind}"));
    event.to_string().into()
}

struct Write {
    inner: Option<Box<dyn WriteHalf>>,
    line: Arc<Line>,
}

#[async_trait]
impl WriteHalf for Write {
    async fn send(&mut self, message: Message) -> Result<(), TransportError> {
        let Self { inner, line } = self;
        let mut alarm = Alarm::default();
        let mut message = Some(message);
        let mut ready = None;
        let kind = 'ended: {
            let Some(half) = inner else { break 'ended TransportErrorKind::Io };
            let gate = poll_fn(|cx| {
                loop {
                    let until = match line.writing(cx) {
                        Writing::Ended(end) => return Poll::Ready(Err(end)),
                        Writing::Lose => return Poll::Ready(Ok(true)),
                        Writing::Wait(until) => until,
                        Writing::Write(slow) => {
                            let now = line.timer.now();
                            let at = *ready.get_or_insert(now + slow);
                            if now >= at {
                                return Poll::Ready(Ok(false));
                            }
                            at
                        }
                    };
                    std::task::ready!(alarm.poll(Some(until), &*line.timer, cx));
                }
            });
            match gate.await {
                Ok(true) => {
                    line.has_written();
                    return Ok(());
                }
                Ok(false) => {}
                Err(end) => break 'ended kind(end),
            }
            let Some(message) = message.take() else { return Ok(()) };
            let mut writing = pin!(half.send(message));
            // A fault may end the connection while the inner transport is busy.
            let written = poll_fn(|cx| match line.writing(cx) {
                Writing::Ended(end) => Poll::Ready(Err(end)),
                _ => writing.as_mut().poll(cx).map(Ok),
            });
            match written.await {
                Ok(written) => {
                    written?;
                    line.has_written();
                    return Ok(());
                }
                Err(end) => kind(end),
            }
        };
        // The peer sees the link go, too.
        *inner = None;
        Err(asked_for(kind))
    }
}

fn kind(end: End) -> TransportErrorKind {
    match end {
        End::Closing(_) | End::Closed => TransportErrorKind::Io,
        End::Broken(kind) => kind,
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// An alarm that is armed only while somebody waits for it.
#[derive(Default)]
struct Alarm(Option<(Instant, BoxFuture<'static, ()>)>);

impl Alarm {
    /// Until then; for ever, without a time.
    fn poll(&mut self, until: Option<Instant>, timer: &dyn Timer, cx: &mut Context<'_>) -> Poll<()> {
        let Some(until) = until else {
            self.0 = None;
            return Poll::Pending;
        };
        if self.0.as_ref().is_none_or(|(at, _)| *at != until) {
            self.0 = Some((until, timer.sleep_until(until)));
        }
        if let Some((_, rings)) = &mut self.0 {
            std::task::ready!(rings.as_mut().poll(cx));
        }
        self.0 = None;
        Poll::Ready(())
    }
}
