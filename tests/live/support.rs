//! A scripted server, and the events that every script needs.

use realtime::{
    Client, Json,
    live::{
        event::{ResponseEvent, SessionClosed, SessionStarted},
        types::{BackendEvent, CloseReason, SessionResource, SessionUsage},
    },
    mock::{MockServer, MockTransport},
};

pub(crate) fn service() -> (Client, MockServer) {
    let (transport, server) = MockTransport::new();
    server.greet_with(None::<String>);
    (Client::builder(transport).api_key("sk-1").build(), server)
}

pub(crate) fn started(id: &str) -> SessionStarted {
    SessionStarted::new(SessionResource::new(id)).event_id("event_started")
}

pub(crate) fn closed(id: &str, reason: CloseReason) -> SessionClosed {
    SessionClosed::new(reason, SessionResource::new(id), SessionUsage::default().seconds(12)).event_id("event_closed")
}

pub(crate) fn nested(event: serde_json::Value) -> ResponseEvent {
    let kind = event["type"].to_string();
    let event = BackendEvent::try_from(Json::from(event)).unwrap();
    ResponseEvent::new(event).event_id(format!("event_{kind}")).delegation_id("item_1")
}
