//! The REST API by a hyper client that keeps its connections: for servers that send many requests.
//!
//! `cargo run --example rest_hyper` creates a key for a browser. For a real service give the client a connector that
//! speaks TLS, such as hyper-rustls.

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "it takes no arguments")]
mod support;

use std::{error::Error, process::ExitCode};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use realtime::{
    mock::Simulator,
    transport::{Http, TransportError, TransportErrorKind},
    types::RealtimeSessionConfig,
};

/// The largest answer that is read: a recording may be long.
const MAX_ANSWER: usize = 256 << 20;

/// A client with a pool of connections.
#[derive(Debug)]
struct Pooled(Client<HttpConnector, Full<Bytes>>);

#[async_trait]
impl Http for Pooled {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let answer = self.0.request(request.map(Full::new)).await.map_err(|error| {
            let kind = if error.is_connect() { TransportErrorKind::Connect } else { TransportErrorKind::Io };
            TransportError::new(kind, error)
        })?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|error| TransportError::new(TransportErrorKind::Io, error))?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("rest_hyper", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    // A request that may have arrived is not sent again.
    let http = Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http();
    let (client, _served) = support::client(realtime::client().http(Pooled(http)), Simulator::new)?;
    let session = RealtimeSessionConfig::default().model(support::MODEL).instructions("Be brief.");
    let secret = client.rest().client_secret(session).await?;
    let expiry = secret.expires_at.unwrap_or_default();
    println!("a key of {} characters, valid until {expiry} s after 1970", secret.value.expose().len());
    Ok(())
}
