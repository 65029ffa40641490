//! Plays the client in the cases of the Autobahn test suite, on each runtime, or with `--serve` the server: see
//! `tests/interop/README.md`.

use std::future::poll_fn;

use futures::{StreamExt, stream::FuturesUnordered};
use realtime::{
    async_std::{AsyncStd, AsyncStdTransport},
    connection::LinkOptions,
    endpoint::Handshake,
    server::{AcceptError, Acceptor, Incoming, Listen, Listener},
    smol::{Smol, SmolTransport},
    tokio::{Tokio, TokioTransport},
    transport::{Duplex, Message, Received, Transport, TransportError},
};

/// The largest message of the suite has 16 MiB.
const LIMIT: usize = 32 << 20;

async fn connect(transport: &dyn Transport, url: String) -> Result<Duplex, TransportError> {
    let mut handshake = Handshake::new(url.parse().expect("the suite's URL"));
    handshake.max_message_size = LIMIT;
    transport.connect(handshake).await
}

/// Sends back what comes, until the end. It is read as a connection reads: texts that are not UTF-8 are given back.
async fn echo(duplex: Duplex) -> Result<(), TransportError> {
    let Duplex { mut write, read, .. } = duplex;
    let mut reader = read.into_reader();
    while let Some(received) = poll_fn(|cx| reader.poll_receive_raw(cx).map_ok(Received::into_message)).await {
        match received? {
            Message::Text(text) if text.to_str().is_err() => assert!(reader.reject_text(), "it was lent"),
            message @ (Message::Text(_) | Message::Binary(_)) => write.send(message).await?,
            _ => {}
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

/// Sends back what the suite's client sends, on the port of `fuzzingclient.json`, until the process ends.
async fn serve<R: Listen>(port: u16) {
    let options = LinkOptions::default().max_inbound(LIMIT).max_outbound(LIMIT).queue_bytes(LIMIT);
    let acceptor = Acceptor::on::<R>().options(options);
    let mut listener = Listener::bind::<R>(([127, 0, 0, 1], port).into(), acceptor).await.expect("the port is free");
    let mut cases = FuturesUnordered::new();
    loop {
        let next = std::pin::pin!(listener.next());
        let incoming = match futures::future::select(next, cases.next()).await {
            futures::future::Either::Left((incoming, _)) => incoming,
            futures::future::Either::Right((Some(_), _)) => continue,
            // No case runs.
            futures::future::Either::Right((None, next)) => next.await,
        };
        match incoming {
            Some(Ok(incoming)) => cases.push(case(incoming)),
            Some(Err(_)) => {}
            None => break,
        }
    }
}

async fn case(incoming: Incoming) -> Result<(), AcceptError> {
    let (mut link, _, _place) = incoming.accept().await?.into_parts();
    while let Some(Ok(message)) = link.next().await {
        if link.send(message).is_err() || link.flush().await.is_err() {
            break;
        }
    }
    Ok(())
}

fn main() -> Result<(), TransportError> {
    if std::env::args().nth(1).as_deref() == Some("--serve") {
        std::thread::spawn(|| smol::block_on(serve::<Smol>(9012)));
        std::thread::spawn(|| async_std::task::block_on(serve::<AsyncStd>(9013)));
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        tokio.block_on(serve::<Tokio>(9011));
        return Ok(());
    }
    let suite = std::env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001".into());
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio.block_on(async { run("tokio", &TokioTransport::new(), &suite).await })?;
    smol::block_on(run("smol", &SmolTransport::new(), &suite))?;
    async_std::task::block_on(run("async-std", &AsyncStdTransport::new(), &suite))
}
