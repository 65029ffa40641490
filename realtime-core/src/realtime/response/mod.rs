//! The handle of a requested response.

mod told;

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt, future, ready, stream};

use self::told::{News, Told};
use super::{
    Overlap, Realtime,
    event::{ResponseCancel, ResponseCreate, ResponseDone, ServerEvent},
    state::{MOST_METADATA, REQUEST, is_out_of_band},
    types::{Item, Response, ResponseConfig},
};
use crate::{
    connection::{AnswerParts, CheckError, Connection, Part, SendError, Sender},
    error::{Error, ErrorKind},
    wire::{Audio, Id, Patch},
};

/// A requested response.
///
/// The response proceeds whether or not this is awaited. Awaiting it drives the connection until the response has ended;
/// before that, its [`text`](Self::text), [`transcript`](Self::transcript) or [`audio`](Self::audio) can be streamed, or
/// all of its events with [`next`](Self::next). The connection's own events need not be read for that. They stay in the
/// inbox, where the oldest are dropped to make room until the application asks for them: see
/// [`Unread::Keep`](crate::connection::Unread::Keep).
///
/// # Cancel safety
/// Dropping a future of this handle loses nothing.
///
/// # Errors
/// - [`ErrorKind::Request`]: the server refused the request with this error.
/// - [`ErrorKind::Unanswered`]: the response did not begin within
///   [`Options::request_timeout`](crate::Options::request_timeout), or was idle for longer than
///   [`Options::response_idle_timeout`](crate::Options::response_idle_timeout).
/// - [`ErrorKind::Unsent`]: the connection ended before the request was sent.
/// - [`ErrorKind::Ambiguous`]: the connection ended before the response did.
/// - [`ErrorKind::InboxFull`]: events wait to be read on the connection, whose events were asked for before. Read them,
///   then wait again.
///
/// A failed or cancelled response is not an error: check its status. If the end of a response was lost, because another
/// one has begun or the server reports that none is active, it is returned as incomplete.
///
/// # Examples
/// ```
/// # let clock = realtime_mock::VirtualClock::new();
/// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
/// # clock.block_on(client.realtime().model("m").run(async |connection| {
/// use futures::TryStreamExt;
///
/// let mut response = connection.respond("Good morning!").await?;
/// {
///     let mut words = response.transcript();
///     while let Some(words) = words.try_next().await? {
///         print!("{words}");
///     }
/// }
/// let response = response.await?; // at once: the response is over
/// println!("{:?}", response.status);
/// # Ok::<_, realtime_core::Error>(())
/// # }))?;
/// # Ok::<_, realtime_core::Error>(())
/// ```
pub struct ResponseHandle {
    answer: AnswerParts<Realtime>,
    id: Option<Id>,
    /// What of its words was given out by [`next`](Self::next) or a stream.
    told: Told,
}

impl ResponseHandle {
    pub(super) fn create(
        connection: &Connection<Realtime>,
        mut config: ResponseConfig,
    ) -> Result<Self, SendError<Realtime>> {
        let sender = connection.sender();
        let refused = is_refused(&sender, &config);
        let event_id = sender.fresh_id("evt");
        if !sender.state().is_order_enough(&config) {
            mark(&mut config, &event_id);
        }
        let mut create = ResponseCreate::default().event_id(event_id);
        if config != ResponseConfig::default() {
            create = create.response(config);
        }
        if refused {
            return Err(SendError::new(CheckError::ResponseActive.into(), create.into()));
        }
        let answer = AnswerParts::send(&sender, create)?;
        Ok(Self { answer, id: None, told: Told::default() })
    }

    /// Id of the response, once the server has begun it and one of its events was read here.
    pub fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// The next event of the response. `None` after its end.
    ///
    /// # Errors
    /// See [above](Self#errors), and [`ErrorKind::Lagged`] if events were dropped because they were not read.
    pub async fn next(&mut self) -> Option<Result<ServerEvent, Error>> {
        future::poll_fn(|cx| self.poll_part(cx)).await.map(|part| part.map(|(event, _)| event))
    }

    /// The text of a text response, streamed. Empty for a spoken response, which is the default of a session
    /// (`output_modalities`): use its [`transcript`](Self::transcript).
    ///
    /// If a server sends a text as a whole instead of in deltas, it arrives as one item.
    pub fn text(&mut self) -> impl Stream<Item = Result<String, Error>> + '_ {
        self.words(|news| news.text)
    }

    /// The transcript of a spoken response, streamed. Empty for a text response: use [`text`](Self::text).
    pub fn transcript(&mut self) -> impl Stream<Item = Result<String, Error>> + '_ {
        self.words(|news| news.transcript)
    }

    /// The audio of a spoken response, streamed.
    pub fn audio(&mut self) -> impl Stream<Item = Result<Audio, Error>> + '_ {
        stream::poll_fn(|cx| self.poll_part(cx)).filter_map(|part| {
            future::ready(match part {
                Ok((ServerEvent::ResponseOutputAudioDelta(delta), _)) => Some(Ok(delta.delta)),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            })
        })
    }

    /// Cancels the response. Await the handle for what it produced.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::send`](crate::Sender::send).
    pub fn cancel(&self) -> Result<(), SendError<Realtime>> {
        let mut cancel = ResponseCancel::default();
        cancel.response_id.clone_from(&self.id);
        self.answer.sender().send(cancel)
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
                    self.answer.look_at_end(|end| self.told.news(end)).map(|news| Ok(pick(news)))
                }
            };
            Poll::Ready(part)
        })
        .filter(|words| future::ready(words.as_ref().map_or(true, |words| !words.is_empty())))
    }

    /// The next event, and the words in it that are new.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(ServerEvent, News), Error>>> {
        let part = ready!(self.answer.poll_next(cx));
        Poll::Ready(match part {
            Ok(Part::Event(event)) => {
                // Not necessarily the event that begins it, which may have been missed.
                if self.id.is_none() {
                    self.id = event.response_id().cloned();
                }
                let news = self.told.news(&event);
                Some(Ok((event, news)))
            }
            Ok(Part::Lagged) => Some(Err(ErrorKind::Lagged.into())),
            // The reason is returned to whoever awaits the handle.
            Ok(Part::End) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

impl Future for ResponseHandle {
    type Output = Result<Response, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let end = self.get_mut().answer.poll_end(cx);
        end.map(|end| Ok(Error::expect::<_, ResponseDone>(end?)?.response))
    }
}

impl fmt::Debug for ResponseHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHandle").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Connection<Realtime> {
    /// Creates a text message of the user and requests a response. Waits until the outbox has room.
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
    /// The events of the response are delivered on the connection as well. If they are not read there, set
    /// [`Options::unread`](crate::Options::unread) to discard them.
    ///
    /// # Cancel safety
    /// If the future is dropped while it waits for room, nothing was sent.
    ///
    /// # Errors
    /// [`RealtimeSettings::overlap`](crate::RealtimeSettings::overlap) does not allow another request to wait, the
    /// connection has ended, or the inbox is full: read events, then ask again.
    pub async fn respond(&self, text: impl Into<String>) -> Result<ResponseHandle, Error> {
        self.ready().await?;
        let config = ResponseConfig::default();
        // Checked first, so that no message is created without a response.
        if is_refused(&self.sender(), &config) {
            return Err(ErrorKind::Send(CheckError::ResponseActive.into()).into());
        }
        self.conversation().item().create(Item::user(text))?;
        Ok(self.response().create(config)?)
    }
}

/// Whether a request for a response would be refused.
fn is_refused(sender: &Sender<Realtime>, config: &ResponseConfig) -> bool {
    if is_out_of_band(Some(config)) {
        return false;
    }
    let now = sender.now();
    let ahead = sender.look(|state, waiting| usize::from(!state.can_respond(now)) + waiting.scheduled());
    match sender.settings().overlap {
        Overlap::One => ahead > 1,
        Overlap::Refuse => ahead > 0,
        Overlap::Queue => false,
    }
}

/// Adds the request's id to its metadata, so that its response can be matched. The service returns it.
fn mark(config: &mut ResponseConfig, event_id: &Id) {
    let mut metadata = std::mem::take(&mut config.metadata).into_set().unwrap_or_default();
    if metadata.len() < MOST_METADATA {
        metadata.insert(REQUEST.into(), event_id.to_string());
    }
    config.metadata = Patch::Set(metadata);
}
