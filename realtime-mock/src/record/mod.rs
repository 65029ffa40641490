//! Recording of messages.

mod cassette;
mod player;
mod redact;
mod replay;
mod rewrite;
mod secrets;

use std::{
    fmt,
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use realtime_core::{
    endpoint::Handshake,
    transport::{
        CloseFrame, Duplex, Http, Instant, Message, ReadHalf, Timer, Transport, TransportError, TransportErrorKind,
        WriteHalf,
    },
};

pub use cassette::{Cassette, CassetteError, CassetteErrorKind, Entry, EntryKind};
pub use player::{Matching, Mismatch};
pub use replay::{Replay, ReplayTransport};

use redact::{HIDDEN, Redactor};

/// A transport that records the messages of another one to a [`Cassette`], one JSON object per line.
///
/// ```
/// use realtime_core::Client;
/// use realtime_mock::{Recorder, Simulator, Tape, VirtualClock};
///
/// let (clock, tape) = (VirtualClock::new(), Tape::new());
/// let recorder = Recorder::new(Simulator::new().transport(&clock), tape.clone());
/// let client = Client::builder(recorder).api_key("sk-a-secret-key").build();
/// clock.block_on(async {
///     client.realtime().model("m").run(async |connection| connection.flush().await).await
/// })?;
/// assert!(tape.text().contains(r#"{"type":"session.created""#));
/// assert!(!tape.text().contains("a-secret-key"));
/// # Ok::<(), realtime_core::Error>(())
/// ```
///
/// # What is recorded
/// Every text, binary message and close frame, in wire order, with the time in milliseconds. Pings are not recorded.
///
/// Secrets are replaced by `***`:
/// - the values of headers, of cookies and of the URL's query, and the credential, wherever they occur: plain, escaped
///   for a URL, JSON or HTML, in hexadecimal, in base64, or inside base64;
/// - what looks like a key: `ek_…`, `sk-…`, `Bearer …`, a signed web token;
/// - everything under `authorization`, `headers`, `client_secret`, `accessToken`, `apiKey` and the like, also in the
///   arguments of functions, and in texts such as `api_key=…`;
/// - the user info and the query of an MCP server's URL.
///
/// A text that is not JSON and mentions such a name is hidden completely.
///
/// What users and models say is not hidden: a cassette contains the conversation.
///
/// # Write errors
/// If writing fails, the connection continues, and [`error`](Self::error) returns the failure. Writing blocks, so wrap
/// a slow writer in a buffer; [`create`](Self::create) does.
///
/// Clones are the same recorder.
#[derive(Clone)]
pub struct Recorder(Arc<RecorderInner>);

struct RecorderInner {
    inner: Box<dyn Transport>,
    state: Mutex<State>,
}

struct State {
    output: Box<dyn Write + Send>,
    links: u32,
    began: Option<Instant>,
    error: Option<io::Error>,
}

impl Recorder {
    /// Records a transport.
    pub fn new(transport: impl Transport, output: impl Write + Send + 'static) -> Self {
        let state = State { output: Box::new(output), links: 0, began: None, error: None };
        let recorder = Self(Arc::new(RecorderInner { inner: Box::new(transport), state: Mutex::new(state) }));
        recorder.0.state().line(&cassette::head());
        recorder
    }

    /// Records a transport to a file, which is created or truncated.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(transport: impl Transport, path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::new(transport, BufWriter::new(File::create(path)?)))
    }

    /// Passes everything written to the operating system. Also done at the end of every connection.
    ///
    /// # Errors
    /// Writing failed, now or earlier.
    pub fn flush(&self) -> io::Result<()> {
        let mut state = self.0.state();
        state.flush();
        state.error.as_ref().map_or(Ok(()), |error| Err(error.kind().into()))
    }

    /// Why the recording was aborted, if it was. Nothing was written since.
    pub fn error(&self) -> Option<io::ErrorKind> {
        self.0.state().error.as_ref().map(io::Error::kind)
    }
}

#[async_trait]
impl Transport for Recorder {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        let mut redactor = Redactor::new(&handshake);
        let url = handshake.url().to_string();
        let headers = handshake.headers.keys().map(|name| name.as_str().to_owned()).collect();
        let link = self.0.link();
        let connected = self.0.inner.connect(handshake).await;
        if let Ok(inner) = &connected {
            redactor.answered(&inner.headers);
        }
        let tap = Tap { shared: self.0.clone(), redactor, link };
        let inner = match connected {
            Ok(inner) => inner,
            Err(error) => {
                let status = match error.kind() {
                    TransportErrorKind::Rejected { status } => Some(status.as_u16()),
                    _ => None,
                };
                tap.note(EntryKind::Failed { error: tap.redactor.words(&error.to_string()), status });
                return Err(error);
            }
        };
        tap.note(EntryKind::Opened { url, headers });
        let tap = Arc::new(tap);
        let mut duplex = Duplex::new(Outgoing(inner.write, tap.clone()), Incoming(inner.read, tap));
        duplex.headers = inner.headers;
        duplex.can_ping = inner.can_ping;
        Ok(duplex)
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.0.inner.timer()
    }

    fn http(&self) -> Option<Arc<dyn Http>> {
        self.0.inner.http()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("inner", &self.0.inner).finish_non_exhaustive()
    }
}

impl RecorderInner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the next connection.
    fn link(&self) -> u32 {
        let now = self.inner.timer().now();
        let mut state = self.state();
        state.began.get_or_insert(now);
        state.links = state.links.saturating_add(1);
        state.links
    }
}

impl State {
    fn line(&mut self, line: &str) {
        if self.error.is_none() {
            self.error = writeln!(self.output, "{line}").err();
        }
    }

    fn flush(&mut self) {
        if self.error.is_none() {
            self.error = self.output.flush().err();
        }
    }
}

/// One connection's way to the recording.
struct Tap {
    shared: Arc<RecorderInner>,
    redactor: Redactor,
    link: u32,
}

impl Tap {
    fn note(&self, kind: EntryKind) {
        let now = self.shared.inner.timer().now();
        let mut state = self.shared.state();
        let ms = now - state.began.unwrap_or(now);
        let entry = Entry::new(u64::try_from(ms.as_millis()).unwrap_or(u64::MAX), self.link, kind);
        state.line(&cassette::entry_line(&entry));
        if matches!(entry.kind, EntryKind::Ended { .. } | EntryKind::Failed { .. }) {
            state.flush();
        }
    }

    /// The message without secrets. None for one that is not written down.
    fn clean(&self, message: &Message) -> Option<Message> {
        Some(match message {
            Message::Text(text) => {
                let text = String::from_utf8_lossy(text.as_bytes());
                let clean = self.redactor.json(&text).unwrap_or_else(|| self.redactor.text(&text));
                Message::Text(clean.into())
            }
            Message::Binary(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                let is_clean = self.redactor.text(&text) == text;
                Message::Binary(if is_clean { bytes.clone() } else { HIDDEN.into() })
            }
            Message::Close(frame) => Message::Close(
                frame.as_ref().map(|frame| CloseFrame::new(frame.code, self.redactor.text(&frame.reason))),
            ),
            Message::Ping(_) | Message::Pong(_) => return None,
        })
    }
}

/// Both halves are gone.
impl Drop for Tap {
    fn drop(&mut self) {
        self.shared.state().flush();
    }
}

struct Outgoing(Box<dyn WriteHalf>, Arc<Tap>);

#[async_trait]
impl WriteHalf for Outgoing {
    async fn send(&mut self, message: Message) -> Result<(), TransportError> {
        // Before it leaves, so that it stands before its answer.
        if let Some(clean) = self.1.clean(&message) {
            self.1.note(EntryKind::Sent(clean));
        }
        self.0.send(message).await
    }
}

struct Incoming(Box<dyn ReadHalf>, Arc<Tap>);

#[async_trait]
impl ReadHalf for Incoming {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        let received = self.0.receive().await;
        match &received {
            Ok(Some(message)) => {
                if let Some(clean) = self.1.clean(message) {
                    self.1.note(EntryKind::Received(clean));
                }
            }
            Ok(None) => self.1.note(EntryKind::Ended { error: None }),
            Err(error) => {
                let error = self.1.redactor.words(&error.to_string());
                self.1.note(EntryKind::Ended { error: Some(error) });
            }
        }
        received
    }
}

/// A recording in memory. Clones share it.
#[derive(Clone, Default)]
pub struct Tape(Arc<Mutex<Vec<u8>>>);

impl Tape {
    /// Creates an empty recording.
    pub fn new() -> Self {
        Self::default()
    }

    /// The recording as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// The recording as a cassette, to be replayed.
    ///
    /// # Errors
    /// Something other than a recorder wrote to it.
    pub fn cassette(&self) -> Result<Cassette, CassetteError> {
        self.text().parse()
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tape({} bytes)", self.bytes().len())
    }
}
