//! An interpreter between two people: two translation links, one for each direction.
//!
//! `cargo run --example interpreter -- es testdata/audio/question.wav en testdata/audio/interruption.wav`
//!
//! What the first says is translated into the first language, what the second says into the other, both at once. In an
//! application each recording is a microphone, and each link's audio goes to the other person's ear.

#[path = "support/sound.rs"]
#[expect(dead_code, reason = "a translation has a connection of its own type")]
mod sound;
#[path = "support/mod.rs"]
mod support;

use std::{error::Error, process::ExitCode};

use futures::try_join;
use realtime::{
    Client,
    event::translation::ServerEvent,
    mock::{Phrase, Simulator},
    types::{TranslationAudioConfig, TranslationOutput, TranslationSessionConfig},
};

const MODEL: &str = "gpt-realtime-translate";

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("interpreter", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (_, arguments) = support::arguments(support::MODEL)?;
    let [first_language, first, second_language, second] = arguments.as_slice() else {
        return Err("four arguments are needed: interpreter LANGUAGE first.wav LANGUAGE second.wav".into());
    };
    let (first, second) = (sound::read(first)?, sound::read(second)?);
    let (client, _served) = support::client(realtime::client(), simulator)?;
    let (there, back) =
        try_join!(interpret(&client, first_language, &first), interpret(&client, second_language, &second))?;
    for (language, spoken) in [(first_language, there), (second_language, back)] {
        let ms = sound::PCM.bytes_to_ms(spoken.audio.len() as u64);
        println!("{language}: {} ({ms} ms of speech)", spoken.text.trim());
    }
    Ok(())
}

/// What a link has said.
#[derive(Default)]
struct Spoken {
    text: String,
    audio: Vec<u8>,
}

/// One direction: everything that is said, in another language.
async fn interpret(client: &Client, language: &str, speech: &[u8]) -> Result<Spoken, Box<dyn Error>> {
    let link = client.translation().model(MODEL).connect().await?;
    let output = TranslationOutput::default().language(language);
    let config = TranslationSessionConfig::default().audio(TranslationAudioConfig::default().output(output));
    link.session().update(config)?.await?;
    let speaking = async {
        for piece in speech.chunks(sound::bytes(sound::PIECE_MS)) {
            link.ready().await?;
            link.input_audio_buffer().append(piece)?;
        }
        // The end of the session comes after the last word.
        link.finish().await?;
        Ok::<_, Box<dyn Error>>(())
    };
    let listening = async {
        let mut spoken = Spoken::default();
        while let Some(event) = link.next().await {
            match event? {
                ServerEvent::SessionOutputTranscriptDelta(word) => spoken.text += &word.delta,
                ServerEvent::SessionOutputAudioDelta(audio) => spoken.audio.extend_from_slice(&audio.delta),
                ServerEvent::Error(error) => eprintln!("the server complains: {}", error.error),
                _ => {}
            }
        }
        Ok(spoken)
    };
    Ok(try_join!(speaking, listening)?.1)
}

fn simulator() -> Simulator {
    Simulator::new().translate(|_| Phrase::new("Please tell me a story. ", "Cuéntame un cuento, por favor. "))
}
