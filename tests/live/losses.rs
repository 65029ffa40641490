//! What is lost with a link, and what takes its place: another session, a fork, or the end.

use std::time::Duration;

use futures::{StreamExt, future::join};
use http::{HeaderMap, StatusCode};
use realtime::{
    Connection, Error, Protocol,
    connection::{Notice, Reconnect, Reconnected, Update},
    live::{
        AfterLoss, Live, LiveFork,
        event::{
            ErrorEvent, ForkStart, SessionClose, SessionDelegationCreated, SessionInputAudioMute,
            SessionInputAudioMuted, SessionInputTranscriptDelta, SessionOutputTranscriptDelta, SessionStart,
            SessionStarted,
        },
        types::{AudioConfig, CloseReason, DelegationItem, DelegationTarget, HistoryItem, LiveError, SessionResource},
    },
    mock::MockSession,
    session::LostReason,
    types::AudioFormat,
};
use serde_json::json;

use crate::support::{closed, service, started};

/// Reads updates until another session has taken the place of the lost one: what it tells, and why the links before were
/// lost.
async fn replaced<P: Protocol>(live: &Connection<P>) -> (Box<Reconnected<P>>, Vec<Error>) {
    let (mut updates, mut reasons) = (live.updates(), Vec::new());
    loop {
        match updates.next().await.expect("it goes on").unwrap() {
            Update::Notice(Notice::Reconnecting { reason, .. }) => reasons.push(reason),
            Update::Notice(Notice::Reconnected(reconnected)) => return (reconnected, reasons),
            _ => {}
        }
    }
}

fn lost<P: Protocol>(reconnected: &Reconnected<P>) -> Vec<(&str, LostReason)> {
    reconnected.lost.iter().map(|lost| (lost.item_id.as_str(), lost.reason)).collect()
}

/// Answers a `session.start`, and the request to close.
async fn serve_to_the_end(session: &MockSession<Live>, id: &str) -> SessionStart {
    let start: SessionStart = session.expect().await;
    session.send(started(id).event_id(id));
    session.expect::<SessionClose>().await;
    session.send(closed(id, CloseReason::CloseRequested));
    session.closed().await;
    start
}

#[test]
fn a_lost_session_is_begun_anew_with_its_configuration_and_what_was_said() {
    for restore in [true, false] {
        lose_a_session(restore);
    }
}

fn lose_a_session(restore: bool) {
    let (client, server) = service();
    let script = async {
        for id in ["live_1", "live_2"] {
            let session: MockSession<Live> = server.accept_as().await;
            let start: SessionStart = session.expect().await;
            assert_eq!(start.session.instructions.as_set().map(|text| &**text), Some("Be brief."));
            let input = start.session.input.unwrap_or_default();
            let said: Vec<_> = input.iter().map(|item| (item.role.as_str(), &*item.content[0].text)).collect();
            match (id, restore) {
                ("live_1", _) => assert_eq!(said, [("developer", "x")]),
                (_, true) => assert_eq!(said, [("developer", "x"), ("user", "Hello?"), ("assistant", "Yes?")]),
                (_, false) => assert_eq!(said, [("developer", "x")]),
            }
            session.send(started(id).event_id(id));
            if id == "live_1" {
                session.send(SessionInputTranscriptDelta::new(Some("e1".into()), "Hello?", 0, 200));
                session.send(SessionOutputTranscriptDelta::new(Some("e2".into()), "Yes?", 1000, 1200));
                server.clock().sleep(Duration::from_secs(1)).await;
                session.expect::<SessionInputAudioMute>().await;
                session.drop_link();
            } else {
                let mute: SessionInputAudioMute = session.expect().await;
                session.send(SessionInputAudioMuted::default().client_event_id(mute.event_id.unwrap()));
                session.expect::<SessionClose>().await;
                session.send(closed(id, CloseReason::CloseRequested));
                session.closed().await;
            }
        }
    };
    let talk = async {
        let connect = client.live().model("gpt-live-1").instructions("Be brief.");
        let connect = connect.input([HistoryItem::developer("x")]).reconnect(Reconnect::default().restore(restore));
        let live = connect.connect().await.unwrap();
        let muted = live.session().input_audio().mute().unwrap();
        let (reconnected, _) = replaced(&live).await;
        // The request to mute was not answered: it is made again, and its number kept.
        assert_eq!(reconnected.ambiguous.len(), 0);
        let not_asked = [("e1", LostReason::NotAsked), ("e2", LostReason::NotAsked)];
        assert_eq!(lost(&reconnected), if restore { &[][..] } else { &not_asked });
        assert!(muted.await.is_ok());
        let state = live.state();
        live.finish().await.unwrap();
        state
    };
    let (state, ()) = server.clock().block_on(join(talk, script));
    assert_eq!(state.session_id().map(|id| id.as_str()), Some("live_2"));
    assert_eq!((state.input_transcript.as_str(), state.turns().len()), ("", 0));
}

#[test]
fn a_lost_session_that_was_stored_is_forked_if_the_policy_says_so_and_what_is_lost_is_told() {
    for store in [true, false] {
        let (client, server) = service();
        let script = async {
            let session: MockSession<Live> = server.accept_as().await;
            session.expect::<SessionStart>().await;
            session.send(SessionStarted::new(SessionResource::new("live_1").store(store)).event_id("s1"));
            session.send(SessionInputTranscriptDelta::new(Some("e1".into()), "Hello?", 0, 200));
            let task = DelegationItem::new("item_1", DelegationTarget::Client);
            session.send(SessionDelegationCreated::new(task, 200).event_id("e2"));
            server.clock().sleep(Duration::from_secs(1)).await;
            session.drop_link();
            let path = if store {
                let fork: MockSession<LiveFork> = server.accept_as().await;
                let start: ForkStart = fork.expect().await;
                let rate = start.session.audio.as_ref().unwrap().format.as_ref().unwrap().rate_hz();
                assert_eq!(rate, Some(16_000));
                fork.send(started("live_2").event_id("s2"));
                fork.expect::<SessionClose>().await;
                fork.send(closed("live_2", CloseReason::CloseRequested));
                fork.closed().await;
                fork.handshake().uri.path().to_owned()
            } else {
                let anew: MockSession<Live> = server.accept_as().await;
                let start: SessionStart = anew.expect().await;
                assert_eq!(start.session.input.unwrap().len(), 1);
                anew.send(started("live_2").event_id("s2"));
                anew.expect::<SessionClose>().await;
                anew.send(closed("live_2", CloseReason::CloseRequested));
                anew.closed().await;
                anew.handshake().uri.path().to_owned()
            };
            assert_eq!(path, if store { "/v1/live/sessions/live_1/fork" } else { "/v1/live/sessions" });
        };
        let talk = async {
            let audio = AudioConfig::default().format(AudioFormat::Pcm { rate: 16_000 });
            let connect = client.live().model("gpt-live-1").audio(audio).after_loss(AfterLoss::Fork);
            let live = connect.reconnect(Reconnect::default()).connect().await.unwrap();
            let (reconnected, _) = replaced(&live).await;
            assert_eq!(lost(&reconnected), [("item_1", LostReason::Unfinished)]);
            live.finish().await.unwrap();
            live.state()
        };
        let (state, ()) = server.clock().block_on(join(talk, script));
        assert_eq!(state.source_session_id().map(|id| id.as_str()), store.then_some("live_1"));
    }
}

#[test]
fn a_fork_that_is_refused_gives_way_to_a_new_session_and_both_are_told() {
    // Before the upgrade, and in place of `session.started`.
    for before_upgrade in [true, false] {
        let (client, server) = service();
        let script = async {
            let session: MockSession<Live> = server.accept_as().await;
            session.expect::<SessionStart>().await;
            session.send(SessionStarted::new(SessionResource::new("live_1").store(true)).event_id("s1"));
            session.send(SessionInputTranscriptDelta::new(Some("e1".into()), "Hello?", 0, 200));
            server.clock().sleep(Duration::from_secs(1)).await;
            let words = "The recording is not final yet.";
            if before_upgrade {
                let body = json!({"error": {"message": words, "type": "invalid_request_error", "code": "not_final"}});
                server.refuse_next(StatusCode::CONFLICT, HeaderMap::new(), body.to_string());
                session.drop_link();
            } else {
                session.drop_link();
                let fork: MockSession<LiveFork> = server.accept_as().await;
                assert_eq!(fork.handshake().uri.path(), "/v1/live/sessions/live_1/fork");
                fork.expect::<ForkStart>().await;
                fork.send(ErrorEvent::new(LiveError::new(words).code("not_final")).event_id("s2"));
                fork.close(1000, "");
            }
            let anew: MockSession<Live> = server.accept_as().await;
            assert_eq!(anew.handshake().uri.path(), "/v1/live/sessions");
            serve_to_the_end(&anew, "live_2").await
        };
        let talk = async {
            let connect = client.live().model("gpt-live-1").after_loss(AfterLoss::Fork);
            let live = connect.reconnect(Reconnect::default()).connect().await.unwrap();
            let (reconnected, reasons) = replaced(&live).await;
            assert_eq!(lost(&reconnected), [("live_1", LostReason::Refused)]);
            let [_, refused] = &reasons[..] else { panic!("{reasons:?}") };
            assert!(refused.to_string().contains("not final"), "{refused}");
            live.finish().await.unwrap();
            live.state()
        };
        let (state, start) = server.clock().block_on(join(talk, script));
        let said = start.session.input.unwrap();
        assert_eq!((said.len(), &*said[0].content[0].text), (1, "Hello?"));
        assert_eq!((state.source_session_id(), state.session_id().unwrap().as_str()), (None, "live_2"));
    }
}

#[test]
fn a_refusal_that_no_other_target_cures_ends_the_connection() {
    let (client, server) = service();
    let refuse = || server.refuse_next(StatusCode::UNAUTHORIZED, HeaderMap::new(), "{}");
    let script = async {
        let session: MockSession<Live> = server.accept_as().await;
        session.expect::<SessionStart>().await;
        session.send(SessionStarted::new(SessionResource::new("live_1").store(true)).event_id("s1"));
        server.clock().sleep(Duration::from_secs(1)).await;
        refuse();
        session.drop_link();
        // The fork is refused, and so is the new session.
        server.clock().sleep(Duration::from_millis(700)).await;
        refuse();
    };
    let talk = async {
        let connect = client.live().model("gpt-live-1").after_loss(AfterLoss::Fork);
        let live = connect.reconnect(Reconnect::default()).connect().await.unwrap();
        while let Some(Ok(_)) = live.next().await {}
        live.phase()
    };
    let (phase, ()) = server.clock().block_on(join(talk, script));
    assert_eq!(phase, realtime::connection::Phase::Closed);
    assert!(server.try_accept_as::<Live>().is_none());
}

#[test]
fn what_a_new_session_does_not_take_is_itemised() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<Live> = server.accept_as().await;
        session.expect::<SessionStart>().await;
        session.send(SessionStarted::new(SessionResource::new("live_1")).event_id("s1"));
        for number in 0..130_u64 {
            let (id, start) = (format!("e{number}"), number * 1_000);
            let (id, text) = (Some(id.as_str().into()), format!("{number}"));
            if number % 2 == 0 {
                session.send(SessionInputTranscriptDelta::new(id, text, start, start + 200));
            } else {
                session.send(SessionOutputTranscriptDelta::new(id, text, start, start + 200));
            }
        }
        server.clock().sleep(Duration::from_secs(5)).await;
        session.drop_link();
        let anew: MockSession<Live> = server.accept_as().await;
        serve_to_the_end(&anew, "live_2").await
    };
    let talk = async {
        let named = HistoryItem::user("Before").id("msg_1");
        let connect = client.live().model("gpt-live-1").input([HistoryItem::developer("x"), named]);
        let live = connect.reconnect(Reconnect::default()).connect().await.unwrap();
        let (reconnected, _) = replaced(&live).await;
        let gone = LostReason::NoRoom;
        assert_eq!(lost(&reconnected), [("input[0]", gone), ("msg_1", gone), ("e0", gone), ("e1", gone)]);
        live.finish().await.unwrap();
    };
    let ((), start) = server.clock().block_on(join(talk, script));
    let said = start.session.input.unwrap();
    assert_eq!((said.len(), &*said[0].content[0].text, &*said[127].content[0].text), (128, "2", "129"));
}

#[test]
fn a_fork_that_is_lost_is_forked_from_the_same_session_and_what_was_said_since_is_lost() {
    let (client, server) = service();
    let script = async {
        for id in ["live_1", "live_2"] {
            let session: MockSession<LiveFork> = server.accept_as().await;
            assert_eq!(session.handshake().uri.path(), "/v1/live/sessions/live_0/fork");
            session.expect::<ForkStart>().await;
            session.send(started(id).event_id(id));
            if id == "live_1" {
                session.send(SessionInputTranscriptDelta::new(Some("e1".into()), "Hello?", 0, 200));
                server.clock().sleep(Duration::from_secs(1)).await;
                session.drop_link();
            } else {
                session.expect::<SessionClose>().await;
                session.send(closed(id, CloseReason::CloseRequested));
                session.closed().await;
            }
        }
    };
    let talk = async {
        let live = client.live().fork("live_0").reconnect(Reconnect::default()).connect().await.unwrap();
        let (reconnected, _) = replaced(&live).await;
        assert_eq!(lost(&reconnected), [("e1", LostReason::NoRoom)]);
        live.finish().await.unwrap();
    };
    server.clock().block_on(join(talk, script));
}
