//! Does what lines on its input say, side by side, and prints what became of each: for tests against servers that leave
//! clients waiting.
//!
//! `cargo run --example probe`, with `OPENAI_API_KEY` and `OPENAI_BASE_URL` set. A line of output is the number of the
//! command, from 1, then how it ended. It exits when the input and all commands have ended.
//!
//! | command | does |
//! |---|---|
//! | `update TEXT` | `session.update` with these instructions |
//! | `create ID TEXT` | a message of the user; `-`: without an id |
//! | `respond` | `response.create` |
//! | `cancel` | waits for the first delta of the response, then cancels it |
//! | `bargein MS` | waits for the first sound of the response, then interrupts it as if so much of it had been heard |
//! | `wait [SECONDS]` | waits until all before it have ended, and so long |
//! | `items` | says what is in the conversation |

#[path = "../../../examples/support/response.rs"]
#[expect(dead_code, reason = "an answer that is not whole has its own line here")]
mod response;
#[path = "../../../examples/support/mod.rs"]
#[expect(dead_code, reason = "it talks to the server that the environment names, never to a simulator")]
mod support;

use std::{cell::Cell, error::Error, pin::pin, process::ExitCode, time::Duration};

use futures::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use realtime::{
    Ack, Connection, ErrorKind, Overlap, Realtime,
    event::{EventOf, ResponseCancel, ResponseDone, ServerEvent},
    session::{Playback, realtime::ResponseState},
    tokio::TokioTransport,
    types::{Item, RealtimeSessionConfig, Response, ResponseConfig, ResponseStatus},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::Notify,
};

/// How a command ended.
type Ended = Result<String, String>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    support::finish("probe", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let client = realtime::Client::builder(TokioTransport::new()).env().build();
    let connect = client.realtime().model(support::MODEL).overlap(Overlap::Queue).playback(Playback::queued());
    let connection = connect.connect().await?;
    let progress = Notify::new();
    let mut reader = pin!(read(&connection, &progress).fuse());
    let mut commands = pin!(obey(&connection, &progress));
    loop {
        futures::select_biased! {
            ended = reader => ended,
            ended = commands.as_mut().fuse() => return ended,
        }
    }
}

/// Reads all events, and tells of each.
async fn read(connection: &Connection<Realtime>, progress: &Notify) {
    let mut updates = pin!(connection.updates());
    while let Some(update) = updates.next().await {
        if let Err(error) = update {
            eprintln!("probe: {}", support::explain(&error));
        }
        progress.notify_waiters();
    }
}

/// Starts a command a line, each without waiting for those before it.
async fn obey(connection: &Connection<Realtime>, progress: &Notify) -> Result<(), Box<dyn Error>> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut running = FuturesUnordered::new();
    let (mut number, mut over) = (0, false);
    let open = Cell::new(true);
    while !over || !running.is_empty() {
        tokio::select! {
            line = lines.next_line(), if open.get() && !over => match line? {
                Some(line) => {
                    number += 1;
                    let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
                    if word == "wait" {
                        open.set(false);
                        while let Some((number, ended)) = running.next().await {
                            print(number, ended);
                        }
                        tokio::time::sleep(Duration::from_secs_f64(rest.parse().unwrap_or(0.0))).await;
                        open.set(true);
                        print(number, Ok(String::new()));
                        continue;
                    }
                    let command = start(connection, progress, word, rest);
                    running.push(command.map(move |ended| (number, ended)));
                }
                None => over = true,
            },
            Some((number, ended)) = running.next(), if !running.is_empty() => print(number, ended),
        }
    }
    Ok(())
}

fn print(number: u32, ended: Ended) {
    let line = match ended {
        Ok(words) => format!("ok {words}"),
        Err(words) => words,
    };
    println!("{number} {}", line.replace('\n', " ").trim_end());
}

/// Sends what the command sends, at once, and gives what waits for its end.
fn start<'a>(
    connection: &'a Connection<Realtime>,
    progress: &'a Notify,
    word: &str,
    rest: &str,
) -> LocalBoxFuture<'a, Ended> {
    match word {
        "update" => {
            let config = RealtimeSessionConfig::default().instructions(rest);
            acknowledged(connection.session().update(config))
        }
        "create" => {
            let (id, text) = rest.split_once(' ').unwrap_or((rest, ""));
            let mut item = Item::user(text);
            if id != "-" {
                item.set_id(id);
            }
            acknowledged(connection.conversation().item().create(item))
        }
        "respond" => match connection.response().create(ResponseConfig::default()) {
            Ok(mut handle) => async move {
                let mut text = String::new();
                while let Some(event) = handle.next().await {
                    match event.map_err(|error| explain(&error, "timeout"))? {
                        ServerEvent::ResponseOutputTextDelta(delta) => text.push_str(&delta.delta),
                        ServerEvent::ResponseOutputAudioTranscriptDelta(delta) => text.push_str(&delta.delta),
                        _ => {}
                    }
                }
                ended(&handle.await.map_err(|error| explain(&error, "timeout"))?, text)
            }
            .boxed_local(),
            Err(error) => std::future::ready(Err(format!("refused {error}"))).boxed_local(),
        },
        "cancel" => async move {
            until(connection, progress, |response| response.first_token.is_some()).await?;
            acknowledged::<ResponseDone>(connection.request(ResponseCancel::default())).await
        }
        .boxed_local(),
        "bargein" => {
            let ms: u64 = rest.parse().unwrap_or_default();
            async move {
                until(connection, progress, |response| response.first_audio.is_some()).await?;
                let player = connection.player().map_err(|_| "failed: no playback")?;
                // What the sound card took, and says that it played.
                while player.next().is_some() {}
                let (item, part, _) = player.position().ok_or("failed: nothing plays")?;
                player.mark(&item, part, ms);
                player.interrupt();
                Ok(String::new())
            }
            .boxed_local()
        }
        "items" => {
            let state = connection.state();
            let texts: Vec<_> = state.conversation.items().map(readable).collect();
            std::future::ready(Ok(texts.join(" | "))).boxed_local()
        }
        other => std::future::ready(Err(format!("failed: no such command: {other}"))).boxed_local(),
    }
}

fn readable(item: &realtime::session::realtime::ItemState) -> String {
    let message = item.item.as_message();
    let parts = message.iter().flat_map(|message| &message.content);
    parts.filter_map(|part| part.readable()).collect::<Vec<_>>().join(" ")
}

fn acknowledged<'a, E: EventOf<ServerEvent> + 'a>(
    sent: Result<Ack<Realtime, E>, realtime::SendError<Realtime>>,
) -> LocalBoxFuture<'a, Ended> {
    match sent {
        Ok(ack) => ack
            .map(|answer| answer.map(|_| String::new()).map_err(|error| explain(&error, "unacknowledged")))
            .boxed_local(),
        Err(error) => std::future::ready(Err(format!("refused {error}"))).boxed_local(),
    }
}

/// Waits until the latest response is so far.
async fn until(
    connection: &Connection<Realtime>,
    progress: &Notify,
    is_far: impl Fn(&ResponseState) -> bool,
) -> Result<(), String> {
    loop {
        let notified = progress.notified();
        if connection.state().responses.iter().last().is_some_and(&is_far) {
            return Ok(());
        }
        if connection.phase() == realtime::connection::Phase::Closed {
            return Err("ended".into());
        }
        notified.await;
    }
}

/// How a response ended.
fn ended(answer: &Response, text: String) -> Ended {
    match &answer.status {
        None | Some(ResponseStatus::Completed) => Ok(text),
        Some(status) => Err(format!("{status} {} {text}", response::details(answer))),
    }
}

/// Which of the three ways something failed in, and the words.
fn explain(error: &realtime::Error, overdue: &str) -> String {
    let way = match error.kind() {
        ErrorKind::Request(_) => "refused",
        ErrorKind::Unanswered(_) => overdue,
        _ => "ended",
    };
    format!("{way} {}", support::explain(error))
}
