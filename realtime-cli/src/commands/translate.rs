use std::path::PathBuf;

use clap::Args;
use futures::try_join;
use realtime::{
    event::translation::ServerEvent,
    mock::{Phrase, Simulator},
    types::{TranslationAudioConfig, TranslationOutput, TranslationSessionConfig},
};
use serde_json::json;

use crate::{
    audio,
    output::{self, Output},
    server::ServerArgs,
    stop::Stop,
};

#[derive(Args)]
pub(crate) struct Translate {
    #[command(flatten)]
    server: ServerArgs,
    /// Model
    #[arg(long, default_value = "gpt-realtime-translate")]
    model: String,
    /// Language to translate into, such as es
    #[arg(long, value_name = "LANGUAGE")]
    to: String,
    /// The WAV file to write the translated speech to
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The recording: a WAV file
    file: PathBuf,
}

/// What was said in the other language.
#[derive(Default)]
struct Spoken {
    text: String,
    audio: Vec<u8>,
}

impl Translate {
    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        let recording = audio::read(&self.file)?;
        let server = self.server.open(simulator)?;
        let spoken = stop.or(self.translate(&server.client, &recording, *output)).await?;
        server.finish()?;
        if let Some(file) = &self.out {
            audio::write(file, &spoken.audio)?;
        }
        let ms = audio::PCM.bytes_to_ms(spoken.audio.len() as u64);
        let text = spoken.text.trim();
        output.result(&json!({ "language": self.to, "text": text, "ms": ms }), || text.to_owned())
    }

    async fn translate(&self, client: &realtime::Client, recording: &[u8], output: Output) -> anyhow::Result<Spoken> {
        let link = client.translation().model(&self.model).connect().await?;
        let target = TranslationOutput::default().language(&self.to);
        let config = TranslationSessionConfig::default().audio(TranslationAudioConfig::default().output(target));
        link.session().update(config)?.await?;
        let bar = output.progress("translating", audio::PCM.bytes_to_ms(recording.len() as u64));
        let speaking = async {
            for piece in recording.chunks(audio::PCM.ms_to_bytes(audio::CHUNK_MS) as usize) {
                link.ready().await?;
                link.input_audio_buffer().append(piece)?;
                bar.inc(audio::CHUNK_MS);
            }
            // The session ends after its last word.
            link.finish().await?;
            bar.finish_and_clear();
            anyhow::Ok(())
        };
        let listening = async {
            let mut spoken = Spoken::default();
            while let Some(event) = link.next().await {
                match event? {
                    ServerEvent::SessionOutputTranscriptDelta(word) => spoken.text += &word.delta,
                    ServerEvent::SessionOutputAudioDelta(audio) => spoken.audio.extend_from_slice(&audio.delta),
                    ServerEvent::Error(error) => output::note(&error.error),
                    _ => {}
                }
            }
            Ok(spoken)
        };
        Ok(try_join!(speaking, listening)?.1)
    }
}

fn simulator() -> Simulator {
    Simulator::new().translate(|_| Phrase::new("Please tell me a story. ", "Cuéntame un cuento, por favor. "))
}
