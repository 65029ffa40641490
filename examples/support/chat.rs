//! A text chat, on any runtime.

#[path = "response.rs"]
mod response;

use std::{
    error::Error,
    io::{self, Write},
    pin::pin,
};

use futures::{
    FutureExt, Stream, StreamExt, TryStreamExt,
    future::{Either, select},
};
use realtime::{
    ClientBuilder, Connection, Options, Realtime,
    connection::{Phase, Unread},
    mock::Simulator,
    types::{Modality, RealtimeSessionConfig},
};

use crate::support;

/// Runs the chat. `lines` are the questions if the command line has none.
pub(crate) async fn run(
    client: ClientBuilder,
    lines: impl Stream<Item = io::Result<String>>,
) -> Result<(), Box<dyn Error>> {
    let (model, words) = support::arguments(support::MODEL)?;
    let question = words.join(" ");
    let (client, _served) = support::client(client, simulator)?;
    client
        .realtime()
        .model(model)
        // Answers are read through their handles; the events themselves are not read.
        .options(Options::default().unread(Unread::Discard))
        .run(async |connection| {
            connection.session().update(RealtimeSessionConfig::default().output_modalities([Modality::Text]))?;
            if question.is_empty() { converse(connection, lines).await } else { ask(connection, &question).await }
        })
        .await
}

/// Asks one question per line until the input ends.
async fn converse(
    connection: &Connection<Realtime>,
    lines: impl Stream<Item = io::Result<String>>,
) -> Result<(), Box<dyn Error>> {
    // Drives the connection while no question is open, so that pings are answered and a lost link is detected.
    let mut driver = pin!(connection.drive().fuse());
    let mut lines = pin!(lines);
    let mut failed = 0;
    loop {
        eprint!("> ");
        match select(lines.next(), &mut driver).await {
            Either::Left((Some(line), _)) => match line?.trim() {
                "" => {}
                line => {
                    if let Err(error) = ask(connection, line).await {
                        // A failed answer does not end the chat unless the connection is lost.
                        if connection.phase() == Phase::Closed {
                            return Err(error);
                        }
                        eprintln!("chat: {}", support::explain(&*error));
                        failed += 1;
                    }
                }
            },
            Either::Left((None, _)) => {
                eprintln!();
                return match failed {
                    0 => Ok(()),
                    1 => Err("an answer failed".into()),
                    more => Err(format!("{more} answers failed").into()),
                };
            }
            Either::Right((ended, _)) => {
                ended?;
                return Err("the server has closed the connection".into());
            }
        }
    }
}

/// Asks a question and prints the answer as it arrives.
async fn ask(connection: &Connection<Realtime>, question: &str) -> Result<(), Box<dyn Error>> {
    let mut response = connection.respond(question).await?;
    let printed = response
        .text()
        .try_for_each(async |text| {
            print!("{text}");
            let _ = io::stdout().flush();
            Ok(())
        })
        .await;
    println!();
    printed?;
    response::whole(&response.await?)
}

fn simulator() -> Simulator {
    Simulator::new().answer(|turn| match turn.text() {
        text if text.contains("hello") => "Hello! Olá! こんにちは!".to_owned(),
        text => format!("You said: {text}"),
    })
}
