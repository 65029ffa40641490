use std::{pin::pin, time::Duration};

use realtime::{Connection, Realtime, event::ServerEvent};
use tokio::time::{Instant, sleep_until};

use super::tell;
use crate::{
    audio,
    commands::{more, whole},
    failure::Failure,
    output::Output,
};

/// How long an answer may take to begin, after the end of the recording.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends the recording and tells what both sides say, until each turn is answered. Returns the audio of the answers.
pub(super) async fn converse(
    connection: &Connection<Realtime>,
    recording: &[u8],
    output: Output,
) -> anyhow::Result<Vec<u8>> {
    let bar = output.progress("sending", audio::PCM.bytes_to_ms(recording.len() as u64));
    let mut sending = pin!(audio::send(connection, recording, &bar));
    let mut deadline = None;
    let (mut answered, mut answer) = (0, Vec::new());
    loop {
        let state = connection.state();
        let quiet = state.input.speech.is_none() && state.responses.active().is_none();
        if deadline.is_some() && quiet && answered > 0 && answered >= state.input.committed {
            return Ok(answer);
        }
        drop(state);
        let event = tokio::select! {
            result = &mut sending, if deadline.is_none() => {
                result?;
                deadline = Some(Instant::now() + PATIENCE);
                continue;
            }
            event = connection.next() => more(event)?,
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                return Err(Failure::unmet("no speech was detected in the recording, or it was not answered").into());
            }
        };
        match event {
            ServerEvent::ResponseOutputAudioDelta(delta) => {
                answer.extend_from_slice(&delta.delta);
                // An answer that arrives is not late, however long it is.
                deadline = deadline.map(|_| Instant::now() + PATIENCE);
            }
            ServerEvent::ResponseDone(done) => {
                whole(&done.response)?;
                answered += 1;
            }
            other => tell(&other, output)?,
        }
    }
}
