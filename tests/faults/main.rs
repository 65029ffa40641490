//! Each fault strikes when it is told to, and a seed gives the same trouble every time.

mod connection;

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use realtime::{
    endpoint::Handshake,
    mock::{ConnectFault, Fault, FaultKind, FaultPlan, FaultTrigger, Faults, MockServer, MockSession, MockTransport},
    transport::{CloseFrame, Duplex, Message, Timer, Transport, TransportError, TransportErrorKind},
};

/// An open link with faults, and the server's end of it. Nothing greets.
struct Rig {
    duplex: Duplex,
    session: MockSession,
    server: MockServer,
    faults: Faults,
}

fn dial(plan: FaultPlan) -> (Faults, MockServer) {
    let (transport, server) = MockTransport::new();
    server.greet_with(None::<&str>);
    (Faults::new(transport, move |_| plan.clone()), server)
}

fn handshake() -> Handshake {
    Handshake::new("ws://localhost/v1/realtime?model=m".parse().unwrap())
}

fn rig(plan: FaultPlan) -> Rig {
    let (faults, server) = dial(plan);
    let duplex = server.clock().block_on(faults.connect(handshake())).unwrap();
    Rig { duplex, session: server.try_accept_as().unwrap(), server, faults }
}

fn text(text: &str) -> Message {
    Message::Text(text.into())
}

impl Rig {
    fn read(&mut self) -> Result<Option<Message>, TransportError> {
        self.server.clock().block_on(self.duplex.read.receive())
    }

    fn write(&mut self, message: Message) -> Result<(), TransportError> {
        self.server.clock().block_on(self.duplex.write.send(message))
    }

    fn now_ms(&self) -> u128 {
        self.server.clock().now().since_origin().as_millis()
    }

    /// What the server has received.
    fn arrived(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Some(Ok(Some(message))) = self.session.message().now_or_never() {
            messages.push(message);
        }
        messages
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn without_a_plan_nothing_goes_wrong() {
    let mut rig = rig(FaultPlan::new());
    rig.session.send_raw("one");
    assert_eq!(rig.read().unwrap(), Some(text("one")));
    rig.write(text("two")).unwrap();
    assert_eq!(rig.arrived(), [text("two")]);
    rig.session.close(1000, "bye");
    assert_eq!(rig.read().unwrap(), Some(Message::Close(Some(CloseFrame::new(1000, "bye")))));
    assert_eq!(rig.read().unwrap(), None);
    assert!(rig.duplex.can_ping && rig.faults.injected().is_empty());
}

#[test]
fn any_code_closes_after_so_many_messages() {
    for code in [1000, 1001, 1006, 1011, 1012, 3000, 4000, 4999] {
        let frame = CloseFrame::new(code, "so it is");
        let mut rig = rig(FaultPlan::new().at(FaultTrigger::Read(2), Fault::Close(frame.clone())));
        ["one", "two", "three"].into_iter().for_each(|text| rig.session.send_raw(text));
        assert_eq!(rig.read().unwrap(), Some(text("one")));
        assert_eq!(rig.read().unwrap(), Some(text("two")));
        assert_eq!(rig.read().unwrap(), Some(Message::Close(Some(frame.clone()))));
        assert_eq!(rig.read().unwrap(), None);
        assert_eq!(rig.write(text("late")).unwrap_err().kind(), TransportErrorKind::Io);
        // Both halves let the link go, so the server sees it end.
        assert!(matches!(rig.session.message().now_or_never(), Some(Err(_))));
        assert_eq!(rig.faults.injected()[0].kind, FaultKind::Fault(Fault::Close(frame)));
    }
}

#[test]
fn a_break_after_so_many_writes_is_seen_by_a_reader_who_waits() {
    let plan = FaultPlan::new().at(FaultTrigger::Written(1), Fault::Break(TransportErrorKind::Protocol));
    let Rig { mut duplex, session, server, .. } = rig(plan);
    let (read, written) =
        server.clock().block_on(futures::future::join(duplex.read.receive(), duplex.write.send(text("one"))));
    assert_eq!(read.unwrap_err().kind(), TransportErrorKind::Protocol);
    written.unwrap();
    assert_eq!(session.message().now_or_never().unwrap().unwrap(), Some(text("one")));
}

#[test]
fn a_break_at_a_time_ends_a_write_that_is_stuck() {
    let mut rig = rig(FaultPlan::new().at(FaultTrigger::After(ms(700)), Fault::Break(TransportErrorKind::Io)));
    rig.session.stall_writes(true);
    let Rig { duplex, server, .. } = &mut rig;
    let both = futures::future::join(duplex.write.send(text("one")), duplex.read.receive());
    let (written, read) = server.clock().block_on(both);
    assert_eq!(written.unwrap_err().kind(), TransportErrorKind::Io);
    assert_eq!(read.unwrap_err().kind(), TransportErrorKind::Io);
    assert_eq!((rig.now_ms(), rig.server.clock().pending()), (700, 0));
}

#[test]
fn on_a_half_open_link_nobody_is_told() {
    let plan = FaultPlan::new()
        .at(FaultTrigger::Written(1), Fault::HalfOpen)
        .at(FaultTrigger::After(ms(60_000)), Fault::Break(TransportErrorKind::Io));
    let mut rig = rig(plan);
    rig.write(text("one")).unwrap();
    rig.session.send_raw("never read");
    rig.write(text("lost")).unwrap();
    rig.write(Message::Ping("lost".into())).unwrap();
    assert!(rig.duplex.read.receive().now_or_never().is_none());
    assert_eq!(rig.arrived(), [text("one")]);
    assert_eq!(rig.read().unwrap_err().kind(), TransportErrorKind::Io);
    assert_eq!(rig.now_ms(), 60_000);
}

#[test]
fn stalls_end_and_nothing_is_lost() {
    let plan = FaultPlan::new()
        .at(FaultTrigger::Read(1), Fault::StallReads(ms(500)))
        .at(FaultTrigger::Written(1), Fault::StallWrites(ms(2000)));
    let mut rig = rig(plan);
    rig.session.send_raw("one");
    rig.session.send_raw("two");
    assert_eq!(rig.read().unwrap(), Some(text("one")));
    assert_eq!(rig.now_ms(), 0);
    assert_eq!(rig.read().unwrap(), Some(text("two")));
    assert_eq!(rig.now_ms(), 500);
    rig.write(text("three")).unwrap();
    assert_eq!(rig.now_ms(), 500);
    rig.write(text("four")).unwrap();
    assert_eq!(rig.now_ms(), 2500);
    assert_eq!(rig.arrived(), [text("three"), text("four")]);
    assert_eq!(rig.server.clock().pending(), 0);
}

#[test]
fn slow_messages_come_one_after_the_other() {
    let plan = FaultPlan::new()
        .at(FaultTrigger::Read(0), Fault::SlowReads(ms(100)))
        .at(FaultTrigger::Written(0), Fault::SlowWrites(ms(30)))
        .at(FaultTrigger::Read(3), Fault::SlowReads(Duration::ZERO));
    let mut rig = rig(plan);
    let sent = ["one", "two", "three", "four"];
    sent.into_iter().for_each(|text| rig.session.send_raw(text));
    for (message, at) in sent.into_iter().zip([100, 200, 300, 300]) {
        assert_eq!(rig.read().unwrap(), Some(text(message)));
        assert_eq!(rig.now_ms(), at);
    }
    rig.write(text("x")).unwrap();
    rig.write(text("y")).unwrap();
    assert_eq!(rig.now_ms(), 360);
}

#[test]
fn what_the_server_never_sent_arrives_too() {
    let mut plan = FaultPlan::new();
    let injected = [Fault::garbage(), Fault::binary(), Fault::unknown_event(), Fault::text("mine")];
    for fault in injected.clone() {
        plan = plan.at(FaultTrigger::Read(1), fault);
    }
    let mut rig = rig(plan);
    rig.session.send_raw("one");
    rig.session.send_raw("two");
    assert_eq!(rig.read().unwrap(), Some(text("one")));
    for fault in injected {
        let Fault::Inject(expected) = fault else { panic!("{fault:?}") };
        assert_eq!(rig.read().unwrap(), Some(expected));
    }
    assert_eq!(rig.read().unwrap(), Some(text("two")));
}

#[test]
fn texts_are_split_and_joined() {
    let plan = FaultPlan::new()
        .at(FaultTrigger::Read(0), Fault::Split)
        .at(FaultTrigger::Read(2), Fault::Join)
        .at(FaultTrigger::Read(3), Fault::Split)
        .at(FaultTrigger::Read(3), Fault::SlowReads(ms(5)));
    let mut rig = rig(plan);
    for sent in ["abcdef", "one", "two", "éé", "end"] {
        rig.session.send_raw(sent);
    }
    for expected in ["abc", "def", "onetwo", "é", "é", "end"] {
        assert_eq!(rig.read().unwrap(), Some(text(expected)));
    }
    assert_eq!(rig.now_ms(), 15);
}

#[test]
fn a_server_leaves_out_renames_and_falls_silent() {
    let plan = FaultPlan::new()
        .at(FaultTrigger::Read(1), Fault::Omit)
        .at(FaultTrigger::Read(2), Fault::Rename)
        .at(FaultTrigger::Read(3), Fault::Rename)
        .at(FaultTrigger::Read(4), Fault::Rename)
        .at(FaultTrigger::Read(5), Fault::Rename)
        .at(FaultTrigger::Read(6), Fault::Silence(ms(500)));
    let mut rig = rig(plan);
    let event = |kind: &str| format!(r#"{{"type":"{kind}"}}"#);
    for (kind, read) in [
        ("first", Some("first")),
        ("omitted", None),
        ("second", Some("second")),
        ("response.output_audio.delta", Some("response.audio.delta")),
        ("conversation.item.added", Some("conversation.item.created")),
        ("response.done", Some("vendor.response.done")),
    ] {
        rig.session.send_raw(event(kind));
        if let Some(read) = read {
            assert_eq!(rig.read().unwrap(), Some(text(&event(read))));
        }
    }
    // What is no event has no name.
    rig.session.send_raw("no event");
    assert_eq!(rig.read().unwrap(), Some(text("no event")));
    // It is silent, answers pings, and says later only what it says later.
    rig.session.send_raw("lost");
    rig.session.send_message(Message::Pong("alive".into()));
    assert_eq!(rig.read().unwrap(), Some(Message::Pong("alive".into())));
    rig.server.clock().advance(ms(500));
    rig.session.send_raw("heard");
    assert_eq!(rig.read().unwrap(), Some(text("heard")));
}

#[test]
fn dialling_goes_wrong() {
    let (faults, server) = dial(FaultPlan::new().connect(ConnectFault::Delay(ms(250))));
    assert!(server.clock().block_on(faults.connect(handshake())).is_ok());
    assert_eq!(server.clock().now().since_origin(), ms(250));

    let (faults, server) = dial(FaultPlan::new().connect(ConnectFault::Refuse(429.try_into().unwrap())));
    let error = server.clock().block_on(faults.connect(handshake())).unwrap_err();
    assert!(matches!(error.kind(), TransportErrorKind::Rejected { status } if status == 429));

    let (faults, server) = dial(FaultPlan::new().connect(ConnectFault::Fail(TransportErrorKind::Tls)));
    let error = server.clock().block_on(faults.connect(handshake())).unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Tls);

    let (faults, server) = dial(FaultPlan::new().connect(ConnectFault::Never));
    assert!(faults.connect(handshake()).now_or_never().is_none());
    assert_eq!(server.clock().pending(), 0);
    assert_eq!(faults.injected()[0].kind, FaultKind::Connect(ConnectFault::Never));
}

#[test]
fn plans_differ_by_connection_and_the_latest_strikes_are_remembered() {
    let (transport, server) = MockTransport::new();
    let faults = Faults::new(transport, |connection| match connection {
        2 => FaultPlan::new(),
        _ => FaultPlan::new().connect(ConnectFault::Fail(TransportErrorKind::Connect)),
    });
    let outcomes: Vec<_> = (0..5000).map(|_| server.clock().block_on(faults.connect(handshake())).is_ok()).collect();
    assert_eq!(outcomes.iter().filter(|ok| **ok).count(), 1);
    assert!(outcomes[1]);
    let struck = faults.injected();
    assert_eq!((struck.len(), struck[4095].connection), (4096, 5000));
}

#[test]
fn it_is_a_transport_that_can_be_shared() {
    fn shared<T: Transport>(_: &Arc<T>) {}
    let (faults, _server) = dial(FaultPlan::new());
    shared(&Arc::new(faults.clone()));
    assert_eq!(format!("{faults:?}").split(' ').next(), Some("Faults"));
}
