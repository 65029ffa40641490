//! A model of one's own as a server of the protocol: it says back what it is told, in the user's own voice.
//!
//! `Responder` is what a pipeline of speech recognition, a language model and speech synthesis implements. The rules of a
//! session stand in front of it, and any client of the Realtime API can talk to it.
//!
//! ```text
//! cargo run --example echo_model
//! ```
//!
//! Prints its base URL, and serves until its standard input ends.

use std::{error::Error, io, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use realtime::{
    mock::{Responder, ResponderTurn, ResponsePart, Simulator, Utterance},
    server::{Acceptor, Listener},
    tokio::Tokio,
    types::{Failure, Tool},
};
use tokio::io::AsyncReadExt;

struct Echo;

#[async_trait]
impl Responder for Echo {
    /// Speech recognition would be here.
    async fn transcribe(&self, utterance: Utterance) -> Result<String, Failure> {
        Ok(format!("{} ms of speech", utterance.ms))
    }

    /// A language model, and speech synthesis, would be here.
    fn respond(&self, turn: ResponderTurn) -> BoxStream<'static, Result<ResponsePart, Failure>> {
        let last = turn.items().last();
        // Each of its tools is called once, so that clients can be tried with functions.
        let called = last.is_some_and(|item| item.as_message().is_none());
        let tool = turn.tools().into_iter().find_map(|tool| match tool {
            Tool::Function(function) => function.name,
            _ => None,
        });
        let mut parts = Vec::new();
        match tool.filter(|_| !called) {
            Some(name) => parts.push(ResponsePart::Call { name, arguments: "{}".into() }),
            None => parts.extend(turn.text().split_inclusive(' ').map(|word| ResponsePart::Text(word.into()))),
        }
        // The user's audio is the answer, if that is spoken in the same format.
        if let Some((audio, format)) = turn.audio()
            && format == turn.output_format()
        {
            let piece = format.ms_to_bytes(100).unwrap_or(4800) as usize;
            parts.extend(audio.chunks(piece.max(1)).map(|piece| ResponsePart::Audio(piece.into())));
        }
        // Four times as fast as speech at most: synthesis takes its time.
        let paced = futures::stream::iter(parts).then(|part| async {
            tokio::time::sleep(Duration::from_millis(25)).await;
            Ok(part)
        });
        paced.boxed()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut listener = Listener::bind::<Tokio>(([127, 0, 0, 1], 0).into(), Acceptor::on::<Tokio>()).await?;
    println!("http://{}/v1", listener.address().ok_or_else(|| io::Error::other("no address"))?);
    let handle = listener.handle();
    tokio::spawn(async move {
        while tokio::io::stdin().read(&mut [0; 256]).await.is_ok_and(|length| length > 0) {}
        handle.drain(Duration::from_secs(5)).await;
    });
    let model = Simulator::new().responder(Echo);
    while let Some(arrival) = listener.next_arrival().await {
        // One client's failure is not the server's.
        if let Ok(arrival) = arrival {
            let model = model.clone();
            tokio::spawn(async move { model.serve_client(arrival).await });
        }
    }
    Ok(())
}
