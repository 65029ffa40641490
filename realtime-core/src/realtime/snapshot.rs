//! A conversation that leaves its connection.

use std::time::Duration;

use super::{
    Realtime,
    state::{Media, Snapshot},
};
use crate::{
    connection::{Connection, Parts},
    endpoint::Target,
    transport::CloseFrame,
};

/// What is left of a connection that was [drained](Connection::drain).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Drained {
    /// The conversation.
    pub snapshot: Snapshot,
    /// Whether a quiet moment was reached: nothing was in progress, unanswered or playing. If not, the snapshot says what was
    /// cut short.
    pub quiet: bool,
}

impl Connection<Realtime> {
    /// Takes a snapshot of the conversation, with no images or audio. See [`snapshot_with`](Self::snapshot_with).
    ///
    /// ```
    /// # async fn example(client: realtime_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use realtime_core::session::realtime::Snapshot;
    ///
    /// let connection = client.realtime().model("gpt-realtime").connect().await?;
    /// let stored: String = connection.snapshot().to_json()?;
    /// // Later, on another machine:
    /// let snapshot = Snapshot::from_json(&stored)?;
    /// let connection = client.realtime().resume(snapshot).connect().await?;
    /// # drop(connection);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The connection goes on meanwhile, and no event waits for more than a few pointers to be copied. A snapshot can be taken
    /// at any time, also after the end of the connection. What is sent or received later is not in it, so take the last one
    /// by [`drain`](Self::drain), and close a connection before its conversation is resumed elsewhere: otherwise both answer.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot_with(Media::None)
    }

    /// Takes a snapshot with this much of the images and audio that the client has sent.
    pub fn snapshot_with(&self, media: Media) -> Snapshot {
        self.assemble(self.parts(), media)
    }

    /// Ends the connection so that its conversation can go on elsewhere: requests no response any more, waits for a quiet
    /// moment or until `limit` has passed, takes a snapshot, and closes with code 1000.
    ///
    /// In a quiet moment nobody speaks, no response is in progress, no call is unanswered, all audio was played, and
    /// everything sent is acknowledged. Requests for responses that are made meanwhile are part of the snapshot, and are sent
    /// by the connection that resumes it. Takes at most `limit` plus [`Options::close_timeout`](crate::Options::close_timeout).
    /// If the connection has ended already, or ends meanwhile, the snapshot is of its end.
    ///
    /// Handlers of [`tools`](Self::use_tools) run on while this waits. Those that have not finished by the limit are dropped,
    /// and their calls are unanswered in the snapshot.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection open. It requests no more responses, so call this again.
    pub async fn drain(&self, limit: Duration) -> Drained {
        self.drain_with(limit, Media::None).await
    }

    /// [Drains](Self::drain) the connection, and takes a snapshot with this much of the images and audio that the client has
    /// sent.
    pub async fn drain_with(&self, limit: Duration, media: Media) -> Drained {
        let (parts, quiet) = self.drained(limit).await;
        let snapshot = self.assemble(parts, media);
        // What was not sent is in the snapshot.
        drop(self.close(CloseFrame::new(1000, "")).await);
        Drained { snapshot, quiet }
    }

    fn assemble(&self, parts: Parts<Realtime>, media: Media) -> Snapshot {
        let sender = self.sender();
        let timer = sender.timer();
        let mut snapshot = parts.state.snapshot(media, timer.now());
        snapshot.complete(parts.into_unsent());
        snapshot.taken_at = timer.unix().map(|unix| unix.as_secs());
        match sender.target() {
            Target::Model(model) => snapshot.model = Some(model.clone()),
            Target::Call(call) => snapshot.call_id = Some(call.as_str().into()),
            _ => {}
        }
        snapshot
    }
}
