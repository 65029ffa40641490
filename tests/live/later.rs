//! Functions of the Responses backend that take their call, are silent, need approval, or are answered later.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::join;
use realtime::{
    Error,
    connection::{Notice, Update},
    live::{
        Live, LiveNotice,
        event::{ClientEvent, ResponseItemCreate, SessionStart},
        types::CloseReason,
    },
    mock::MockSession,
    tools::{AnswerError, Approval, Later, Silent, ToolContext, ToolErrorKind, Tools},
};
use serde_json::{Value, json};

use crate::support::{closed, nested, service, started};

fn call(id: &str, name: &str) -> realtime::live::event::ResponseEvent {
    nested(json!({ "type": "response.output_item.done", "response_id": "r1", "item": {
        "type": "function_call", "id": format!("item_{id}"), "call_id": id, "name": name, "arguments": "{}" } }))
    .event_id(format!("event_{id}"))
}

fn run(kind: &str) -> realtime::live::event::ResponseEvent {
    nested(json!({ "type": kind, "response": { "id": "r1" } }))
}

fn told(output: &ResponseItemCreate) -> (String, String) {
    let item = serde_json::to_value(&output.item).unwrap();
    let text = |name: &str| item[name].as_str().unwrap().to_owned();
    (text("call_id"), text("output"))
}

/// A response that calls these functions, and what the client sends within ten seconds after it and after `then`.
fn play(
    tools: Tools,
    calls: &[(&str, &str)],
    then: impl Fn(&realtime::Connection<Live>),
) -> (Vec<String>, Vec<ToolErrorKind>) {
    let (client, server) = service();
    let (sent, failed) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let served = async {
        let session: MockSession<Live> = server.accept_as().await;
        session.expect::<SessionStart>().await;
        session.send(started("live_1"));
        session.send(run("response.created"));
        calls.iter().for_each(|(id, name)| session.send(call(id, name)));
        session.send(run("response.completed"));
        loop {
            match session.next().await {
                Some(ClientEvent::ResponseItemCreate(output)) => {
                    let (id, output) = told(&output);
                    sent.borrow_mut().push(format!("{id}: {output}"));
                }
                Some(ClientEvent::ResponseCreate(_)) => sent.borrow_mut().push("go on".into()),
                Some(ClientEvent::SessionClose(_)) => break,
                _ => {}
            }
        }
        session.send(closed("live_1", CloseReason::CloseRequested));
        session.closed().await;
    };
    let talk = client.live().model("gpt-live-1").run(async |live| {
        live.run_tools(tools);
        let read = async {
            let mut updates = live.updates();
            while let Some(update) = futures::StreamExt::next(&mut updates).await {
                if let Ok(Update::Notice(Notice::Protocol(LiveNotice::Tool(error)))) = update {
                    failed.borrow_mut().push(error.kind);
                }
            }
        };
        let script = async {
            server.clock().sleep(Duration::from_secs(10)).await;
            sent.borrow_mut().push("then".into());
            then(live);
            server.clock().sleep(Duration::from_secs(10)).await;
        };
        futures::future::select(Box::pin(read), Box::pin(script)).await;
        Ok::<_, Error>(())
    });
    server.clock().block_on(join(talk, served)).0.unwrap();
    (sent.into_inner(), failed.into_inner())
}

fn schema() -> realtime::Json {
    json!({ "type": "object" }).into()
}

fn tools() -> (Tools, Arc<Mutex<Vec<ToolContext<Live>>>>) {
    let contexts = Arc::<Mutex<Vec<ToolContext<Live>>>>::default();
    let kept = contexts.clone();
    let tools = Tools::new()
        .add_raw_with_context("later", "", schema(), async move |_: Value, call: ToolContext<Live>| {
            kept.lock().unwrap().push(call);
            Later
        })
        .add_raw("silent", "", schema(), async |_: Value| Silent("noted"))
        .add_raw("plain", "", schema(), async |_: Value| "done")
        .add_raw("order", "", schema(), async |_: Value| "ordered")
        .needs_approval();
    (tools, contexts)
}

#[test]
fn an_answer_that_comes_later_holds_its_batch_and_is_given_once() {
    let (tools, contexts) = tools();
    let (sent, failed) = play(tools, &[("c1", "later"), ("c2", "plain")], |live| {
        let call = contexts.lock().unwrap()[0].clone();
        assert_eq!((call.call_id().as_str(), call.response_id().map(|id| id.as_str())), ("c1", Some("r1")));
        assert!(!call.is_cancelled());
        assert_eq!(live.answer_call("c9", "x"), Err(AnswerError::Unknown));
        assert_eq!(live.answer_call("c1", Later), Err(AnswerError::Unfinished));
        assert_eq!(live.answer_call("c1", "arrived"), Ok(()));
        assert_eq!(live.answer_call("c1", "again"), Err(AnswerError::Answered));
        assert_eq!(live.answer_call("c2", "again"), Err(AnswerError::Answered));
    });
    assert_eq!(sent, ["c2: done", "then", "c1: arrived", "go on"]);
    assert!(failed.is_empty() && contexts.lock().unwrap()[0].is_cancelled());
}

#[test]
fn the_backend_is_not_asked_to_go_on_because_of_silent_outputs_alone() {
    let (sent, _) = play(tools().0, &[("c1", "silent")], |_| {});
    assert_eq!(sent, ["c1: noted", "then"]);
    let (mut sent, _) = play(tools().0, &[("c1", "silent"), ("c2", "plain")], |_| {});
    sent[..2].sort();
    assert_eq!(sent, ["c1: noted", "c2: done", "go on", "then"]);
    let (sent, _) = play(tools().0, &[("c1", "later")], |live| live.answer_call("c1", Silent("arrived")).unwrap());
    assert_eq!(sent, ["then", "c1: arrived"]);
}

#[test]
fn nobody_answers_in_time_or_approves() {
    let (sent, failed) = play(tools().0.later_timeout(Duration::from_secs(5)), &[("c1", "later")], |live| {
        assert_eq!(live.answer_call("c1", "x"), Err(AnswerError::Answered));
    });
    assert_eq!(sent, ["c1: error: the function timed out", "go on", "then"]);
    assert_eq!(failed, [ToolErrorKind::TimedOut]);
    let deny = tools().0.on_approval(async |request| match request.call_id.as_str() {
        "c1" => Approval::deny("it costs too much"),
        _ => Approval::Once,
    });
    let (mut sent, failed) = play(deny, &[("c1", "order"), ("c2", "order")], |_| {});
    sent[..2].sort();
    assert_eq!(sent, ["c1: error: the call was not approved: it costs too much", "c2: ordered", "go on", "then"]);
    assert_eq!(failed, [ToolErrorKind::Denied("it costs too much".into())]);
}
