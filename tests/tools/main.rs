//! Functions that the model calls.

mod approval;
mod rules;
#[path = "../support/scripted.rs"]
mod scripted;
mod work;

use std::{
    cell::RefCell,
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, StreamExt, channel::oneshot, future::join};
use realtime::{
    Client, Connection, Id, Options, Realtime, RealtimeNotice, RealtimeSettings,
    connection::{Notice, Update},
    event::{ClientEvent, ConversationItemCreate, Event, ResponseCreate, SessionUpdate},
    mock::{MockServer, MockSession, MockTransport},
    tools::{ToolErrorKind, Tools, WhenInterrupted},
    types::{Item, SessionConfig, Tool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Deserialize, JsonSchema)]
struct GetWeather {
    /// The name of a city.
    city: String,
}

fn open(tools: Tools) -> (Connection<Realtime>, MockSession, MockServer) {
    // A script that sleeps answers no pings.
    let options = Options::default().keepalive(None);
    let (connection, session, server) = scripted::open(|client| client.options(options), RealtimeSettings::default());
    drop(connection.use_tools(tools).unwrap());
    let update = server.clock().block_on(join(connection.flush(), session.expect::<SessionUpdate>())).1;
    let SessionConfig::Realtime(config) = update.session else { panic!() };
    assert!(config.tools.is_some_and(|tools| !tools.is_empty()));
    (connection, session, server)
}

fn call(id: usize, name: &str, arguments: &str) -> Value {
    json!({
        "id": format!("item_{id}"), "type": "function_call", "status": "completed", "call_id": format!("call_{id}"),
        "name": name, "arguments": arguments,
    })
}

/// A response that consists of these calls, told of as the service does: each twice.
fn respond(session: &MockSession, calls: &[Value], status: &str) {
    let frame = |event: Value| session.send_raw(event.to_string());
    frame(json!({ "type": "response.created", "response": { "id": "resp", "conversation_id": "conv" } }));
    for (index, call) in calls.iter().enumerate() {
        frame(json!({
            "type": "response.output_item.done", "response_id": "resp", "output_index": index, "item": call,
        }));
    }
    frame(json!({
        "type": "response.done",
        "response": { "id": "resp", "conversation_id": "conv", "status": status, "output": calls },
    }));
}

/// The answer that the client sends next.
async fn answer(session: &MockSession) -> (Id, String) {
    match session.expect::<ConversationItemCreate>().await.item {
        Item::FunctionCallOutput(output) => (output.call_id, output.output),
        other => panic!("{other:?}"),
    }
}

fn weather() -> Tools {
    Tools::new().add("get_weather", "The weather in a city.", |args: GetWeather| async move {
        match args.city.as_str() {
            "Atlantis" => Err("no such city"),
            "Pompeii" => panic!("the volcano"),
            city => Ok(json!({ "city": city, "sky": "clear" })),
        }
    })
}

/// Drives the connection while the script runs, and gives the notices.
fn run(
    connection: &Connection<Realtime>,
    server: &MockServer,
    script: impl Future<Output = ()>,
) -> Vec<Notice<Realtime>> {
    let notices = RefCell::new(Vec::new());
    let read = async {
        let read = connection.updates().for_each(async |update| {
            if let Ok(Update::Notice(notice @ Notice::Protocol(_))) = update {
                notices.borrow_mut().push(notice);
            }
        });
        read.await;
        // The script goes on to its end in any case.
        std::future::pending::<()>().await
    };
    server.clock().block_on(async {
        futures::pin_mut!(script, read);
        futures::future::select(script, read).await;
    });
    notices.into_inner()
}

#[test]
fn the_schema_is_made_from_the_type() {
    let tools = weather();
    let [Tool::Function(tool)] = tools.definitions() else { panic!() };
    assert_eq!(
        (tool.name.as_deref(), tool.description.as_deref()),
        (Some("get_weather"), Some("The weather in a city."))
    );
    let schema = tool.parameters.as_ref().unwrap().to_value();
    assert_eq!(schema["properties"]["city"], json!({ "type": "string", "description": "The name of a city." }));
    assert_eq!((&schema["type"], &schema["required"]), (&json!("object"), &json!(["city"])));
    assert_eq!(schema.get("$schema"), None);
}

#[test]
fn calls_of_one_response_are_answered_and_then_the_model_goes_on_once() {
    let (connection, session, server) = open(weather());
    let calls = [call(1, "get_weather", r#"{"city":"Lisbon"}"#), call(2, "get_weather", r#"{"city":"Porto"}"#)];
    let notices = run(&connection, &server, async {
        respond(&session, &calls, "completed");
        let answers = HashSet::from([answer(&session).await, answer(&session).await]);
        let expected = |id: &str, city: &str| (Id::from(id), json!({ "city": city, "sky": "clear" }).to_string());
        assert_eq!(answers, HashSet::from([expected("call_1", "Lisbon"), expected("call_2", "Porto")]));
        session.expect::<ResponseCreate>().await;
        assert!(session.next().now_or_never().is_none());
    });
    assert!(notices.is_empty());
}

#[test]
fn a_call_told_by_its_arguments_alone_is_answered_once_when_its_response_is_done() {
    let (connection, session, server) = open(weather());
    let done = |response: &str, city: &str| {
        let arguments = json!({ "city": city }).to_string();
        session.send_raw(
            json!({
                "type": "response.function_call_arguments.done", "response_id": response, "call_id": "call_1",
                "name": "get_weather", "arguments": arguments,
            })
            .to_string(),
        );
    };
    let response = |kind: &str, id: &str, status: &str| {
        let response = json!({ "id": id, "conversation_id": "conv", "status": status, "output": [] });
        session.send_raw(json!({ "type": kind, "response": response }).to_string());
    };
    let quiet = async || {
        server.clock().sleep(Duration::from_secs(1)).await;
        assert!(session.next().now_or_never().is_none());
    };
    let notices = run(&connection, &server, async {
        response("response.created", "resp_1", "in_progress");
        done("resp_1", "Lisbon");
        // Told twice, and still one call, of which nothing is known to be whole until its response is.
        done("resp_1", "Lisbon");
        quiet().await;
        response("response.done", "resp_1", "completed");
        assert_eq!(answer(&session).await, ("call_1".into(), json!({ "city": "Lisbon", "sky": "clear" }).to_string()));
        session.expect::<ResponseCreate>().await;
        // The end comes once more, and nothing is answered again.
        response("response.done", "resp_1", "completed");
        quiet().await;
        // One that was cut short asks for nothing.
        response("response.created", "resp_2", "in_progress");
        done("resp_2", "Porto");
        response("response.done", "resp_2", "cancelled");
        quiet().await;
    });
    assert!(notices.is_empty(), "{notices:?}");
}

#[test]
fn a_call_told_under_the_id_of_no_response_is_answered_once() {
    let (connection, session, server) = open(weather());
    let call = call(1, "get_weather", r#"{"city":"Lisbon"}"#);
    let notices = run(&connection, &server, async {
        for event in [
            json!({ "type": "response.created", "response": { "id": "resp", "conversation_id": "conv" } }),
            json!({ "type": "response.output_item.done", "response_id": "another", "item": call }),
            json!({ "type": "response.done", "response": {
                "id": "resp", "conversation_id": "conv", "status": "completed", "output": [call] } }),
        ] {
            session.send_raw(event.to_string());
        }
        assert_eq!(&*answer(&session).await.0, "call_1");
        session.expect::<ResponseCreate>().await;
        assert!(session.next().now_or_never().is_none());
    });
    assert!(notices.is_empty(), "{notices:?}");
}

#[test]
fn a_call_id_that_comes_again_in_a_later_response_is_another_call() {
    let (connection, session, server) = open(weather());
    let notices = run(&connection, &server, async {
        for (number, city) in [(1, "Lisbon"), (2, "Porto"), (3, "Faro")] {
            let response = format!("resp_{number}");
            let call = json!({
                "id": format!("item_{number}"), "type": "function_call", "status": "completed", "call_id": "call_0",
                "name": "get_weather", "arguments": json!({ "city": city }).to_string(),
            });
            for event in [
                json!({ "type": "response.created", "response": { "id": response, "conversation_id": "conv" } }),
                json!({ "type": "response.output_item.done", "response_id": response, "item": call }),
                // The same once more is no other call.
                json!({ "type": "response.output_item.done", "response_id": response, "item": call }),
                json!({ "type": "response.done", "response": {
                    "id": response, "conversation_id": "conv", "status": "completed", "output": [call] } }),
            ] {
                session.send_raw(event.to_string());
            }
            assert_eq!(answer(&session).await, ("call_0".into(), json!({ "city": city, "sky": "clear" }).to_string()));
            session.expect::<ResponseCreate>().await;
            assert!(session.next().now_or_never().is_none());
        }
    });
    assert!(notices.is_empty(), "{notices:?}");
}

#[test]
fn whatever_goes_wrong_the_model_is_told_and_so_is_the_user() {
    let tools = weather().timeout(Duration::from_secs(3)).add_raw(
        "sleep",
        "Sleeps.",
        json!({ "type": "object" }).into(),
        |_: Value| std::future::pending::<String>(),
    );
    let (connection, session, server) = open(tools);
    let calls = [
        call(1, "get_wether", "{}"),
        call(2, "get_weather", r#"{"town":"Lisbon"}"#),
        call(3, "get_weather", r#"{"city":"Atlantis"}"#),
        call(4, "get_weather", r#"{"city":"Pompeii"}"#),
        call(5, "sleep", ""),
    ];
    let mut answers = Vec::new();
    let notices = run(&connection, &server, async {
        respond(&session, &calls, "completed");
        for _ in &calls {
            answers.push(answer(&session).await);
        }
        session.expect::<ResponseCreate>().await;
    });
    answers.sort();
    let texts: Vec<_> = answers.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts[0], "error: there is no function `get_wether`; there are: get_weather, sleep");
    assert!(texts[1].starts_with("error: invalid arguments: missing field `city`"), "{}", texts[1]);
    assert_eq!(texts[2], "error: no such city");
    assert_eq!(texts[3], "error: the function panicked");
    assert_eq!(texts[4], "error: the function timed out");
    let mut kinds: Vec<_> = notices
        .into_iter()
        .map(|notice| match notice {
            Notice::Protocol(RealtimeNotice::Tool(error)) => (error.call_id.unwrap(), error.kind),
            _ => unreachable!(),
        })
        .collect();
    kinds.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(kinds[0].1, ToolErrorKind::Unknown);
    assert!(matches!(kinds[1].1, ToolErrorKind::Arguments(_)));
    assert_eq!(kinds[2].1, ToolErrorKind::Failed("no such city".into()));
    assert_eq!((&kinds[3].1, &kinds[4].1), (&ToolErrorKind::Panicked, &ToolErrorKind::TimedOut));
}

#[test]
fn a_thousand_parallel_calls_with_shuffled_completion() {
    type Gates = Arc<Mutex<Vec<(usize, oneshot::Sender<()>)>>>;

    let gates = Gates::default();
    let opened = gates.clone();
    let tools = Tools::new().add_raw("n", "Waits.", json!({}).into(), move |n: usize| {
        let (sender, receiver) = oneshot::channel();
        opened.lock().unwrap().push((n, sender));
        async move {
            let _ = receiver.await;
            n.to_string()
        }
    });
    let (connection, session, server) = open(tools);
    let calls: Vec<_> = (0..1000).map(|n| call(n, "n", &n.to_string())).collect();
    run(&connection, &server, async {
        respond(&session, &calls, "completed");
        // All run at once before the first is done.
        while gates.lock().unwrap().len() < 1000 {
            server.clock().sleep(Duration::from_millis(1)).await;
        }
        let mut gates = std::mem::take(&mut *gates.lock().unwrap());
        // A fixed shuffle: 617 has no divisor in common with 1,000.
        gates.sort_by_key(|(n, _)| n * 617 % 1000);
        let order: Vec<_> = gates.iter().map(|(n, _)| *n).collect();
        let mut seen = HashSet::new();
        for (expected, (_, gate)) in order.into_iter().zip(gates) {
            gate.send(()).unwrap();
            let (id, output) = answer(&session).await;
            assert_eq!((&*id, &*output), (&*format!("call_{expected}"), &*expected.to_string()));
            assert!(seen.insert(id));
        }
        session.expect::<ResponseCreate>().await;
        assert!(session.next().now_or_never().is_none());
    });
}

#[test]
fn a_function_may_use_the_connection() {
    let cell: Arc<Mutex<Option<Connection<Realtime>>>> = Arc::default();
    let inner = cell.clone();
    let tools = Tools::new().add_raw("note", "Writes a note.", json!({}).into(), move |_: Value| {
        let sender = inner.lock().unwrap().as_ref().unwrap().sender();
        async move {
            sender.send(ConversationItemCreate::new(Item::system("a note"))).unwrap();
            sender.ready().await.map(|()| "noted")
        }
    });
    let (connection, session, server) = open(tools);
    let driver = connection.driver();
    *cell.lock().unwrap() = Some(connection);
    let script = async {
        respond(&session, &[call(1, "note", "{}")], "completed");
        let note = session.expect::<ConversationItemCreate>().await;
        assert_eq!(note.item.as_message().unwrap().text(), "a note");
        assert_eq!(answer(&session).await.1, "noted");
        session.expect::<ResponseCreate>().await;
    };
    server.clock().block_on(async {
        futures::pin_mut!(script);
        futures::future::select(script, driver).await;
    });
}
