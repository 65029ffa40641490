use std::{path::PathBuf, pin::pin, time::Duration};

use clap::Args;
use realtime::{
    Connection, Realtime,
    event::ServerEvent,
    mock::Simulator,
    types::{Modality, RealtimeSessionConfig, ServerVad, Transcription},
};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::more;
use crate::{
    audio,
    failure::Failure,
    output::{self, Output, PERSON},
    server::{MODEL, ServerArgs},
    stop::Stop,
};

/// How long an answer may take to begin, after the end of the recording.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(crate) struct Talk {
    #[command(flatten)]
    server: ServerArgs,
    /// Model
    #[arg(long, default_value = MODEL)]
    model: String,
    /// Voice, such as marin or cedar
    #[arg(long)]
    voice: Option<String>,
    /// The WAV file with the question
    #[arg(long = "in", value_name = "FILE")]
    question: PathBuf,
    /// The WAV file to write the answer to
    #[arg(long = "out", value_name = "FILE")]
    answer: Option<PathBuf>,
}

impl Talk {
    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        let recording = audio::read(&self.question)?;
        let server = self.server.open(Simulator::new)?;
        let mut config = RealtimeSessionConfig::default()
            .output_modalities([Modality::Audio])
            .transcription(Transcription::by("gpt-4o-mini-transcribe"))
            .turn_detection(ServerVad::default().silence_duration_ms(500));
        if let Some(voice) = self.voice {
            config = config.voice(voice);
        }
        let connect = server.client.realtime().model(self.model);
        let answer = connect
            .run(async |connection| {
                let talk = async {
                    connection.session().update(config)?;
                    converse(connection, &recording, *output).await
                };
                stop.or(talk).await
            })
            .await?;
        server.finish()?;
        if let Some(file) = &self.answer {
            audio::write(file, &answer)?;
            let ms = audio::PCM.bytes_to_ms(answer.len() as u64);
            output::note(format_args!("{}: {ms} ms", file.display()));
        }
        Ok(())
    }
}

/// Sends the recording and tells what both sides say, until each turn is answered. Returns the audio of the answers.
async fn converse(connection: &Connection<Realtime>, recording: &[u8], output: Output) -> anyhow::Result<Vec<u8>> {
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
            ServerEvent::ConversationItemInputAudioTranscriptionCompleted(heard) => {
                let text = heard.transcript.trim();
                output.result(&json!({ "role": "user", "text": text }), || format!("{PERSON}{text}{PERSON:#}"))?;
            }
            ServerEvent::ResponseOutputAudioTranscriptDone(said) => {
                let text = said.transcript.trim();
                output.result(&json!({ "role": "assistant", "text": text }), || text.to_owned())?;
            }
            ServerEvent::ResponseOutputAudioDelta(delta) => {
                answer.extend_from_slice(&delta.delta);
                // An answer that arrives is not late, however long it is.
                deadline = deadline.map(|_| Instant::now() + PATIENCE);
            }
            ServerEvent::ResponseDone(done) => {
                super::whole(&done.response)?;
                answered += 1;
            }
            ServerEvent::Error(error) => output::note(&error.error),
            _ => {}
        }
    }
}
