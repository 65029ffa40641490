//! A conversation that never grows long: a summary takes the place of all but its last turns.
//!
//! `cargo run --example summary`
//!
//! Every response reads the whole conversation, so a long one is slow and costs more with each turn. A response outside of the
//! conversation writes the summary, and `replace` sends no more than what changes: the turns that stay are not touched.

#[path = "support/mod.rs"]
mod support;

use std::{collections::HashSet, error::Error, iter, process::ExitCode};

use futures::TryStreamExt;
use realtime::{
    Connection, Id, Options, Realtime,
    connection::Unread,
    mock::{Reply, SimulatedTurn, Simulator},
    session::realtime::Keep,
    types::{ConversationChoice, Item, Modality, RealtimeSessionConfig, ResponseConfig},
};

const SUMMARIZE: &str = "Summarize this conversation for somebody who continues it, in a few sentences.";
const QUESTIONS: [&str; 6] =
    ["I am Ana.", "I live in Porto.", "I like sailing.", "My boat is red.", "It is called Lua.", "Who am I?"];
/// The conversation is shortened when it has more items than this.
const MOST: usize = 6;
/// The turns that stay as they are.
const STAY: Keep = Keep::Turns(1);
/// Id of the item with the summary.
const SUMMARY: &str = "summary";

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("summary", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (model, _) = support::arguments(support::MODEL)?;
    let (client, _served) = support::client(realtime::client(), simulator)?;
    let options = Options::default().unread(Unread::Discard);
    client
        .realtime()
        .model(model)
        .options(options)
        .run(async |connection| {
            let config = RealtimeSessionConfig::default().output_modalities([Modality::Text]);
            connection.session().update(config)?;
            for question in QUESTIONS {
                let mut response = connection.respond(question).await?;
                let answer: String = response.text().try_collect().await?;
                response.await?;
                println!("{question} -> {answer}");
                if connection.state().conversation.len() > MOST {
                    shorten(connection).await?;
                }
            }
            Ok(())
        })
        .await
}

/// Puts a summary in the place of all but the last turns.
async fn shorten(connection: &Connection<Realtime>) -> Result<(), Box<dyn Error>> {
    let state = connection.state();
    let before = state.conversation.len();
    let old: HashSet<&Id> = state.conversation.beyond(STAY).collect();
    let is_old = |id: &Id| id == SUMMARY || old.contains(id);
    let (old, kept): (Vec<_>, Vec<_>) = state.conversation.items().partition(|item| is_old(&item.id));
    let task = ResponseConfig::default()
        .conversation(ConversationChoice::None)
        .output_modalities([Modality::Text])
        .instructions(SUMMARIZE)
        .input(old.into_iter().map(|item| realtime::types::InputItem::reference(&item.id)));
    let mut response = connection.response().create(task)?;
    let summary: String = response.text().try_collect().await?;
    response.await?;
    let summary = Item::system(format!("So far: {summary}")).with_id(SUMMARY);
    let items = iter::once(summary).chain(kept.into_iter().map(|item| item.item.clone()));
    connection.conversation().replace(items)?.done().await?;
    println!("(shortened from {before} items to {})", connection.state().conversation.len());
    Ok(())
}

fn simulator() -> Simulator {
    Simulator::new().answer(|turn: &SimulatedTurn<'_>| match turn.instructions() {
        SUMMARIZE => Reply::text("The user is Ana from Porto, who likes sailing."),
        _ => Reply::text(if turn.text().ends_with('?') { "You are Ana, from Porto." } else { "Noted." }),
    })
}
