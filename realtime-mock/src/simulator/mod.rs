//! A simulated service.

mod answer;
mod g711;
mod handle;
mod hearing;
mod mcp;
mod pace;
mod request;
mod session;
mod settings;
mod table;
mod transport;
mod turn;
mod voice;

use std::{fmt, sync::Arc, time::Duration};

use realtime_core::{Secret, transport::Timer};

pub use answer::Answer;
pub use handle::{Received, SimulatedSession};
pub use hearing::{Heard, Phrase, Utterance};
pub use mcp::McpServer;
pub use pace::Pace;
pub use table::{Table, TableError};
pub use transport::SimulatorTransport;
pub use turn::Turn;

use handle::Sessions;
use request::Kind;
use settings::Settings;

/// A service that answers as the real one does, without a model, a network or a key.
///
/// It is set up by what it is to answer, and then connected to in memory, on any clock:
///
/// ```
/// use realtime_core::Client;
/// use realtime_mock::{Answer, Simulator, VirtualClock};
///
/// let clock = VirtualClock::new();
/// let simulator = Simulator::new().answer(|turn| match turn.text() {
///     text if text.contains("weather") => Answer::call("get_weather", r#"{"city":"Lisbon"}"#),
///     text => Answer::text(format!("You said {text:?}.")),
/// });
/// let client = Client::builder(simulator.transport(&clock)).build();
/// let connection = clock.block_on(client.realtime().model("gpt-realtime").connect())?;
/// # Ok::<(), realtime_core::Error>(())
/// ```
///
/// A clone is the same service. What is set on one later is set on that one alone; the sessions are seen by all.
#[derive(Clone)]
pub struct Simulator {
    settings: Arc<Settings>,
    sessions: Arc<Sessions>,
}

impl Simulator {
    /// A service that takes any key and any model, and repeats what it is told.
    pub fn new() -> Self {
        Self { settings: Arc::new(Settings::default()), sessions: Arc::default() }
    }

    /// What it answers.
    #[must_use]
    pub fn answer<A: Into<Answer>>(mut self, answer: impl Fn(&Turn<'_>) -> A + Send + Sync + 'static) -> Self {
        self.settings_mut().answer = Arc::new(move |turn| answer(turn).into());
        self
    }

    /// What it hears when the user speaks. By default only that somebody has spoken, and for how long.
    #[must_use]
    pub fn hear<H: Into<Heard>>(mut self, hear: impl Fn(&Utterance) -> H + Send + Sync + 'static) -> Self {
        self.settings_mut().hear = Arc::new(move |utterance| hear(utterance).into());
        self
    }

    /// What is said in a session that translates: the phrases in order, by their number from 0.
    #[must_use]
    pub fn translate(mut self, translate: impl Fn(u64) -> Phrase + Send + Sync + 'static) -> Self {
        self.settings_mut().translate = Arc::new(translate);
        self
    }

    /// Adds an MCP server that it can reach. Others cannot be reached.
    #[must_use]
    pub fn mcp(mut self, server: McpServer) -> Self {
        self.settings_mut().mcp.push(server);
        self
    }

    /// How fast it is. In memory it is [`Pace::INSTANT`] by default, and [`Pace::LIVE`] where it is served.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.settings_mut().pace = Some(pace);
        self
    }

    /// A key that it takes. Once there is one, all others are refused.
    #[must_use]
    pub fn key(mut self, key: impl Into<Secret>) -> Self {
        self.settings_mut().keys.push(key.into());
        self
    }

    /// A model that it has. Once there is one, all others are refused.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.settings_mut().models.push(model.into());
        self
    }

    /// How long a session may last: 60 minutes by default.
    #[must_use]
    pub fn max_duration(mut self, time: Duration) -> Self {
        self.settings_mut().max_duration = time;
        self
    }

    /// How often it pings the client: every 20 seconds by default.
    #[must_use]
    pub fn ping_every(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.settings_mut().ping_every = time.into();
        self
    }

    /// Whether pieces of text are padded, so that their length tells nothing to who listens on the way: yes, by
    /// default.
    #[must_use]
    pub fn obfuscation(mut self, on: bool) -> Self {
        self.settings_mut().obfuscation = on;
        self
    }

    /// Other ids: the same seed gives the same ones.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings_mut().seed = seed;
        self
    }

    /// A transport that leads to it, on this clock: in memory, without a runtime.
    pub fn transport(&self, timer: &(impl Timer + Clone)) -> SimulatorTransport {
        self.paced(Pace::INSTANT, Arc::new(timer.clone()))
    }

    /// The sessions that clients have opened, the oldest first. Of those that have ended the last 64 are kept.
    pub fn sessions(&self) -> Vec<SimulatedSession> {
        self.sessions.all()
    }

    /// A transport that leads to it, at this pace if none was set.
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
