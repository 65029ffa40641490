//! Live connections. They are polled and spawn nothing.
//!
//! # Driving
//! A connection starts no task. Each of its futures drives it while it waits: it reads, writes, keeps deadlines, and
//! delivers to the others. Several can wait concurrently, in one task or many; it does not matter which of them drives,
//! and dropping one or never polling it again stops no other. If nothing is awaited, nothing progresses: spawn
//! [`Connection::driver`] if the application may pause.
//!
//! # Delivery
//! An event passed to [`Sender::send`] or to a resource is always in exactly one of these states:
//!
//! | state | meaning |
//! |---|---|
//! | *rejected* | not queued: full, closed, invalid. The error returns the event. |
//! | *queued* | not written yet. [`Connection::close`] returns such events at the end. |
//! | *in flight* | written, or being written. If the link ends before the answer, its [`Ack`] fails as [`Ambiguous`](crate::ErrorKind::Ambiguous): the server may have processed it. This crate never sends it again. |
//! | *acknowledged* | granted or refused by the server. |
//! | *timed out* | not answered in time: [`Unanswered`](crate::ErrorKind::Unanswered). A late answer still updates the state. |
//!
//! # Deadlines
//! Every wait on the server ends with an answer, with the end of the connection, or with one of these deadlines. They
//! use the transport's [`Timer`](crate::transport::Timer), and are checked only while somebody drives the connection: after
//! a pause, everything that has arrived is read before a wait is given up.
//!
//! | wait for | option | default | error | ends |
//! |---|---|---|---|---|
//! | connecting: socket, TLS, upgrade | [`connect_timeout`](Options::connect_timeout) | 15 s | [`Deadline::Connect`](crate::Deadline::Connect) | the link |
//! | the event that opens the session | [`opening_timeout`](Options::opening_timeout) | 15 s | [`Awaited::Opening`](crate::Awaited::Opening), with the events received instead | the link |
//! | any message on an idle link | [`keepalive`](Options::keepalive) | 15 s and 10 s | [`Deadline::Keepalive`](crate::Deadline::Keepalive) | the link |
//! | writing one message | [`write_timeout`](Options::write_timeout) | 30 s | [`Deadline::Write`](crate::Deadline::Write) | the link |
//! | the answer to an event; for `response.create`, the beginning of the response | [`request_timeout`](Options::request_timeout) | 30 s | [`Awaited::Event`](crate::Awaited::Event) | the request |
//! | more of a response after an error that names no event | [`response_error_timeout`](Options::response_error_timeout) | 30 s | the response fails with the server's error | the response |
//! | more of a response | [`response_idle_timeout`](Options::response_idle_timeout) | 120 s | [`Awaited::Response`](crate::Awaited::Response) | the response |
//! | the protocol's graceful end | [`finish_timeout`](Options::finish_timeout) | 30 s | [`Deadline::Finish`](crate::Deadline::Finish) | the connection |
//! | the close handshake | [`close_timeout`](Options::close_timeout) | 5 s | none: closed anyway | the connection |
//!
//! With a [`Reconnect`] policy, a link that ended by a deadline is replaced. The timeout of a request is paused while a
//! response is active. Failures that nobody awaits are reported by [`Notice::Failed`] and [`Notice::Ended`] among the
//! [`updates`](Connection::updates).
//!
//! A server error that names no event counts as the refusal of the only unanswered request, if there is exactly one;
//! for `response.create`, only if no response begins within a second. Otherwise it counts against the active responses,
//! and is included in the timeout that it may explain.
//!
//! # The end
//! An error is always the last item of the stream, and is the reason for the end. A connection closed by the client, or
//! by the server with code 1000 while nothing is unanswered, ends without an error. Everything that still waits fails
//! with an error whose [`source`](std::error::Error::source) is that reason. Dropping a connection closes its socket
//! without a close handshake; prefer `finish` or `close`. `run` always calls one of them.
//!
//! Messages that arrive together are read together, so the state, the phase and the ability to send may be ahead of the
//! event just delivered: after the server has closed, sending fails while its last events are still being delivered.
//! The stream continues to its end and returns the reason.
//!
//! # Examples
//!
//! ```
//! # let clock = realtime_mock::VirtualClock::new();
//! # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
//! # clock.block_on(client.realtime().model("m").run(async |connection| {
//! use futures::future::{Either, select};
//! use realtime_core::event::ServerEvent;
//!
//! let sender = connection.sender(); // for another task, thread or audio callback
//! sender.append(&[0; 4_800])?;
//!
//! // A driver beside the application: here in one task, usually in one of its own.
//! let application = async {
//!     connection.respond("Good morning!").await?;
//!     loop {
//!         if let Some(ServerEvent::ResponseDone(done)) = connection.next().await.transpose()? {
//!             return Ok::<_, realtime_core::Error>(done.response.id);
//!         }
//!     }
//! };
//! match select(std::pin::pin!(application), connection.driver()).await {
//!     Either::Left((response, _)) => println!("{:?}", response?),
//!     Either::Right((end, _)) => end?,
//! }
//! # Ok::<_, realtime_core::Error>(())
//! # }))?;
//! # Ok::<_, realtime_core::Error>(())
//! ```

mod ack;
mod answers;
mod attend;
mod drain;
mod driver;
mod fallback;
mod handle;
mod handlers;
mod ids;
mod link_options;
mod machine;
mod notice;
mod observe;
mod options;
mod parts;
mod retry;
mod sender;
mod streams;

#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub use self::observe::describe_metrics;
pub use self::{
    ack::Ack,
    driver::open_link::{LinkSendError, LinkSender, OpenLink},
    fallback::{FailoverReason, Fallback},
    handle::Connection,
    handlers::HandlerId,
    link_options::LinkOptions,
    machine::entry::SendError,
    notice::{Notice, Phase, Reconnected, Update},
    options::{AudioPolicy, Keepalive, Options, Unread},
    retry::{Attempt, Decision, Reconnect},
    sender::Sender,
    streams::{Driver, Updates},
};
pub(crate) use self::{
    answers::Part,
    attend::WeakSender,
    driver::{Dial, Dialer},
    ids::Ids,
    machine::{
        Again,
        config::Config,
        resume::{Parts, Resume},
    },
    parts::AnswerParts,
};
pub use crate::error::{CheckError, SendErrorKind};
