use std::path::PathBuf;

use clap::Args;
use futures::{TryStreamExt, pin_mut};
use realtime::{
    Options,
    connection::Unread,
    mock::Simulator,
    types::{Modality, RealtimeSessionConfig},
};
use serde_json::json;

use super::whole;
use crate::{
    audio,
    output::{self, Output},
    server::{MODEL, ServerArgs},
    stop::Stop,
};

/// What makes the model a reader.
const INSTRUCTIONS: &str = "Read aloud, word for word, what the user writes. Add nothing, and answer nothing.";

#[derive(Args)]
pub(crate) struct Say {
    #[command(flatten)]
    server: ServerArgs,
    /// Model
    #[arg(long, default_value = MODEL)]
    model: String,
    /// Voice, such as marin or cedar
    #[arg(long)]
    voice: Option<String>,
    /// The WAV file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The text
    #[arg(required = true)]
    text: Vec<String>,
}

impl Say {
    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        output::check_writable(&self.out)?;
        let server = self.server.open(|| Simulator::new().answer(|turn| turn.text().to_owned()))?;
        let mut config =
            RealtimeSessionConfig::default().instructions(INSTRUCTIONS).output_modalities([Modality::Audio]);
        if let Some(voice) = self.voice {
            config = config.voice(voice);
        }
        let text = self.text.join(" ");
        let connect = server.client.realtime().model(self.model);
        let spoken = connect
            .options(Options::default().unread(Unread::Discard))
            .run(async |connection| {
                let say = async {
                    connection.session().update(config)?.await?;
                    let mut response = connection.respond(&text).await?;
                    let mut spoken = Vec::new();
                    {
                        let audio = response.audio();
                        pin_mut!(audio);
                        while let Some(audio) = audio.try_next().await? {
                            spoken.extend_from_slice(&audio);
                        }
                    }
                    whole(&response.await?)?;
                    anyhow::Ok(spoken)
                };
                stop.or(say).await
            })
            .await?;
        server.finish()?;
        audio::write(&self.out, &spoken)?;
        let (file, ms) = (self.out.display().to_string(), audio::PCM.bytes_to_ms(spoken.len() as u64));
        output.result(&json!({ "file": file, "ms": ms }), || format!("{file}: {ms} ms"))
    }
}
