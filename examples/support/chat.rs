//! A chat in writing, on any runtime.

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
    connection::Unread,
    mock::Simulator,
    types::{Modality, RealtimeSessionConfig, Response, ResponseStatus},
};

use crate::support;

/// Does what the command line asks for. `lines` are the questions, if it has none.
pub(crate) async fn run(
    client: ClientBuilder,
    lines: impl Stream<Item = io::Result<String>>,
) -> Result<(), Box<dyn Error>> {
    let (model, words) = support::arguments()?;
    let question = words.join(" ");
    let (client, _served) = support::client(client, simulator)?;
    client
        .realtime()
        .model(model)
        // The answers are read from their handles; nobody reads the events one by one.
        .options(Options::default().unread(Unread::Discard))
        .run(async |connection| {
            connection.session().update(RealtimeSessionConfig::default().output_modalities([Modality::Text]))?;
            if question.is_empty() { converse(connection, lines).await } else { ask(connection, &question).await }
        })
        .await
}

/// A question a line, until the input ends.
async fn converse(
    connection: &Connection<Realtime>,
    lines: impl Stream<Item = io::Result<String>>,
) -> Result<(), Box<dyn Error>> {
    // Drives while nothing is asked: pings are answered, and a link that breaks is noticed.
    let mut driver = pin!(connection.drive().fuse());
    let mut lines = pin!(lines);
    loop {
        eprint!("> ");
        match select(lines.next(), &mut driver).await {
            Either::Left((Some(line), _)) => match line?.trim() {
                "" => {}
                line => ask(connection, line).await?,
            },
            Either::Left((None, _)) => {
                eprintln!();
                return Ok(());
            }
            Either::Right((ended, _)) => {
                ended?;
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
            let _ = io::stdout().flush();
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
