//! A bridge over a live socket.

use std::{fmt, future::Future, ops::ControlFlow, pin::pin, time::Duration};

use futures::{
    Sink, SinkExt, Stream, StreamExt, TryStreamExt,
    future::{self, Either},
};
use realtime_core::{Connection, Player, Realtime, event::ServerEvent, transport::Timer};

use crate::{Bridge, BridgeEvent, Frame, Malformed};

/// Timeout for writing one message, and for closing the socket.
const MOST_WAIT: Duration = Duration::from_secs(10);

/// An update that [`Bridge::run`] reports while the call runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallUpdate {
    /// An event from the carrier's side, except audio and playback positions, which are forwarded to the session.
    Carrier(BridgeEvent),
    /// An event of the session.
    Session(ServerEvent),
    /// The carrier sent a message that cannot be read.
    Malformed(Malformed),
    /// This many bytes of the caller's audio were dropped because the session's outbox is full.
    AudioDropped(usize),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallEnd {
    /// The carrier reported the end of the call.
    Stopped {
        /// The reason, if the carrier gives one.
        reason: Option<String>,
    },
    /// The carrier closed the socket.
    Closed,
    /// The application hung up.
    HungUp,
    /// The session ended.
    SessionEnded,
}

/// Why a call failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The socket failed.
    Socket(E),
    /// The socket accepted nothing for ten seconds.
    Stalled,
    /// The session failed.
    Session(realtime_core::Error),
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(error) => write!(f, "the carrier's socket failed: {error}"),
            Self::Stalled => f.write_str("the carrier's socket accepted nothing for ten seconds"),
            Self::Session(error) => write!(f, "the session failed: {error}"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for CallError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Socket(error) => Some(error),
            Self::Stalled => None,
            Self::Session(error) => Some(error),
        }
    }
}

/// Adapts the WebSocket of any library for [`Bridge::run`]. `from_wire` converts a text or binary message, and returns
/// `None` for control messages; `to_wire` converts back.
///
/// ```
/// use futures::{Sink, Stream};
/// use realtime_telephony::{Frame, carrier_socket};
///
/// // Stands for the message type of a WebSocket library.
/// enum Message { Text(String), Ping }
///
/// fn adapt<S, E>(socket: S) -> impl Stream<Item = Result<Frame, E>> + Sink<Frame, Error = E>
/// where
///     S: Stream<Item = Result<Message, E>> + Sink<Message, Error = E> + Unpin,
/// {
///     let from_wire = |message| match message {
///         Message::Text(text) => Some(Frame::from(text)),
///         Message::Ping => None,
///     };
///     let to_wire = |frame| match frame {
///         Frame::Text(text) => Message::Text(text),
///         // Only Vonage receives binary messages.
///         Frame::Binary(_) => Message::Ping,
///     };
///     carrier_socket(socket, from_wire, to_wire)
/// }
/// ```
pub fn carrier_socket<S, M, E>(
    socket: S,
    mut from_wire: impl FnMut(M) -> Option<Frame> + Unpin,
    mut to_wire: impl FnMut(Frame) -> M + Unpin,
) -> impl Stream<Item = Result<Frame, E>> + Sink<Frame, Error = E> + Unpin
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
{
    let socket = socket.try_filter_map(move |message| future::ready(Ok(from_wire(message))));
    socket.with(move |frame| future::ready(Ok(to_wire(frame))))
}

impl Bridge {
    /// Runs the call over a WebSocket until either side ends it, then closes the socket. The caller's audio is appended to
    /// the session, the model's audio is played, and playback positions are reported to the session's ledger. When the
    /// call ends, the audio that was not heard is truncated.
    ///
    /// The session must use the bridge's audio formats, and its connection must track
    /// [playback](realtime_core::RealtimeSettings::playback). Every update is passed to `on`, which hangs up by returning
    /// [`ControlFlow::Break`]. Pass the timer of the connection's transport.
    ///
    /// # Errors
    /// The socket or the session failed, or the connection does not track playback.
    ///
    /// # Cancel safety
    /// Dropping the future ends the call. The session continues.
    pub async fn run<S, E>(
        mut self,
        mut socket: S,
        connection: &Connection<Realtime>,
        timer: &dyn Timer,
        mut on: impl FnMut(CallUpdate) -> ControlFlow<()>,
    ) -> Result<CallEnd, CallError<E>>
    where
        S: Stream<Item = Result<Frame, E>> + Sink<Frame, Error = E> + Unpin,
    {
        let player = connection.player().map_err(CallError::Session)?;
        let end = loop {
            if let Some(end) = self.pass_on(connection, &player, &mut on) {
                break end;
            }
            while let Some(frame) = self.next_frame(timer.now()) {
                bounded(timer, socket.send(frame)).await?.map_err(CallError::Socket)?;
            }
            let due = self.deadline();
            let update = {
                let alarm = async {
                    match due {
                        Some(due) => timer.sleep_until(due).await,
                        None => future::pending().await,
                    }
                };
                let event = pin!(connection.next());
                let messages = future::select(event, socket.next());
                match future::select(messages, pin!(alarm)).await {
                    Either::Left((Either::Left((event, _)), _)) => Some(Either::Left(event)),
                    Either::Left((Either::Right((frame, _)), _)) => Some(Either::Right(frame)),
                    Either::Right(_) => None,
                }
            };
            let update = match update {
                None => continue,
                Some(Either::Left(None)) => break CallEnd::SessionEnded,
                Some(Either::Left(Some(event))) => {
                    let event = event.map_err(CallError::Session)?;
                    // Refused only after the end of the call, which the carrier's events report.
                    let _ = self.apply(timer.now(), &event);
                    CallUpdate::Session(event)
                }
                Some(Either::Right(None)) => break CallEnd::Closed,
                Some(Either::Right(Some(frame))) => {
                    match self.receive(timer.now(), &frame.map_err(CallError::Socket)?) {
                        Ok(()) => continue,
                        Err(malformed) => CallUpdate::Malformed(malformed),
                    }
                }
            };
            if on(update).is_break() {
                break CallEnd::HungUp;
            }
        };
        // What was not heard by now never will be. If the session continues, the model must know that.
        if let Some((part, heard)) = self.stream().position(timer.now()) {
            player.mark(&part.item_id, part.content_index, u64::try_from(heard.as_millis()).unwrap_or(u64::MAX));
        }
        player.interrupt();
        self.hang_up();
        // The carrier may be gone already.
        let _ = bounded::<_, E>(timer, socket.close()).await;
        Ok(end)
    }

    /// Forwards the results of the carrier's messages.
    fn pass_on(
        &mut self,
        connection: &Connection<Realtime>,
        player: &Player,
        on: &mut impl FnMut(CallUpdate) -> ControlFlow<()>,
    ) -> Option<CallEnd> {
        while let Some(event) = self.next_event() {
            let update = match event {
                BridgeEvent::Audio(audio) => match connection.append(&audio) {
                    Ok(()) => continue,
                    Err(_) => CallUpdate::AudioDropped(audio.len()),
                },
                BridgeEvent::Heard { part, ms } => {
                    player.mark(&part.item_id, part.content_index, ms);
                    continue;
                }
                BridgeEvent::Stopped { reason } => {
                    let _ = on(CallUpdate::Carrier(BridgeEvent::Stopped { reason: reason.clone() }));
                    return Some(CallEnd::Stopped { reason });
                }
                event => CallUpdate::Carrier(event),
            };
            if on(update).is_break() {
                return Some(CallEnd::HungUp);
            }
        }
        None
    }
}

/// Waits with a timeout.
async fn bounded<F: Future, E>(timer: &dyn Timer, future: F) -> Result<F::Output, CallError<E>> {
    let alarm = timer.sleep_until(timer.now() + MOST_WAIT);
    match future::select(pin!(future), alarm).await {
        Either::Left((output, _)) => Ok(output),
        Either::Right(_) => Err(CallError::Stalled),
    }
}
