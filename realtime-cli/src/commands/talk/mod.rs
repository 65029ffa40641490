#[cfg(feature = "device")]
mod device;
mod file;

#[cfg(feature = "device")]
pub(crate) use device::devices;

use std::path::PathBuf;

use clap::Args;
#[cfg(feature = "device")]
use realtime::session::Playback;
use realtime::{
    Connection, Realtime, RealtimeSettings,
    event::ServerEvent,
    mock::Simulator,
    types::{Modality, RealtimeSessionConfig, ServerVad, Transcription},
};
use serde_json::json;

use crate::{
    audio,
    output::{self, Output, PERSON},
    server::{MODEL, ServerArgs},
    stop::Stop,
};

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
    /// The WAV file with the question, instead of the microphone
    #[arg(long = "in", value_name = "FILE")]
    question: Option<PathBuf>,
    /// The WAV file to write the answer to, instead of the speaker
    #[arg(long = "out", value_name = "FILE", requires = "question")]
    answer: Option<PathBuf>,
    #[cfg(feature = "device")]
    #[command(flatten)]
    devices: device::DeviceArgs,
}

impl Talk {
    /// The server and the model.
    pub(crate) fn into_server(self) -> (ServerArgs, String) {
        (self.server, self.model)
    }

    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        let mut config = RealtimeSessionConfig::default()
            .output_modalities([Modality::Audio])
            .transcription(Transcription::by("gpt-4o-mini-transcribe"))
            .turn_detection(ServerVad::default().silence_duration_ms(500));
        if let Some(voice) = &self.voice {
            config = config.voice(voice.as_str());
        }
        match &self.question {
            Some(question) => {
                let recording = audio::read(question)?;
                self.answer.as_deref().map(output::check_writable).transpose()?;
                self.talk(stop, RealtimeSettings::default(), async |connection| {
                    connection.session().update(config)?;
                    let answer = file::converse(connection, &recording, *output).await?;
                    if let Some(file) = &self.answer {
                        audio::write(file, &answer)?;
                        let ms = audio::PCM.bytes_to_ms(answer.len() as u64);
                        output::note(format_args!("{}: {ms} ms", file.display()));
                    }
                    Ok(())
                })
                .await
            }
            #[cfg(feature = "device")]
            None => {
                let playback = RealtimeSettings::default().playback(Playback::queued());
                self.talk(stop, playback, async |connection| {
                    connection.session().update(config)?.await?;
                    self.devices.converse(connection, *output).await
                })
                .await
            }
            #[cfg(not(feature = "device"))]
            None => {
                let how = "this build has no microphone: give --in FILE, or install it with `--features device`";
                Err(crate::failure::Failure::usage(how).into())
            }
        }
    }
}

impl Talk {
    /// Runs a conversation, until it ends or a signal arrives.
    async fn talk(
        &self,
        stop: &Stop,
        settings: RealtimeSettings,
        converse: impl AsyncFnOnce(&Connection<Realtime>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let server = self.server.open(Simulator::new)?;
        let connect = server.client.realtime().model(&self.model).settings(settings);
        connect.run(async |connection| stop.or(converse(connection)).await).await?;
        server.finish()
    }
}

/// Tells what both sides have said, and what the server reports.
fn tell(event: &ServerEvent, output: Output) -> anyhow::Result<()> {
    match event {
        ServerEvent::ConversationItemInputAudioTranscriptionCompleted(heard) => {
            let text = heard.transcript.trim();
            output.result(&json!({ "role": "user", "text": text }), || format!("{PERSON}{text}{PERSON:#}"))?;
        }
        ServerEvent::ResponseOutputAudioTranscriptDone(said) => {
            let text = said.transcript.trim();
            output.result(&json!({ "role": "assistant", "text": text }), || text.to_owned())?;
        }
        ServerEvent::Error(error) => output::note(&error.error),
        _ => {}
    }
    Ok(())
}
