//! A scripted server: sends frames, waits for those of the client, answers some by itself.

use std::{collections::HashSet, time::Duration};

use futures::future::{Either, select};
use realtime::{
    mock::{MockServer, MockSession, VirtualClock},
    transport::{Message, Timer},
};
use serde_json::{Value, json};

/// What the server has got, and when.
pub(crate) type Got = Vec<(Duration, Value)>;

pub(crate) struct Script {
    session: MockSession,
    clock: VirtualClock,
    /// Types that are answered whenever they come.
    answered: HashSet<String>,
    /// What has come and was not awaited.
    pending: Vec<Value>,
    pub(crate) got: Got,
    answers: usize,
}

impl Script {
    /// Takes the next connection.
    pub(crate) async fn accept(server: &MockServer) -> Self {
        let session = server.accept().await;
        let clock = server.clock().clone();
        Self { session, clock, answered: HashSet::new(), pending: Vec::new(), got: Vec::new(), answers: 0 }
    }

    /// Plays the steps, then stays silent with the link up, until the client is gone.
    pub(crate) async fn play(&mut self, steps: &[Value]) {
        let mut latest = Value::Null;
        for step in steps {
            let text = |at: usize| step[at].as_str().unwrap_or_default();
            match text(0) {
                "send" => self.send(filled(&step[1], &latest)),
                "ack" => {
                    self.answered.insert(text(1).into());
                    while let Some(event) = self.take_pending(|kind| kind == text(1)) {
                        self.answer(&event);
                    }
                }
                "await" => {
                    latest = loop {
                        if let Some(event) = self.take_pending(|kind| kind == text(1)) {
                            break event;
                        }
                        if !self.hear(None).await {
                            return;
                        }
                    }
                }
                "pause" => {
                    let until = self.clock.now().since_origin() + Duration::from_secs_f64(step[1].as_f64().unwrap());
                    while self.hear(Some(until)).await {}
                }
                "close" => return self.session.close(step[1].as_u64().unwrap() as u16, text(2)),
                "serve" => {
                    const SERVED: [&str; 4] =
                        ["session.update", "response.create", "response.cancel", "conversation.item.create"];
                    self.answered.extend(SERVED.map(Into::into));
                    while let Some(event) = self.take_pending(|kind| SERVED.contains(&kind)) {
                        self.answer(&event);
                    }
                }
                other => panic!("no such step: {other}"),
            }
        }
        while self.hear(None).await {}
    }

    pub(crate) fn send(&self, frame: Value) {
        self.session.send_raw(frame.to_string());
    }

    fn take_pending(&mut self, wanted: impl Fn(&str) -> bool) -> Option<Value> {
        let at = self.pending.iter().position(|event| event["type"].as_str().is_some_and(&wanted))?;
        Some(self.pending.remove(at))
    }

    /// Waits for one event of the client. Whether one came before the time, or the client, was gone.
    async fn hear(&mut self, until: Option<Duration>) -> bool {
        let alarm = async {
            match until {
                Some(until) => self.clock.sleep(until.saturating_sub(self.clock.now().since_origin())).await,
                None => std::future::pending().await,
            }
        };
        let message = match select(Box::pin(self.session.message()), Box::pin(alarm)).await {
            Either::Left((message, _)) => message,
            Either::Right(_) => return false,
        };
        match message {
            Ok(Some(Message::Text(text))) => {
                let event: Value = serde_json::from_slice(text.as_bytes()).unwrap();
                self.got.push((self.clock.now().since_origin(), event.clone()));
                if event["type"].as_str().is_some_and(|kind| self.answered.contains(kind)) {
                    self.answer(&event);
                } else {
                    self.pending.push(event);
                }
                true
            }
            Ok(Some(_)) => true,
            Ok(None) | Err(_) => false,
        }
    }

    /// The plain answer to an event.
    fn answer(&mut self, event: &Value) {
        self.answers += 1;
        let n = self.answers;
        match event["type"].as_str().unwrap_or_default() {
            "session.update" => self.send(json!({ "type": "session.updated", "session": event["session"] })),
            "conversation.item.create" => {
                let mut item = event["item"].clone();
                item["status"] = "completed".into();
                if item["id"].is_null() {
                    item["id"] = format!("srv_{n}").into();
                }
                for kind in ["conversation.item.added", "conversation.item.done"] {
                    self.send(json!({ "type": kind, "previous_item_id": null, "item": item }));
                }
            }
            "response.cancel" => self.send(json!({ "type": "error", "error": {
                "type": "invalid_request_error", "code": "response_cancel_not_active",
                "message": "Cancellation failed: no active response found", "event_id": event["event_id"],
            } })),
            "response.create" => {
                let (response, id) = (format!("plain_r{n}"), format!("plain_i{n}"));
                let item = json!({
                    "id": id, "type": "message", "role": "assistant", "status": "completed",
                    "content": [{ "type": "output_text", "text": "plain answer" }],
                });
                let mut body = json!({
                    "id": response, "status": "in_progress", "output": [], "conversation_id": "c",
                    "metadata": event["response"]["metadata"],
                });
                self.send(json!({ "type": "response.created", "response": body }));
                self.send(json!({
                    "type": "response.output_text.delta", "response_id": response, "item_id": id,
                    "output_index": 0, "content_index": 0, "delta": "plain answer",
                }));
                body["status"] = "completed".into();
                body["output"] = json!([item]);
                self.send(json!({ "type": "response.done", "response": body }));
            }
            _ => {}
        }
    }
}

/// A frame with members of the client's latest awaited event in it.
fn filled(frame: &Value, latest: &Value) -> Value {
    match frame {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), filled(value, latest))).collect(),
        Value::Array(values) => values.iter().map(|value| filled(value, latest)).collect(),
        Value::String(text) => {
            let id = latest["item"]["id"].as_str().unwrap_or("srv_item_1");
            match &**text {
                "$item_id" => id.into(),
                "$item" => {
                    let mut item = latest["item"].clone();
                    item["id"] = id.into();
                    item
                }
                "$event_id" => latest["event_id"].clone(),
                "$metadata" => latest["response"]["metadata"].clone(),
                _ => frame.clone(),
            }
        }
        _ => frame.clone(),
    }
}
