//! The check of servers: our simulator holds everything, and broken servers are told by the case that they break.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use realtime::{
    endpoint::Handshake,
    mock::{CheckOptions, CheckReport, Finding, Pace, Simulator, SimulatorTransport, VirtualClock, check},
    transport::{CloseFrame, Duplex, Message, ReadHalf, Timer, Transport, TransportError, WriteHalf},
};
use serde_json::Value;

/// How a server is broken.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It names no event in its errors.
    Unnamed,
    /// It confirms nothing about the session.
    Mute,
    /// It ends the session when it does not know an event.
    Fragile,
    /// It sends the first delta of a response ahead of the item.
    Hasty,
}

#[derive(Debug)]
struct Broken(SimulatorTransport, Fault);

struct Read {
    inner: Box<dyn ReadHalf>,
    fault: Fault,
    fragile: Arc<AtomicBool>,
    held: Option<Message>,
}

struct Write {
    inner: Box<dyn WriteHalf>,
    fault: Fault,
    fragile: Arc<AtomicBool>,
}

#[async_trait]
impl Transport for Broken {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        let inner = self.0.connect(handshake).await?;
        let fragile = Arc::new(AtomicBool::new(false));
        let write = Write { inner: inner.write, fault: self.1, fragile: fragile.clone() };
        Ok(Duplex::new(write, Read { inner: inner.read, fault: self.1, fragile, held: None }))
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.0.timer()
    }
}

#[async_trait]
impl WriteHalf for Write {
    async fn send(&mut self, message: Message) -> Result<(), TransportError> {
        if let (Fault::Fragile, Message::Text(text)) = (self.fault, &message)
            && text.to_str().unwrap().contains("check.unknown")
        {
            self.fragile.store(true, Ordering::Relaxed);
        }
        self.inner.send(message).await
    }
}

#[async_trait]
impl ReadHalf for Read {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        if let Some(held) = self.held.take() {
            return Ok(Some(held));
        }
        loop {
            let text = match self.inner.receive().await? {
                Some(Message::Text(text)) => text,
                other => return Ok(other),
            };
            let mut event: Value = serde_json::from_slice(text.as_bytes()).unwrap();
            let kind = event["type"].as_str().unwrap().to_owned();
            match (self.fault, &*kind) {
                (Fault::Unnamed, "error") => event["error"]["event_id"] = Value::Null,
                (Fault::Mute, "session.updated") => continue,
                (Fault::Fragile, _) if self.fragile.load(Ordering::Relaxed) => {
                    return Ok(Some(Message::Close(Some(CloseFrame::new(1008, "no such event")))));
                }
                (Fault::Hasty, "response.output_item.added") => {
                    self.held = Some(Message::Text(text));
                    let delta = r#"{"type":"response.output_text.delta","response_id":"ID","delta":""}"#;
                    let id = event["response_id"].as_str().unwrap();
                    return Ok(Some(Message::Text(delta.replace("ID", id).into())));
                }
                _ => {}
            }
            return Ok(Some(Message::Text(event.to_string().into())));
        }
    }
}

fn simulator() -> Simulator {
    // Slow enough that a response can be cancelled.
    Simulator::new().pace(Pace::INSTANT.text(Duration::from_millis(20)))
}

fn checked(fault: Option<Fault>) -> CheckReport {
    let clock = VirtualClock::new();
    let simulator = simulator().transport(&clock);
    let options = match fault {
        Some(fault) => CheckOptions::new(Broken(simulator, fault)),
        None => CheckOptions::new(simulator),
    };
    clock.block_on(check("ws://server.test/v1", options))
}

#[test]
fn the_simulator_does_what_clients_rely_on() {
    let report = checked(None);
    assert!(report.deviations().is_empty() && report.not_applicable().is_empty(), "{report}");
    assert_eq!(report.cases().len(), 20);
}

#[test]
fn the_served_simulator_does_so_too() {
    let served = simulator().serve().unwrap();
    let options = CheckOptions::new(realtime::smol::SmolTransport::new());
    let report = smol::block_on(check(&served.base_url(), options));
    assert!(report.deviations().is_empty() && report.not_applicable().is_empty(), "{report}");
}

#[test]
fn broken_servers_are_told_by_the_case_that_they_break() {
    for (fault, broken, expected) in [
        (Fault::Unnamed, &["error-names-event"][..], "an error whose `error.event_id` is that of the event"),
        (Fault::Mute, &["update", "input-audio"], "`session.updated`"),
        (Fault::Fragile, &["unknown-event"], "`error`"),
        (Fault::Hasty, &["response"], "`response.output_item.added` before the item's deltas"),
    ] {
        let report = checked(Some(fault));
        assert_eq!(report.deviations(), broken, "{fault:?}: {report}");
        let first = report.cases().iter().find(|case| case.name == broken[0]).unwrap();
        let Finding::Deviates { expected: told, came } = &first.finding else { panic!("{first:?}") };
        assert!(told == expected && !came.is_empty(), "{fault:?}: {first:?}");
    }
}

#[test]
fn a_server_that_is_not_there_is_told_once() {
    let options = CheckOptions::new(realtime::smol::SmolTransport::new());
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let report = smol::block_on(check(&format!("ws://127.0.0.1:{unused}/v1"), options));
    assert_eq!(report.deviations(), ["opening"]);
    assert_eq!(report.not_applicable().len(), report.cases().len() - 1);
}
