//! A spoken question and its spoken answer.
//!
//! `cargo run --example voice -- [--model MODEL] question.wav answer.wav`
//!
//! Sends a recording in chunks of 40 ms, lets the server detect the speech in it, and writes the answer to another
//! file. Any WAV file works: its format is converted to the session's. Without `OPENAI_API_KEY`, it connects to a
//! simulator that it starts itself, over a real WebSocket.

#[path = "support/sound.rs"]
mod sound;
#[path = "support/mod.rs"]
mod support;

use std::{error::Error, fs, pin::pin, process::ExitCode, time::Duration};

use realtime::{
    Connection, Realtime,
    audio::wav,
    event::ServerEvent,
    mock::Simulator,
    types::{Modality, RealtimeSessionConfig, ServerVad, Transcription},
};

/// Timeout for the answer after the end of the recording.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("voice", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (model, files) = support::arguments(support::MODEL)?;
    let [question, answer] = files.as_slice() else {
        return Err("usage: voice [--model MODEL] question.wav answer.wav".into());
    };
    let recording = sound::read(question)?;
    let (client, _served) = support::client(realtime::client(), Simulator::new)?;
    let spoken = client
        .realtime()
        .model(model)
        .run(async |connection| {
            let config = RealtimeSessionConfig::default()
                .output_modalities([Modality::Audio])
                .transcription(Transcription::by("gpt-4o-mini-transcribe"))
                .turn_detection(ServerVad::default().silence_duration_ms(500));
            connection.session().update(config)?;
            converse(connection, &recording).await
        })
        .await?;
    fs::write(answer, wav::encode(sound::PCM, &spoken)?).map_err(|error| format!("{answer}: {error}"))?;
    eprintln!("wrote {} ms of audio to {answer}", sound::PCM.bytes_to_ms(spoken.len() as u64));
    Ok(())
}

/// Sends the recording and prints what the server transcribes and says, until everything is sent and every turn is
/// answered. Returns the audio of the answers.
pub(crate) async fn converse(connection: &Connection<Realtime>, recording: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut sending = pin!(sound::speak(connection, recording));
    let (mut sent, mut answered, mut audio) = (false, 0, Vec::new());
    loop {
        let state = connection.state();
        let quiet = state.input.speech.is_none() && state.responses.active().is_none();
        if sent && quiet && answered > 0 && answered >= state.input.committed {
            return Ok(audio);
        }
        drop(state);
        let event = tokio::select! {
            result = &mut sending, if !sent => {
                result?;
                sent = true;
                continue;
            }
            event = connection.next() => event.ok_or("the server has closed the connection")??,
            // Only what follows the end of the recording has a timeout.
            () = tokio::time::sleep(PATIENCE), if sent => {
                return Err("no speech was detected in the recording, or it was not answered".into());
            }
        };
        match event {
            ServerEvent::InputAudioBufferSpeechStarted(started) => {
                eprintln!("speech started at {} ms", started.audio_start_ms.unwrap_or_default());
            }
            ServerEvent::InputAudioBufferSpeechStopped(stopped) => {
                eprintln!("speech stopped at {} ms", stopped.audio_end_ms.unwrap_or_default());
            }
            ServerEvent::ConversationItemInputAudioTranscriptionCompleted(heard) => {
                eprintln!("you: {}", heard.transcript);
            }
            ServerEvent::ResponseOutputAudioDelta(delta) => audio.extend_from_slice(&delta.delta),
            ServerEvent::ResponseOutputAudioTranscriptDone(done) => println!("{}", done.transcript),
            ServerEvent::ResponseDone(_) => answered += 1,
            ServerEvent::Error(error) => eprintln!("the server reported an error: {}", error.error),
            _ => {}
        }
    }
}
