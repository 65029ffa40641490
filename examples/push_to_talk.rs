//! Push to talk: only what is said while the button is down goes to the model, and the beginning of it is not lost.
//!
//! `cargo run --example push_to_talk -- testdata/audio/question.wav`
//!
//! The recording stands for the microphone. People press late: the button goes down 200 ms after the recording begins,
//! and the gate's pre-roll of 300 ms brings back what was said before.

#[path = "support/sound.rs"]
#[expect(dead_code, reason = "the recording is not sent as it is")]
mod sound;
#[path = "support/mod.rs"]
mod support;

use std::{error::Error, process::ExitCode};

use futures::TryStreamExt;
use realtime::{
    Connection, Options, Patch, Realtime,
    audio::{Gate, GateOptions},
    connection::Unread,
    mock::Simulator,
    types::{Modality, RealtimeSessionConfig, ResponseConfig, Transcription},
};

/// When the button goes down, in milliseconds.
const PRESSED_AT: u64 = 200;

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("push_to_talk", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (model, files) = support::arguments(support::MODEL)?;
    let [microphone] = files.as_slice() else { return Err("one file is needed: push_to_talk recording.wav".into()) };
    let microphone = sound::read(microphone)?;
    let (client, _served) = support::client(realtime::client(), simulator)?;
    client
        .realtime()
        .model(model)
        .options(Options::default().unread(Unread::Discard))
        .run(async |connection| {
            let config = RealtimeSessionConfig::default()
                .output_modalities([Modality::Text])
                .transcription(Transcription::by("gpt-4o-mini-transcribe"))
                // The button says when a turn begins and ends, not the server.
                .turn_detection(Patch::Clear);
            connection.session().update(config)?.await?;
            talk(connection, &microphone).await
        })
        .await
}

async fn talk(connection: &Connection<Realtime>, microphone: &[u8]) -> Result<(), Box<dyn Error>> {
    // Without a threshold only the button opens it. With one, the level does too: hands-free.
    let mut gate = Gate::new(sound::PCM, GateOptions { threshold_db: None, ..GateOptions::default() })?;
    let pieces = microphone.chunks(sound::bytes(sound::PIECE_MS)).enumerate();
    for (number, piece) in pieces {
        if number as u64 * sound::PIECE_MS == PRESSED_AT {
            gate.press();
        }
        let gated = gate.push(piece);
        if gated.opened {
            // Whatever the model says at that moment ends.
            connection.input_audio_buffer().clear()?;
            eprintln!("(talking, from {} ms before the button)", sound::PCM.bytes_to_ms(gated.audio.len() as u64));
        }
        if !gated.audio.is_empty() {
            connection.ready().await?;
            connection.input_audio_buffer().append(gated.audio)?;
        }
    }
    // The button is up.
    connection.input_audio_buffer().append(gate.finish().audio)?;
    connection.input_audio_buffer().commit()?.await?;
    let mut answer = connection.response().create(ResponseConfig::default())?;
    let text: String = answer.text().try_collect().await?;
    answer.await?;
    println!("{text}");
    Ok(())
}

fn simulator() -> Simulator {
    Simulator::new().transcribe(|speech| format!("{} ms of speech", speech.ms))
}
