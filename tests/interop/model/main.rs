//! Stands in for `serve` in the other programs of this folder: the same conversations, answered by a `Responder`.
//!
//! ```text
//! cargo build --example model
//! python tests/interop/python/conversation.py target/debug/examples/model
//! node tests/interop/node/run.mjs target/debug/examples/model openai.mjs agents.mjs
//! ```
//!
//! It takes the options that those programs give to `serve`; what it says stands here rather than in `--answers`.

use std::{env, error::Error, fs, io, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use realtime::{
    mock::{Responder, ResponderTurn, ResponsePart, Simulator, SystemClock, Utterance},
    transport::Timer,
    types::{Failure, Item},
};

const STORY: &str = "Once upon a time, in a quiet little village by the sea, there was a lighthouse keeper who knew the \
                     name of every ship that had ever passed, and who told their stories to the gulls each evening, when \
                     the lamp was lit and the wind had gone to sleep.";

struct Model(SystemClock);

#[async_trait]
impl Responder for Model {
    async fn transcribe(&self, utterance: Utterance) -> Result<String, Failure> {
        // As recognition takes a while.
        self.0.sleep_until(self.0.now() + Duration::from_millis(100)).await;
        Ok(if utterance.number == 0 { "Please tell me a story." } else { "Stop, that is enough." }.into())
    }

    fn respond(&self, turn: ResponderTurn) -> BoxStream<'static, Result<ResponsePart, Failure>> {
        let call = |city: &str| ResponsePart::Call {
            name: "get_weather".into(),
            arguments: serde_json::json!({ "city": city }).to_string(),
        };
        let text = turn.text().to_lowercase();
        let said = match turn.items().last() {
            Some(Item::FunctionCallOutput(output)) => format!("The last one says: {}", output.output),
            _ if text.contains("weather") => {
                return futures::stream::iter([Ok(call("Lisbon")), Ok(call("São Paulo"))]).boxed();
            }
            _ if text.contains("story") => STORY.into(),
            _ if text.contains("stop") => "Sure, I will stop.".into(),
            _ => "Hi there, friend!".into(),
        };
        let words: Vec<_> = said.split_inclusive(' ').collect();
        let (clock, format) = (self.0, turn.output_format());
        let silence = vec![0_u8; format.ms_to_bytes(200).unwrap_or_default() as usize];
        // A phrase takes 1.2 s to say, and a quarter of that to make.
        let parts: Vec<_> = words
            .chunks(4)
            .flat_map(|phrase| {
                let sound = ResponsePart::Audio(silence.as_slice().into());
                [ResponsePart::Text(phrase.concat())].into_iter().chain(vec![sound; 6])
            })
            .collect();
        let parts = futures::stream::iter(parts).then(move |part| async move {
            if matches!(part, ResponsePart::Audio(_)) {
                clock.sleep_until(clock.now() + Duration::from_millis(50)).await;
            }
            Ok(part)
        });
        parts.boxed()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (mut model, mut port, mut tls, mut ca_out) = (Simulator::new(), 0, false, None);
    while let Some(option) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{option} needs a value"));
        match option.as_str() {
            "--port" => port = value()?.parse()?,
            "--answers" => drop(value()?),
            "--key" => model = model.key(value()?),
            "--tls" => tls = true,
            "--ca-out" => ca_out = Some(value()?),
            other => return Err(format!("no such option: {other}").into()),
        }
    }
    let server = model.responder(Model(SystemClock::new())).server().port(port);
    let served = if tls { server.tls() } else { server }.start()?;
    if let (Some(file), Some(pem)) = (ca_out, served.ca_pem()) {
        fs::write(file, pem)?;
    }
    println!("{}", served.base_url());
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
