//! Work that the voice of a Live session hands over: to the application, and to a Responses model with tools.
//!
//! `cargo run --example delegate -- [--model MODEL] question.wav`
//!
//! Asks the same spoken question twice. First the application does the work: an async function that sends a thought and
//! then its answer, which the voice says in its own words. Then a Responses model does it and calls a function of the
//! application. Without `OPENAI_API_KEY` it talks to a simulator that it starts itself.

#[path = "support/recording.rs"]
mod recording;
#[path = "support/mod.rs"]
mod support;

use std::{error::Error, process::ExitCode, time::Duration};

use futures::StreamExt;
use realtime::{
    Connection,
    audio::Format,
    connection::{Notice, Update},
    live::{
        Live, LiveNotice, Task,
        event::ServerEvent,
        state::Speaker,
        types::{ClientDelegation, ResponsesConfig, ResponsesDelegation},
    },
    mock::{Reply, Simulator},
    tools::Tools,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The model, where none is named.
const MODEL: &str = "gpt-live-1.1";
/// The session's audio.
const PCM: Format = Format::pcm(24_000);
/// How long the voice is silent when it has answered.
const SILENCE: Duration = Duration::from_secs(3);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Deserialize, JsonSchema)]
struct OrderStatus {
    /// The number of the order.
    order: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("delegate", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (model, files) = support::arguments(MODEL)?;
    let [question] = files.as_slice() else {
        return Err("a file is needed: delegate [--model MODEL] question.wav".into());
    };
    let question = recording::read(question, PCM)?;
    let (client, _served) = support::client(realtime::client(), simulator)?;

    eprintln!("the application does the work:");
    let connect = client.live().model(&model).delegation(ClientDelegation::default());
    let answer = connect.run(async |live| {
        live.on_delegation(async |task: Task<Live>| {
            task.thinking("The shop opens at nine.")?;
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok::<_, realtime::Error>("Order 4417 is ready for pick-up.")
        });
        ask(live, &question).await
    });
    println!("{}", answer.await?);

    eprintln!("a Responses model does the work:");
    let backend = ResponsesConfig::new("gpt-5.4-mini").instructions("Use the tools. Answer in one sentence.");
    let connect = client.live().model(&model).delegation(ResponsesDelegation::new(backend));
    let answer = connect.run(async |live| {
        let tools = Tools::new().add("order_status", "How far an order has come.", async |args: OrderStatus| {
            eprintln!("order_status({})", args.order);
            if args.order == 4417 { Ok("ready") } else { Err("no such order") }
        });
        live.use_tools(tools)?.await?;
        ask(live, &question).await
    });
    println!("{}", answer.await?);
    Ok(())
}

/// Asks the question, and waits until the voice has said something and is silent. What it said.
async fn ask(live: &Connection<Live>, recording: &[u8]) -> Result<String, Box<dyn Error>> {
    let feeder = live.session().input_audio().feeder();
    feeder.push(recording)?;
    let mut updates = live.updates();
    let mut until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let update = tokio::select! {
            update = updates.next() => update.ok_or("the server has closed the connection")??,
            () = tokio::time::sleep_until(until) => break,
        };
        match update {
            Update::Event(ServerEvent::SessionDelegationCreated(created)) => {
                eprintln!("{} was handed over", created.delegation.id);
            }
            Update::Event(ServerEvent::SessionOutputTranscriptDelta(_)) => {
                until = tokio::time::Instant::now() + SILENCE;
            }
            Update::Event(ServerEvent::Error(error)) => eprintln!("the server complains: {}", *error.error),
            Update::Notice(Notice::Protocol(LiveNotice::Tool(error))) => eprintln!("went wrong: {error}"),
            _ => {}
        }
    }
    let state = live.state();
    let said = state.turns().filter(|turn| turn.speaker == Speaker::Assistant).map(|turn| turn.text.to_string());
    match said.collect::<Vec<_>>().join(" ") {
        said if said.is_empty() => Err("no speech was found in the recording, or no answer came".into()),
        said => Ok(said),
    }
}

/// A service that asks for the status of the order before it answers.
fn simulator() -> Simulator {
    Simulator::new().transcribe(|_| "Is order 4417 ready?").answer(|turn| match turn.output() {
        None => Reply::call("order_status", r#"{"order":4417}"#),
        Some((_, status)) => Reply::text(format!("Your order is {status}.")),
    })
}
