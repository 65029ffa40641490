//! The chat of `chat.rs`, on smol.
//!
//! `cargo run --example chat_smol --no-default-features --features smol,mock -- [--model MODEL] ["A question"]`

#[path = "support/chat.rs"]
mod chat;
#[path = "support/mod.rs"]
mod support;

use std::process::ExitCode;

use realtime::{Client, smol::SmolTransport};
use smol::{
    Unblock,
    io::{AsyncBufReadExt, BufReader},
};

fn main() -> ExitCode {
    let lines = BufReader::new(Unblock::new(std::io::stdin())).lines();
    let chat = chat::run(Client::builder(SmolTransport::new()), lines);
    support::finish("chat_smol", smol::block_on(chat))
}
