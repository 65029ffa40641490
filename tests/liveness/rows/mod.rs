//! Every wait has a bound, and every timeout says what was waited for.

mod requests;
mod responses;

use std::time::Duration;

use futures::{
    FutureExt, StreamExt,
    future::{join, join3, select},
};
use realtime::{
    Awaited, Client, Connection, Error, ErrorKind, Json, Options, Realtime, Unanswered,
    connection::{Notice, Reconnect, Update},
    event::{ConversationItemAdded, Custom, Event, ResponseCancel, ResponseDone, SessionUpdated},
    mock::{MockServer, MockSession, MockTransport},
    transport::Timer,
    types::{Item, RealtimeSessionConfig, ResponseConfig, ResponseStatus},
};
use serde_json::{Value, json};

use crate::{open, send, silent};

fn unanswered(error: &Error) -> &Unanswered {
    match error.kind() {
        ErrorKind::Unanswered(unanswered) => unanswered,
        other => panic!("{other:?}"),
    }
}

/// A script answers no pings while it does something else.
fn quiet() -> Options {
    Options::default().keepalive(None)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The client's next event of this type, and what else came is passed over.
async fn until(session: &MockSession, kind: &str) -> Value {
    loop {
        let event = session.next().await.unwrap();
        if event.kind() == kind {
            return json!(event);
        }
    }
}

/// Runs what waits beside a script, while somebody drives.
fn run<T, S>(
    connection: &Connection<Realtime>,
    server: &MockServer,
    waits: impl Future<Output = T>,
    script: impl Future<Output = S>,
) -> (T, S) {
    server.clock().block_on(async {
        let both = join(waits, script);
        match select(Box::pin(both), connection.driver()).await {
            futures::future::Either::Left((both, _)) => both,
            futures::future::Either::Right((end, _)) => panic!("the connection ended: {end:?}"),
        }
    })
}

/// Plain answers to all requests for responses from now on.
async fn serve(session: &MockSession) {
    for number in 0.. {
        let create = until(session, "response.create").await;
        let response = json!({ "id": format!("plain_{number}"), "metadata": create["response"]["metadata"] });
        send(session, json!({ "type": "response.created", "response": response }));
        send(session, json!({ "type": "response.done", "response": response }));
    }
}

/// Afterwards nothing is armed but the keepalive, the scheduler is free, and the next request is answered.
fn is_free(connection: &Connection<Realtime>, session: &MockSession, server: &MockServer) {
    while connection.next().now_or_never().is_some() {}
    assert!(connection.state().can_respond(server.clock().now()));
    let handle = connection.response().create(ResponseConfig::default()).unwrap();
    let begun = server.clock().now();
    server.clock().block_on(async {
        match select(Box::pin(handle), Box::pin(serve(session))).await {
            futures::future::Either::Left((answer, _)) => assert!(answer.is_ok(), "{answer:?}"),
            futures::future::Either::Right(_) => unreachable!(),
        }
    });
    assert_eq!(server.clock().now(), begun);
}

fn begin(session: &MockSession, id: &str, create: &Value) {
    let metadata = &create["response"]["metadata"];
    send(
        session,
        json!({ "type": "response.created", "response": { "id": id, "status": "in_progress", "metadata": metadata } }),
    );
}

fn delta(session: &MockSession, id: &str) {
    send(
        session,
        json!({
            "type": "response.output_text.delta", "response_id": id, "item_id": format!("item_{id}"), "output_index": 0,
            "content_index": 0, "delta": "Half an answer",
        }),
    );
}

fn end(session: &MockSession, id: &str) {
    send(session, json!({ "type": "response.done", "response": { "id": id, "status": "completed", "output": [] } }));
}

fn complain(session: &MockSession, words: &str) {
    send(session, json!({ "type": "error", "error": { "type": "server_error", "message": words } }));
}
