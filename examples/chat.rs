//! A chat in writing.
//!
//! `cargo run --example chat -- [--model MODEL] ["Say hello in three languages"]`
//!
//! With a text, one question and its answer. Without, line by line until Ctrl-D. The answers go to stdout, all else to
//! stderr. Without `OPENAI_API_KEY` it talks to a simulator that it starts itself, over a real WebSocket.

#[path = "support/mod.rs"]
mod support;

use std::{env, error::Error, io::Write, process::ExitCode};

use futures::TryStreamExt;
use realtime::{
    Connection, Options, Realtime,
    connection::Unread,
    mock::Simulator,
    types::{Modality, RealtimeSessionConfig, Response, ResponseStatus},
};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("chat", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut model = support::MODEL.to_owned();
    let mut words = Vec::new();
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--model" => model = arguments.next().ok_or("--model takes the name of a model")?,
            _ => words.push(argument),
        }
    }
    let question = words.join(" ");
    let (client, _served) = support::client(simulator)?;
    client
        .realtime()
        .model(model)
        // The answers are read from their handles; nobody reads the events one by one.
        .options(Options::default().unread(Unread::Discard))
        .run(async |connection| {
            connection.session().update(RealtimeSessionConfig::default().output_modalities([Modality::Text]))?;
            if question.is_empty() { converse(connection).await } else { ask(connection, &question).await }
        })
        .await
}

/// A question a line, until the input ends.
async fn converse(connection: &Connection<Realtime>) -> Result<(), Box<dyn Error>> {
    // Drives while nothing is asked: pings are answered, and a link that breaks is noticed.
    let mut driver = realtime::tokio::spawn(connection);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        eprint!("> ");
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) if line.trim().is_empty() => {}
                Some(line) => ask(connection, line.trim()).await?,
                None => {
                    eprintln!();
                    return Ok(());
                }
            },
            ended = &mut driver => {
                ended??;
                return Err("the server has closed the connection".into());
            }
        }
    }
}

/// One question, and its answer as it comes.
async fn ask(connection: &Connection<Realtime>, question: &str) -> Result<(), Box<dyn Error>> {
    let mut response = connection.respond(question).await?;
    response
        .text()
        .try_for_each(async |text| {
            print!("{text}");
            let _ = std::io::stdout().flush();
            Ok(())
        })
        .await?;
    println!();
    complain(&response.await?)
}

/// A response that is not whole is an error here.
fn complain(response: &Response) -> Result<(), Box<dyn Error>> {
    match &response.status {
        None | Some(ResponseStatus::Completed) => Ok(()),
        Some(status) => {
            let details = response.status_details.as_ref();
            let error = details.and_then(|details| details.error.as_ref()?.message.as_deref());
            Err(format!("the response is {status}{}", error.map(|error| format!(": {error}")).unwrap_or_default())
                .into())
        }
    }
}

fn simulator() -> Simulator {
    Simulator::new().answer(|turn| match turn.text() {
        text if text.contains("hello") => "Hello! Olá! こんにちは!".to_owned(),
        text => format!("You said: {text}"),
    })
}
