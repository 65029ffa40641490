//! A model that calls functions of the application.
//!
//! `cargo run --example tools -- [--model MODEL] ["What is the weather in Lisbon and in Tokyo?"]`
//!
//! The answer goes to stdout, what happens on the way to stderr. Without `OPENAI_API_KEY` it talks to a simulator that
//! it starts itself.

#[path = "support/mod.rs"]
mod support;

use std::{error::Error, process::ExitCode, time::Duration};

use futures::TryStreamExt;
use realtime::{
    connection::{Notice, Update},
    event::ServerEvent,
    mock::{Answer, Simulator, Turn},
    tools::Tools,
    types::{Item, Modality, RealtimeSessionConfig},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize, JsonSchema)]
struct GetWeather {
    /// The name of a city.
    city: String,
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
    let (model, words) = support::arguments()?;
    let question = match words.join(" ") {
        words if words.is_empty() => "What is the weather in Lisbon, and what time is it in Tokyo?".into(),
        words => words,
    };
    let tools = Tools::new()
        .add("get_weather", "The weather in a city.", async |args: GetWeather| {
            eprintln!("get_weather({:?})", args.city);
            // Both functions run at the same time.
            tokio::time::sleep(Duration::from_millis(50)).await;
            json!({ "city": args.city, "celsius": 24, "sky": "clear" })
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
            let mut updates = connection.updates();
            while let Some(update) = updates.try_next().await? {
                match update {
                    Update::Event(ServerEvent::ConversationItemAdded(added)) => {
                        if let Item::FunctionCallOutput(output) = &added.item {
                            eprintln!("{} -> {}", output.call_id, output.output);
                        }
                    }
                    Update::Event(ServerEvent::ResponseOutputTextDone(done)) => println!("{}", done.text),
                    Update::Event(ServerEvent::ResponseDone(done)) => {
                        // The last response calls nothing, so nothing follows it.
                        let is_call = |item: &Item| matches!(item, Item::FunctionCall(_));
                        if !done.response.output.iter().flatten().any(is_call) {
                            break;
                        }
                    }
                    Update::Notice(Notice::Tool(error)) => eprintln!("went wrong: {error}"),
                    _ => {}
                }
            }
            Ok(())
        })
        .await
}

/// A model that calls two functions at once, then says what they gave.
fn simulator() -> Simulator {
    Simulator::new().answer(|turn: &Turn<'_>| {
        if turn.output().is_none() {
            return Answer::call("get_weather", r#"{"city":"Lisbon"}"#)
                .and(Answer::call("get_time", r#"{"zone":"Asia/Tokyo"}"#));
        }
        Answer::text("In Lisbon it is 24 °C and clear; in Tokyo it is 03:10.")
    })
}
