//! Answers that are judged before they are spoken.
//!
//! `cargo run --example guardrail -- "Which shares should I buy?"`
//!
//! An answer arrives faster than it is spoken. So its audio is held back until all of its words are known, a second
//! response outside of the conversation judges them, and what is not allowed is never heard and never remembered.

#[path = "support/mod.rs"]
mod support;

use std::{error::Error, process::ExitCode};

use futures::TryStreamExt;
use realtime::{
    Connection, Id, Options, Realtime, ResponseHandle,
    connection::Unread,
    event::ServerEvent,
    mock::{Reply, SimulatedTurn, Simulator},
    types::{ConversationChoice, Item, Modality, RealtimeSessionConfig, ResponseConfig},
};

const JUDGE: &str = "Does the text advise to buy or to sell something? Answer with yes or no alone.";
const INSTEAD: &str = "Say that you may not give such advice, in one sentence.";

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("guardrail", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (model, words) = support::arguments(support::MODEL)?;
    let (client, _served) = support::client(realtime::client(), simulator)?;
    client
        .realtime()
        .model(model)
        // Answers are read from their handles.
        .options(Options::default().unread(Unread::Discard))
        .run(async |connection| {
            let config = RealtimeSessionConfig::default().output_modalities([Modality::Audio]);
            connection.session().update(config)?;
            let mut answer = listen(connection.respond(words.join(" ")).await?).await?;
            if !is_allowed(connection, &answer.words).await? {
                eprintln!("(held back: {:?})", answer.words);
                for item in answer.items {
                    connection.conversation().item().delete(item)?.await?;
                }
                let instead = ResponseConfig::default().instructions(INSTEAD);
                answer = listen(connection.response().create(instead)?).await?;
            }
            // Now it may be heard: hand `answer.audio` to the player.
            println!("{} ({} bytes of audio)", answer.words, answer.audio.len());
            Ok(())
        })
        .await
}

/// An answer that nobody has heard yet.
#[derive(Default)]
struct Held {
    words: String,
    audio: Vec<u8>,
    items: Vec<Id>,
}

async fn listen(mut response: ResponseHandle) -> Result<Held, Box<dyn Error>> {
    let mut held = Held::default();
    while let Some(event) = response.next().await.transpose()? {
        match event {
            ServerEvent::ResponseOutputAudioDelta(delta) => held.audio.extend_from_slice(&delta.delta),
            ServerEvent::ResponseOutputAudioTranscriptDelta(delta) => held.words += &delta.delta,
            ServerEvent::ResponseOutputItemDone(done) => held.items.extend(done.item.id().cloned()),
            _ => {}
        }
    }
    response.await?;
    Ok(held)
}

/// Asks the model, beside the conversation, whether the words may be spoken.
async fn is_allowed(connection: &Connection<Realtime>, words: &str) -> Result<bool, Box<dyn Error>> {
    let judge = ResponseConfig::default()
        .conversation(ConversationChoice::None)
        .output_modalities([Modality::Text])
        .instructions(JUDGE)
        .input([Item::user(words)]);
    let mut response = connection.response().create(judge)?;
    let verdict: String = response.text().try_collect().await?;
    response.await?;
    Ok(!verdict.trim_start().to_lowercase().starts_with("yes"))
}

fn simulator() -> Simulator {
    Simulator::new().answer(|turn: &SimulatedTurn<'_>| match turn.instructions() {
        JUDGE => Reply::text(if turn.text().contains("Buy") { "Yes" } else { "No" }),
        INSTEAD => Reply::text("I am sorry, but I may not advise you on that."),
        _ => Reply::text("Buy whatever has fallen most."),
    })
}
