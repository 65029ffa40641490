//! The REST API by reqwest: an HTTP client of your own, in place of the one that the feature `http` brings.
//!
//! `cargo run --example rest_reqwest` creates a key for a browser. For a real service turn on a TLS feature of reqwest.

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "it takes no arguments")]
mod support;

use std::{error::Error, process::ExitCode};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use realtime::{
    mock::Simulator,
    transport::{Http, TransportError, TransportErrorKind},
    types::RealtimeSessionConfig,
};

/// The largest answer that is read: a recording may be long.
const MAX_ANSWER: usize = 256 << 20;

/// A client that follows no redirects, because requests carry credentials.
#[derive(Debug)]
struct Reqwest(reqwest::Client);

#[async_trait]
impl Http for Reqwest {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let mut answer = self.0.execute(request.try_into().map_err(failed)?).await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            if body.len() + piece.len() > MAX_ANSWER {
                return Err(TransportError::new(TransportErrorKind::TooLarge, "the answer is too large"));
            }
            body.extend_from_slice(&piece);
        }
        let mut response = Response::new(body.into());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        Ok(response)
    }
}

/// Says whether the request can have reached the server.
fn failed(error: reqwest::Error) -> TransportError {
    let kind =
        if error.is_connect() || error.is_builder() { TransportErrorKind::Connect } else { TransportErrorKind::Io };
    TransportError::new(kind, error)
}

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("rest_reqwest", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let (client, _served) = support::client(realtime::client().http(Reqwest(http)), Simulator::new)?;
    let session = RealtimeSessionConfig::default().model(support::MODEL).instructions("Be brief.");
    let secret = client.rest().client_secret(session).await?;
    let expiry = secret.expires_at.unwrap_or_default();
    println!("a key of {} characters, valid until {expiry} s after 1970", secret.value.expose().len());
    Ok(())
}
