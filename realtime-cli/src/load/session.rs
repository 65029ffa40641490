//! One session of a load.

use std::time::Duration;

use anyhow::Context;
use realtime::{
    Client, Connection, Id, Realtime,
    event::ServerEvent,
    types::{Modality, RealtimeSessionConfig, ServerVad},
};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::report::Measured;
use crate::{
    audio::PCM,
    commands::{more, whole},
    failure::Failure,
};

/// Milliseconds of audio in one append: what a microphone gives at a time.
const TICK_MS: u64 = 20;
/// How long the server may take to answer an update or to finish.
const GRACE: Duration = Duration::from_secs(30);

/// What every session does.
pub(super) struct Script {
    pub(super) client: Client,
    pub(super) model: String,
    pub(super) recording: Vec<u8>,
    pub(super) turns: u32,
    pub(super) interrupt_after: Option<Duration>,
    pub(super) timeout: Duration,
}

/// The answer that is being received.
struct Answer {
    response_id: Id,
    /// When its first audio arrived.
    began: Instant,
    /// How much audio has arrived.
    audio: Duration,
}

/// What a turn leaves to the next one.
#[derive(Default)]
struct Before {
    /// The response that this turn interrupts, if it does.
    interrupts: Option<Id>,
}

impl Script {
    /// Connects, and asks and listens as often as it is to.
    pub(super) async fn play(&self, measured: &mut Measured) -> anyhow::Result<()> {
        let began = Instant::now();
        let connection = self.client.realtime().model(&self.model).connect().await?;
        measured.connect(began.elapsed());
        let config = RealtimeSessionConfig::default()
            .output_modalities([Modality::Audio])
            .turn_detection(ServerVad::default().silence_duration_ms(500));
        timeout(GRACE, connection.session().update(config)?).await.context("session.update was not answered")??;
        let mut before = Before::default();
        for turn in 1..=self.turns {
            let interrupt_after = self.interrupt_after.filter(|_| turn < self.turns);
            before = self.turn(&connection, before, interrupt_after, measured).await?;
        }
        timeout(GRACE, connection.finish()).await.context("the session did not end")??;
        Ok(())
    }

    /// Asks, and listens until the answer is complete, or until it is time to interrupt it. The microphone never stops:
    /// after the question it hears silence.
    async fn turn(
        &self,
        connection: &Connection<Realtime>,
        before: Before,
        interrupt_after: Option<Duration>,
        measured: &mut Measured,
    ) -> anyhow::Result<Before> {
        let silence = vec![0; PCM.ms_to_bytes(TICK_MS) as usize];
        let mut pieces = self.recording.chunks(silence.len());
        let mut tick = interval(Duration::from_millis(TICK_MS));
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let began = Instant::now();
        let mut interrupting = before.interrupts.is_some();
        let (mut asked, mut answer) = (None::<Instant>, None::<Answer>);
        loop {
            if let (Some(answer), Some(after)) = (&answer, interrupt_after)
                && answer.began.elapsed() >= after
            {
                return Ok(Before { interrupts: Some(answer.response_id.clone()) });
            }
            let event = tokio::select! {
                _ = tick.tick() => {
                    let piece = pieces.next().unwrap_or_else(|| {
                        asked.get_or_insert_with(Instant::now);
                        &silence
                    });
                    connection.input_audio_buffer().append(piece)?;
                    if answer.is_none() && asked.is_some_and(|asked| asked.elapsed() > self.timeout) {
                        return Err(Failure::unmet("no answer within the timeout").into());
                    }
                    continue;
                }
                event = connection.next() => more(event)?,
            };
            match event {
                ServerEvent::InputAudioBufferSpeechStarted(_) if interrupting => {
                    interrupting = false;
                    measured.interruption(began.elapsed());
                }
                ServerEvent::ResponseOutputAudioDelta(delta)
                    if before.interrupts.as_ref() != Some(&delta.response_id) =>
                {
                    let answer = answer.get_or_insert_with(|| {
                        // A server that answers a question before its end was not late.
                        measured.first_audio(asked.map_or(Duration::ZERO, |asked| asked.elapsed()));
                        Answer { response_id: delta.response_id.clone(), began: Instant::now(), audio: Duration::ZERO }
                    });
                    measured.late(answer.began.elapsed().saturating_sub(answer.audio));
                    answer.audio += Duration::from_millis(PCM.bytes_to_ms(delta.delta.len() as u64));
                }
                ServerEvent::ResponseDone(done) if done.response.id != before.interrupts => {
                    whole(&done.response)?;
                    // An answer that was sent ahead is still being heard, and can be interrupted.
                    if interrupt_after.is_none() || answer.is_none() {
                        return Ok(Before::default());
                    }
                }
                ServerEvent::Error(error) => return Err(Failure::refused(error.error.to_string()).into()),
                _ => {}
            }
        }
    }
}
