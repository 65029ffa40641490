//! Handlers of delegated work: tasks of the application's, functions of the Responses backend, decisions, clips.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, future::join};
use realtime::{
    Error, ErrorKind,
    connection::{Notice, Update},
    live::{
        Live, LiveNotice, Task,
        event::{
            DecisionCreate, DecisionEvent, ErrorEvent, ResponseCreate, ResponseItemCreate, ServerEvent, SessionClose,
            SessionCommentaryAppend, SessionCommentaryAppended, SessionDelegationCreated,
            SessionOutputAudioFixturePlay, SessionOutputAudioFixturePlayed, SessionOutputAudioFixturePlaying,
            SessionStart, SessionThinkingAppend, SessionThinkingAppended, SessionUpdate, SessionUpdated,
        },
        state::{CallOutput, DelegationStatus},
        types::{
            CloseReason, Decision, DelegationItem, DelegationTarget, DelegationUpdate, LiveError, SessionResource,
        },
    },
    mock::MockSession,
    tools::{ToolErrorKind, Tools},
    transport::Timer,
};
use serde_json::{Value, json};

use crate::support::{closed, nested, service, started};

async fn begin(session: &MockSession<Live>) {
    session.expect::<SessionStart>().await;
    session.send(started("live_1"));
}

async fn end(session: &MockSession<Live>) {
    session.expect::<SessionClose>().await;
    session.send(closed("live_1", CloseReason::CloseRequested));
    session.closed().await;
}

fn task(id: &str) -> SessionDelegationCreated {
    SessionDelegationCreated::new(DelegationItem::new(id, DelegationTarget::Client), 200).event_id(format!("of_{id}"))
}

#[test]
fn a_handler_answers_a_task_as_often_as_it_likes_and_what_it_returns_is_said() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<Live> = server.accept_as().await;
        begin(&session).await;
        session.send(task("item_1"));
        let thought: SessionThinkingAppend = session.expect().await;
        assert_eq!((thought.delegation_id.as_deref(), &*thought.content), (Some("item_1"), "Slow today."));
        session.send(SessionThinkingAppended::new(0, 200).event_id("e1").client_event_id(thought.event_id.unwrap()));
        let said: SessionCommentaryAppend = session.expect().await;
        assert_eq!((said.delegation_id.as_deref(), &*said.content), (Some("item_1"), "Still looking."));
        // Another task comes while the first is worked on.
        session.send(task("item_2"));
        for _ in 0..2 {
            let said: SessionCommentaryAppend = session.expect().await;
            if said.content == "Still looking." {
                assert_eq!(said.delegation_id.as_deref(), Some("item_2"));
                continue;
            }
            assert_eq!(said.content, "Done in 5 s.");
            let id = said.event_id.unwrap();
            session.send(SessionCommentaryAppended::new(200, 400).event_id(id.as_str()).client_event_id(id));
        }
        end(&session).await;
    };
    let clock = server.clock().clone();
    let talk = client.live().model("gpt-live-1").run(async |live| {
        let timer = clock.clone();
        live.on_delegation(async move |task: Task<Live>| {
            if task.id() == "item_1" {
                task.thinking("Slow today.")?.await?;
            }
            drop(task.commentary("Still looking.")?);
            timer.sleep_until(timer.now() + Duration::from_secs(5)).await;
            Ok::<_, Error>("Done in 5 s.")
        });
        while let Some(event) = live.next().await {
            if let ServerEvent::SessionCommentaryAppended(_) = event? {
                break;
            }
        }
        let state = live.state();
        let first = state.delegations().next().unwrap();
        assert_eq!(state.delegation_status(first), DelegationStatus::Answered);
        Ok::<_, Error>(())
    });
    let (result, ()) = server.clock().block_on(join(talk, script));
    result.unwrap();
}

#[test]
fn a_handler_that_fails_or_panics_is_told_to_the_voice_and_to_the_application() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<Live> = server.accept_as().await;
        begin(&session).await;
        for (id, told) in [("fails", "error: no database"), ("panics", "error: the function panicked")] {
            session.send(task(id));
            let thought: SessionThinkingAppend = session.expect().await;
            assert_eq!((thought.delegation_id.as_deref(), &*thought.content), (Some(id), told));
        }
        session.send(task("silent"));
        end(&session).await;
    };
    let talk = client.live().model("gpt-live-1").run(async |live| {
        live.on_delegation(async |task: Task<Live>| match task.id().as_str() {
            "fails" => Err("no database"),
            "panics" => panic!("the handler's own fault"),
            // An empty answer is none.
            _ => Ok(""),
        });
        let mut failed = Vec::new();
        let mut updates = live.updates();
        while failed.len() < 2 {
            if let Some(Update::Notice(Notice::Protocol(LiveNotice::Tool(error)))) = updates.next().await.transpose()? {
                failed.push((error.call_id.unwrap().to_string(), error.kind));
            }
        }
        assert_eq!(failed[0], ("fails".into(), ToolErrorKind::Failed("no database".into())));
        assert_eq!(failed[1], ("panics".into(), ToolErrorKind::Panicked));
        while live.state().delegations().count() < 3 {
            updates.next().await.transpose()?;
        }
        Ok::<_, Error>(())
    });
    let (result, ()) = server.clock().block_on(join(talk, script));
    result.unwrap();
}

fn call(id: &str, name: &str, arguments: &str) -> realtime::live::event::ResponseEvent {
    nested(json!({"type": "response.output_item.done", "item": {
        "id": format!("fc_{id}"), "type": "function_call", "call_id": id, "name": name, "arguments": arguments,
    }}))
    .event_id(format!("event_{id}"))
}

fn run(kind: &str, id: &str) -> realtime::live::event::ResponseEvent {
    nested(json!({"type": kind, "response": {"id": id}})).event_id(format!("event_{kind}_{id}"))
}

fn doubling() -> Tools {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    Tools::new().add_raw("double", "Doubles.", schema.into(), async |arguments: Value| {
        Ok::<_, String>(arguments["n"].as_i64().ok_or("n is no number")? * 2)
    })
}

#[test]
fn all_outputs_of_a_batch_are_sent_and_then_exactly_one_request_to_go_on() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<Live> = server.accept_as().await;
        begin(&session).await;
        let update: SessionUpdate = session.expect().await;
        let delegation = update.session.delegation.as_set().unwrap();
        let DelegationUpdate::Responses(responses) = delegation else { panic!("{delegation:?}") };
        let told = serde_json::to_value(responses.responses.as_ref().unwrap()).unwrap();
        assert_eq!(told["tools"][0]["name"], "double");
        session.send(SessionUpdated::new(SessionResource::new("live_1")).client_event_id(update.event_id.unwrap()));

        session.send(run("response.created", "r1"));
        session.send(call("c1", "double", r#"{"n":4}"#));
        // An output may be sent before the run has ended, but not the request to go on.
        let output: ResponseItemCreate = session.expect().await;
        assert_eq!(output.item.answers().as_deref(), Some("c1"));
        session.send(call("c2", "double", r#"{"n":"x"}"#));
        session.send(call("c3", "triple", "{}"));
        // The server tells of a call once more.
        session.send(call("c2", "double", r#"{"n":"x"}"#).event_id("again"));
        let mut outputs = Vec::new();
        for _ in 0..2 {
            let output: ResponseItemCreate = session.expect().await;
            outputs.push(serde_json::to_value(&output.item).unwrap()["output"].as_str().unwrap().to_owned());
        }
        outputs.sort();
        assert_eq!(outputs, ["error: n is no number", "error: there is no function `triple`; there are: double"]);
        server.clock().sleep(Duration::from_secs(5)).await;
        session.send(run("response.completed", "r1"));
        session.expect::<ResponseCreate>().await;
        // A second run without calls asks for nothing.
        session.send(run("response.created", "r2"));
        session.send(run("response.completed", "r2"));
        end(&session).await;
    };
    let talk = client.live().model("gpt-live-1").run(async |live| {
        live.use_tools(doubling())?.await?;
        while let Some(event) = live.next().await {
            if matches!(event?, ServerEvent::ResponseEvent(event) if event.event.kind() == "response.completed")
                && live.state().responses().count() == 2
            {
                break;
            }
        }
        let state = live.state();
        assert_eq!(state.continues(), (1, 0));
        assert!(state.calls().all(|call| call.output == CallOutput::Continued));
        Ok::<_, Error>(())
    });
    let (result, ()) = server.clock().block_on(join(talk, script));
    result.unwrap();
}

#[test]
fn calls_of_a_failed_or_incomplete_response_are_dropped_and_nothing_is_asked_for() {
    for ending in ["response.failed", "response.incomplete"] {
        let (client, server) = service();
        let finished = Arc::new(AtomicUsize::new(0));
        let script = async {
            let session: MockSession<Live> = server.accept_as().await;
            begin(&session).await;
            session.send(run("response.created", "r1"));
            session.send(call("c1", "slow", "{}"));
            server.clock().sleep(Duration::from_secs(1)).await;
            session.send(run(ending, "r1"));
            // One that comes after its run was lost is not run either.
            session.send(call("c2", "slow", "{}"));
            server.clock().sleep(Duration::from_secs(20)).await;
            end(&session).await;
        };
        let (clock, count) = (server.clock().clone(), finished.clone());
        let talk = client.live().model("gpt-live-1").run(async |live| {
            let schema = json!({"type": "object"});
            live.run_tools(Tools::new().add_raw("slow", "Slow.", schema.into(), async move |_: Value| {
                clock.sleep_until(clock.now() + Duration::from_secs(10)).await;
                count.fetch_add(1, Ordering::Relaxed);
            }));
            let wait = server.clock().sleep(Duration::from_secs(15));
            let read = async { while live.next().await.is_some() {} };
            futures::future::select(wait, Box::pin(read)).await;
            let state = live.state();
            assert!(state.calls().all(|call| call.output == CallOutput::Discarded));
            assert_eq!((state.calls().count(), state.continues()), (2, (0, 0)));
            Ok::<_, Error>(())
        });
        let (result, ()) = server.clock().block_on(join(talk, script));
        result.unwrap();
        assert_eq!(finished.load(Ordering::Relaxed), 0, "{ending}");
    }
}

#[test]
fn a_refused_request_to_go_on_is_not_repeated_until_something_has_happened() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<Live> = server.accept_as().await;
        begin(&session).await;
        session.send(run("response.created", "r1"));
        session.send(call("c1", "double", r#"{"n":4}"#));
        session.send(run("response.completed", "r1"));
        session.expect::<ResponseItemCreate>().await;
        let create: ResponseCreate = session.expect().await;
        let error = LiveError::new("Not now.").code("invalid_request").client_event_id(create.event_id.unwrap());
        session.send(ErrorEvent::new(error).event_id("e1"));
        server.clock().sleep(Duration::from_secs(60)).await;
        end(&session).await;
    };
    let talk = client.live().model("gpt-live-1").run(async |live| {
        live.run_tools(doubling());
        while let Some(event) = live.next().await {
            if matches!(event?, ServerEvent::Error(_)) {
                break;
            }
        }
        assert_eq!(live.state().continues(), (1, 1));
        assert!(live.state().continue_is_owed());
        Ok::<_, Error>(())
    });
    let (result, ()) = server.clock().block_on(join(talk, script));
    result.unwrap();
}

#[test]
fn decisions_come_as_typed_answers_awaited_or_by_trigger() {
    let decided = |id: &str, probability: f64| -> DecisionEvent {
        serde_json::from_value(json!({
            "event_id": id, "event": {"type": "decision.completed", "decision": {"answers": [
                {"type": "predicate", "name": "human", "probability": probability},
                {"type": "choice", "name": "topic", "choice": true},
                {"type": "score", "name": "mood", "score": 0.5},
                {"type": "refusal", "name": "age"},
            ]}},
        }))
        .unwrap()
    };
    let (client, server) = service();
    let script = async {
        let session: MockSession<Live> = server.accept_as().await;
        begin(&session).await;
        session.expect::<DecisionCreate>().await;
        session.send(decided("e1", 0.1).trigger_id("t1").source_event_id("e0"));
        session.send(decided("e2", 0.9));
        end(&session).await;
    };
    let talk = client.live().model("gpt-live-1").run(async |live| {
        let triggered = Arc::new(AtomicUsize::new(0));
        let count = triggered.clone();
        live.on(move |decided: &DecisionEvent| {
            count.fetch_add(usize::from(decided.trigger_id.is_some()), Ordering::Relaxed);
        });
        let decision = live.decision().create()?.await?;
        let decision: &Decision = &decision.event.decision;
        assert_eq!(decision.predicate("human"), Some(0.9));
        assert_eq!(decision.choice("topic"), Some(&true.into()));
        assert_eq!(decision.score("mood"), Some(0.5));
        assert_eq!((decision.score("human"), decision.predicate("age")), (None, None));
        // The opening, and the two decisions.
        for _ in 0..3 {
            live.next().await.transpose()?;
        }
        assert_eq!(triggered.load(Ordering::Relaxed), 1);
        Ok::<_, Error>(())
    });
    let (result, ()) = server.clock().block_on(join(talk, script));
    result.unwrap();
}

#[test]
fn a_clip_is_awaited_to_its_beginning_and_to_its_end() {
    for ending in ["played", "cut off", "silent"] {
        let (client, server) = service();
        let script = async {
            let session: MockSession<Live> = server.accept_as().await;
            begin(&session).await;
            let play: SessionOutputAudioFixturePlay = session.expect().await;
            let id = play.event_id.unwrap();
            session.send(SessionOutputAudioFixturePlaying::default().event_id("e1").client_event_id(&id));
            server.clock().sleep(Duration::from_millis(400)).await;
            match ending {
                "played" => {
                    session.send(SessionOutputAudioFixturePlayed::default().event_id("e2").client_event_id(&id));
                    end(&session).await;
                }
                "cut off" => session.send(closed("live_1", CloseReason::Expired)),
                _ => end(&session).await,
            }
        };
        let talk = client.live().model("gpt-live-1").run(async |live| {
            let begun = server.clock().now();
            let clip = live.session().output_audio().fixture().play(vec![0; 48 * 400])?;
            let played = clip.played().await;
            let waited = server.clock().now() - begun;
            match ending {
                "played" => assert_eq!((played.unwrap(), waited), ((), Duration::from_millis(400))),
                "cut off" => assert!(matches!(played.unwrap_err().kind(), ErrorKind::Ambiguous)),
                // The clip's own length, and 30 s.
                _ => {
                    assert!(matches!(played.unwrap_err().kind(), ErrorKind::Unanswered(_)));
                    assert_eq!(waited, Duration::from_millis(30_400));
                }
            }
            Ok::<_, Error>(())
        });
        let (result, ()) = server.clock().block_on(join(talk, script));
        result.unwrap();
    }
}
