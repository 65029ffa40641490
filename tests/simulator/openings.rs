//! Which sessions are opened, and which are refused, and how.

use std::time::Duration;

use realtime::{
    Client, Error, ErrorKind,
    endpoint::Handshake,
    mock::{Simulator, VirtualClock},
    transport::{CloseFrame, Message, Timer, Transport, TransportErrorKind},
};
use serde_json::{Value, json};

use crate::{Wire, client::handshake};

fn at(url: &str) -> Handshake {
    Handshake::new(url.parse().unwrap())
}

#[test]
fn the_url_says_what_session_it_is() {
    for (url, kind, model) in [
        ("wss://api.example/v1/realtime?model=gpt-realtime-2.1", "realtime", json!("gpt-realtime-2.1")),
        ("wss://api.example/v1/realtime?model=a+b%2Fc", "realtime", json!("a b/c")),
        ("wss://x.example/openai/realtime?api-version=1&deployment=mine", "realtime", json!("mine")),
        ("wss://api.example/v1/realtime?call_id=rtc_1", "realtime", json!("gpt-realtime")),
        ("wss://api.example/v1/realtime?intent=transcription", "transcription", Value::Null),
        (
            "wss://api.example/v1/realtime/translations?model=gpt-realtime-translate",
            "translation",
            json!("gpt-realtime-translate"),
        ),
    ] {
        let session = Wire::connect(Simulator::new(), at(url)).next()["session"].take();
        assert_eq!((&session["type"], &session["model"]), (&kind.into(), &model), "{url}");
        assert_eq!(session["expires_at"], 1_767_225_600 + 3600);
    }
    let clock = VirtualClock::new();
    let refused = clock.block_on(Simulator::new().transport(&clock).connect(at("wss://api.example/v1/chat")));
    assert_eq!(refused.unwrap_err().kind(), TransportErrorKind::Rejected { status: http::StatusCode::NOT_FOUND });
    assert_eq!(clock.pending(), 0);
}

/// The error and the closing frame of a session that is refused.
fn refused(simulator: Simulator, handshake: Handshake) -> (Value, CloseFrame) {
    let mut wire = Wire::connect(simulator, handshake);
    let error = wire.next();
    assert_eq!(error["type"], "error");
    let frame = wire.closed().unwrap();
    assert_eq!(frame.reason, format!("invalid_request_error.{}", error["error"]["code"].as_str().unwrap()));
    (error["error"].clone(), frame)
}

#[test]
fn a_refusal_comes_after_the_upgrade() {
    let with = |name: &'static str, value: &str| {
        let mut handshake = handshake("?model=m");
        handshake.headers.insert(name, value.parse().unwrap());
        handshake
    };
    let keyed = Simulator::new().key("sk-right").key("sk-also");
    for (simulator, handshake, code, error) in [
        (&keyed, handshake("?model=m"), 3000, "invalid_api_key"),
        (&keyed, with("authorization", "Bearer sk-wrong"), 3000, "invalid_api_key"),
        (&Simulator::new().model("n"), handshake("?model=m"), 4000, "model_not_found"),
        (&Simulator::new(), with("openai-beta", "realtime=v1"), 4000, "beta_api_shape_disabled"),
        (&Simulator::new(), handshake("?intent=chat"), 4000, "invalid_intent"),
        (&Simulator::new(), handshake("?intent=transcription&model=m"), 4000, "invalid_model"),
    ] {
        let (told, frame) = refused(simulator.clone(), handshake);
        assert_eq!((frame.code, &told["code"]), (code, &error.into()));
        assert!(!told.to_string().contains("sk-wrong"));
    }
    let mut browser = handshake("?model=m");
    browser.subprotocols = vec!["realtime".into(), "openai-insecure-api-key.sk-right".into()];
    for handshake in [with("authorization", "bearer sk-also"), with("api-key", "sk-right"), browser] {
        assert_eq!(Wire::connect(keyed.clone(), handshake).next()["type"], "session.created");
    }
}

#[test]
fn the_client_is_told_why() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new().key("sk-right");
    let connect = |key: &str| {
        let client = Client::builder(simulator.transport(&clock)).api_key(key).build();
        clock.block_on(client.realtime().model("m").connect())
    };
    let error: Error = connect("sk-wrong").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(_)), "{error:?}");
    connect("sk-right").unwrap();
    assert_eq!(simulator.sessions().len(), 2);
    assert!(simulator.sessions().iter().all(|session| session.is_closed()));
    assert_eq!(clock.pending(), 0);
}

#[test]
fn a_session_ends_after_an_hour() {
    let mut wire = Wire::open(Simulator::new());
    let error = wire.next();
    assert_eq!(wire.clock.now().since_origin(), Duration::from_secs(3600));
    assert_eq!((&error["error"]["code"], &error["error"]["event_id"]), (&"session_expired".into(), &Value::Null));
    let frame = CloseFrame::new(1001, "Your session hit the maximum duration of 60 minutes.");
    assert_eq!(wire.closed(), Some(frame));
    assert!(wire.simulator.sessions()[0].is_closed());
    let mut wire = Wire::open(Simulator::new().max_duration(Duration::from_secs(120)));
    assert_eq!(wire.next()["error"]["message"], "Your session hit the maximum duration of 2 minutes.");
}

#[test]
fn it_pings_and_answers_pings_and_closes_in_order() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new();
    let mut duplex = clock.block_on(simulator.transport(&clock).connect(handshake("?model=m"))).unwrap();
    assert!(duplex.can_ping);
    let mut next = || clock.block_on(duplex.read.receive()).unwrap();
    assert!(matches!(next(), Some(Message::Text(_))));
    for round in 1..=2 {
        let Some(Message::Ping(payload)) = next() else { panic!("no ping") };
        assert_eq!((payload.len(), clock.now().since_origin()), (4, Duration::from_secs(20 * round)));
    }
    clock.block_on(duplex.write.send(Message::Ping("x".into()))).unwrap();
    assert_eq!(next(), Some(Message::Pong("x".into())));
    let frame = Message::Close(Some(CloseFrame::new(1000, "bye")));
    clock.block_on(duplex.write.send(frame.clone())).unwrap();
    assert_eq!((next(), next()), (Some(frame), None));
    assert!(clock.block_on(duplex.write.send(Message::Ping("x".into()))).is_err());
    drop(duplex);
    assert_eq!(clock.pending(), 0);
}

#[test]
fn ids_are_the_same_each_time() {
    let ids = |seed| {
        let mut wire = Wire::open(Simulator::new().seed(seed));
        let item = wire.say("x");
        (item, wire.respond(json!({})).pop().unwrap()["event_id"].clone())
    };
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
    assert_eq!((ids(1).0.len(), ids(1).1.as_str().unwrap().len()), (26, 27));
}
