//! Plays the client in the cases of the Autobahn test suite, on each runtime: see `tests/interop/README.md`.

use realtime::{
    async_std::AsyncStdTransport,
    endpoint::Handshake,
    smol::SmolTransport,
    tokio::TokioTransport,
    transport::{Duplex, Message, Transport, TransportError},
};

/// The largest message of the suite has 16 MiB.
const LIMIT: usize = 32 << 20;

async fn connect(transport: &dyn Transport, url: String) -> Result<Duplex, TransportError> {
    let mut handshake = Handshake::new(url.parse().expect("the suite's URL"));
    handshake.max_message_size = LIMIT;
    transport.connect(handshake).await
}

/// Sends back what comes, until the end.
async fn echo(duplex: Duplex) -> Result<(), TransportError> {
    let Duplex { mut write, mut read, .. } = duplex;
    while let Some(message) = read.receive().await? {
        if matches!(message, Message::Text(_) | Message::Binary(_)) {
            write.send(message).await?;
        }
    }
    Ok(())
}

async fn run(agent: &str, transport: &dyn Transport, suite: &str) -> Result<(), TransportError> {
    let mut count = connect(transport, format!("{suite}/getCaseCount")).await?;
    let Some(Message::Text(count)) = count.read.receive().await? else { panic!("the suite tells no count") };
    let count: u32 = count.to_str().expect("text").parse().expect("a number");
    for case in 1..=count {
        let duplex = connect(transport, format!("{suite}/runCase?case={case}&agent={agent}")).await?;
        // A case may end with an error that it provokes; the suite judges.
        let _ = echo(duplex).await;
    }
    echo(connect(transport, format!("{suite}/updateReports?agent={agent}")).await?).await?;
    println!("{agent}: {count} cases");
    Ok(())
}

fn main() -> Result<(), TransportError> {
    let suite = std::env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001".into());
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio.block_on(async { run("tokio", &TokioTransport::new(), &suite).await })?;
    smol::block_on(run("smol", &SmolTransport::new(), &suite))?;
    async_std::task::block_on(run("async-std", &AsyncStdTransport::new(), &suite))
}
