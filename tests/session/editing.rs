//! Conversations that are shortened and rearranged.

use futures::future::join;
use realtime::{
    Connection, Id, Patch, Realtime,
    event::{ClientEvent, ConversationItemAdded, Event, ServerEvent},
    mock::MockSession,
    session::realtime::Keep,
    types::Item,
};
use serde_json::json;

use super::*;

/// Grants this many deletions and creations. What was sent, in short.
async fn grant(session: &MockSession, events: usize) -> Vec<String> {
    let mut sent = Vec::new();
    for _ in 0..events {
        sent.push(match session.next().await.unwrap() {
            ClientEvent::ConversationItemDelete(delete) => {
                let deleted = json!({ "type": "conversation.item.deleted", "item_id": delete.item_id });
                session.send(ServerEvent::decode(deleted.to_string().as_bytes()));
                format!("-{}", delete.item_id)
            }
            ClientEvent::ConversationItemCreate(create) => {
                let mut added = ConversationItemAdded::new(create.item.clone());
                added.previous_item_id = create.previous_item_id.clone().map_or(Patch::Keep, Patch::Set);
                session.send(added);
                let before = create.previous_item_id.unwrap_or_default();
                format!("+{} after {before}", create.item.id().unwrap())
            }
            other => panic!("{other:?}"),
        });
    }
    sent
}

fn ids(connection: &Connection<Realtime>) -> Vec<String> {
    connection.state().conversation.ids().map(Id::to_string).collect()
}

fn talk(connection: &Connection<Realtime>, session: &MockSession, server: &MockServer) {
    for number in 1..=3 {
        let question = Item::user("question").with_id(format!("q{number}"));
        drop(connection.conversation().item().create(question).unwrap());
        let answer = Item::assistant("answer").with_id(format!("a{number}"));
        drop(connection.conversation().item().create(answer).unwrap());
    }
    let settled = async {
        grant(session, 6).await;
        server.clock().sleep(std::time::Duration::from_millis(1)).await;
    };
    let read = async {
        while connection.state().conversation.len() < 6 {
            connection.next().await.unwrap().unwrap();
        }
    };
    server.clock().block_on(join(settled, read));
}

#[test]
fn only_the_last_turns_are_kept() {
    let (connection, session, server) = open(Options::default());
    talk(&connection, &session, &server);
    let edited = connection.conversation().retain(Keep::Turns(2)).unwrap();
    assert_eq!((edited.deleted.len(), edited.created.len()), (2, 0));
    let (done, sent) = server.clock().block_on(join(edited.done(), grant(&session, 2)));
    done.unwrap();
    assert_eq!(sent, ["-q1", "-a1"]);
    assert_eq!(ids(&connection), ["q2", "a2", "q3", "a3"]);
    // Nothing is left to do.
    assert!(connection.conversation().retain(Keep::Turns(2)).unwrap().deleted.is_empty());
}

#[test]
fn a_replacement_sends_only_what_changes() {
    let (connection, session, server) = open(Options::default());
    talk(&connection, &session, &server);
    let state = connection.state();
    let item = |id: &str| state.conversation.get(id).unwrap().item.clone();
    let summary = Item::system("So far.").with_id("summary");
    let wanted = [summary, item("q2"), item("a2"), Item::user("between").with_id("q4"), item("a3"), item("q3")];
    let edited = connection.conversation().replace(wanted).unwrap();
    let (done, sent) = server.clock().block_on(join(edited.done(), grant(&session, 6)));
    done.unwrap();
    assert_eq!(sent, ["-q1", "-a1", "-a3", "+summary after root", "+q4 after a2", "+a3 after q4"]);
    assert_eq!(ids(&connection), ["summary", "q2", "a2", "q4", "a3", "q3"]);
}

#[test]
fn a_refused_change_is_an_error_of_the_whole() {
    let (connection, session, server) = open(Options::default());
    talk(&connection, &session, &server);
    let edited = connection.conversation().replace([]).unwrap();
    let serve = async {
        grant(&session, 5).await;
        let last = session.next().await.unwrap();
        let error = json!({
            "type": "error", "error": { "type": "invalid_request_error", "message": "no", "event_id": last.event_id() },
        });
        session.send(ServerEvent::decode(error.to_string().as_bytes()));
    };
    let (done, ()) = server.clock().block_on(join(edited.done(), serve));
    assert!(matches!(done.unwrap_err().kind(), realtime::ErrorKind::Request(_)));
    assert_eq!(ids(&connection), ["a3"]);
}
