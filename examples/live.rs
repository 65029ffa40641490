//! A question by voice to a session that listens and speaks at once, and its answer by voice.
//!
//! `cargo run --example live -- [--model MODEL] question.wav answer.wav`
//!
//! Sends a recording at the pace of speech, and silence after it, until the voice has answered and is silent; then writes
//! what it said to another file. Without `OPENAI_API_KEY` it talks to a simulator that it starts itself, over a real
//! WebSocket.

#[path = "support/recording.rs"]
mod recording;
#[path = "support/mod.rs"]
mod support;

use std::{error::Error, fs, process::ExitCode, time::Duration};

use realtime::{
    Connection,
    audio::{Format, wav},
    live::{Live, event::ServerEvent, state::Speaker},
    mock::Simulator,
};

/// The model, where none is named.
const MODEL: &str = "gpt-live-1.1";
/// The session's audio.
const PCM: Format = Format::pcm(24_000);
/// How long the voice is silent when it has answered.
const SILENCE: Duration = Duration::from_secs(2);
/// How long an answer may take to begin.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("live", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (model, files) = support::arguments(MODEL)?;
    let [question, answer] = files.as_slice() else {
        return Err("two files are needed: live [--model MODEL] question.wav answer.wav".into());
    };
    let question = recording::read(question, PCM)?;
    let simulator = || Simulator::new().transcribe(|_| "What time is it?");
    let (client, _served) = support::client(realtime::client(), simulator)?;
    let connect = client.live().model(model).instructions("Answer in one sentence.");
    let ran = connect.run_to_end(async |live| converse(live, &question).await).await?;
    // The server has confirmed that the session is finished.
    ran.end?;
    fs::write(answer, wav::encode(PCM, &ran.value)?).map_err(|error| format!("{answer}: {error}"))?;
    eprintln!("wrote {} ms of audio to {answer}", PCM.bytes_to_ms(ran.value.len() as u64));
    Ok(())
}

/// Feeds the recording, and reads until the answer is over. The audio of the voice, silence included.
async fn converse(live: &Connection<Live>, recording: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    // It sends in real time whatever is pushed, and silence when there is nothing: the session's clock runs on it.
    let feeder = live.session().input_audio().feeder();
    feeder.push(recording)?;
    let mut audio = Vec::new();
    let mut spoken = tokio::time::Instant::now() + PATIENCE;
    loop {
        let answered = live.state().turns().any(|turn| turn.speaker == Speaker::Assistant);
        let event = tokio::select! {
            event = live.next() => event.ok_or("the server has closed the connection")??,
            () = tokio::time::sleep_until(spoken) => match answered {
                true => break,
                false => return Err("no speech was found in the recording, or no answer came".into()),
            },
        };
        match event {
            ServerEvent::SessionOutputAudioDelta(delta) => audio.extend_from_slice(&delta.delta),
            ServerEvent::SessionOutputTranscriptDelta(_) => spoken = tokio::time::Instant::now() + SILENCE,
            ServerEvent::SessionInputTranscriptDelta(_) => spoken = tokio::time::Instant::now() + PATIENCE,
            ServerEvent::Error(error) => eprintln!("the server complains: {}", *error.error),
            _ => {}
        }
    }
    // The server ends no turn: the client groups the fragments of the transcripts.
    for turn in live.state().turns() {
        match turn.speaker {
            Speaker::User => eprintln!("you: {}", turn.text),
            _ => println!("{}", turn.text),
        }
    }
    Ok(audio)
}
