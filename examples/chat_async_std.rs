//! The chat of `chat.rs`, on async-std.
//!
//! `cargo run --example chat_async_std --no-default-features --features async-std,mock -- [--model MODEL] ["A question"]`

#[path = "support/chat.rs"]
mod chat;
#[path = "support/mod.rs"]
mod support;

use std::process::ExitCode;

use async_std::io::{BufReader, prelude::BufReadExt};
use realtime::{Client, async_std::AsyncStdTransport};

fn main() -> ExitCode {
    let lines = BufReader::new(async_std::io::stdin()).lines();
    let chat = chat::run(Client::builder(AsyncStdTransport::new()), lines);
    support::finish("chat_async_std", async_std::task::block_on(chat))
}
