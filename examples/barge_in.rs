//! Barge-in: the user speaks while the model does.
//!
//! `cargo run --example barge_in`
//!
//! A model says two things, faster than they are played by a sound card. Then the user interrupts: what was heard stays
//! in the conversation, the rest is truncated. The events are printed. It connects to a simulator that it starts
//! itself.

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "this example never talks to the service")]
mod support;

use std::{error::Error, process::ExitCode, time::Duration};

use futures::TryStreamExt;
use realtime::{
    Connection, Player, Realtime,
    connection::Update,
    event::ServerEvent,
    mock::{Pace, Reply, Simulator},
    session::Playback,
    types::{Modality, RealtimeSessionConfig, ServerVad},
};

/// Bytes per millisecond of 16-bit audio at 24,000 Hz.
const BYTES_A_MS: usize = 48;
/// How long the user listens before interrupting.
const LISTENS: Duration = Duration::from_millis(1500);

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("barge_in", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let served = simulator().serve()?;
    eprintln!("talking to a simulator at {}", served.url());
    let client = realtime::client().base_url(served.base_url()).build();
    let connect = client.realtime().model(support::MODEL).playback(Playback::queued());
    connect
        .run(async |connection| {
            let config = RealtimeSessionConfig::default()
                .output_modalities([Modality::Audio])
                .turn_detection(ServerVad::default().silence_duration_ms(300));
            connection.session().update(config)?;
            drop(connection.respond("Tell me two stories.").await?);
            let player = connection.player()?;
            tokio::select! {
                ended = watch(connection, &player) => ended,
                () = play(&player) => Ok(()),
                spoken = speak_up(connection) => spoken,
            }
        })
        .await
}

/// Prints events until the new question is answered.
async fn watch(connection: &Connection<Realtime>, player: &Player) -> Result<(), Box<dyn Error>> {
    let mut updates = connection.updates();
    let mut questions = 0;
    while let Some(update) = updates.try_next().await? {
        let Update::Event(event) = update else { continue };
        match event {
            ServerEvent::ResponseOutputAudioTranscriptDone(done) => println!("model: {}", done.transcript),
            ServerEvent::InputAudioBufferSpeechStarted(_) => println!("the user interrupts"),
            ServerEvent::ConversationItemTruncated(truncated) => {
                let heard = player.heard(&truncated.item_id);
                let words = heard.map(|heard| heard.transcript).unwrap_or_default();
                let at = truncated.audio_end_ms.unwrap_or_default();
                println!("truncated {} at {at} ms; heard: {words:?}", truncated.item_id);
            }
            ServerEvent::ConversationItemAdded(added) => {
                let message = added.item.as_message();
                questions += usize::from(message.is_some_and(|message| message.role.as_str() == "user"));
            }
            ServerEvent::ResponseDone(done) => {
                let response = done.response;
                let status = response.status.map(|status| status.to_string()).unwrap_or_default();
                println!("response {status}");
                if questions > 1 && status == "completed" {
                    return Ok(());
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The sound card: takes audio in real time.
async fn play(player: &Player) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let mut buffer = vec![0; 20 * BYTES_A_MS];
    loop {
        tick.tick().await;
        player.read(&mut buffer);
    }
}

/// The microphone: one and a half seconds of silence, then one second of speech.
async fn speak_up(connection: &Connection<Realtime>) -> Result<(), Box<dyn Error>> {
    tokio::time::sleep(LISTENS).await;
    let loud = |at: usize| ((at as f32 * 0.12).sin() * 9000.0) as i16;
    let speech: Vec<_> = (0..24_000).map(loud).chain([0; 12_000]).flat_map(i16::to_le_bytes).collect();
    for piece in speech.chunks(40 * BYTES_A_MS) {
        connection.input_audio_buffer().append(piece)?;
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    std::future::pending().await
}

fn simulator() -> Simulator {
    // Much faster than real time, like the service.
    Simulator::new().pace(Pace::LIVE.audio(30.0)).answer(|turn| match turn.number() {
        0 => Reply::text("Once upon a time there was a queen who could not sleep, and so she counted all her sheep.")
            .and(Reply::text("And once there was a king who could, and who did, all day long, for years and years.")),
        _ => Reply::text("Go on, I am listening."),
    })
}
