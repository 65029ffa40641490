//! A conversation that is written down and goes on in another connection.

mod cut;
mod drain;
mod format;
#[path = "../../examples/inspect/input.rs"]
#[expect(dead_code, reason = "the example reads from elsewhere too")]
mod input;
#[path = "../support/marks.rs"]
mod marks;
mod others;
mod process;
#[path = "../support/seeds.rs"]
mod seeds;

use std::time::Duration;

use futures::{
    FutureExt, StreamExt,
    future::{Either, select},
    pin_mut,
};
use realtime::{
    Client, ClientBuilder, Connection, Patch, Realtime,
    connection::{Notice, Reconnected, Update},
    event::{ClientEvent, ConversationItemAdded, ConversationItemCreate, Event, ServerEvent},
    mock::{MockServer, MockSession, MockTransport, VirtualClock},
};
use serde_json::json;

fn client(clock: &VirtualClock, set: impl FnOnce(ClientBuilder) -> ClientBuilder) -> (Client, MockServer) {
    let (transport, server) = MockTransport::on(clock);
    (set(Client::builder(transport)).build(), server)
}

fn connect(clock: &VirtualClock) -> (Connection<Realtime>, MockSession) {
    let (client, server) = client(clock, |builder| builder);
    let connection = clock.block_on(client.realtime().model("m").connect()).unwrap();
    (connection, server.try_accept_as().unwrap())
}

/// Lets the connection do all that can be done now. Its updates, up to its end.
fn turn(connection: &Connection<Realtime>) -> Vec<Update<Realtime>> {
    let mut updates = connection.updates();
    std::iter::from_fn(|| updates.next().now_or_never().flatten()?.ok()).collect()
}

/// The report about the session that was replaced.
fn report(updates: Vec<Update<Realtime>>) -> Reconnected<Realtime> {
    let mut all = updates.into_iter().filter_map(|update| match update {
        Update::Notice(Notice::Reconnected(report)) => Some(*report),
        _ => None,
    });
    let report = all.next().expect("nothing was restored");
    assert!(all.next().is_none(), "it was restored twice");
    report
}

/// Drives the connection while the server's part runs. The updates until then.
fn run<T>(
    clock: &VirtualClock,
    connection: &Connection<Realtime>,
    script: impl Future<Output = T>,
) -> (T, Vec<Update<Realtime>>) {
    let mut updates = Vec::new();
    let output = clock.block_on(async {
        let read = async {
            let mut stream = connection.updates();
            while let Some(Ok(update)) = stream.next().await {
                updates.push(update);
            }
            std::future::pending::<()>().await
        };
        pin_mut!(script, read);
        match select(script, read).await {
            Either::Left((output, _)) => output,
            Either::Right(_) => unreachable!("it never ends"),
        }
    });
    updates.extend(turn(connection));
    (output, updates)
}

/// What a session is sent until nothing more comes for a second. Everything is granted.
async fn serve(clock: &VirtualClock, session: &MockSession) -> Vec<ClientEvent> {
    let mut sent = Vec::new();
    loop {
        let event = {
            let (next, nap) = (session.next(), clock.sleep(Duration::from_secs(1)));
            pin_mut!(next, nap);
            match select(next, nap).await {
                Either::Left((Some(event), _)) => event,
                _ => return sent,
            }
        };
        grant(session, &event, sent.len());
        sent.push(event);
    }
}

fn grant(session: &MockSession, event: &ClientEvent, number: usize) {
    match event {
        ClientEvent::SessionUpdate(_) => session.send_raw(r#"{"type":"session.updated","session":{}}"#),
        ClientEvent::ConversationItemCreate(create) => {
            let mut added = ConversationItemAdded::new(create.item.clone());
            added.previous_item_id = create.previous_item_id.clone().map_or(Patch::Keep, Patch::Set);
            session.send(added);
        }
        ClientEvent::ResponseCreate(create) => {
            let metadata = create.response.as_ref().and_then(|config| config.metadata.as_set());
            let response = json!({
                "id": format!("resp_again_{number}"), "status": "completed", "conversation_id": "c", "output": [],
                "metadata": metadata,
            });
            for kind in ["response.created", "response.done"] {
                session.send(ServerEvent::decode(json!({ "type": kind, "response": response }).to_string().as_bytes()));
            }
        }
        _ => {}
    }
}

fn created(events: &[ClientEvent]) -> Vec<&ConversationItemCreate> {
    fn create(event: &ClientEvent) -> Option<&ConversationItemCreate> {
        match event {
            ClientEvent::ConversationItemCreate(create) => Some(create),
            _ => None,
        }
    }

    events.iter().filter_map(create).collect()
}
