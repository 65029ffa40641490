//! Clips that are played to the user, and what the server says of them.

use std::{
    fmt,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use futures::future::{self, Either};

use super::{
    LiveKind, LiveState,
    event::{SessionOutputAudioFixturePlay, SessionOutputAudioFixturePlaying},
    state::FixtureState,
};
use crate::{
    connection::{Ack, SendError, Sender},
    error::{Awaited, Error, ErrorKind, Unanswered},
    types::AudioFormat,
    wire::{Audio, Id},
};

/// A clip that is on its way to the user. It is played whether or not this is awaited.
///
/// Awaited, it drives the connection until the server plays the clip, or refuses to, as an [`Ack`] does.
pub struct Clip<P: LiveKind> {
    ack: Ack<P, SessionOutputAudioFixturePlaying>,
    sender: Sender<P>,
    id: Id,
    length: Duration,
}

impl<P: LiveKind> Clip<P> {
    pub(super) fn play(sender: Sender<P>, audio: Audio) -> Result<Self, SendError<P>> {
        let id = sender.fresh_id("evt");
        // A clip has this format, whatever the session's is.
        let length = AudioFormat::pcm().bytes_to_ms(audio.len() as u64).unwrap_or_default();
        let ack = sender.request(SessionOutputAudioFixturePlay::new(audio).event_id(&id))?;
        Ok(Self { ack, sender, id, length: Duration::from_millis(length) })
    }

    /// The id of the event that asked for the clip.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Waits until the clip has left the server's mixer: not until it was heard. It waits no longer than the clip lasts
    /// and [`Options::request_timeout`](crate::Options::request_timeout).
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the clip.
    ///
    /// # Errors
    /// As those of [`Ack`]: [`ErrorKind::Request`] if the server refuses the clip, [`ErrorKind::Unanswered`] if it does not
    /// say in time that the clip is over, as without input audio, on which its clock runs, and
    /// [`ErrorKind::Ambiguous`] if the session ends first.
    pub async fn played(self) -> Result<(), Error> {
        let Self { ack, sender, id, length } = self;
        ack.await?;
        let played = sender.until(|state: &LiveState| {
            let clip = state.fixtures().rev().find(|clip| clip.client_event_id.as_ref() == Some(&id))?;
            match clip.state {
                FixtureState::Played => Some(Ok(())),
                FixtureState::Requested | FixtureState::Playing => None,
                FixtureState::Refused | FixtureState::Unfinished => Some(Err(ErrorKind::Ambiguous.into())),
            }
        });
        let Some(timeout) = sender.request_timeout() else { return played.await? };
        let (timer, waited) = (sender.timer(), length + timeout);
        let late = timer.sleep_until(timer.now() + waited);
        match future::select(pin!(played), late).await {
            Either::Left((played, _)) => played?,
            Either::Right(_) => {
                let awaited =
                    Awaited::Event { kind: "session.output_audio.fixture.play".into(), event_id: Some(id.clone()) };
                Err(ErrorKind::Unanswered(Box::new(Unanswered::new(awaited, waited))).into())
            }
        }
    }
}

impl<P: LiveKind> Future for Clip<P> {
    type Output = Result<SessionOutputAudioFixturePlaying, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.ack).poll(cx)
    }
}

impl<P: LiveKind> fmt::Debug for Clip<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clip").field("id", &self.id).field("length", &self.length).finish_non_exhaustive()
    }
}
