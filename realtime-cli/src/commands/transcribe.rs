use std::{path::PathBuf, pin::pin};

use clap::{Args, builder::RangedU64ValueParser};
use realtime::{
    Connection, Realtime,
    captions::{Captions, Layout, json_lines, srt, vtt},
    mock::Simulator,
    types::{ServerVad, Transcription, TranscriptionSessionConfig},
};

use crate::{
    audio,
    output::{self, Output},
    server::ServerArgs,
    stop::Stop,
};

#[derive(Args)]
pub(crate) struct Transcribe {
    #[command(flatten)]
    server: ServerArgs,
    /// Transcription model
    #[arg(long, default_value = "gpt-4o-transcribe")]
    model: String,
    /// Language of the speech, such as en
    #[arg(long)]
    language: Option<String>,
    /// Print SubRip captions
    #[arg(long, group = "form")]
    srt: bool,
    /// Print WebVTT captions
    #[arg(long, group = "form", conflicts_with = "srt")]
    vtt: bool,
    /// Maximum columns of a line of a caption
    #[arg(
        long,
        default_value_t = 42,
        requires = "form",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000)
    )]
    columns: usize,
    /// The recording: a WAV file
    file: PathBuf,
}

impl Transcribe {
    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        let recording = audio::read(&self.file)?;
        let server = self.server.open(|| Simulator::new().transcribe(|_| "Please tell me a story."))?;
        let mut transcription = Transcription::by(self.model);
        if let Some(language) = self.language {
            transcription = transcription.language(language);
        }
        let config = TranscriptionSessionConfig::default()
            .transcription(transcription)
            .turn_detection(ServerVad::default().silence_duration_ms(500));
        let captions = server
            .client
            .realtime()
            .transcription()
            .run(async |connection| {
                let transcribe = async {
                    connection.session().update(config)?.await?;
                    listen(connection, &recording, *output).await
                };
                stop.or(transcribe).await
            })
            .await?;
        server.finish()?;
        let segments = captions.segments();
        let cues = || Layout::new(self.columns, 2).apply(&segments);
        output::part(&match () {
            () if self.srt => srt(&cues()),
            () if self.vtt => vtt(&cues()),
            () if output.json => json_lines(&segments),
            () => segments.iter().map(|segment| format!("{}\n", segment.text)).collect(),
        })
    }
}

/// Sends the recording and collects captions, until everything that was said has its text.
async fn listen(connection: &Connection<Realtime>, recording: &[u8], output: Output) -> anyhow::Result<Captions> {
    let bar = output.progress("transcribing", audio::PCM.bytes_to_ms(recording.len() as u64));
    let mut captions = Captions::new();
    let sending = pin!(audio::send(connection, recording, &bar));
    let mut sending = audio::Sending::new(connection, sending);
    let mut done = 0;
    loop {
        let input = &connection.state().input;
        if sending.is_done() && input.speech.is_none() && done > 0 && done >= input.committed {
            return Ok(captions);
        }
        let missing = "no speech was detected in the recording, or it was not transcribed";
        let Some(event) = sending.next(missing).await? else { continue };
        if let Some(caption) = captions.apply(&event) {
            done += u64::from(caption.done);
            sending.progress();
        }
    }
}
