//! A question by voice, and its answer by voice.
//!
//! `cargo run --example voice -- [--model MODEL] question.wav answer.wav`
//!
//! Sends a recording (mono or stereo, 16 bits) in pieces of 40 ms, lets the server find the speech in it, and writes
//! what it says to another file. Without `OPENAI_API_KEY` it talks to a simulator that it starts itself, over a real
//! WebSocket.

#[path = "support/mod.rs"]
mod support;

use std::{error::Error, pin::pin, process::ExitCode, time::Duration};

use realtime::{
    Connection, Realtime,
    event::ServerEvent,
    mock::Simulator,
    types::{Modality, RealtimeSessionConfig, ServerVad, Transcription},
};

/// Samples a second of the session's audio, in Hz.
const RATE: u32 = 24_000;
/// Milliseconds of audio in one append.
const PIECE_MS: usize = 40;
/// Milliseconds of silence behind the recording, so that the end of the turn is found.
const SILENCE_MS: usize = 1_000;
/// How long after the end of the recording something must be heard.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("voice", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (model, files) = support::arguments()?;
    let [question, answer] = files.as_slice() else {
        return Err("two files are needed: voice [--model MODEL] question.wav answer.wav".into());
    };
    let recording = read(question)?;
    let (client, _served) = support::client(realtime::client(), Simulator::new)?;
    let spoken = client
        .realtime()
        .model(model)
        .run(async |connection| {
            let config = RealtimeSessionConfig::default()
                .output_modalities([Modality::Audio])
                .transcription(Transcription::by("gpt-4o-mini-transcribe"))
                .turn_detection(ServerVad::default().silence_duration_ms(500));
            connection.session().update(config)?;
            converse(connection, &recording).await
        })
        .await?;
    write(answer, &spoken)?;
    eprintln!("wrote {} ms of audio to {answer}", spoken.len() as u32 * 1000 / RATE);
    Ok(())
}

/// Sends the recording and shows what the server hears and says, both at once, until all is sent and every turn of the
/// user is answered: whichever comes last. The audio of the answers.
async fn converse(connection: &Connection<Realtime>, recording: &[i16]) -> Result<Vec<i16>, Box<dyn Error>> {
    let mut sending = pin!(speak(connection, recording));
    let (mut sent, mut answered, mut audio) = (false, 0, Vec::new());
    loop {
        let state = connection.state();
        let quiet = state.input.speech.is_none() && state.responses.active().is_none();
        if sent && quiet && answered > 0 && answered >= state.input.committed {
            return Ok(audio);
        }
        drop(state);
        let event = tokio::select! {
            result = &mut sending, if !sent => {
                result?;
                sent = true;
                continue;
            }
            event = connection.next() => event.ok_or("the server has closed the connection")??,
            // Only what comes after the end of the recording is waited for.
            () = tokio::time::sleep(PATIENCE), if sent => {
                return Err("no speech was found in the recording, or no answer came".into());
            }
        };
        match event {
            ServerEvent::InputAudioBufferSpeechStarted(started) => {
                eprintln!("speech started at {} ms", started.audio_start_ms);
            }
            ServerEvent::InputAudioBufferSpeechStopped(stopped) => {
                eprintln!("speech stopped at {} ms", stopped.audio_end_ms);
            }
            ServerEvent::ConversationItemInputAudioTranscriptionCompleted(heard) => {
                eprintln!("you: {}", heard.transcript);
            }
            ServerEvent::ResponseOutputAudioDelta(delta) => audio.extend(delta.delta.samples()),
            ServerEvent::ResponseOutputAudioTranscriptDone(done) => println!("{}", done.transcript),
            ServerEvent::ResponseDone(_) => answered += 1,
            ServerEvent::Error(error) => eprintln!("the server complains: {}", error.error),
            _ => {}
        }
    }
}

/// Sends the recording, and a silence behind it.
async fn speak(connection: &Connection<Realtime>, recording: &[i16]) -> Result<(), Box<dyn Error>> {
    let samples = |ms| RATE as usize * ms / 1000;
    let silence = vec![0; samples(SILENCE_MS)];
    for piece in recording.chunks(samples(PIECE_MS)).chain(silence.chunks(samples(PIECE_MS))) {
        let bytes: Vec<u8> = piece.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        connection.ready().await?;
        connection.input_audio_buffer().append(&bytes)?;
    }
    connection.flush().await?;
    eprintln!("sent {} ms of audio", recording.len() as u32 / (RATE / 1000));
    Ok(())
}

/// The samples of a WAV file as one channel at the session's rate.
fn read(path: &str) -> Result<Vec<i16>, Box<dyn Error>> {
    let mut reader = hound::WavReader::open(path).map_err(|error| format!("{path}: {error}"))?;
    let spec = reader.spec();
    if spec.bits_per_sample != 16 || spec.sample_format != hound::SampleFormat::Int || !(1..=2).contains(&spec.channels)
    {
        return Err(format!("{path}: not a mono or stereo WAV of 16 bits").into());
    }
    if spec.sample_rate == 0 {
        return Err(format!("{path}: a WAV of no samples a second").into());
    }
    let samples: Vec<i16> = reader.samples().collect::<Result<_, _>>().map_err(|error| format!("{path}: {error}"))?;
    let mono: Vec<i32> = samples
        .chunks_exact(usize::from(spec.channels))
        .map(|frame| frame.iter().map(|&sample| i32::from(sample)).sum::<i32>() / i32::from(spec.channels))
        .collect();
    let Some(last) = mono.len().checked_sub(1) else { return Err(format!("{path}: no audio").into()) };
    // Straight lines between the samples: good enough for speech.
    let length = mono.len() as u64 * u64::from(RATE) / u64::from(spec.sample_rate);
    let sample = |at: u64| {
        let position = at * u64::from(spec.sample_rate);
        let (left, part) = (position / u64::from(RATE), (position % u64::from(RATE)) as i64);
        let at = |index: u64| i64::from(mono[(index as usize).min(last)]);
        let value = (at(left) * (i64::from(RATE) - part) + at(left + 1) * part) / i64::from(RATE);
        // Between two values of 16 bits.
        value as i16
    };
    Ok((0..length).map(sample).collect())
}

fn write(path: &str, samples: &[i16]) -> Result<(), Box<dyn Error>> {
    let spec =
        hound::WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let write = || {
        let mut writer = hound::WavWriter::create(path, spec)?;
        samples.iter().try_for_each(|&sample| writer.write_sample(sample))?;
        writer.finalize()
    };
    Ok(write().map_err(|error| format!("{path}: {error}"))?)
}
