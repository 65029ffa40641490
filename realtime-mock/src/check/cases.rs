//! The behaviors.

use bytes::Bytes;
use realtime_core::transport::{CloseFrame, Message};
use serde_json::{Value, json};

use super::{
    Case, CheckOptions, Finding,
    session::{Next, Outcome, Session, deviates, expect, item, told_error},
};

macro_rules! cases {
    ($($name:literal, $promise:literal, $run:ident;)+) => {
        pub(super) const CASES: &[Case] = &[$(Case {
            name: $name,
            promise: $promise,
            run: |options, url| Box::pin($run(options, url)),
        }),+];
    };
}

cases! {
    "opening", "The first event is `session.created`, and describes the session.", opening;
    "update", "`session.update` is answered by `session.updated` with the new values.", update;
    "item", "A created item is announced with the id that the client gave it.", created_item;
    "item-order", "An item is placed after the one that `previous_item_id` names.", item_order;
    "delete", "A deleted item is confirmed by `conversation.item.deleted`.", delete;
    "response", "The events of a response come in order, and its deltas add up to its text.", response;
    "response-metadata", "A response carries the metadata of its request.", metadata;
    "cancel", "A cancelled response ends with the status `cancelled`.", cancel;
    "cancel-nothing", "`response.cancel` without a response is an error, and the session continues.", cancel_nothing;
    "one-response", "A second response at a time is refused by an error, and the first one continues.", one_response;
    "audio", "Spoken answers come as audio deltas, with a transcript.", audio;
    "truncate", "A truncated item is confirmed with its new end.", truncate;
    "input-audio", "Committed audio becomes an item of the user.", input_audio;
    "tools", "A model that must call a function calls it, and takes its output.", tools;
    "error-names-event", "An error names the event that caused it.", error_names_event;
    "unknown-event", "An event of an unknown type is an error, and the session continues.", unknown_event;
    "no-json", "A message that is not JSON is an error, and the session continues.", no_json;
    "large-message", "A large message is taken.", large_message;
    "ping", "A ping is answered.", ping;
    "close", "A close frame is answered with one.", close;
}

const TEXT_ONLY: &str = "text";

fn create(modality: &str, more: Value) -> Value {
    let mut response = json!({ "output_modalities": [modality] });
    if let (Some(response), Some(more)) = (response.as_object_mut(), more.as_object()) {
        response.extend(more.clone());
    }
    json!({ "type": "response.create", "event_id": "event_check_create", "response": response })
}

fn is(event: &Value, kind: &str) -> bool {
    event["type"] == kind
}

/// The id of the response that an event belongs to, wherever it stands.
fn response_id(event: &Value) -> Option<&str> {
    event["response_id"].as_str().or_else(|| event["response"]["id"].as_str())
}

async fn opening(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::connect(options, url).await?;
    match session.next().await {
        Next::Event(event) if is(&event, "session.created") => {
            let has_id = event["session"]["id"].as_str().is_some_and(|id| !id.is_empty());
            expect(has_id, "a session with an id", "`session.created` without one")
        }
        other => Err(deviates("`session.created` as the first event", session.told(&other))),
    }
}

async fn update(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    let words = "Answer in one short sentence.";
    session
        .send(json!({ "type": "session.update", "event_id": "event_check_update", "session": {
            "type": "realtime", "instructions": words,
        } }))
        .await?;
    let updated = session.event("session.updated").await?;
    let told = updated["session"]["instructions"].as_str();
    expect(told == Some(words), "the new instructions", "other instructions, or none")
}

async fn created_item(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    session.send(item("item_check_1", "Hello.")).await?;
    let added = session.acknowledged("item_check_1").await?;
    expect(added["item"]["role"] == "user", "the role `user`", format!("the role {}", added["item"]["role"]))
}

async fn item_order(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    for id in ["item_check_1", "item_check_2"] {
        session.send(item(id, "Hello.")).await?;
        session.acknowledged(id).await?;
    }
    let mut between = item("item_check_3", "In between.");
    between["previous_item_id"] = "item_check_1".into();
    session.send(between).await?;
    let added = session.acknowledged("item_check_3").await?;
    let previous = &added["previous_item_id"];
    expect(previous == "item_check_1", "`previous_item_id` as it was asked for", format!("`{previous}`"))
}

async fn delete(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    session.send(item("item_check_1", "Hello.")).await?;
    session.acknowledged("item_check_1").await?;
    session.send(json!({ "type": "conversation.item.delete", "item_id": "item_check_1" })).await?;
    let deleted = session.event("conversation.item.deleted").await?;
    expect(deleted["item_id"] == "item_check_1", "the id of the item", "another one")
}

/// Asks for a text, and returns all events of the response.
async fn ask(session: &mut Session<'_>, create: Value) -> Outcome<Vec<Value>> {
    session.send(item("item_check_question", "Say hello in three words.")).await?;
    session.acknowledged("item_check_question").await?;
    session.send(create).await?;
    let events = session.collect("`response.done`", |event| is(event, "response.done")).await?;
    match events.last() {
        Some(error) if is(error, "error") => Err(deviates("`response.done`", told_error(error))),
        _ => Ok(events),
    }
}

async fn response(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    let events = ask(&mut session, create(TEXT_ONLY, json!({}))).await?;
    let first = events.iter().position(|event| is(event, "response.created"));
    let first = first.ok_or_else(|| deviates("`response.created`", "a response without it"))?;
    let early = events.iter().take(first).find(|event| event["response_id"].is_string());
    expect(early.is_none(), "`response.created` before all other events of the response", "another event before it")?;
    let Some(id) = events.get(first).and_then(response_id) else {
        return Err(deviates("a response with an id", "`response.created` without one"));
    };
    let of_response = |event: &&Value| event["type"].as_str().is_some_and(|kind| kind.starts_with("response."));
    let other = events.iter().filter(of_response).find(|event| response_id(event) != Some(id));
    expect(
        other.is_none(),
        "the id of the response in each of its events",
        format!("`{}` without it", other.map_or("", |event| event["type"].as_str().unwrap_or_default())),
    )?;
    let delta = |event: &&Value| is(event, "response.output_text.delta") || is(event, "response.text.delta");
    let done = |event: &&Value| is(event, "response.output_text.done") || is(event, "response.text.done");
    let said: String = events.iter().filter(delta).filter_map(|event| event["delta"].as_str()).collect();
    let announced = events.iter().position(|event| is(event, "response.output_item.added"));
    let spoke = events.iter().position(|event| delta(&event));
    match (announced, spoke) {
        (Some(announced), Some(spoke)) if announced < spoke => {}
        (_, None) => return Err(deviates("deltas of text", "a response without any")),
        _ => {
            return Err(deviates("`response.output_item.added` before the item's deltas", "deltas of an unknown item"));
        }
    }
    let whole = events.iter().find(done).and_then(|event| event["text"].as_str());
    expect(whole == Some(&*said), "a final text that equals its deltas", "another text, or none")?;
    let status = &events.last().unwrap_or(&Value::Null)["response"]["status"];
    expect(status == "completed", "the status `completed`", format!("{status}"))
}

async fn metadata(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    let events = ask(&mut session, create(TEXT_ONLY, json!({ "metadata": { "check": "42" } }))).await?;
    let done = events.last().unwrap_or(&Value::Null);
    expect(done["response"]["metadata"]["check"] == "42", "the request's metadata", "other metadata, or none")
}

async fn cancel(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    session.send(item("item_check_1", "Count from one to five hundred, in words.")).await?;
    session.acknowledged("item_check_1").await?;
    session.send(create(TEXT_ONLY, json!({}))).await?;
    session.event("response.created").await?;
    session.send(json!({ "type": "response.cancel", "event_id": "event_check_cancel" })).await?;
    let fits = |event: &Value| is(event, "response.done");
    let events = session.collect("`response.done`", fits).await?;
    let done = events.iter().find(|event| fits(event));
    match done.map(|done| done["response"]["status"].as_str().unwrap_or_default()) {
        Some("cancelled") => Ok(()),
        Some("completed") => {
            Err(Finding::DoesNotApply("the response was complete before it could be cancelled".into()))
        }
        Some(status) => Err(deviates("the status `cancelled`", format!("`{status}`"))),
        // The answer of a server whose response was complete by then.
        None => Err(Finding::DoesNotApply("the response was complete before it could be cancelled".into())),
    }
}

async fn cancel_nothing(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    session.send(json!({ "type": "response.cancel", "event_id": "event_check_cancel" })).await?;
    session.find("`error`", |event| is(event, "error")).await?;
    session.still_answers().await
}

async fn one_response(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    session.send(item("item_check_1", "Count from one to five hundred, in words.")).await?;
    session.acknowledged("item_check_1").await?;
    session.send(create(TEXT_ONLY, json!({}))).await?;
    let created = session.event("response.created").await?;
    let first = response_id(&created).unwrap_or_default().to_owned();
    session.send(create(TEXT_ONLY, json!({}))).await?;
    let (mut refused, mut ended) = (false, false);
    while !(refused && ended) {
        let events = session
            .collect("an error for the second request, and the end of the first response", |event| {
                is(event, "response.done")
            })
            .await?;
        let last = events.last().unwrap_or(&Value::Null);
        match (is(last, "error"), response_id(last) == Some(&*first)) {
            (true, _) => refused = true,
            (false, true) if !refused => {
                let why = "the first response was complete before the second request";
                return Err(Finding::DoesNotApply(why.into()));
            }
            (false, true) => ended = true,
            (false, false) => return Err(deviates("one response at a time", "two of them")),
        }
    }
    Ok(())
}

/// Asks for a spoken answer. Returns the id of its item, and how long it is in milliseconds if it is PCM of 24 kHz.
async fn spoken(session: &mut Session<'_>) -> Outcome<(String, u64)> {
    let events = ask(session, create("audio", json!({}))).await?;
    let delta = |event: &&Value| is(event, "response.output_audio.delta") || is(event, "response.audio.delta");
    let deltas: Vec<_> = events.iter().filter(delta).collect();
    let Some(first) = deltas.first() else {
        return Err(Finding::DoesNotApply("the server answers without audio".into()));
    };
    let letters: usize = deltas.iter().filter_map(|event| event["delta"].as_str()).map(str::len).sum();
    let item = first["item_id"].as_str().unwrap_or_default().to_owned();
    let transcript = |event: &Value| {
        is(event, "response.output_audio_transcript.done") || is(event, "response.audio_transcript.done")
    };
    let spoke = events.iter().find(|event| transcript(event)).and_then(|event| event["transcript"].as_str());
    expect(spoke.is_some_and(|spoke| !spoke.is_empty()), "a transcript of the audio", "none")?;
    Ok((item, (letters / 4 * 3 / 48) as u64))
}

async fn audio(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    spoken(&mut session).await.map(drop)
}

async fn truncate(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    let (item, ms) = spoken(&mut session).await?;
    let end = ms / 2;
    session
        .send(json!({ "type": "conversation.item.truncate", "item_id": item, "content_index": 0,
            "audio_end_ms": end }))
        .await?;
    let truncated = session.event("conversation.item.truncated").await?;
    expect(truncated["item_id"] == *item, "the id of the item", "another one")?;
    expect(truncated["audio_end_ms"] == end, "the end that was asked for", format!("{}", truncated["audio_end_ms"]))
}

async fn input_audio(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    session
        .send(json!({ "type": "session.update", "session": { "type": "realtime",
            "audio": { "input": { "turn_detection": null } } } }))
        .await?;
    session.event("session.updated").await?;
    // Half a second of silence, PCM of 24 kHz.
    let audio = base64_turbo::STANDARD.encode(vec![0; 24_000]);
    session.send(json!({ "type": "input_audio_buffer.append", "audio": audio })).await?;
    session.send(json!({ "type": "input_audio_buffer.commit" })).await?;
    let committed = session.event("input_audio_buffer.committed").await?;
    let id = committed["item_id"].as_str().unwrap_or_default().to_owned();
    session.acknowledged(&id).await.map(drop)
}

async fn tools(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    let tool = json!({ "type": "function", "name": "check_weather", "description": "Looks up the weather of a city.",
        "parameters": { "type": "object", "properties": { "city": { "type": "string" } } } });
    let request = create(TEXT_ONLY, json!({ "tools": [tool], "tool_choice": "required" }));
    let events = ask(&mut session, request).await?;
    let done = events.iter().find(|event| is(event, "response.function_call_arguments.done"));
    let Some(call) = done.and_then(|event| event["call_id"].as_str()) else {
        return Err(Finding::DoesNotApply("the model calls no function, though it must".into()));
    };
    let call = call.to_owned();
    session
        .send(json!({ "type": "conversation.item.create", "item": { "id": "item_check_output",
            "type": "function_call_output", "call_id": call, "output": "{\"weather\":\"sunny\"}" } }))
        .await?;
    session.acknowledged("item_check_output").await?;
    session.send(create(TEXT_ONLY, json!({}))).await?;
    let done = session.event("response.done").await?;
    let status = &done["response"]["status"];
    expect(status == "completed", "a completed response after the function's output", format!("{status}"))
}

async fn error_names_event(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    session
        .send(json!({ "type": "conversation.item.delete", "event_id": "event_check_wrong",
            "item_id": "item_that_does_not_exist" }))
        .await?;
    let error = session.find("`error`", |event| is(event, "error")).await?;
    let named = &error["error"]["event_id"];
    expect(named == "event_check_wrong", "an error whose `error.event_id` is that of the event", format!("{named}"))?;
    session.still_answers().await
}

async fn unknown_event(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    session.send(json!({ "type": "check.unknown", "event_id": "event_check_unknown" })).await?;
    session.find("`error`", |event| is(event, "error")).await?;
    session.still_answers().await
}

async fn no_json(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    session.send_text("}{ this is not JSON").await?;
    session.find("`error`", |event| is(event, "error")).await?;
    session.still_answers().await
}

async fn large_message(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    session.send(item("item_check_large", &"x".repeat(options.message_bytes))).await?;
    session.acknowledged("item_check_large").await.map(drop)
}

async fn ping(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    session.send_message(Message::Ping(Bytes::from_static(b"check"))).await?;
    loop {
        match session.next().await {
            Next::Pong(payload) => {
                return expect(payload == "check", "a pong with the ping's payload", "another payload");
            }
            Next::Event(_) => {}
            other => return Err(deviates("a pong", session.told(&other))),
        }
    }
}

async fn close(options: &CheckOptions, url: &str) -> Outcome {
    let mut session = Session::open(options, url).await?;
    session.send_message(Message::Close(Some(CloseFrame::new(1000, "done")))).await?;
    loop {
        match session.next().await {
            Next::Closed(Some(frame)) => {
                return expect(frame.code == 1000, "a close frame with the code 1000", format!("code {}", frame.code));
            }
            Next::Event(_) | Next::Pong(_) => {}
            other => return Err(deviates("a close frame", session.told(&other))),
        }
    }
}
