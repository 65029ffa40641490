use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt, future, ready, stream};

use super::{
    Connection,
    answers::{Cell, Part},
    driver::{Shared, wait::WaitKind, wakers::Slot},
    machine::entry::SendError,
    options::Overlap,
    told::{News, Told},
};
use crate::{
    error::{Error, ErrorKind, SendErrorKind},
    event::{ResponseCancel, ResponseCreate, ServerEvent},
    protocol::Realtime,
    session::realtime::{MOST_METADATA, REQUEST, is_out_of_band},
    types::{Item, Response, ResponseConfig},
    wire::{Audio, Id, Patch},
};

/// A response that was asked for.
///
/// It is given whether or not this is awaited. Awaited, it drives the connection until the response is finished;
/// before that, its [`text`](Self::text), [`transcript`](Self::transcript) or [`audio`](Self::audio) can be streamed,
/// or all its events with [`next`](Self::next). Nobody needs to read the connection's own events for that. They wait
/// there all the same, and the oldest make room for others until somebody asks for them: see
/// [`Unread::Keep`](crate::connection::Unread::Keep).
///
/// # Cancel safety
/// Dropping what waits on it loses nothing: wait again.
///
/// # Errors
/// - [`ErrorKind::Request`]: the server refused it, with these words.
/// - [`ErrorKind::Unanswered`]: it was not begun, or went silent, for longer than
///   [`Options::request_timeout`](crate::Options::request_timeout) or
///   [`Options::response_idle_timeout`](crate::Options::response_idle_timeout) allow.
/// - [`ErrorKind::Unsent`]: the connection ended before it was sent.
/// - [`ErrorKind::Ambiguous`]: the connection ended before the response did.
/// - [`ErrorKind::InboxFull`]: events wait to be read on the connection, whose events were asked for before. Read them,
///   then wait again.
///
/// A response that failed or was cancelled is no error: its status tells. One whose end was lost, for another has begun or
/// the server says that none is active, is given as incomplete, with what came of it.
pub struct ResponseHandle {
    shared: Arc<Shared<Realtime>>,
    cell: Arc<Cell<Realtime>>,
    slot: Option<Slot>,
    id: Option<Id>,
    /// What of its words was given out by [`next`](Self::next) or a stream.
    told: Told,
}

impl ResponseHandle {
    pub(super) fn create(
        connection: &Connection<Realtime>,
        mut config: ResponseConfig,
    ) -> Result<Self, SendError<Realtime>> {
        let shared = &connection.shared;
        let refused = is_refused(shared, &config);
        let event_id = shared.config.ids.fresh("evt");
        if !shared.state().is_order_enough(&config) {
            mark(&mut config, &event_id);
        }
        let mut create = ResponseCreate::default().event_id(event_id);
        if config != ResponseConfig::default() {
            create = create.response(config);
        }
        if refused {
            return Err(SendError::new(SendErrorKind::ResponseActive, create.into()));
        }
        let cell = Arc::new(Cell::in_parts(shared.config.options.inbox_bytes));
        shared.send(create.into(), Some(cell.clone()))?;
        Ok(Self { shared: shared.clone(), cell, slot: None, id: None, told: Told::default() })
    }

    /// The response's id, once the server has begun it and something of it was read here.
    pub fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// The next event of the response. None when it is finished.
    ///
    /// # Errors
    /// See [above](Self#errors); and [`ErrorKind::Lagged`] where events were left out because nobody took them.
    pub async fn next(&mut self) -> Option<Result<ServerEvent, Error>> {
        future::poll_fn(|cx| self.poll_part(cx)).await.map(|part| part.map(|(event, _)| event))
    }

    /// The text of a response in writing, as it comes. Nothing of a spoken one, as the responses of a session are
    /// unless `output_modalities` says otherwise: its words are its [`transcript`](Self::transcript).
    ///
    /// Where a server tells a text as a whole and not by deltas, it comes as one piece.
    pub fn text(&mut self) -> impl Stream<Item = Result<String, Error>> + '_ {
        self.words(|news| news.text)
    }

    /// The words of a spoken response, as they come. Nothing of one in writing: see [`text`](Self::text).
    pub fn transcript(&mut self) -> impl Stream<Item = Result<String, Error>> + '_ {
        self.words(|news| news.transcript)
    }

    /// The audio of a spoken response, as it comes.
    pub fn audio(&mut self) -> impl Stream<Item = Result<Audio, Error>> + '_ {
        stream::poll_fn(|cx| self.poll_part(cx)).filter_map(|part| {
            future::ready(match part {
                Ok((ServerEvent::ResponseOutputAudioDelta(delta), _)) => Some(Ok(delta.delta)),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            })
        })
    }

    /// Stops it. Await it to see how far it came.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn cancel(&self) -> Result<(), SendError<Realtime>> {
        let mut cancel = ResponseCancel::default();
        cancel.response_id.clone_from(&self.id);
        self.shared.send(cancel.into(), None)
    }

    fn words(&mut self, pick: fn(News) -> String) -> impl Stream<Item = Result<String, Error>> + '_ {
        let mut is_over = false;
        stream::poll_fn(move |cx| {
            let part = match ready!(self.poll_part(cx)) {
                Some(part) => Some(part.map(|(_, news)| pick(news))),
                None if is_over => None,
                // The end may tell what nothing before it did.
                None => {
                    is_over = true;
                    self.cell.look(|end| self.told.news(end)).map(|news| Ok(pick(news)))
                }
            };
            Poll::Ready(part)
        })
        .filter(|words| future::ready(words.as_ref().map_or(true, |words| !words.is_empty())))
    }

    /// The next event, and the words in it that are new.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(ServerEvent, News), Error>>> {
        let part = ready!(self.shared.poll(cx, &mut self.slot, WaitKind::Part, |_| self.cell.next()));
        Poll::Ready(match part {
            Ok(Part::Event(event)) => {
                // Not always the event that begins it, for that may be lost.
                if self.id.is_none() {
                    self.id = event.response_id().cloned();
                }
                let news = self.told.news(&event);
                Some(Ok((event, news)))
            }
            Ok(Part::Lagged) => Some(Err(ErrorKind::Lagged.into())),
            // What ended it is told to who awaits it.
            Ok(Part::End) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

impl Future for ResponseHandle {
    type Output = Result<Response, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let end = this.shared.poll(cx, &mut this.slot, WaitKind::Part, |_| this.cell.take());
        end.map(|end| match end?? {
            ServerEvent::ResponseDone(done) => Ok(done.response),
            // Nothing else ends a response.
            _ => Err(ErrorKind::Ambiguous.into()),
        })
    }
}

impl fmt::Debug for ResponseHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHandle").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Connection<Realtime> {
    /// The user says this, in writing, and the model answers. Waits until the queue has room.
    ///
    /// ```
    /// # async fn example(connection: realtime_core::Connection<realtime_core::Realtime>) -> Result<(), realtime_core::Error> {
    /// use futures::TryStreamExt;
    ///
    /// // A session speaks unless it is configured otherwise, and what it says comes as a transcript too.
    /// let mut response = connection.respond("Say hello.").await?;
    /// response.transcript().try_for_each(async |words| Ok(print!("{words}"))).await?;
    /// println!("{:?}", response.await?.usage);
    /// # Ok(()) }
    /// ```
    ///
    /// The events of the response wait to be read on the connection as well. If nobody reads them there, set
    /// [`Options::unread`](crate::Options::unread) to discard them.
    ///
    /// # Cancel safety
    /// Dropped while it waits for room, nothing was sent.
    ///
    /// # Errors
    /// [`Options::overlap`](crate::Options::overlap) lets no more requests for a response wait, or the connection has
    /// ended. Or events wait to be read and there is no room for more: read them, then ask again.
    pub async fn respond(&self, text: impl Into<String>) -> Result<ResponseHandle, Error> {
        self.ready().await?;
        let config = ResponseConfig::default();
        // Asked first, so that nothing is said that nobody answers.
        if is_refused(&self.shared, &config) {
            return Err(ErrorKind::Send(SendErrorKind::ResponseActive).into());
        }
        self.conversation().item().create(Item::user(text))?;
        Ok(self.response().create(config)?)
    }
}

/// Whether a request for a response is one too many.
fn is_refused(shared: &Shared<Realtime>, config: &ResponseConfig) -> bool {
    if is_out_of_band(Some(config)) {
        return false;
    }
    let core = shared.core();
    let busy = !core.machine.state().can_respond(shared.timer.now());
    let ahead = usize::from(busy) + core.machine.held() + shared.out().scheduled();
    match shared.config.options.overlap {
        Overlap::One => ahead > 1,
        Overlap::Refuse => ahead > 0,
        Overlap::Queue => false,
    }
}

/// Names the request in its metadata, so that its response can be told from others. The service hands it back.
fn mark(config: &mut ResponseConfig, event_id: &Id) {
    let mut metadata = std::mem::take(&mut config.metadata).into_set().unwrap_or_default();
    if metadata.len() < MOST_METADATA {
        metadata.insert(REQUEST.into(), event_id.to_string());
    }
    config.metadata = Patch::Set(metadata);
}
