use std::time::Duration;

use futures::{
    FutureExt,
    future::{Either, select},
};
use realtime::{
    Protocol, Realtime,
    endpoint::Handshake,
    event::{Event, Recognition, translation},
    mock::{Simulator, VirtualClock},
    transport::{CloseFrame, Duplex, Message, Text, Transport},
};
use serde_json::{Value, json};

/// A client that knows frames alone.
pub(crate) struct Wire {
    pub(crate) clock: VirtualClock,
    pub(crate) simulator: Simulator,
    duplex: Duplex,
    translates: bool,
}

pub(crate) fn handshake(query: &str) -> Handshake {
    Handshake::new(format!("wss://api.example/v1/realtime{query}").parse().unwrap())
}

impl Wire {
    /// Connects, and reads `session.created`.
    pub(crate) fn open(simulator: Simulator) -> Self {
        let mut wire = Self::connect(simulator, handshake("?model=gpt-realtime-2.1"));
        assert_eq!(wire.next()["type"], "session.created");
        wire
    }

    pub(crate) fn connect(simulator: Simulator, handshake: Handshake) -> Self {
        let clock = VirtualClock::new();
        let translates = handshake.uri.path().ends_with("/translations");
        let simulator = simulator.ping_every(None);
        let duplex = clock.block_on(simulator.transport(&clock).connect(handshake)).unwrap();
        Self { clock, simulator, duplex, translates }
    }

    pub(crate) fn send_message(&mut self, message: Message) {
        self.clock.block_on(self.duplex.write.send(message)).unwrap();
    }

    /// Sends a message, if it is taken at once.
    pub(crate) fn try_send(&mut self, message: Message) -> bool {
        self.duplex.write.send(message).now_or_never().is_some()
    }

    pub(crate) fn send(&mut self, frame: Value) {
        self.send_message(Message::Text(frame.to_string().into()));
    }

    /// The next message. Time passes as it must.
    pub(crate) fn message(&mut self) -> Option<Message> {
        self.clock.block_on(self.duplex.read.receive()).unwrap()
    }

    /// The next frame, which must be an event that the client's tables know.
    pub(crate) fn next(&mut self) -> Value {
        let Some(Message::Text(text)) = self.message() else { panic!("no event") };
        self.read(&text)
    }

    /// The next frame as it is, for what is outside of what a client reads, and for very many of them.
    pub(crate) fn raw(&mut self) -> Value {
        let Some(Message::Text(text)) = self.message() else { panic!("no event") };
        serde_json::from_slice(text.as_bytes()).unwrap()
    }

    fn read(&self, text: &Text) -> Value {
        if self.translates {
            let event = translation::ServerEvent::decode(text.as_bytes());
            assert_eq!(event.recognition(), Recognition::Known, "{event:?}");
        } else {
            let event = <Realtime as Protocol>::ServerEvent::decode(text.as_bytes());
            assert_eq!(event.recognition(), Recognition::Known, "{event:?}");
        }
        serde_json::from_slice(text.as_bytes()).unwrap()
    }

    /// The frames up to the first of this type.
    pub(crate) fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            frames.push(self.next());
            if frames.last().unwrap()["type"] == kind {
                return frames;
            }
        }
    }

    /// The frames of the next so many milliseconds.
    pub(crate) fn during(&mut self, ms: u64) -> Vec<Value> {
        let mut frames = Vec::new();
        let alarm = self.clock.sleep(Duration::from_millis(ms));
        let mut alarm = std::pin::pin!(alarm);
        loop {
            let read = self.duplex.read.receive();
            let text = match self.clock.block_on(select(alarm.as_mut(), read)) {
                Either::Left(_) => return frames,
                Either::Right((Ok(Some(Message::Text(text))), _)) => text,
                Either::Right((other, _)) => panic!("{other:?}"),
            };
            frames.push(self.read(&text));
        }
    }

    /// Sends a frame, and gives the answer to it.
    pub(crate) fn ask(&mut self, frame: Value) -> Value {
        self.send(frame);
        self.next()
    }

    /// Sends a frame that is refused: the error, without its own id.
    pub(crate) fn refused(&mut self, frame: Value) -> Value {
        let answer = self.ask(frame);
        assert_eq!(answer["type"], "error", "{answer}");
        answer["error"].clone()
    }

    pub(crate) fn update(&mut self, session: Value) -> Value {
        let mut session = session;
        session["type"] = "realtime".into();
        let answer = self.ask(json!({ "type": "session.update", "session": session }));
        assert_eq!(answer["type"], "session.updated", "{answer}");
        answer["session"].clone()
    }

    /// Says something in writing. The item's id.
    pub(crate) fn say(&mut self, text: &str) -> String {
        let content = json!([{ "type": "input_text", "text": text }]);
        self.item(json!({ "type": "message", "role": "user", "content": content }))
    }

    /// Adds an item. Its id.
    pub(crate) fn item(&mut self, item: Value) -> String {
        self.send(json!({ "type": "conversation.item.create", "item": item }));
        let [added, done] = [self.next(), self.next()];
        assert_eq!(
            (&added["type"], &done["type"]),
            (&"conversation.item.added".into(), &"conversation.item.done".into())
        );
        assert_eq!(added["item"], done["item"]);
        added["item"]["id"].as_str().unwrap().into()
    }

    pub(crate) fn respond(&mut self, response: Value) -> Vec<Value> {
        self.send(json!({ "type": "response.create", "response": response }));
        self.until("rate_limits.updated")
    }

    pub(crate) fn append(&mut self, audio: &[u8]) {
        let audio = realtime::Audio::from(audio);
        self.send(json!({ "type": "input_audio_buffer.append", "audio": audio }));
    }

    /// The rest is a closing frame and the end.
    pub(crate) fn closed(&mut self) -> Option<CloseFrame> {
        let Some(Message::Close(frame)) = self.message() else { panic!("no closing frame") };
        assert_eq!(self.message(), None);
        frame
    }
}

/// The types of frames, those in a row told once.
pub(crate) fn kinds(frames: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<_> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    kinds.dedup();
    kinds
}

/// The one frame of this type.
pub(crate) fn one<'a>(frames: &'a [Value], kind: &str) -> &'a Value {
    let mut frames = frames.iter().filter(|frame| frame["type"] == kind);
    let frame = frames.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(frames.next().is_none(), "more than one {kind}");
    frame
}

/// The deltas of a type, put together.
pub(crate) fn deltas(frames: &[Value], kind: &str) -> String {
    frames.iter().filter(|frame| frame["type"] == kind).map(|frame| frame["delta"].as_str().unwrap()).collect()
}

/// So many milliseconds of a voice (or of silence), 16-bit PCM at 24,000 Hz.
pub(crate) fn voice(ms: usize) -> Vec<u8> {
    (0..24 * ms).flat_map(|at| (((at % 100) as i16 - 50) * 200).to_le_bytes()).collect()
}

pub(crate) fn silence(ms: usize) -> Vec<u8> {
    vec![0; 48 * ms]
}
