//! A browser that talks to the model itself: this server only makes its key, so the API key never leaves it.
//!
//! `cargo run --example browser_key -- 127.0.0.1:8080`, then open that page.
//!
//! The key is valid for a minute and carries the session's configuration. The page speaks over a WebSocket, to show the
//! whole way in few lines; with audio it would speak WebRTC, with the same key.

#[path = "support/mod.rs"]
mod support;

use std::{error::Error, process::ExitCode, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    response::Html,
    routing::{get, post},
};
use http::StatusCode;
use realtime::{
    Client,
    mock::Simulator,
    rest::client_secrets,
    types::{Modality, RealtimeSessionConfig},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const PAGE: &str = include_str!("browser_key.html");

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("browser_key", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (_, arguments) = support::arguments(support::MODEL)?;
    let (client, served) = support::client(realtime::client(), Simulator::new)?;
    let url = served.as_ref().map_or("wss://api.openai.com/v1".into(), |served| served.url());
    let listener = TcpListener::bind(support::address(&arguments)?).await?;
    println!("open http://{}/", listener.local_addr()?);
    axum::serve(listener, app(client, url)).await?;
    Ok(())
}

/// The application: a page, and keys for it. `url` is where the page finds the service.
pub(crate) fn app(client: Client, url: String) -> Router {
    Router::new()
        .route("/", get(async || Html(PAGE)))
        // Make keys only for users of yours: check their session here, and limit how many each may have.
        .route("/key", post(key))
        .with_state(Arc::new((client, url)))
}

async fn key(State(app): State<Arc<(Client, String)>>) -> Result<Json<Value>, StatusCode> {
    let (client, url) = &*app;
    let session = RealtimeSessionConfig::default()
        .model(support::MODEL)
        .instructions("Be brief.")
        .output_modalities([Modality::Text]);
    let create = client_secrets::Create::from(session).expires_in(60);
    // The service wants to know its users apart, without knowing who they are.
    let rest = client.rest().header("OpenAI-Safety-Identifier", "a hash of the user's id");
    match rest.client_secret(create).await {
        Ok(secret) => Ok(Json(json!({ "key": secret.value.expose(), "url": format!("{url}/realtime") }))),
        Err(error) => {
            eprintln!("no key: {}", support::explain(&error));
            Err(StatusCode::BAD_GATEWAY)
        }
    }
}
