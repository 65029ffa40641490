//! `examples/phone.rs`, and a caller on Twilio's side.

use futures::{SinkExt, StreamExt};
use realtime::{
    mock::{Pace, Reply, Simulator},
    telephony::auth::Twilio,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::{client_async, tungstenite::Message};

#[expect(dead_code, reason = "the example's own `main` is not run here")]
#[path = "../../examples/phone.rs"]
mod example;

/// What the model has said last.
fn said(simulator: &Simulator) -> String {
    let last = simulator.sessions().first().and_then(|session| session.items().pop());
    let last = serde_json::to_value(last).unwrap();
    last["content"][0]["transcript"].as_str().unwrap_or_default().replace('"', "")
}

#[tokio::test]
async fn a_caller_is_greeted_asks_is_answered_by_a_tool_and_hangs_up() {
    let simulator =
        Simulator::new().pace(Pace::LIVE.audio(20.0)).transcribe(|_| "Are you open on Monday?").answer(|turn| {
            match (turn.number(), turn.output()) {
                (0, _) => Reply::text("Good evening."),
                (_, None) => Reply::call("opening_hours", r#"{"day":"Monday"}"#),
                (_, Some((_, output))) => Reply::text(format!("On Monday we are {output}.")),
            }
        });
    let served = simulator.serve().unwrap();
    let client = realtime::client().base_url(served.base_url()).build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let agent = tokio::spawn(example::serve(listener, client, None));

    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = client_async(format!("ws://{address}/"), stream).await.unwrap();
    let say = |message: Value| Message::text(message.to_string());
    let format = json!({ "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 });
    let start = json!({ "event": "start", "streamSid": "MZ1", "start": { "callSid": "CA1", "mediaFormat": format } });
    socket.send(say(json!({ "event": "connected", "protocol": "Call" }))).await.unwrap();
    socket.send(say(start)).await.unwrap();

    let media = |at: u64, loud: bool| {
        let frame: Vec<u8> = (0..160_u8)
            .map(|at| {
                if !loud {
                    0xff
                } else if at % 16 < 8 {
                    0x10
                } else {
                    0x90
                }
            })
            .collect();
        say(json!({ "event": "media", "streamSid": "MZ1", "media": { "track": "inbound", "chunk": at.to_string(),
            "timestamp": (at * 20).to_string(), "payload": base64_turbo::STANDARD.encode(frame) } }))
    };
    // Plays what comes, and sends the marks back. Once greeted, the caller asks.
    let mut asked = false;
    while said(&simulator) != "On Monday we are closed." {
        let message = socket.next().await.expect("the agent has hung up").unwrap();
        let Message::Text(text) = message else { continue };
        let message: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(message["streamSid"], "MZ1");
        if message["event"] == "mark" {
            socket.send(say(message)).await.unwrap();
            if !asked {
                asked = true;
                for at in 1..=100 {
                    socket.send(media(at, at < 50)).await.unwrap();
                }
            }
        }
    }
    socket.send(say(json!({ "event": "stop", "streamSid": "MZ1", "stop": { "callSid": "CA1" } }))).await.unwrap();
    // The agent closes the socket, and then the session.
    while let Some(Ok(_)) = socket.next().await {}
    while !simulator.sessions()[0].is_closed() {
        tokio::task::yield_now().await;
    }
    agent.abort();
}

#[tokio::test]
async fn a_call_that_twilio_has_not_signed_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let twilio = (Twilio::new("token").unwrap(), "wss://voice.example.com/".into());
    let agent = tokio::spawn(example::serve(listener, realtime::client().build(), Some(twilio)));
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let refused = client_async(format!("ws://{address}/"), stream).await.unwrap_err();
    assert!(refused.to_string().contains("403"), "{refused}");
    agent.abort();
}
