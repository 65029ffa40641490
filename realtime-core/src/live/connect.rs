//! What to connect to, and what the session begins with.

use std::mem;

use super::{
    AfterLoss, Live, LiveFork, LiveSideband,
    state::LiveSnapshot,
    types::{AudioConfig, Delegation, ForkConfig, HistoryItem, SessionConfig},
};
use crate::{
    client::{Client, Connect},
    connection::Connection,
    endpoint::Target,
    types::Voice,
    wire::{Id, Patch},
};

/// Live sessions of a client: one's own, a fork, a sideband.
///
/// ```
/// # async fn example(client: realtime_core::Client) -> Result<(), realtime_core::Error> {
/// let live = client.live().model("gpt-live-1.1").instructions("Be brief.");
/// live.run(async |live| {
///     live.session().input_audio().append(&[0; 4_800])?;
///     while let Some(event) = live.next().await {
///         println!("{:?}", event?);
///     }
///     Ok::<_, realtime_core::Error>(())
/// })
/// .await
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LiveClient(pub(crate) Client);

impl LiveClient {
    /// A session with this model, and defaults for all else.
    pub fn model(&self, model: impl Into<String>) -> Connect<Live> {
        self.session(SessionConfig::new(model))
    }

    /// A session with this configuration.
    pub fn session(&self, config: SessionConfig) -> Connect<Live> {
        let mut connect = self.0.protocol().target(Target::path(["live", "sessions"]));
        let settings: &mut super::LiveSettings = connect.settings_mut();
        settings.start = Some(config);
        connect
    }

    /// A session that goes on from a [snapshot](LiveSnapshot), as a reconnect does: with the configuration of the one that is
    /// left, and what was said as its `input`, as much as fits. Then follows what was accepted and not sent.
    /// [`Notice::Reconnected`](crate::connection::Notice::Reconnected) among the [`updates`](Connection::updates) reports what
    /// was lost, cut short and is ambiguous. The configuration can be changed after this: tools that were
    /// [withheld](LiveSnapshot::withheld) have to be.
    ///
    /// An invalid snapshot is an error of [`open`](Connect::open) and [`connect`](Connect::connect).
    pub fn resume(&self, mut snapshot: LiveSnapshot) -> Connect<Live> {
        let checked = snapshot.check();
        let queued = mem::take(&mut snapshot.queued);
        // Without one the snapshot is invalid.
        let start = snapshot.start.clone().unwrap_or_else(|| SessionConfig::new(""));
        self.session(start).resume_with(checked, queued, move |state| state.inherit(snapshot))
    }

    /// A session that goes on from a stored one: it inherits all that [`config`](Connect::config) does not change.
    pub fn fork(&self, session: impl Into<Id>) -> Connect<LiveFork> {
        let session = session.into();
        let mut connect = self.0.protocol().target(Target::path(["live", "sessions", &session, "fork"]));
        let settings: &mut super::ForkSettings = connect.settings_mut();
        settings.source = session;
        connect
    }

    /// A sideband of a session that a browser or a telephone holds. The credential must be of the project that made it.
    pub fn attach(&self, session: impl Into<Id>) -> Connect<LiveSideband> {
        let session = session.into();
        let mut connect = self.0.protocol().target(Target::path(["live", "sessions", &session, "attach"]));
        let settings: &mut super::SidebandSettings = connect.settings_mut();
        settings.session = session;
        connect
    }
}

impl Connect<Live> {
    fn configure(mut self, change: impl FnOnce(SessionConfig) -> SessionConfig) -> Self {
        let settings = self.settings_mut();
        settings.start = settings.start.take().map(change);
        self
    }

    /// The voice's instructions.
    pub fn instructions(self, instructions: impl Into<Patch<String>>) -> Self {
        self.configure(|config| config.instructions(instructions))
    }

    /// The voice, with all else of the audio's settings as it is.
    pub fn voice(self, voice: impl Into<Voice>) -> Self {
        self.configure(|config| {
            let audio = config.audio.clone().unwrap_or_default();
            let output = audio.output.clone().unwrap_or_default().voice(voice);
            config.audio(audio.output(output))
        })
    }

    /// Encoding and voice.
    pub fn audio(self, audio: AudioConfig) -> Self {
        self.configure(|config| config.audio(audio))
    }

    /// The worker for tasks that the voice hands over. Default: the application.
    pub fn delegation(self, delegation: impl Into<Delegation>) -> Self {
        self.configure(|config| config.delegation(delegation.into()))
    }

    /// The conversation so far, at most 128 messages.
    pub fn input(self, input: impl IntoIterator<Item = HistoryItem>) -> Self {
        self.configure(|config| config.input(input))
    }
}

/// What those sessions have in common that a reconnect policy can replace.
macro_rules! replaceable {
    ($($kind:ident)+) => {$(
        impl Connect<$kind> {
            /// The replacement for the session if its link is lost and the policy reconnects.
            pub fn after_loss(mut self, after_loss: AfterLoss) -> Self {
                self.settings_mut().after_loss = after_loss;
                self
            }
        }
    )+};
}

replaceable!(Live LiveFork);

impl Connect<LiveFork> {
    /// Differences from the stored session.
    pub fn config(mut self, config: ForkConfig) -> Self {
        self.settings_mut().config = config;
        self
    }
}

impl Connect<LiveSideband> {
    /// Whether the server says goodbye with a close frame when the session ends. It may do so by itself.
    pub fn graceful_close(self, graceful: bool) -> Self {
        self.query("graceful_close", if graceful { "true" } else { "false" })
    }
}

impl Client {
    /// Live sessions: one's own, forks, sidebands.
    pub fn live(&self) -> LiveClient {
        LiveClient(self.clone())
    }
}

impl Connection<Live> {
    /// Takes a snapshot of the session. The connection goes on meanwhile; close it before another resumes the session.
    ///
    /// ```
    /// # async fn example(client: realtime_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use realtime_core::live::state::LiveSnapshot;
    ///
    /// let connection = client.live().model("gpt-live-1.1").connect().await?;
    /// let stored: String = connection.snapshot().to_json()?;
    /// // Later, on another machine:
    /// let connection = client.live().resume(LiveSnapshot::from_json(&stored)?).connect().await?;
    /// # drop(connection);
    /// # Ok(())
    /// # }
    /// ```
    pub fn snapshot(&self) -> LiveSnapshot {
        let parts = self.parts();
        let sender = self.sender();
        let timer = sender.timer();
        let mut snapshot = parts.state.snapshot(timer.now());
        snapshot.complete(sender.settings().start.clone(), parts.into_unsent());
        snapshot.taken_at = timer.unix().map(|unix| unix.as_secs());
        snapshot
    }
}
