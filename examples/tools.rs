//! A model that calls functions of the application.
//!
//! `cargo run --example tools -- [--model MODEL] ["What is the weather in Lisbon and in Tokyo?"]`
//!
//! The answer is printed to stdout, calls and errors to stderr. Without `OPENAI_API_KEY`, it connects to a simulator
//! that it starts itself.

#[path = "support/response.rs"]
mod response;
#[path = "support/mod.rs"]
mod support;

use std::{
    collections::HashMap,
    error::Error,
    io::{self, Write},
    mem,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use futures::TryStreamExt;
use realtime::{
    Awaited, RealtimeNotice,
    connection::{Notice, Update},
    event::ServerEvent,
    mock::{Reply, SimulatedTurn, Simulator},
    tools::Tools,
    types::{Item, Modality, RealtimeSessionConfig},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema)]
struct GetWeather {
    /// The name of a city.
    city: String,
}

/// The output of the function, serialized for the model.
#[derive(Clone, Serialize)]
struct Weather {
    celsius: f32,
    sky: &'static str,
}

#[derive(Deserialize, JsonSchema)]
struct GetTime {
    /// The name of a time zone, such as Europe/Lisbon.
    zone: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("tools", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (model, words) = support::arguments(support::MODEL)?;
    let question = match words.join(" ") {
        words if words.is_empty() => "What is the weather in Lisbon, and what time is it in Tokyo?".into(),
        words => words,
    };
    // Shared data is captured in an `Arc`, because each call runs on a clone of the closure.
    let stations = Arc::new(HashMap::from([("Lisbon", Weather { celsius: 24.3, sky: "clear" })]));
    let tools = Tools::new()
        .add("get_weather", "The weather in a city.", async move |args: GetWeather| {
            eprintln!("get_weather({:?})", args.city);
            // Both functions run concurrently.
            tokio::time::sleep(Duration::from_millis(50)).await;
            stations.get(&*args.city).cloned().ok_or("no such city")
        })
        .add("get_time", "The time in a time zone.", async |args: GetTime| {
            eprintln!("get_time({:?})", args.zone);
            match args.zone.as_str() {
                "Asia/Tokyo" => Ok("03:10"),
                _ => Err("no such time zone"),
            }
        })
        .timeout(Duration::from_secs(10));
    let (client, _served) = support::client(realtime::client(), simulator)?;
    client
        .realtime()
        .model(model)
        .run(async |connection| {
            connection.session().update(RealtimeSessionConfig::default().output_modalities([Modality::Text]))?;
            connection.use_tools(tools)?;
            drop(connection.respond(question).await?);
            // Whether the active response calls a function, so that another response follows.
            let mut calls = false;
            let mut updates = connection.updates();
            while let Some(update) = updates.try_next().await? {
                let done = match update {
                    Update::Event(ServerEvent::ResponseOutputTextDelta(delta)) => {
                        print!("{}", delta.delta);
                        io::stdout().flush()?;
                        continue;
                    }
                    Update::Event(ServerEvent::ResponseFunctionCallArgumentsDone(_)) => {
                        calls = true;
                        continue;
                    }
                    Update::Event(ServerEvent::ConversationItemAdded(added)) => {
                        if let Item::FunctionCallOutput(output) = &added.item {
                            eprintln!("{} -> {}", output.call_id, output.output);
                        }
                        continue;
                    }
                    Update::Event(ServerEvent::Error(error)) => {
                        eprintln!("the server reported an error: {}", error.error);
                        continue;
                    }
                    Update::Notice(Notice::Protocol(RealtimeNotice::Tool(error))) => {
                        eprintln!("failed: {error}");
                        continue;
                    }
                    // There is no handle to await, so failures are reported here.
                    Update::Notice(Notice::Failed { awaited: Awaited::Event { kind, .. }, error })
                        if &*kind == "response.create" =>
                    {
                        return Err(error.into());
                    }
                    Update::Event(event) => event,
                    Update::Notice(Notice::Ended(event)) => *event,
                    _ => continue,
                };
                let is_call = |item: &Item| matches!(item, Item::FunctionCall(_));
                match done {
                    ServerEvent::ResponseOutputItemDone(done) => calls |= is_call(&done.item),
                    ServerEvent::ResponseDone(done) => {
                        response::whole(&done.response)?;
                        calls |= done.response.output.iter().flatten().any(is_call);
                        if !mem::take(&mut calls) {
                            println!();
                            break;
                        }
                    }
                    _ => {}
                }
            }
            Ok(())
        })
        .await
}

/// A model that calls two functions at once, then says their results.
fn simulator() -> Simulator {
    Simulator::new().answer(|turn: &SimulatedTurn<'_>| {
        if turn.output().is_none() {
            return Reply::call("get_weather", r#"{"city":"Lisbon"}"#)
                .and(Reply::call("get_time", r#"{"zone":"Asia/Tokyo"}"#));
        }
        Reply::text("In Lisbon it is 24 °C and clear; in Tokyo it is 03:10.")
    })
}
