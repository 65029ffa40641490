//! Work that takes its time: an order that somebody approves, that reports how far it is, and that is answered later.
//!
//! `cargo run --example order -- [--model MODEL] ["Order three lamps, and remember that I like oak."]`
//!
//! The answer is printed to stdout, everything else to stderr. Orders over 100 are denied. Without `OPENAI_API_KEY`, it connects
//! to a simulator that it starts itself.

#[path = "support/mod.rs"]
mod support;

use std::{error::Error, process::ExitCode, time::Duration};

use futures::TryStreamExt;
use realtime::{
    RealtimeNotice,
    connection::{Notice, Update},
    event::ServerEvent,
    mock::{Reply, SimulatedTurn, Simulator},
    tools::{Approval, ApprovalRequest, Later, Silent, ToolContext, Tools},
    types::{Item, Modality, RealtimeSessionConfig},
};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
struct Order {
    article: String,
    count: u32,
}

#[derive(Deserialize, JsonSchema)]
struct Fact {
    /// A preference of the user, in one sentence.
    fact: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("order", run().await)
}

fn tools() -> Tools {
    Tools::new()
        .add_with_context("order", "Orders an article.", async |order: Order, call: ToolContext| {
            // A job of its own, which may as well be in another process: the id of the call is all that it needs.
            tokio::spawn(warehouse(order, call));
            Later
        })
        .needs_approval()
        .on_approval(approve)
        // The model need not say that it remembers something.
        .add("remember", "Remembers a preference of the user.", async |fact: Fact| {
            eprintln!("remembered: {}", fact.fact);
            Silent("remembered")
        })
}

/// Here, somebody would be asked.
async fn approve(request: ApprovalRequest) -> Approval {
    let price =
        serde_json::from_str::<Order>(&request.arguments).map_or(u32::MAX, |order| order.count.saturating_mul(20));
    eprintln!("{} {} costs {price}", request.name, request.arguments);
    if price <= 100 { Approval::Once } else { Approval::deny(format!("{price} is too much")) }
}

async fn warehouse(Order { article, count }: Order, call: ToolContext) {
    let picked = call.until_cancelled(tokio::time::sleep(Duration::from_millis(50))).await;
    // The response was interrupted, or the connection has ended: others may still answer by the id.
    if picked.is_none() {
        return;
    }
    if let Err(error) = call.progress(format_args!("{count} of {article} are picked")) {
        eprintln!("{error}");
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    match call.answer(format!("{count} of {article} arrive on Tuesday")) {
        Ok(()) => eprintln!("{} answered", call.call_id()),
        // Answered before, or its session is gone.
        Err(error) => eprintln!("{}: {error}", call.call_id()),
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (model, words) = support::arguments(support::MODEL)?;
    let question = match words.join(" ") {
        words if words.is_empty() => "Order three lamps, and remember that I like oak.".into(),
        words => words,
    };
    let (client, _served) = support::client(realtime::client(), simulator)?;
    let connect = client.realtime().model(model);
    connect
        .run(async |connection| {
            connection.session().update(RealtimeSessionConfig::default().output_modalities([Modality::Text]))?;
            connection.use_tools(tools())?;
            drop(connection.respond(question).await?);
            let mut updates = connection.updates();
            while let Some(update) = updates.try_next().await? {
                match update {
                    Update::Event(ServerEvent::ResponseOutputTextDone(done)) => {
                        println!("{}", done.text);
                        break;
                    }
                    Update::Event(ServerEvent::Error(error)) => {
                        eprintln!("the server reported an error: {}", error.error)
                    }
                    Update::Notice(Notice::Protocol(RealtimeNotice::Tool(error))) => eprintln!("failed: {error}"),
                    _ => {}
                }
            }
            Ok(())
        })
        .await
}

/// A model that calls both functions at once, then says what became of the order.
fn simulator() -> Simulator {
    Simulator::new().answer(|turn: &SimulatedTurn<'_>| {
        let mut outputs = turn.items().into_iter().filter_map(|item| match item {
            Item::FunctionCallOutput(output) => Some(output.output),
            _ => None,
        });
        match outputs.rfind(|output| output != "remembered") {
            None => Reply::call("order", r#"{"article":"lamps","count":3}"#)
                .and(Reply::call("remember", r#"{"fact":"The user likes oak."}"#)),
            Some(output) => Reply::text(format!("Good news: {output}.")),
        }
    })
}
