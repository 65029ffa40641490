use std::io::{self, IsTerminal};

use clap::Args;
use futures::{TryStreamExt, pin_mut};
use realtime::{
    Connection, Options, Realtime,
    connection::{Phase, Unread},
    mock::Simulator,
    types::{Modality, RealtimeSessionConfig},
};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::whole;
use crate::{
    failure::Failure,
    output::{self, Output, PERSON},
    server::{MODEL, ServerArgs},
    stop::Stop,
};

#[derive(Args)]
pub(crate) struct Chat {
    #[command(flatten)]
    server: ServerArgs,
    /// Model
    #[arg(long, default_value = MODEL)]
    model: String,
    /// System instructions
    #[arg(long)]
    instructions: Option<String>,
    /// A question; without one, lines are read from standard input
    question: Vec<String>,
}

impl Chat {
    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        let server = self.server.open(simulator)?;
        let mut config = RealtimeSessionConfig::default().output_modalities([Modality::Text]);
        if let Some(instructions) = self.instructions {
            config = config.instructions(instructions);
        }
        let question = self.question.join(" ");
        let connect = server.client.realtime().model(self.model);
        connect
            // Answers are read through their handles.
            .options(Options::default().unread(Unread::Discard))
            .run(async |connection| {
                connection.session().update(config)?;
                let chat = async {
                    if question.is_empty() {
                        converse(connection, *output).await
                    } else {
                        ask(connection, &question, *output).await
                    }
                };
                stop.or(chat).await
            })
            .await?;
        server.finish()
    }
}

/// Asks one question for each line.
async fn converse(connection: &Connection<Realtime>, output: Output) -> anyhow::Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let prompts = io::stdin().is_terminal() && !output.json;
    let mut failed = 0;
    loop {
        if prompts {
            anstream::eprint!("{PERSON}>{PERSON:#} ");
        }
        // The connection is driven while nobody asks, so that pings are answered and a lost link is noticed.
        let line = tokio::select! {
            line = lines.next_line() => line?,
            ended = connection.drive() => {
                ended?;
                return Err(Failure::unreachable("the server has closed the connection").into());
            }
        };
        match line.as_deref().map(str::trim) {
            None => break,
            Some("") => {}
            Some(question) => {
                if let Err(error) = ask(connection, question, output).await {
                    // A failed answer ends the chat only with the connection.
                    if connection.phase() == Phase::Closed {
                        return Err(error);
                    }
                    output::note(format_args!("{error:#}"));
                    failed += 1;
                }
            }
        }
    }
    if prompts {
        anstream::eprintln!();
    }
    if failed == 0 { Ok(()) } else { Err(Failure::refused(format!("failed answers: {failed}")).into()) }
}

async fn ask(connection: &Connection<Realtime>, question: &str, output: Output) -> anyhow::Result<()> {
    let mut response = connection.respond(question).await?;
    let mut answer = String::new();
    {
        let text = response.text();
        pin_mut!(text);
        while let Some(text) = text.try_next().await? {
            if output.json {
                answer += &text;
            } else {
                output::part(&text)?;
            }
        }
    }
    let response = response.await?;
    if output.json {
        output::line(&json!({ "question": question, "answer": answer, "status": response.status }).to_string())?;
    } else {
        output::line("")?;
    }
    whole(&response)
}

fn simulator() -> Simulator {
    Simulator::new().answer(|turn| format!("You said: {}", turn.text()))
}
