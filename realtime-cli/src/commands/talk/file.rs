use std::pin::pin;

use realtime::{Connection, Realtime, event::ServerEvent};

use super::tell;
use crate::{audio, commands::whole, output::Output};

/// Sends the recording and tells what both sides say, until each turn is answered. Returns the audio of the answers.
pub(super) async fn converse(
    connection: &Connection<Realtime>,
    recording: &[u8],
    output: Output,
) -> anyhow::Result<Vec<u8>> {
    let bar = output.progress("sending", audio::PCM.bytes_to_ms(recording.len() as u64));
    let sending = pin!(audio::send(connection, recording, &bar));
    let mut sending = audio::Sending::new(connection, sending);
    let (mut answered, mut answer) = (0, Vec::new());
    loop {
        let state = connection.state();
        let quiet = state.input.speech.is_none() && state.responses.active().is_none();
        if sending.is_done() && quiet && answered > 0 && answered >= state.input.committed {
            return Ok(answer);
        }
        drop(state);
        let missing = "no speech was detected in the recording, or it was not answered";
        let Some(event) = sending.next(missing).await? else { continue };
        match event {
            ServerEvent::ResponseOutputAudioDelta(delta) => {
                answer.extend_from_slice(&delta.delta);
                // An answer that arrives is not late, however long it is.
                sending.progress();
            }
            ServerEvent::ResponseDone(done) => {
                whole(&done.response)?;
                answered += 1;
            }
            other => tell(&other, output)?,
        }
    }
}
