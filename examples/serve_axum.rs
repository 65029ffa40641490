//! The protocol within an axum application: the upgrade is checked by `realtime-server`, and made by axum.
//!
//! It serves until its input ends, and prints its base URL.

use std::{error::Error, io};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use http::StatusCode;
use hyper_util::rt::TokioIo;
use realtime::{
    Realtime,
    event::ClientEvent,
    server::{Accepted, Acceptor, Refusal, UpgradeRequest},
    tokio::{Tokio, stream},
};
use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpListener};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/v1", listener.local_addr()?);
    let app = Router::new().route("/v1/realtime", get(realtime)).with_state(Acceptor::on::<Tokio>());
    let served = axum::serve(listener, app).with_graceful_shutdown(async {
        while tokio::io::stdin().read(&mut [0; 256]).await.is_ok_and(|length| length > 0) {}
    });
    Ok(served.await?)
}

/// Answers the upgrade. The session begins once axum has sent the answer.
async fn realtime(State(acceptor): State<Acceptor>, request: Request) -> Response {
    let upgrade = match check(&request) {
        Ok(upgrade) => upgrade,
        Err(refusal) => return http::Response::from(refusal).map(Body::from),
    };
    let response = upgrade.response().map(|()| Body::empty());
    tokio::spawn(async move {
        let upgraded = hyper::upgrade::on(request).await.map_err(io::Error::other)?;
        session(acceptor.upgraded(upgrade, stream(TokioIo::new(upgraded))).await).await;
        Ok::<(), io::Error>(())
    });
    response
}

fn check(request: &Request) -> Result<UpgradeRequest, Refusal> {
    let upgrade = UpgradeRequest::read(request)?;
    if upgrade.credential().is_none() {
        return Err(Refusal::error(StatusCode::UNAUTHORIZED, "invalid_api_key", "You did not provide an API key."));
    }
    Ok(upgrade)
}

/// A session that remembers what it was told, and says nothing.
async fn session(accepted: Accepted) {
    let mut connection = accepted.open::<Realtime>();
    let mut number = 0;
    let mut named = |kind: &str| {
        number += 1;
        json!({ "type": kind, "event_id": format!("event_{number}") })
    };
    let mut created = named("session.created");
    created["session"] = json!({ "type": "realtime", "object": "realtime.session", "id": "sess_axum" });
    // The outbox of a new connection has room.
    let _ = connection.sender().send_text(created.to_string());
    while let Some(Ok(received)) = connection.next().await {
        let mut answer = match received.event {
            ClientEvent::ConversationItemCreate(create) => {
                let mut added = named("conversation.item.added");
                added["item"] = json!(create.item);
                added
            }
            other => {
                let mut error = named("error");
                error["error"] = json!({ "type": "invalid_request_error", "code": "not_supported",
                    "message": "This server only remembers.", "event_id": realtime::event::Event::event_id(&other) });
                error
            }
        };
        answer["previous_item_id"] = json!(null);
        if connection.sender().send_text(answer.to_string()).is_err() {
            break;
        }
    }
}
