//! Nothing grows without bound.

use futures::FutureExt;
use realtime::{
    Client,
    mock::{Received, Simulator, VirtualClock},
    transport::{Message, Transport},
};
use serde_json::json;

use crate::{
    Wire,
    client::{handshake, silence},
};

#[test]
fn a_client_that_never_reads_is_kept_from_writing() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new().answer(|_| "word ".repeat(10_000));
    let mut duplex = clock.block_on(simulator.transport(&clock).connect(handshake("?model=m"))).unwrap();
    let text = json!({ "type": "response.create", "response": { "output_modalities": ["text"], "input": [] } });
    let mut ask = || duplex.write.send(Message::Text(text.to_string().into())).now_or_never().is_some();
    let asked = (0..1000).take_while(|_| ask()).count();
    assert!(asked < 10, "{asked}");
    // Once it reads, it may write.
    while let Some(Some(_)) = duplex.read.receive().now_or_never().map(Result::unwrap) {}
    assert!(duplex.write.send(Message::Text(text.to_string().into())).now_or_never().is_some());
}

#[test]
fn sessions_that_have_ended_are_forgotten_in_time() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new();
    let client = Client::builder(simulator.transport(&clock)).build();
    let open = || clock.block_on(client.realtime().model("m").connect()).unwrap();
    let first = open();
    for _ in 0..100 {
        drop(open());
    }
    let sessions = simulator.sessions();
    assert!(sessions.len() <= 66, "{}", sessions.len());
    assert!(!sessions[0].is_closed() && sessions.iter().filter(|session| !session.is_closed()).count() == 1);
    drop(first);
    assert!(sessions[0].is_closed());
}

#[test]
fn what_was_received_is_remembered() {
    let mut wire = Wire::open(Simulator::new());
    wire.send(json!({ "type": "input_audio_buffer.clear", "event_id": "evt_1" }));
    wire.send(json!({ "type": "response.cancel", "event_id": "evt_2" }));
    wire.append(&silence(20));
    let received = wire.simulator.sessions()[0].received();
    let told: Vec<_> = received
        .iter()
        .map(|Received { kind, event_id, refused, .. }| (kind.as_str(), event_id.as_deref(), *refused))
        .collect();
    assert_eq!(
        told,
        [
            ("input_audio_buffer.clear", Some("evt_1"), None),
            ("response.cancel", Some("evt_2"), Some("response_cancel_not_active")),
            ("input_audio_buffer.append", None, None),
        ]
    );
    for _ in 0..20_000 {
        wire.append(b"");
    }
    assert_eq!(wire.simulator.sessions()[0].received().len(), 1 << 14);
}
