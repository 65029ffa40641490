//! Captions of a recording, as SubRip on the standard output; what is being said appears on the error output.
//!
//! `cargo run --example captions -- testdata/audio/question.wav > question.srt`

#[path = "support/sound.rs"]
mod sound;
#[path = "support/mod.rs"]
mod support;

use std::{error::Error, pin::pin, process::ExitCode, time::Duration};

use realtime::{
    Connection, Realtime,
    captions::{Captions, Layout, srt},
    mock::Simulator,
    types::{ServerVad, Transcription, TranscriptionSessionConfig},
};

/// How long after the end of the recording the last text must come.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("captions", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (_, files) = support::arguments(support::MODEL)?;
    let [recording] = files.as_slice() else { return Err("one file is needed: captions recording.wav".into()) };
    let recording = sound::read(recording)?;
    let (client, _served) = support::client(realtime::client(), simulator)?;
    let captions = client
        .realtime()
        .transcription()
        .run(async |connection| {
            let config = TranscriptionSessionConfig::default()
                .transcription(Transcription::by("gpt-4o-mini-transcribe"))
                .turn_detection(ServerVad::default().silence_duration_ms(500));
            connection.session().update(config)?.await?;
            transcribe(connection, &recording).await
        })
        .await?;
    // Two lines of at most 42 columns each, as television has them.
    print!("{}", srt(&Layout::new(42, 2).apply(&captions.segments())));
    Ok(())
}

/// Sends the recording and collects captions, until everything that was said has its text.
async fn transcribe(connection: &Connection<Realtime>, recording: &[u8]) -> Result<Captions, Box<dyn Error>> {
    let mut captions = Captions::new();
    let mut sending = pin!(sound::speak(connection, recording));
    let (mut sent, mut done) = (false, 0);
    loop {
        let input = &connection.state().input;
        if sent && input.speech.is_none() && done > 0 && done >= input.committed {
            return Ok(captions);
        }
        let event = tokio::select! {
            result = &mut sending, if !sent => {
                result?;
                sent = true;
                continue;
            }
            event = connection.next() => event.ok_or("the server has closed the connection")??,
            () = tokio::time::sleep(PATIENCE), if sent => return Err("no speech was found in the recording".into()),
        };
        // What has changed: a text that grows, is corrected, or is final.
        if let Some(caption) = captions.apply(&event) {
            eprintln!("{}{}", caption.segment.text, if caption.done { "" } else { " .." });
            done += u64::from(caption.done);
        }
    }
}

fn simulator() -> Simulator {
    Simulator::new().transcribe(|_| "Please tell me a story.")
}
