//! Telephone calls over SIP: the service rings by a webhook, the application accepts, joins the call, and hands it over.
//!
//! `cargo run --example sip -- 127.0.0.1:8080`
//!
//! The audio goes from the telephone to the service. The application only steers: it has the call's session on a side
//! channel, runs the tools, and refers the caller to a colleague. `OPENAI_WEBHOOK_SECRET` is the endpoint's secret.

#[path = "support/mod.rs"]
mod support;

use std::{env, error::Error, process::ExitCode, sync::Arc, time::SystemTime};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use http::StatusCode;
use realtime::{
    Client,
    mock::Simulator,
    rest::calls,
    tools::Tools,
    types::{RealtimeSessionConfig, ResponseConfig},
    webhooks::{WebhookData, Webhooks},
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::net::TcpListener;

/// Where callers are referred to who want a person.
pub(crate) const COLLEAGUE: &str = "tel:+14155550199";

#[derive(Deserialize, JsonSchema)]
struct Colleague {
    /// What the caller wants.
    about: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("sip", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (_, arguments) = support::arguments(support::MODEL)?;
    let (client, _served) = support::client(realtime::client(), Simulator::new)?;
    let secret = env::var("OPENAI_WEBHOOK_SECRET").unwrap_or_else(|_| "a secret for tests".into());
    let listener = TcpListener::bind(support::address(&arguments)?).await?;
    println!("taking webhooks at http://{}/webhook", listener.local_addr()?);
    axum::serve(listener, app(client, Webhooks::new(&secret)?)).await?;
    Ok(())
}

/// The application: one endpoint, for the service's webhooks.
pub(crate) fn app(client: Client, webhooks: Webhooks) -> Router {
    Router::new().route("/webhook", post(webhook)).with_state(Arc::new((client, webhooks)))
}

async fn webhook(State(app): State<Arc<(Client, Webhooks)>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let (client, webhooks) = &*app;
    let event = match webhooks.receive(&headers, &body, SystemTime::now()) {
        Ok(event) => event,
        Err(error) => {
            eprintln!("refused: {error}");
            return StatusCode::BAD_REQUEST;
        }
    };
    if let WebhookData::CallIncoming(call) = event.data {
        println!("{} from {:?}", call.call_id, call.sip_headers.get("From"));
        let client = client.clone();
        tokio::spawn(async move {
            if let Err(error) = answer(&client, &call.call_id).await {
                eprintln!("{} failed: {}", call.call_id, support::explain(&*error));
            }
        });
    }
    StatusCode::OK
}

/// One call, from its acceptance to its end.
async fn answer(client: &Client, call: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let session =
        RealtimeSessionConfig::default().model(support::MODEL).instructions("Answer the telephone. Be brief.");
    client.rest().send(&calls::Accept::new(call, session)).await?;
    let connection = client.realtime().call(call).connect().await?;
    let (rest, id) = (client.rest(), call.to_owned());
    connection.use_tools(Tools::new().add(
        "refer",
        "Hands the caller over to a person.",
        async move |to: Colleague| {
            println!("referred: {}", to.about);
            let referred = rest.send(&calls::Refer::new(id, COLLEAGUE)).await;
            referred.map(|()| "referred").map_err(|error| error.to_string())
        },
    ))?;
    drop(connection.response().create(ResponseConfig::default())?);
    // Until the caller, the service or a referral ends the call.
    while let Some(event) = connection.next().await {
        event?;
    }
    Ok(())
}
