//! A session with the server that is checked, on raw JSON.

use std::{pin::pin, sync::Arc};

use bytes::Bytes;
use futures::future::{Either, select};
use realtime_core::transport::{CloseFrame, Duplex, Message, Timer};
use serde_json::Value;

use super::{CheckOptions, Finding};

/// How many events a case reads at most, and how many it keeps to tell of.
const MOST_EVENTS: usize = 5000;
const MOST_TOLD: usize = 8;

pub(super) type Outcome<T = ()> = Result<T, Finding>;

pub(super) fn deviates(expected: impl Into<String>, came: impl Into<String>) -> Finding {
    Finding::Deviates { expected: expected.into(), came: came.into() }
}

/// Fails unless the condition holds.
pub(super) fn expect(holds: bool, expected: &str, came: impl Into<String>) -> Outcome {
    if holds { Ok(()) } else { Err(deviates(expected, came)) }
}

pub(super) struct Session<'a> {
    options: &'a CheckOptions,
    timer: Arc<dyn Timer>,
    duplex: Duplex,
    /// The events that came since the last request.
    came: Vec<String>,
}

/// What the server does next.
pub(super) enum Next {
    Event(Value),
    Pong(Bytes),
    Closed(Option<CloseFrame>),
    Broken,
    Silent,
}

impl<'a> Session<'a> {
    /// Connects, without waiting for an event.
    pub(super) async fn connect(options: &'a CheckOptions, url: &str) -> Outcome<Self> {
        let connect = options.connect(url);
        let timer = connect.timer();
        let duplex = connect.link().await.map_err(|error| {
            let mut came = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(error) = source {
                came = format!("{came}: {error}");
                source = error.source();
            }
            deviates("a WebSocket connection", came)
        })?;
        Ok(Self { options, timer, duplex, came: Vec::new() })
    }

    /// Connects, and waits for the session.
    pub(super) async fn open(options: &'a CheckOptions, url: &str) -> Outcome<Self> {
        let mut session = Self::connect(options, url).await?;
        session.event("session.created").await?;
        Ok(session)
    }

    pub(super) async fn send(&mut self, event: Value) -> Outcome {
        self.send_text(event.to_string()).await
    }

    pub(super) async fn send_text(&mut self, text: impl Into<realtime_core::transport::Text>) -> Outcome {
        self.came.clear();
        self.send_message(Message::Text(text.into())).await
    }

    pub(super) async fn send_message(&mut self, message: Message) -> Outcome {
        let late = self.timer.sleep_until(self.timer.now() + self.options.timeout);
        match select(self.duplex.write.send(message), late).await {
            Either::Left((Ok(()), _)) => Ok(()),
            Either::Left((Err(error), _)) => Err(deviates("that the event can be sent", error.to_string())),
            Either::Right(_) => Err(deviates("that the event can be sent", "the server does not read")),
        }
    }

    /// What comes next, within the time of one wait.
    pub(super) async fn next(&mut self) -> Next {
        let late = self.timer.sleep_until(self.timer.now() + self.options.timeout);
        let read = pin!(async {
            loop {
                match self.duplex.read.receive().await {
                    Ok(Some(Message::Text(text))) => {
                        let event = serde_json::from_slice(text.as_bytes());
                        return Next::Event(event.unwrap_or(Value::Null));
                    }
                    Ok(Some(Message::Binary(_))) => return Next::Event(Value::Null),
                    Ok(Some(Message::Ping(_))) => {}
                    Ok(Some(Message::Pong(payload))) => return Next::Pong(payload),
                    Ok(Some(Message::Close(frame))) => return Next::Closed(frame),
                    Ok(None) => return Next::Closed(None),
                    Err(_) => return Next::Broken,
                }
            }
        });
        match select(read, late).await {
            Either::Left((next, _)) => next,
            Either::Right(_) => Next::Silent,
        }
    }

    /// The next event that fits. All before it are passed over, but an error is the end of the case.
    pub(super) async fn find(&mut self, expected: &str, fits: impl Fn(&Value) -> bool) -> Outcome<Value> {
        self.collect(expected, &fits).await.and_then(|mut events| {
            let found = events.pop().unwrap_or_default();
            let is_error = found["type"] == "error" && !fits(&found);
            if is_error { Err(deviates(expected, told_error(&found))) } else { Ok(found) }
        })
    }

    /// The events up to the first one that fits, or up to an error.
    pub(super) async fn collect(&mut self, expected: &str, fits: impl Fn(&Value) -> bool) -> Outcome<Vec<Value>> {
        let mut events = Vec::new();
        loop {
            match self.next().await {
                Next::Event(event) => {
                    let kind = event["type"].as_str().unwrap_or("a message that is not an event");
                    if self.came.len() < MOST_TOLD && self.came.last().is_none_or(|last| last != kind) {
                        self.came.push(kind.chars().take(80).collect());
                    }
                    let last = fits(&event) || event["type"] == "error";
                    events.push(event);
                    if last {
                        return Ok(events);
                    }
                    if events.len() == MOST_EVENTS {
                        return Err(deviates(expected, format!("{MOST_EVENTS} other events")));
                    }
                }
                Next::Pong(_) => {}
                other => return Err(deviates(expected, self.told(&other))),
            }
        }
    }

    /// The next event of this type.
    pub(super) async fn event(&mut self, kind: &str) -> Outcome<Value> {
        self.find(&format!("`{kind}`"), |event| event["type"] == kind).await
    }

    /// Whether the server still answers.
    pub(super) async fn still_answers(&mut self) -> Outcome {
        let id = "item_check_alive";
        self.send(item(id, "Are you still there?")).await?;
        self.acknowledged(id).await.map(drop).map_err(|finding| match finding {
            Finding::Deviates { came, .. } => deviates("that the session continues", came),
            other => other,
        })
    }

    /// The event that acknowledges an item, under either of its names.
    pub(super) async fn acknowledged(&mut self, id: &str) -> Outcome<Value> {
        let fits = |event: &Value| {
            matches!(event["type"].as_str(), Some("conversation.item.added" | "conversation.item.created"))
                && event["item"]["id"] == id
        };
        self.find("`conversation.item.added` with the item's id", fits).await
    }

    /// What came, in words, without any payload.
    pub(super) fn told(&self, next: &Next) -> String {
        let last = match next {
            Next::Event(event) if event["type"] == "error" => told_error(event),
            Next::Event(event) => event["type"].as_str().unwrap_or("a message that is not an event").to_owned(),
            Next::Pong(_) => "a pong".into(),
            Next::Closed(Some(frame)) => format!("a close with {frame}"),
            Next::Closed(None) => "a close without a code".into(),
            Next::Broken => "the end of the connection".into(),
            Next::Silent => format!("nothing within {:?}", self.options.timeout),
        };
        match &*self.came {
            [] => last,
            came => format!("{}, then {last}", came.join(", ")),
        }
    }
}

/// A server's error, in its own words.
pub(super) fn told_error(event: &Value) -> String {
    let message = event["error"]["message"].as_str().unwrap_or("without a message");
    format!("an error: {}", message.chars().take(200).collect::<String>())
}

/// A user's item with this id and text.
pub(super) fn item(id: &str, text: &str) -> Value {
    serde_json::json!({ "type": "conversation.item.create", "event_id": format!("event_{id}"), "item": {
        "id": id, "type": "message", "role": "user", "content": [{ "type": "input_text", "text": text }],
    } })
}
