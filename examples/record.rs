//! Records a conversation in stereo: left what was said to the model, right what was heard of it, at the time it was.
//!
//! `cargo run --example record -- testdata/audio/question.wav conversation.wav`
//!
//! The model sends its answer faster than it is played. The playback ledger of the connection says what was heard when,
//! and what an interruption cut off is not in the recording.

#[path = "support/sound.rs"]
#[expect(dead_code, reason = "the microphone has its own pace")]
mod sound;
#[path = "support/mod.rs"]
mod support;

use std::{error::Error, fs::File, io::BufWriter, process::ExitCode, time::Duration};

use realtime::{
    Connection, Realtime,
    audio::Recorder,
    event::ServerEvent,
    mock::Simulator,
    session::Playback,
    tokio::TokioTimer,
    transport::Timer,
    types::{Modality, RealtimeSessionConfig, ServerVad},
};

/// A microphone gives 20 ms at a time.
const TICK_MS: u64 = 20;

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("record", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (model, files) = support::arguments(support::MODEL)?;
    let [question, file] = files.as_slice() else {
        return Err("two files are needed: record question.wav out.wav".into());
    };
    let microphone = sound::read(question)?;
    let (client, _served) = support::client(realtime::client(), simulator)?;
    client
        .realtime()
        .model(model)
        // Playback is assumed to run in real time: an application with a player reads the audio from `connection.player()`.
        .playback(Playback::default())
        .run(async |connection| {
            let config = RealtimeSessionConfig::default()
                .output_modalities([Modality::Audio])
                .turn_detection(ServerVad::default().silence_duration_ms(500));
            connection.session().update(config)?.await?;
            let recording = File::create(file).map_err(|error| format!("{file}: {error}"))?;
            let seconds = record(connection, &microphone, recording).await?;
            println!("recorded {seconds:.1} s to {file}");
            Ok(())
        })
        .await
}

/// Sends the microphone in real time, and records until the answer was heard.
async fn record(connection: &Connection<Realtime>, microphone: &[u8], file: File) -> Result<f64, Box<dyn Error>> {
    let timer = TokioTimer::new();
    let player = connection.player()?;
    let rate = sound::PCM.rate_hz();
    let mut recorder = Recorder::new(BufWriter::new(file), sound::PCM, sound::PCM, rate, timer.now())?;
    let silence = vec![0; sound::bytes(TICK_MS)];
    let mut pieces = microphone.chunks(sound::bytes(TICK_MS));
    let mut tick = tokio::time::interval(Duration::from_millis(TICK_MS));
    let mut answered = false;
    loop {
        tokio::select! {
            event = connection.next() => {
                let event = event.ok_or("the server has closed the connection")??;
                recorder.event(&event)?;
                match event {
                    ServerEvent::ResponseOutputAudioTranscriptDone(done) => println!("{}", done.transcript),
                    ServerEvent::ResponseDone(_) => answered = true,
                    _ => {}
                }
            }
            _ = tick.tick() => {
                // A microphone never stops: behind the question it hears silence.
                let piece = pieces.next().unwrap_or(&silence);
                connection.input_audio_buffer().append(piece)?;
                recorder.sent(piece, timer.now())?;
                recorder.follow(&player, timer.now())?;
                if answered && player.unheard_ms() == 0 {
                    break;
                }
            }
        }
    }
    recorder.finish()?;
    Ok(timer.now().since_origin().as_secs_f64())
}

fn simulator() -> Simulator {
    Simulator::new().answer(|_| "Once upon a time.")
}
