//! A link that is lost while the conversation is replayed.

use std::time::Duration;

use futures::{FutureExt, future::join};
use realtime::{
    connection::{Notice, Reconnect, Update},
    event::{ConversationItemAdded, ConversationItemCreate},
    mock::MockSession,
    types::Item,
};

use super::{create, open, run};

#[test]
fn a_creation_in_flight_survives_a_link_that_is_lost_before_it_is_replayed() {
    let (connection, session, server) = open(Reconnect::default());
    let clock = server.clock().clone();
    let item = |id: &str| ConversationItemCreate::new(Item::user(id).with_id(id));
    let send = |event| connection.request::<ConversationItemAdded>(event).unwrap();
    let known = send(item("known"));
    run(&connection, &server, join(create(&session), known)).0.1.unwrap();
    // Written, and not answered: one at the front, and one at the end.
    let (front, end) = (send(item("front").previous_item_id("root")), send(item("end")));
    run(&connection, &server, clock.sleep(Duration::from_millis(1)));
    let (answers, updates) = run(&connection, &server, async {
        session.drop_link();
        // Two links that take one event each before they are lost.
        for _ in 0..2 {
            server.capacity(1);
            let broken: MockSession = server.accept().await;
            clock.sleep(Duration::from_millis(1)).await;
            broken.drop_link();
        }
        server.capacity(64);
        let whole: MockSession = server.accept().await;
        for id in ["front", "known", "end"] {
            assert_eq!(create(&whole).await.item.id().map(|id| &**id), Some(id));
        }
        clock.sleep(Duration::from_millis(1)).await;
        assert!(whole.next().now_or_never().is_none(), "nothing is created twice");
        join(front, end).await
    });
    let ids = [answers.0.unwrap(), answers.1.unwrap()].map(|added| added.item.id().unwrap().to_string());
    assert_eq!(ids, ["front", "end"]);
    let reports = updates.into_iter().filter_map(|update| match update {
        Update::Notice(Notice::Reconnected(report)) => Some(report),
        _ => None,
    });
    let reports: Vec<_> = reports.collect();
    assert_eq!(reports.len(), 3);
    for report in reports {
        assert_eq!((report.ambiguous.len(), report.lost.len()), (0, 0), "{report:?}");
        assert_eq!(report.replayed, ["front", "known", "end"]);
    }
    assert_eq!(connection.state().conversation.ids().count(), 3);
}
