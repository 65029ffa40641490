use std::{path::PathBuf, time::Duration};

use clap::Args;
use realtime::{
    Connection,
    live::{Live, event::ServerEvent, state::Speaker},
    mock::Simulator,
};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::more;
use crate::{
    audio,
    failure::Failure,
    output::{self, Output, PERSON},
    server::ServerArgs,
    stop::Stop,
};

/// Silence of the voice that ends its answer.
const SILENCE: Duration = Duration::from_secs(2);
/// How long an answer may take to begin.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(crate) struct LiveArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Model
    #[arg(long, default_value = "gpt-live-1.1")]
    model: String,
    /// System instructions
    #[arg(long)]
    instructions: Option<String>,
    /// The WAV file with the question
    #[arg(long = "in", value_name = "FILE")]
    question: PathBuf,
    /// The WAV file to write the answer to, silence included
    #[arg(long = "out", value_name = "FILE")]
    answer: Option<PathBuf>,
}

impl LiveArgs {
    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        let recording = audio::read(&self.question)?;
        self.answer.as_deref().map(output::check_writable).transpose()?;
        let server = self.server.open(Simulator::new)?;
        let mut connect = server.client.live().model(self.model);
        if let Some(instructions) = self.instructions {
            connect = connect.instructions(instructions);
        }
        let ran = connect.run_to_end(async |live| stop.or(converse(live, &recording, *output)).await).await?;
        // An end that the server does not confirm is an error, but what was said is kept.
        server.finish()?;
        if let Some(file) = &self.answer {
            audio::write(file, &ran.value)?;
            let ms = audio::PCM.bytes_to_ms(ran.value.len() as u64);
            output::note(format_args!("{}: {ms} ms", file.display()));
        }
        Ok(ran.end?)
    }
}

/// Feeds the recording in real time until it is answered. Returns the audio of the voice.
async fn converse(live: &Connection<Live>, recording: &[u8], output: Output) -> anyhow::Result<Vec<u8>> {
    let feeder = live.session().input_audio().feeder();
    feeder.push(recording)?;
    let mut audio = Vec::new();
    let mut deadline =
        Instant::now() + PATIENCE + Duration::from_millis(audio::PCM.bytes_to_ms(recording.len() as u64));
    loop {
        let event = tokio::select! {
            event = live.next() => more(event)?,
            () = sleep_until(deadline) => break,
        };
        match event {
            ServerEvent::SessionOutputAudioDelta(delta) => audio.extend_from_slice(&delta.delta),
            ServerEvent::SessionOutputTranscriptDelta(_) => deadline = Instant::now() + SILENCE,
            ServerEvent::SessionInputTranscriptDelta(_) => deadline = Instant::now() + PATIENCE,
            ServerEvent::Error(error) => output::note(&*error.error),
            _ => {}
        }
    }
    let mut answered = false;
    for turn in live.state().turns() {
        let (text, is_user) = (turn.text.trim(), turn.speaker == Speaker::User);
        answered |= !is_user;
        let role = if is_user { "user" } else { "assistant" };
        output.result(&json!({ "role": role, "text": text }), || match is_user {
            true => format!("{PERSON}{text}{PERSON:#}"),
            false => text.to_owned(),
        })?;
    }
    if answered {
        return Ok(audio);
    }
    Err(Failure::unmet("no speech was detected in the recording, or it was not answered").into())
}
