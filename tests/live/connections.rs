//! Whole conversations against a scripted server, in virtual time: a session of one's own, a fork, a sideband.

use futures::{StreamExt, future::join};
use realtime::{
    Connection, Error, ErrorKind, LiveSideband,
    connection::{Notice, Reconnect, Update},
    live::{
        Live, LiveFork,
        event::{
            ErrorEvent, ForkStart, ResponseCreate, ResponseItemCreate, ServerEvent, SessionClose,
            SessionCommentaryAppend, SessionCommentaryAppended, SessionDelegationCreated, SessionInputAudioAppend,
            SessionInputAudioMute, SessionInputAudioMuted, SessionInputTranscriptDelta, SessionOutputAudioDelta,
            SessionStart, SessionUpdate, TransportDtmfSend, TransportDtmfSent,
        },
        state::{CallOutput, DelegationStatus, LivePhase},
        types::{
            CloseReason, Delegation, DelegationItem, DelegationTarget, DtmfKey, ForkConfig, FunctionCallOutput,
            LiveError, ReportedUsage, ResponsesConfig, ResponsesDelegation, Tool, UpdateConfig,
        },
    },
    mock::MockSession,
    session::LinkEnd,
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
