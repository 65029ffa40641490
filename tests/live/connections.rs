//! Whole conversations against a scripted server, in virtual time: a session of one's own, a fork, a sideband.

use std::time::Duration;

use futures::{StreamExt, future::join};
use http::{HeaderMap, StatusCode};
use realtime::{
    Connection, Error, ErrorKind, LiveSideband, Protocol,
    connection::{Notice, Reconnect, Reconnected, Update},
    live::{
        AfterLoss, Live, LiveFork,
        event::{
            ErrorEvent, ForkStart, ResponseCreate, ResponseItemCreate, ServerEvent, SessionClose,
            SessionCommentaryAppend, SessionCommentaryAppended, SessionDelegationCreated, SessionInputAudioAppend,
            SessionInputAudioMute, SessionInputAudioMuted, SessionInputTranscriptDelta, SessionOutputAudioDelta,
            SessionOutputTranscriptDelta, SessionStart, SessionStarted, SessionUpdate, TransportDtmfSend,
            TransportDtmfSent,
        },
        state::{CallOutput, DelegationStatus, LivePhase},
        types::{
            AudioConfig, CloseReason, Delegation, DelegationItem, DelegationTarget, DtmfKey, ForkConfig,
            FunctionCallOutput, HistoryItem, LiveError, ReportedUsage, ResponsesConfig, ResponsesDelegation,
            SessionResource, Tool, UpdateConfig,
        },
    },
    mock::MockSession,
    session::{LinkEnd, LostReason},
    types::AudioFormat,
};
use serde_json::json;

use crate::support::{closed, nested, service, started};

#[test]
fn a_session_begins_with_its_configuration_hears_speaks_delegates_and_ends_confirmed() {
    let (client, server) = service();
    let backend = ResponsesConfig::new("gpt-5.4-mini").tools([Tool::function("order_status")]);
    let connect = client
        .live()
        .model("gpt-live-1.1")
        .instructions("Be brief.")
        .voice("marin")
        .delegation(ResponsesDelegation::new(backend));

    let application = async |live: &Connection<Live>| {
        live.session().input_audio().append(&[0; 480])?;
        let muted = live.session().input_audio().mute()?;
        let said = live.session().commentary().append_to("item_0", "One moment.")?;
        assert_eq!(muted.await?.client_event_id.as_deref().map(|id| !id.is_empty()), Some(true));
        assert_eq!(said.await?.start_ms.whole(), Some(200));
        let refused = live.session().update(UpdateConfig::default())?.await.unwrap_err();
        let ErrorKind::Request(error) = refused.kind() else { panic!("{refused:?}") };
        assert_eq!(error.error.code.as_deref(), Some("immutable_field_update"));

        let mut audio = 0;
        while let Some(event) = live.next().await {
            match event? {
                ServerEvent::SessionOutputAudioDelta(delta) => audio += delta.delta.len(),
                ServerEvent::ResponseEvent(event) if event.event.kind() == "response.completed" => break,
                _ => {}
            }
        }
        let state = live.state();
        assert_eq!(audio, 4);
        let task = state.delegations().next().unwrap();
        assert_eq!(state.delegation_status(task), DelegationStatus::NeedsOutput);
        for call in state.calls().filter(|call| call.output == CallOutput::Owed) {
            live.response().item().create(FunctionCallOutput::new(&call.call_id, r#"{"ready":true}"#))?;
        }
        live.flush().await?;
        assert!(live.state().continue_is_owed());
        live.response().create()?;
        Ok::<_, Error>(42)
    };

    let script = async {
        let session: MockSession<Live> = server.accept_as().await;
        assert_eq!(session.handshake().uri, "wss://api.openai.com/v1/live/sessions");
        let start: SessionStart = session.expect().await;
        assert_eq!(start.session.model, "gpt-live-1.1");
        assert_eq!(start.session.instructions.as_set().map(|text| &**text), Some("Be brief."));
        assert!(matches!(start.session.delegation.as_set(), Some(Delegation::Responses(_))));
        session.send(started("live_1"));

        let append: SessionInputAudioAppend = session.expect().await;
        assert_eq!(append.audio.len(), 480);
        let mute: SessionInputAudioMute = session.expect().await;
        let say: SessionCommentaryAppend = session.expect().await;
        // Another answer first: each finds its own request.
        session.send(SessionCommentaryAppended::new(200, 400).event_id("e1").client_event_id(say.event_id.unwrap()));
        session.send(SessionInputAudioMuted::default().event_id("e2").client_event_id(mute.event_id.unwrap()));
        let update: SessionUpdate = session.expect().await;
        let error = LiveError::new("fixed").code("immutable_field_update").client_event_id(update.event_id.unwrap());
        session.send(ErrorEvent::new(error).event_id("e3"));

        session.send(SessionInputTranscriptDelta::new(Some("e4".into()), "Is it ready?", 0, 200));
        let task = DelegationItem::new("item_1", DelegationTarget::Responses);
        session.send(SessionDelegationCreated::new(task, 200).event_id("e5"));
        session.send(SessionOutputAudioDelta::new(vec![0, 1, 2, 3]));
        session.send(nested(json!({"type": "response.created", "response": {"id": "resp_1"}})));
        session.send(nested(json!({"type": "response.output_item.done", "item": {
            "id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "order_status", "arguments": "{}",
        }})));
        session.send(nested(json!({"type": "response.completed", "response": {"id": "resp_1"}})));
        let output: ResponseItemCreate = session.expect().await;
        assert_eq!(output.item.answers().as_deref(), Some("call_1"));
        session.expect::<ResponseCreate>().await;

        session.expect::<SessionClose>().await;
        session.send(SessionInputTranscriptDelta::new(Some("e6".into()), " Thanks.", 300, 400));
        session.send(closed("live_1", CloseReason::CloseRequested));
        session.closed().await
    };
    let (result, frame) = server.clock().block_on(join(connect.run(application), script));
    assert_eq!((result.unwrap(), frame.unwrap().code), (42, 1000));
}

#[test]
fn the_reason_and_the_usage_of_the_end_are_in_the_state() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<Live> = server.accept_as().await;
        session.expect::<SessionStart>().await;
        session.send(started("live_1"));
        session.expect::<SessionClose>().await;
        session.send(closed("live_1", CloseReason::CloseRequested));
        session.closed().await
    };
    let talk = async {
        let live = client.live().model("gpt-live-1").connect().await.unwrap();
        live.finish().await.unwrap();
        live.state()
    };
    let (state, _) = server.clock().block_on(join(talk, script));
    let ending = state.ending.clone().unwrap();
    assert_eq!((ending.reason, ending.confirmed), (Some(CloseReason::CloseRequested), true));
    assert_eq!((ending.by, ending.code), (Some(LinkEnd::Client), Some(1000)));
    assert_eq!(state.phase, LivePhase::Closed);
    let usage: ReportedUsage = state.usage.as_ref().unwrap().read().unwrap();
    assert_eq!(usage.seconds.whole(), Some(12));
}

#[test]
fn an_end_that_the_server_does_not_confirm_is_an_error() {
    for before_the_goodbye in [true, false] {
        let (client, server) = service();
        let script = async {
            let session: MockSession<Live> = server.accept_as().await;
            session.expect::<SessionStart>().await;
            session.send(started("live_1"));
            if !before_the_goodbye {
                session.expect::<SessionClose>().await;
            }
            session.close(1000, "");
            session.closed().await;
        };
        let talk = async {
            let live = client.live().model("gpt-live-1").connect().await.unwrap();
            if before_the_goodbye {
                while let Some(Ok(_)) = live.next().await {}
            }
            (live.finish().await.unwrap_err(), live.state())
        };
        let ((error, state), ()) = server.clock().block_on(join(talk, script));
        assert!(matches!(error.kind(), ErrorKind::Unconfirmed), "{error:?}");
        assert_eq!(state.phase, LivePhase::Lost);
        assert!(!state.ending.as_ref().unwrap().confirmed);
    }
}

#[test]
fn a_refused_start_is_told_in_the_servers_words() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<Live> = server.accept_as().await;
        let start: SessionStart = session.expect().await;
        let error = LiveError::new("Unknown parameter: 'session.voice'.")
            .code("unknown_parameter")
            .client_event_id(start.event_id.unwrap());
        session.send(ErrorEvent::new(error).event_id("e1"));
        session.close(1008, "");
        session.closed().await;
    };
    let (error, ()) = server.clock().block_on(join(client.live().model("gpt-live-1").connect(), script));
    let error = error.unwrap_err();
    let ErrorKind::Refused(refused) = error.kind() else { panic!("{error:?}") };
    let said = &refused.error.as_ref().unwrap().error;
    assert_eq!(
        (said.code.as_deref(), &*said.message),
        (Some("unknown_parameter"), "Unknown parameter: 'session.voice'.")
    );
}

#[test]
fn a_fork_begins_with_what_differs_from_the_stored_session() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<LiveFork> = server.accept_as().await;
        assert_eq!(session.handshake().uri, "wss://api.openai.com/v1/live/sessions/live%2Fold/fork");
        let start: ForkStart = session.expect().await;
        assert_eq!(start.session, ForkConfig::default().store(true));
        session.send(started("live_new"));
        session.expect::<SessionClose>().await;
        session.send(closed("live_new", CloseReason::CloseRequested));
        session.closed().await
    };
    let connect = client.live().fork("live/old").config(ForkConfig::default().store(true));
    let talk = connect.run(async |live| {
        let state = live.state();
        assert_eq!(state.source_session_id().map(|id| id.as_str()), Some("live/old"));
        Ok::<_, Error>(state.session_id().cloned())
    });
    let (id, _) = server.clock().block_on(join(talk, script));
    assert_eq!(id.unwrap().as_deref(), Some("live_new"));
}

#[test]
fn a_sideband_attaches_again_and_hears_nothing_twice() {
    let (client, server) = service();
    let word = |n: u64, text: &str| {
        SessionInputTranscriptDelta::new(Some(format!("e{n}").into()), text, 200 * n, 200 * n + 200)
    };
    let script = async {
        let session: MockSession<LiveSideband> = server.accept_as().await;
        assert_eq!(session.handshake().uri, "wss://api.openai.com/v1/live/sessions/live_1/attach?graceful_close=true");
        session.send(word(1, "Is"));
        let key: TransportDtmfSend = session.expect().await;
        assert_eq!(key.event, DtmfKey::Five);
        session.send(TransportDtmfSent::new(DtmfKey::Five).event_id("e0").client_event_id(key.event_id.unwrap()));
        let _: SessionCommentaryAppend = session.expect().await;
        session.send(word(2, " it"));
        session.drop_link();
        let again: MockSession<LiveSideband> = server.accept_as().await;
        for (n, text) in [(1, "Is"), (2, " it"), (3, " ready?")] {
            again.send(word(n, text));
        }
        // It leaves, and does not end the session of others.
        assert_eq!(again.closed().await.unwrap().code, 1000);
    };
    let talk = async {
        let connect = client.live().attach("live_1").graceful_close(true);
        let live = connect.reconnect(Reconnect::default()).connect().await.unwrap();
        assert_eq!(live.state().phase, LivePhase::Open);
        live.transport().dtmf().send(DtmfKey::Five).unwrap().await.unwrap();
        let lost = live.session().commentary().append("It is.").unwrap();
        let (mut heard, mut ambiguous) = (String::new(), 0);
        let mut updates = live.updates();
        while heard != "Is it ready?" {
            match updates.next().await.unwrap().unwrap() {
                Update::Event(ServerEvent::SessionInputTranscriptDelta(delta)) => heard.push_str(&delta.delta),
                Update::Notice(Notice::Reconnected(reconnected)) => ambiguous += reconnected.ambiguous.len(),
                _ => {}
            }
        }
        assert!(matches!(lost.await.unwrap_err().kind(), ErrorKind::Ambiguous));
        drop(updates);
        live.finish().await.unwrap();
        (live.state(), ambiguous)
    };
    let ((state, ambiguous), ()) = server.clock().block_on(join(talk, script));
    assert_eq!((state.connections, state.duplicates, ambiguous), (2, 2, 1));
    assert_eq!((&*state.input_transcript, &*state.keys.sent), ("Is it ready?", "5"));
    assert_eq!(state.phase, LivePhase::Detached);
}

#[test]
fn an_id_that_is_no_segment_of_a_path_is_refused_before_any_network() {
    let (client, server) = service();
    for id in ["", ".", ".."] {
        let error = client.live().attach(id).open().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Endpoint(_)), "{id}: {error:?}");
        assert!(matches!(client.live().fork(id).open().unwrap_err().kind(), ErrorKind::Endpoint(_)));
    }
    assert!(server.try_accept_as::<Live>().is_none());
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
        let mut updates = live.updates();
        let reconnected = loop {
            if let Update::Notice(Notice::Reconnected(reconnected)) = updates.next().await.unwrap().unwrap() {
                break reconnected;
            }
        };
        drop(updates);
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
            let mut updates = live.updates();
            let reconnected = loop {
                if let Update::Notice(Notice::Reconnected(reconnected)) = updates.next().await.unwrap().unwrap() {
                    break reconnected;
                }
            };
            drop(updates);
            let lost: Vec<_> = reconnected.lost.iter().map(|lost| (lost.item_id.as_str(), lost.reason)).collect();
            assert_eq!(lost, [("item_1", LostReason::Unfinished)]);
            live.finish().await.unwrap();
            live.state()
        };
        let (state, ()) = server.clock().block_on(join(talk, script));
        assert_eq!(state.source_session_id().map(|id| id.as_str()), store.then_some("live_1"));
    }
}

/// Reads updates until another session has taken the place of the lost one: what it tells, and why the links before were
/// lost.
async fn replaced(live: &Connection<Live>) -> (Box<Reconnected<Live>>, Vec<Error>) {
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
        let mut updates = live.updates();
        let reconnected = loop {
            if let Update::Notice(Notice::Reconnected(reconnected)) = updates.next().await.unwrap().unwrap() {
                break reconnected;
            }
        };
        drop(updates);
        assert_eq!(lost(&reconnected), [("e1", LostReason::NoRoom)]);
        live.finish().await.unwrap();
    };
    server.clock().block_on(join(talk, script));
}
