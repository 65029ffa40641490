//! A simulated service.

mod g711;
mod handle;
mod hearing;
mod jobs;
mod live;
mod mcp;
mod pace;
mod reply;
mod request;
mod responder;
mod rest;
mod session;
mod settings;
mod table;
mod transport;
mod turn;
mod voice;

use std::{fmt, sync::Arc, time::Duration};

use realtime_core::{
    Secret,
    live::types::{Answer, Question},
    transport::Timer,
};

pub use handle::{Received, SimulatedSession};
pub use hearing::{Phrase, SimulatedTranscript, Utterance};
pub use live::{Cue, HeldSession, Reaction};
pub use mcp::McpServer;
pub use pace::Pace;
pub use reply::Reply;
pub use responder::{Responder, ResponderTurn, ResponsePart};
#[cfg(feature = "webhooks")]
pub use rest::RingingCall;
pub use rest::{CallState, SimulatedCall};
pub use table::{Table, TableError};
pub use transport::SimulatorTransport;
pub use turn::SimulatedTurn;

use handle::Sessions;
use request::SessionKind;
use rest::Desk;
use settings::Settings;

/// A simulator of the service, without a model, a network or a key.
///
/// Set its replies, then connect to it in memory, on any clock:
///
/// ```
/// use realtime_core::Client;
/// use realtime_mock::{Reply, Simulator, VirtualClock};
///
/// let clock = VirtualClock::new();
/// let simulator = Simulator::new().answer(|turn| match turn.text() {
///     text if text.contains("weather") => Reply::call("get_weather", r#"{"city":"Lisbon"}"#),
///     text => Reply::text(format!("You said {text:?}.")),
/// });
/// let client = Client::builder(simulator.transport(&clock)).build();
/// let connection = clock.block_on(client.realtime().model("gpt-realtime").connect())?;
/// # Ok::<(), realtime_core::Error>(())
/// ```
///
/// Clones are the same service. Settings changed later affect only the clone they are changed on; sessions are shared.
///
/// The functions given to it are called while their session is locked: they must not access
/// [`sessions`](Self::sessions).
///
/// # Coverage
/// All three kinds of session, selected by path and query; every client event, validated member by member; items with
/// their positions; streamed text, audio and calls, and several concurrent responses; turn detection in PCM and G.711;
/// transcripts; MCP; usage and rate limits; refusals after the upgrade; the end after an hour. Output is deterministic:
/// the same input at the same times gives the same output. The simulator works on raw JSON with its own schemas, so that it
/// is an independent test of this project's types.
///
/// Also Live sessions: primary connections, forks of stored sessions, sidebands. Their timeline advances with the input, in
/// real time whatever the [`Pace`], and output is sent in steps of 100 ms, including silence. [`voice`](Self::voice) scripts
/// what the voice does, [`transcribe`](Self::transcribe) what it hears, [`answer`](Self::answer) the Responses backend, and
/// [`decide`](Self::decide) the decision model. A [`HeldSession`] is the other end of a telephone call, or the browser.
///
/// # Unspecified behavior
/// The service's documentation, published traces and user reports leave the following open. The simulator behaves like
/// this:
///
/// - *Keys and calls* of the REST API. An expired, used or foreign key is refused like a wrong one: 401, or close code
///   3000. An unknown or ended call is 404 `call_not_found`, or close code 4000; until the first call is created, any id can
///   be joined. There is no media: the SDP answer declines every stream of the offer.
/// - *Turns.* A threshold of 0.5 is −40 dB of full scale; 0 and 1 are 25 dB below and above. Speech begins after 60 ms
///   above the threshold. With semantic detection, a turn ends after 2, 4 or 8 seconds of silence for high, medium and
///   low eagerness. A manual commit discards the turn being spoken, and its item gets another id. If a turn ends while
///   a response is active, there is an `error` without an event id.
/// - *Updates.* Null for a member that is not nullable counts as unset. Unset members of `turn_detection`,
///   `transcription` and `noise_reduction` keep their values; another type of turn detection starts with its defaults.
///   Another `turn_detection` discards the turn being spoken.
/// - *Error codes:* `invalid_value` for another model, a reference to an unknown item, too much audio, and invalid
///   base64; `item_create_invalid_approval_request_id`; `response_create_not_supported` in a transcription session;
///   `invalid_model` for a transcription with a model; `conversation_full` after 100,000 items. `session.close` and
///   `session.input_audio_buffer.append` are refused except in translation sessions, although the service lists them as
///   valid. Some messages are worded differently.
/// - *Truncation* is validated against the generated duration, even if the audio was truncated before, as in a trace.
/// - *Tokens.* A token is four characters, 100 ms of input audio, or 50 ms of output audio. Input that the previous response
///   read as well is cached, in blocks of 64 tokens. The rate limit is 15 million tokens per minute.
/// - *MCP.* An approved call begins the next response, which also contains the answer to its output. The approval itself
///   requests no response.
/// - *Translation* works in steps of 200 ms, one word per step. After `session.closed`, the connection closes with
/// 1000.
/// - *Retrieving* an item that is still being generated returns it without content parts.
/// - *Memory.* The last 32 MiB of a conversation's audio can be retrieved. An uncommitted buffer keeps its last minutes.
///   Output is generated as the client reads it, and at most 4 MiB are queued: a client that sends without reading those is
///   blocked, and a barge-in then interrupts what was not generated yet.
/// - *Live.* A turn of the user ends after 500 ms of silence, and is then transcribed. Added context takes 200 ms of the
///   timeline. Closing takes 600 ms. A sideband can attach to any session, and receives `session.started` again and the
///   events of the last three seconds that have an id. An unknown session is refused with the status 404, an unknown key
///   with 401. A refused start closes the link without a code. The code of refused appends, clips, outputs and
///   `response.create` is `invalid_request`. A minute of input may wait. A fork is refused until its source has closed.
///   A session that the REST API creates, forks or accepts is one that a browser or a telephone holds
///   ([`held_session`](Self::held_session)): sidebands attach to it. An outgoing call is answered at once; hanging up and
///   referring end the session with `close_requested`; a recording is 20 ms of silence.
#[derive(Clone)]
pub struct Simulator {
    settings: Arc<Settings>,
    sessions: Arc<Sessions>,
    /// Live sessions, shared by connections and continued by forks.
    live: Arc<live::Service>,
    desk: Arc<Desk>,
}

impl Simulator {
    /// Creates a service that accepts any key and any model, and repeats the user's input.
    pub fn new() -> Self {
        Self {
            settings: Arc::new(Settings::default()),
            sessions: Arc::default(),
            live: Arc::default(),
            desk: Arc::default(),
        }
    }

    /// Sets the replies of the model.
    #[must_use]
    pub fn answer<A: Into<Reply>>(mut self, answer: impl Fn(&SimulatedTurn<'_>) -> A + Send + Sync + 'static) -> Self {
        self.settings_mut().answer = Arc::new(move |turn| answer(turn).into());
        self
    }

    /// Sets a model of one's own, which answers in place of [`answer`](Self::answer) and transcribes in place of
    /// [`transcribe`](Self::transcribe), as fast as it can whatever the [`pace`](Self::pace). Connections of other protocols
    /// than conversations and transcription are then refused with status 404. Experimental.
    ///
    /// [`serve_client`](Self::serve_client) serves it on a listener of one's own.
    #[must_use]
    pub fn responder(mut self, responder: impl Responder) -> Self {
        self.settings_mut().responder = Some(Arc::new(responder));
        self
    }

    /// Sets how long a [`Responder`]'s next part, or its transcription, is awaited. 30 seconds by default. Experimental.
    #[must_use]
    pub fn responder_timeout(mut self, time: Duration) -> Self {
        self.settings_mut().responder_timeout = time;
        self
    }

    /// Sets the transcription of the user's speech. By default, it only says how long somebody spoke.
    #[must_use]
    pub fn transcribe<H: Into<SimulatedTranscript>>(
        mut self,
        transcribe: impl Fn(&Utterance) -> H + Send + Sync + 'static,
    ) -> Self {
        self.settings_mut().transcribe = Arc::new(move |utterance| transcribe(utterance).into());
        self
    }

    /// Sets the phrases of translation sessions, by their 0-based number.
    #[must_use]
    pub fn translate(mut self, translate: impl Fn(u64) -> Phrase + Send + Sync + 'static) -> Self {
        self.settings_mut().translate = Arc::new(translate);
        self
    }

    /// Sets the reaction of a Live session's voice to a turn of the user or to an added instruction. By default, it delegates
    /// if the session configures a worker, and otherwise repeats what the user said.
    #[must_use]
    pub fn voice<R: Into<Reaction>>(mut self, voice: impl Fn(&Cue<'_>) -> R + Send + Sync + 'static) -> Self {
        self.settings_mut().voice = Arc::new(move |cue| voice(cue).into());
        self
    }

    /// Sets the answers of a Live session's decision model. The function receives a question and the user's last turn. If it
    /// returns `None`, the answer is 0.5, the first choice, or the middle of the range.
    #[must_use]
    pub fn decide(mut self, decide: impl Fn(&Question, &str) -> Option<Answer> + Send + Sync + 'static) -> Self {
        self.settings_mut().decide = Some(Arc::new(decide));
        self
    }

    /// Adds an MCP server that the service can reach. No others can be reached.
    #[must_use]
    pub fn mcp(mut self, server: McpServer) -> Self {
        self.settings_mut().mcp.push(server);
        self
    }

    /// Sets the speed. The default is [`Pace::INSTANT`] in memory, and [`Pace::LIVE`] when served.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.settings_mut().pace = Some(pace);
        self
    }

    /// Adds a valid key. Once there is one, all others are refused.
    #[must_use]
    pub fn key(mut self, key: impl Into<Secret>) -> Self {
        self.settings_mut().keys.push(key.into());
        self
    }

    /// Adds an available model. Once there is one, all others are refused.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.settings_mut().models.push(model.into());
        self
    }

    /// Sets how many sessions a key created by the REST API can open. By default any number until it expires, as
    /// documented by the service.
    #[must_use]
    pub fn secret_uses(mut self, sessions: u32) -> Self {
        self.settings_mut().secret_uses = sessions;
        self
    }

    /// Sets the maximum duration of a session. 60 minutes by default.
    #[must_use]
    pub fn max_duration(mut self, time: Duration) -> Self {
        self.settings_mut().max_duration = time;
        self
    }

    /// Sets the interval of its pings. 20 seconds by default.
    #[must_use]
    pub fn ping_every(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.settings_mut().ping_every = time.into();
        self
    }

    /// Sets whether text deltas are padded, so that their length reveals nothing to an eavesdropper. On by default.
    #[must_use]
    pub fn obfuscation(mut self, on: bool) -> Self {
        self.settings_mut().obfuscation = on;
        self
    }

    /// Sets the seed of the ids. The same seed gives the same ids.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings_mut().seed = seed;
        self
    }

    /// Creates an in-memory transport to this service, on this clock. No runtime is required.
    pub fn transport(&self, timer: &(impl Timer + Clone)) -> SimulatorTransport {
        self.paced(Pace::INSTANT, Arc::new(timer.clone()))
    }

    /// The sessions opened by clients, the oldest first. Of those that have ended, the last 64 are kept.
    pub fn sessions(&self) -> Vec<SimulatedSession> {
        self.sessions.all()
    }

    /// Creates a transport with this speed, unless one was set.
    pub(crate) fn paced(&self, pace: Pace, timer: Arc<dyn Timer>) -> SimulatorTransport {
        let mut simulator = self.clone();
        simulator.settings_mut().pace.get_or_insert(pace);
        SimulatorTransport::new(simulator, timer)
    }

    fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("sessions", &self.sessions.all().len()).finish_non_exhaustive()
    }
}
