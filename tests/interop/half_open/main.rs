//! Tells how long it takes to notice that a link is dead. `half_open.py` beside this drops the packets.
//!
//! `cargo run --example half_open -- [SECONDS]`, with `OPENAI_API_KEY` and `OPENAI_BASE_URL` set. Prints `open` once the
//! session is open, waits for a line of input, which says that the link is dead from now on, and prints after how many
//! seconds the connection has ended, and why. Silence is sent in real time from so many seconds after the opening; without
//! the argument, nothing is sent.

#[path = "../../../examples/support/mod.rs"]
#[expect(dead_code, reason = "it talks to the server that the environment names, never to a simulator")]
mod support;

use std::{
    env,
    error::Error,
    future::pending,
    pin::pin,
    process::ExitCode,
    time::{Duration, Instant},
};

use realtime::{Connection, Realtime, tokio::TokioTransport};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::{interval, sleep},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    support::finish("half_open", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let silence = env::args().nth(1).map(|seconds| seconds.parse().map(Duration::from_secs)).transpose()?;
    let client = realtime::Client::builder(TokioTransport::new()).env().build();
    let connection = client.realtime().model(support::MODEL).connect().await?;
    println!("open");
    let (mut end, mut microphone) = (pin!(connection.drive()), pin!(speak(&connection, silence)));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut cut = None;
    loop {
        tokio::select! {
            line = lines.next_line(), if cut.is_none() => {
                line?;
                cut = Some(Instant::now());
            }
            end = &mut end => {
                let seconds = cut.ok_or("the link ended before it was cut")?.elapsed().as_secs_f64();
                let error = end.err().ok_or("the server has closed the connection")?;
                println!("{seconds:.1} s: {error}");
                return Ok(());
            }
            () = &mut microphone => {}
        }
    }
}

/// Sends 40 ms of silence every 40 ms, as far as there is room, from so long after now.
async fn speak(connection: &Connection<Realtime>, after: Option<Duration>) {
    let Some(after) = after else { return pending().await };
    sleep(after).await;
    let mut tick = interval(Duration::from_millis(40));
    loop {
        tick.tick().await;
        let _ = connection.append(&[0; 1920]);
    }
}
