//! A telephone agent: answers calls over Twilio's media streams, and looks things up.
//!
//! `cargo run --example phone -- 127.0.0.1:8080`. The number answers `<Connect><Stream url="wss://voice.example.com/"/>`.
//! With `TWILIO_AUTH_TOKEN`, and that URL in `PUBLIC_URL`, unsigned calls are refused. Other carriers have other settings.

#[path = "support/mod.rs"]
mod support;

use std::{env, error::Error, io, ops::ControlFlow, process::ExitCode};

use realtime::{
    Client,
    mock::Simulator,
    session::Playback,
    telephony::{Bridge, Frame, Settings, auth::Twilio, carrier_socket},
    tokio::TokioTimer,
    tools::Tools,
    types::{AudioFormat, Modality, RealtimeSessionConfig, ResponseConfig},
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{accept_hdr_async, tungstenite};
use tungstenite::{Message, handshake::server};

/// What proves that a call is Twilio's: the account's token, and the URL that is dialled. None: nothing is asked for.
type Proof = Option<(Twilio, String)>;

#[derive(Deserialize, JsonSchema)]
struct OpeningHours {
    /// The day of the week, in English.
    day: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    support::finish("phone", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (_, arguments) = support::arguments(support::MODEL)?;
    let (client, _served) = support::client(realtime::client(), Simulator::new)?;
    let listener = TcpListener::bind(support::address(&arguments)?).await?;
    println!("answering calls at ws://{}/", listener.local_addr()?);
    let twilio = match env::var("TWILIO_AUTH_TOKEN") {
        Ok(token) => Some((Twilio::new(&token)?, env::var("PUBLIC_URL")?)),
        Err(_) => None,
    };
    Ok(serve(listener, client, twilio).await?)
}

/// Answers every call in a task of its own.
pub(crate) async fn serve(listener: TcpListener, client: Client, twilio: Proof) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let (client, twilio) = (client.clone(), twilio.clone());
        tokio::spawn(async move {
            if let Err(error) = answer(stream, &client, twilio).await {
                eprintln!("a call failed: {}", support::explain(&*error));
            }
        });
    }
}

/// One call, from the upgrade to the end.
#[expect(clippy::result_large_err, reason = "the type of the upgrade's callback")]
async fn answer(stream: TcpStream, client: &Client, twilio: Proof) -> Result<(), Box<dyn Error + Send + Sync>> {
    let socket = accept_hdr_async(stream, |request: &server::Request, response| match twilio {
        Some((twilio, url)) if twilio.verify(&url, &[], request.headers()).is_err() => {
            Err(http::Response::builder().status(403).body(None).unwrap_or_default())
        }
        _ => Ok(response),
    });
    let from_wire = |message| match message {
        Message::Text(text) => Some(Frame::from(text.as_str())),
        Message::Binary(audio) => Some(Frame::from(audio)),
        _ => None,
    };
    let to_wire = |frame| match frame {
        Frame::Text(text) => Message::text(text),
        Frame::Binary(audio) => Message::binary(audio),
    };
    let socket = carrier_socket(socket.await?, from_wire, to_wire);
    let connection = client.realtime().model(support::MODEL).playback(Playback::default()).connect().await?;
    // Telephones speak G.711, and so does the session: nothing is converted.
    let config = RealtimeSessionConfig::default()
        .instructions("You answer the telephone of a restaurant. Be brief, and greet the caller first.")
        .output_modalities([Modality::Audio])
        .input_format(AudioFormat::Pcmu)
        .output_format(AudioFormat::Pcmu);
    connection.session().update(config)?.await?;
    connection.use_tools(Tools::new().add("opening_hours", "When it is open.", async |hours: OpeningHours| {
        if hours.day == "Monday" { "closed" } else { "from 12 to 22" }
    }))?;
    drop(connection.response().create(ResponseConfig::default())?);
    let bridge = Bridge::new(Settings::twilio(), AudioFormat::Pcmu, AudioFormat::Pcmu);
    Ok(bridge.run(socket, &connection, &TokioTimer::new(), |_| ControlFlow::Continue(())).await.map(drop)?)
}
