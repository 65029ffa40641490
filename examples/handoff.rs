//! Two agents in one session: the receptionist hands the customer over to a colleague, and the conversation goes on.
//!
//! `cargo run --example handoff`
//!
//! An agent is its instructions and its tools: to hand over is to update the session, by a tool that the model calls.

#[path = "support/mod.rs"]
mod support;

use std::{error::Error, process::ExitCode};

use realtime::{
    Connection, Realtime,
    event::{ServerEvent, SessionUpdate},
    mock::{Reply, SimulatedTurn, Simulator},
    tools::Tools,
    types::{Modality, RealtimeSessionConfig},
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The agents and their instructions.
const AGENTS: [(&str, &str); 2] = [
    ("reception", "You are the receptionist. Hand questions about money over to billing."),
    ("billing", "You are the accountant. Answer questions about invoices. Hand everything else over to reception."),
];

#[derive(Deserialize, JsonSchema)]
struct HandOver {
    /// The agent: `reception` or `billing`.
    to: String,
    /// What the colleague has to know.
    summary: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("handoff", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (model, _) = support::arguments(support::MODEL)?;
    let (client, _served) = support::client(realtime::client(), simulator)?;
    client
        .realtime()
        .model(model)
        .run(async |connection| {
            connection.use_tools(tools(connection))?;
            connection.session().update(agent("reception").unwrap_or_default())?;
            ask(connection, "Why is my invoice so high?").await?;
            ask(connection, "And when do you open?").await
        })
        .await
}

/// The session of an agent. The tools stay what they are.
fn agent(name: &str) -> Option<RealtimeSessionConfig> {
    let (_, instructions) = AGENTS.iter().find(|(known, _)| *known == name)?;
    Some(RealtimeSessionConfig::default().output_modalities([Modality::Text]).instructions(*instructions))
}

fn tools(connection: &Connection<Realtime>) -> Tools {
    let sender = connection.sender();
    Tools::new().add("hand_over", "Hands the customer over to another agent.", async move |args: HandOver| {
        let agent = agent(&args.to).ok_or("there is no such agent")?;
        // It is sent before the answer of this tool, so the next response is the colleague's.
        sender.send(SessionUpdate::new(agent)).map_err(|_| "the connection is closed")?;
        eprintln!("(handed over to {})", args.to);
        Ok::<_, &str>(format!("You are {} now. {}", args.to, args.summary))
    })
}

/// Asks, and prints the first answer in words.
async fn ask(connection: &Connection<Realtime>, question: &str) -> Result<(), Box<dyn Error>> {
    println!("> {question}");
    drop(connection.respond(question).await?);
    while let Some(event) = connection.next().await.transpose()? {
        // A call of a tool has no text: another response follows it.
        if let ServerEvent::ResponseOutputTextDone(done) = event {
            println!("{}", done.text);
            return Ok(());
        }
    }
    Err("the server has closed the connection".into())
}

fn simulator() -> Simulator {
    let call = |to, about| Reply::call("hand_over", format!(r#"{{"to":"{to}","summary":"It is about {about}."}}"#));
    Simulator::new().answer(move |turn: &SimulatedTurn<'_>| {
        let at_reception = turn.instructions().contains("receptionist");
        match (turn.text().contains("invoice"), at_reception) {
            (true, true) => call("billing", "an invoice"),
            (true, false) => Reply::text("There were two deliveries on it."),
            (false, false) => call("reception", "the opening hours"),
            (false, true) => Reply::text("We open at nine."),
        }
    })
}
