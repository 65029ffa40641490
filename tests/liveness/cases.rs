//! The cases of `testdata/liveness`: what a server does, and what a chat, a model with tools and single requests must
//! make of it, at which time.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt, TryStreamExt,
    future::{Either, LocalBoxFuture, join_all, select},
};
use realtime::{
    Ack, Awaited, Client, Connection, ErrorKind, Options, Overlap, Realtime,
    connection::{Notice, Phase, Unread, Update},
    event::{EventOf, ResponseCancel, ResponseDone, ServerEvent},
    mock::VirtualClock,
    session::Playback,
    tools::Tools,
    transport::Timer,
    types::{Item, Modality, RealtimeSessionConfig, Response, ResponseConfig, ResponseStatus},
};
use serde_json::{Value, json};

use crate::{
    explain,
    script::{Got, Script},
    silent,
};

/// What a program has said, and how it ended.
#[derive(Debug, Default)]
struct Told {
    out: String,
    err: String,
    failed: bool,
    /// When each command ended, and how.
    commands: Vec<(Duration, String)>,
}

#[test]
fn every_case_ends_as_it_should_and_in_time() {
    play_all("testdata/liveness/cases.json", 23);
}

#[test]
fn servers_that_name_nothing_repeat_or_leave_out_keep_nobody_waiting() {
    play_all("testdata/liveness/more.json", 158);
}

fn play_all(path: &str, expected: usize) {
    let cases: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let mut played = 0;
    for case in cases.as_array().unwrap() {
        for run in case["run"].as_array().unwrap() {
            played += 1;
            wrong.extend(play(case, run).into_iter().map(|what| format!("{} {what}", case["id"])));
        }
    }
    assert!(wrong.is_empty(), "{} things are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(played, expected);
}

fn play(case: &Value, run: &Value) -> Vec<String> {
    let steps = case["script"].as_array().unwrap();
    let lines: Vec<String> = match run["args"].as_array().or(run["lines"].as_array()) {
        Some(lines) => lines.iter().map(|line| line.as_str().unwrap().into()).collect(),
        None => Vec::new(),
    };
    let program = run["program"].as_str().unwrap();
    let unread = if program == "chat" { Unread::Discard } else { Unread::Keep };
    let (client, server) = silent(Options::default().unread(unread));
    let clock = server.clock().clone();
    let (got, told, over) = clock.block_on(async {
        let got = Mutex::new(Got::new());
        let serve = async {
            let mut script = Script::accept(&server).await;
            let mut play = Box::pin(script.play(steps));
            // The client may be gone first.
            futures::future::poll_fn(|cx| play.poll_unpin(cx)).await;
            drop(play);
            got.lock().unwrap().append(&mut script.got);
            std::future::pending::<()>().await;
        };
        let program = async {
            let told = async {
                match program {
                    "chat" => chat(&client, lines).await,
                    "tools" => tools(&client, &lines[0]).await,
                    _ => probe(&client, lines, &clock).await,
                }
            };
            let told = match select(Box::pin(told), clock.sleep(Duration::from_secs(3600))).await {
                Either::Left((told, _)) => told,
                Either::Right(_) => Told { err: "it is still running".into(), failed: true, ..Told::default() },
            };
            (told, clock.now().since_origin())
        };
        let (told, over) = match select(Box::pin(serve), Box::pin(program)).await {
            Either::Left(_) => unreachable!("the server goes on for ever"),
            Either::Right((ended, serve)) => {
                // What was sent before the end is still on its way.
                let _ = serve.now_or_never();
                ended
            }
        };
        (got.into_inner().unwrap(), told, over)
    });
    drop(client);
    let mut wrong = compare(case, &run["want"], &got, &told, over);
    if clock.pending() != 0 {
        wrong.push(format!("{program}: {} timers are still armed", clock.pending()));
    }
    wrong
}

fn compare(case: &Value, want: &Value, got: &Got, told: &Told, over: Duration) -> Vec<String> {
    let mut wrong = Vec::new();
    let bound = case["bound_s"].as_f64().unwrap();
    let limit = want["by"].as_f64().unwrap_or(bound) + want["more"].as_f64().unwrap_or(0.0) + 1.0;
    if over.as_secs_f64() > limit && want["probe"].is_null() {
        wrong.push(format!("ended after {over:?}"));
    }
    if told.failed != (want["code"] != 0) {
        wrong.push(format!("failed: {}: {told:?}", told.failed));
    }
    let strings = |member: &str| -> Vec<String> {
        let all = want[member].as_array().cloned().unwrap_or_default();
        all.iter().map(|text| text.as_str().unwrap().into()).collect()
    };
    let mut at = 0;
    for text in strings("stdout") {
        match told.out[at..].find(&text) {
            Some(found) => at += found + text.len(),
            None => wrong.push(format!("{:?} lacks {text:?}", told.out)),
        }
    }
    for pattern in strings("stderr") {
        if !matches(&pattern, &told.err) {
            wrong.push(format!("{:?} is not /{pattern}/", told.err));
        }
    }
    for count in want["count"].as_array().into_iter().flatten() {
        let found = told.err.matches(count[0].as_str().unwrap()).count() as u64;
        if found != count[1] {
            wrong.push(format!("{} stands {found} times", count[0]));
        }
    }
    for sent in want["sends"].as_array().into_iter().flatten() {
        let fits = |event: &Value| {
            let mut members = sent[0].as_object().unwrap().iter();
            members.all(|(name, value)| event[name] == *value || event["item"][name] == *value)
        };
        let found = got.iter().filter(|(_, event)| fits(event)).count() as u64;
        if found < sent[1].as_u64().unwrap() || found > sent[2].as_u64().unwrap() {
            wrong.push(format!("{} was sent {found} times", sent[0]));
        }
    }
    if let Some(part) = want["not_before"].as_f64() {
        let asked: Vec<_> = got.iter().filter(|(_, event)| event["type"] == "response.create").collect();
        let waited = asked[1].0 - asked[0].0;
        if waited.as_secs_f64() < part * bound {
            wrong.push(format!("gave up after {waited:?}"));
        }
    }
    for line in want["probe"].as_array().into_iter().flatten() {
        let time = |of: &Value| of[0].as_f64().map_or_else(|| of.as_f64().unwrap(), |part| part * bound);
        let number = line[0].as_u64().unwrap() as usize;
        let Some((at, ended)) = told.commands.get(number - 1) else {
            wrong.push(format!("command {number} never ended"));
            continue;
        };
        let at = at.as_secs_f64();
        if !matches(line[3].as_str().unwrap(), ended) || at < time(&line[1]) || at > time(&line[2]) + 1.0 {
            wrong.push(format!("command {number} ended after {at} s: {ended:?}, not {line}"));
        }
    }
    wrong
}

/// Whether the text has one of the alternatives of the pattern: words, perhaps between word boundaries.
fn matches(pattern: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    pattern.split('|').any(|words| text.contains(&words.replace("\\b", "").replace('\\', "").to_lowercase()))
}

async fn chat(client: &Client, lines: Vec<String>) -> Told {
    let mut told = Told::default();
    let connection = match client.realtime().model("m").connect().await {
        Ok(connection) => connection,
        Err(error) => return Told { err: explain(&error), failed: true, ..told },
    };
    let config = RealtimeSessionConfig::default().output_modalities([Modality::Text]);
    drop(connection.session().update(config).unwrap());
    for line in lines {
        let answer = async {
            let mut response = connection.respond(line).await?;
            let mut text = response.text();
            while let Some(piece) = text.try_next().await? {
                told.out.push_str(&piece);
            }
            drop(text);
            response.await
        };
        let answer = answer.await;
        told.out.push('\n');
        let problem = match &answer {
            Ok(response) => broken(response),
            Err(error) => Some(explain(error)),
        };
        if let Some(problem) = problem {
            told.failed = true;
            told.err.push_str(&problem);
            if connection.phase() == Phase::Closed {
                break;
            }
        }
    }
    told
}

/// How a response that is not whole ended.
fn broken(response: &Response) -> Option<String> {
    let status = response.status.as_ref().filter(|status| **status != ResponseStatus::Completed)?;
    let details = response.status_details.as_ref().map(|details| json!(details).to_string());
    Some(format!("{status} {}", details.unwrap_or_default()))
}

async fn tools(client: &Client, question: &str) -> Told {
    let told = Arc::new(Mutex::new(Told::default()));
    let handler = {
        let told = told.clone();
        move |arguments: Value| {
            told.lock().unwrap().err.push_str(&format!("get_weather({})\n", arguments["city"]));
            async { "sunny" }
        }
    };
    let tools =
        Tools::new().add_raw("get_weather", "The weather in a city.", json!({ "type": "object" }).into(), handler);
    let connection = client.realtime().model("m").connect().await.unwrap();
    drop(connection.use_tools(tools).unwrap());
    drop(connection.respond(question).await.unwrap());
    let mut updates = connection.updates();
    let mut calls = false;
    while let Some(update) = updates.next().await {
        let event = match update.unwrap() {
            Update::Event(event) => event,
            Update::Notice(Notice::Ended(event)) => *event,
            Update::Notice(Notice::Failed { awaited: Awaited::Event { kind, .. }, error })
                if &*kind == "response.create" =>
            {
                told.lock().unwrap().err.push_str(&explain(&error));
                break;
            }
            _ => continue,
        };
        match event {
            ServerEvent::ResponseOutputTextDelta(delta) => told.lock().unwrap().out.push_str(&delta.delta),
            ServerEvent::ResponseFunctionCallArgumentsDone(_) => calls = true,
            ServerEvent::ResponseOutputItemDone(done) => calls |= matches!(done.item, Item::FunctionCall(_)),
            ServerEvent::ResponseDone(_) if !std::mem::take(&mut calls) => break,
            _ => {}
        }
    }
    drop(updates);
    drop(connection);
    std::mem::take(&mut *told.lock().unwrap())
}

async fn probe(client: &Client, lines: Vec<String>, clock: &VirtualClock) -> Told {
    let connect = client.realtime().model("m").overlap(Overlap::Queue).playback(Playback::queued());
    let connection = connect.connect().await.unwrap();
    let commands = async {
        let mut ended = Vec::new();
        let mut running = Vec::new();
        for line in &lines {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            if word == "wait" {
                ended.extend(join_all(running.drain(..)).await);
                clock.sleep(Duration::from_secs_f64(rest.parse().unwrap_or(0.0))).await;
                ended.push((clock.now().since_origin(), "ok".into()));
            } else {
                let command = start(&connection, clock, word, rest);
                running.push(command.map(|ended| (clock.now().since_origin(), ended)));
            }
        }
        ended.extend(join_all(running).await);
        ended
    };
    let commands = match select(Box::pin(commands), connection.driver()).await {
        Either::Left((commands, _)) => commands,
        Either::Right((end, _)) => panic!("the connection ended: {end:?}"),
    };
    Told { commands, ..Told::default() }
}

fn start<'a>(
    connection: &'a Connection<Realtime>,
    clock: &'a VirtualClock,
    word: &str,
    rest: &str,
) -> LocalBoxFuture<'a, String> {
    match word {
        "update" => {
            acknowledged(connection.session().update(RealtimeSessionConfig::default().instructions(rest)).unwrap())
        }
        "create" => {
            let (id, text) = rest.split_once(' ').unwrap();
            let mut item = Item::user(text);
            item.set_id(id);
            acknowledged(connection.conversation().item().create(item).unwrap())
        }
        "respond" => {
            let mut response = connection.response().create(ResponseConfig::default()).unwrap();
            async move {
                let text: Vec<String> = response.text().try_collect().await.unwrap();
                match response.await {
                    Ok(response) => broken(&response).unwrap_or_else(|| format!("ok {}", text.concat())),
                    Err(error) => explained(&error, "timeout"),
                }
            }
            .boxed_local()
        }
        "cancel" => async move {
            while connection.state().responses.active().is_none_or(|active| active.first_token.is_none()) {
                clock.sleep(Duration::from_millis(10)).await;
            }
            acknowledged::<ResponseDone>(connection.request(ResponseCancel::default()).unwrap()).await
        }
        .boxed_local(),
        "bargein" => {
            let ms = rest.parse().unwrap();
            async move {
                while connection.state().responses.active().is_none_or(|active| active.first_audio.is_none()) {
                    clock.sleep(Duration::from_millis(10)).await;
                }
                let player = connection.player().unwrap();
                while player.next().is_some() {}
                let (item, part, _) = player.position().unwrap();
                player.mark(&item, part, ms);
                player.interrupt();
                "ok".into()
            }
            .boxed_local()
        }
        other => panic!("no such command: {other}"),
    }
}

fn acknowledged<'a, E: EventOf<ServerEvent> + 'a>(ack: Ack<Realtime, E>) -> LocalBoxFuture<'a, String> {
    ack.map(|answer| answer.map_or_else(|error| explained(&error, "unacknowledged"), |_| "ok".into())).boxed_local()
}

/// Which of the three ways something failed in, and the words.
fn explained(error: &realtime::Error, overdue: &str) -> String {
    let way = match error.kind() {
        ErrorKind::Request(_) => "refused",
        ErrorKind::Unanswered(_) => overdue,
        _ => "ended",
    };
    format!("{way} {}", explain(error))
}
