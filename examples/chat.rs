//! A text chat.
//!
//! `cargo run --example chat -- [--model MODEL] ["Say hello in three languages"]`
//!
//! With an argument, it asks one question and prints the answer. Without one, it reads lines until Ctrl-D. Answers are
//! printed to stdout, everything else to stderr. Without `OPENAI_API_KEY`, it connects to a simulator that it starts
//! itself, over a real WebSocket.

#[path = "support/chat.rs"]
mod chat;
#[path = "support/mod.rs"]
mod support;

use std::process::ExitCode;

use futures::stream;
use realtime::{Client, tokio::TokioTransport};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::main]
async fn main() -> ExitCode {
    let lines = BufReader::new(tokio::io::stdin()).lines();
    let lines = stream::try_unfold(lines, async |mut lines| Ok(lines.next_line().await?.map(|line| (line, lines))));
    support::finish("chat", chat::run(Client::builder(TokioTransport::new()), lines).await)
}
