//! A translation as data that outlives its connection.

use std::{mem, sync::Arc};

use super::{
    Translation,
    event::ClientEvent,
    state::TranslationState,
    types::{TranslationSessionConfig, TranslationSessionInfo},
};
use crate::{
    connection::Connection,
    endpoint::Target,
    protocol::state::{SnapshotError, check_each, check_head, read_snapshot, write_snapshot},
    wire::Id,
};

const PROTOCOL: &str = "translation";

saved! {
    /// A translation session as data: what another session needs to continue it, on this machine or another.
    ///
    /// Taken by [`Connection::snapshot`](crate::Connection::snapshot), and continued by
    /// [`Connect::resume`](crate::Connect::resume), which restores what a reconnect restores: the configuration. A translation
    /// has no conversation; its transcripts go on where they were.
    ///
    /// As JSON it has the form and the rules of a conversation's [`Snapshot`](crate::session::Snapshot), with another
    /// `protocol`. It contains no credential, and it does contain what was said.
    pub struct TranslationSnapshot {
        /// Always `realtime-snapshot`.
        format: String,
        /// Version of the format. 1 is the first.
        version: u32,
        /// Always `translation`.
        protocol: String,
        /// When it was taken, in seconds since the Unix epoch. `None` on a transport without a wall clock.
        taken_at: Option<u64>,
        /// The model that was connected to.
        model: Option<String>,
        /// Configuration confirmed by the server: the session as it last described it, with its id.
        confirmed: Option<TranslationSessionInfo>,
        /// Configuration requested by the client, merged, except what the server refused.
        intended: Option<TranslationSessionConfig>,
        /// Transcript of the user's speech, as far as it was kept.
        input_transcript: String,
        /// Translation as text, as far as it was kept.
        output_transcript: String,
        /// Bytes of translated speech received.
        output_audio_bytes: u64,
        /// Number of deltas of translated speech received.
        output_audio_events: u64,
        /// Ids of the events that were sent and not answered, in order.
        unanswered: Vec<Id>,
        /// Events that were accepted and not sent, in order.
        queued: Vec<ClientEvent>,
    }
}

impl TranslationSnapshot {
    /// The version that is written.
    pub const VERSION: u32 = 1;

    /// Reads a snapshot.
    ///
    /// # Errors
    /// The text is not JSON or not a snapshot, is of another protocol, or a member is corrupt.
    pub fn from_json(json: &str) -> Result<Self, SnapshotError> {
        let snapshot: Self = read_snapshot(json, PROTOCOL)?;
        snapshot.check()?;
        Ok(snapshot)
    }

    /// Writes the snapshot as one line of JSON.
    ///
    /// # Errors
    /// Memory is exhausted, or an event that was put in by hand cannot be written.
    pub fn to_json(&self) -> Result<String, SnapshotError> {
        write_snapshot(self)
    }

    /// What was connected to, if it is known.
    pub(crate) fn target(&self) -> Option<Target> {
        let told = || self.confirmed.as_ref()?.model.clone();
        self.model.clone().or_else(told).map(Target::Translation)
    }

    /// Checks what the types cannot say.
    pub(crate) fn check(&self) -> Result<(), SnapshotError> {
        check_head(&self.format, &self.protocol, self.version, PROTOCOL)?;
        let is_event = |event: &ClientEvent| !matches!(event, ClientEvent::Malformed(_) | ClientEvent::Invalid(_));
        check_each("queued", &self.queued, is_event, "is not an event")
    }
}

impl Connection<Translation> {
    /// Takes a snapshot of the session. The connection goes on meanwhile; close it before another resumes the session.
    ///
    /// ```
    /// # async fn example(client: realtime_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use realtime_core::session::TranslationSnapshot;
    ///
    /// let connection = client.translation().model("gpt-realtime-translate").connect().await?;
    /// let stored: String = connection.snapshot().to_json()?;
    /// // Later, on another machine:
    /// let snapshot = TranslationSnapshot::from_json(&stored)?;
    /// let connection = client.translation().resume(snapshot).connect().await?;
    /// # drop(connection);
    /// # Ok(())
    /// # }
    /// ```
    pub fn snapshot(&self) -> TranslationSnapshot {
        let parts = self.parts();
        let mut snapshot = parts.state.snapshot();
        snapshot.queued.splice(0..0, parts.into_unsent());
        let sender = self.sender();
        snapshot.taken_at = sender.timer().unix().map(|unix| unix.as_secs());
        if let Target::Translation(model) = sender.target() {
            snapshot.model = Some(model.clone());
        }
        snapshot
    }
}

impl TranslationState {
    fn snapshot(&self) -> TranslationSnapshot {
        if let Some(inherited) = &self.inherited {
            // Nothing of it has been continued yet.
            return TranslationSnapshot::clone(inherited);
        }
        TranslationSnapshot {
            format: SnapshotError::FORMAT.into(),
            version: TranslationSnapshot::VERSION,
            protocol: PROTOCOL.into(),
            confirmed: self.info.clone(),
            intended: self.intent.clone().take_all(),
            input_transcript: self.input_transcript.clone(),
            output_transcript: self.output_transcript.clone(),
            output_audio_bytes: self.output_audio_bytes,
            output_audio_events: self.output_audio_events,
            unanswered: self.requests.open().map(|(_, id)| id.clone()).collect(),
            ..TranslationSnapshot::default()
        }
    }

    /// Continues the session of a snapshot: it is known at once, and restored once a session is open.
    pub(crate) fn inherit(&mut self, mut snapshot: TranslationSnapshot) {
        self.info = snapshot.confirmed.clone();
        self.intent.inherit(snapshot.intended.clone());
        self.input_transcript.clone_from(&snapshot.input_transcript);
        self.output_transcript.clone_from(&snapshot.output_transcript);
        (self.output_audio_bytes, self.output_audio_events) =
            (snapshot.output_audio_bytes, snapshot.output_audio_events);
        // The connection has them.
        drop(mem::take(&mut snapshot.queued));
        self.inherited = Some(Arc::new(snapshot));
    }
}
