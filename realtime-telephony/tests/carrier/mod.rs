//! A carrier that plays what it gets.

use std::collections::VecDeque;

use realtime_audio::Format;
use realtime_telephony::{Carrier, Frame};
use serde_json::{Value, json};

/// A carrier's player, a network trip away: it plays in order and in real time, and sends marks back.
pub(crate) struct Player {
    pub(crate) carrier: Carrier,
    pub(crate) latency: u64,
    pub(crate) format: Format,
    /// Bytes that wait, and the marks behind so many of them.
    pub(crate) queue: VecDeque<Item>,
    /// Bytes that were played.
    pub(crate) played: u64,
    pub(crate) clock: u64,
    /// What is under way to us, and when it arrives.
    pub(crate) under_way: VecDeque<(u64, Frame)>,
    /// What is under way to the carrier.
    pub(crate) sent: VecDeque<(u64, Frame)>,
}

pub(crate) enum Item {
    Audio(u64),
    Mark(String),
}

impl Player {
    pub(crate) fn new(carrier: Carrier, format: Format, latency: u64) -> Self {
        let empty = VecDeque::new;
        Self {
            carrier,
            latency,
            format,
            queue: empty(),
            played: 0,
            clock: 0,
            under_way: VecDeque::new(),
            sent: VecDeque::new(),
        }
    }

    pub(crate) fn send(&mut self, now: u64, frame: Frame) {
        self.sent.push_back((now + self.latency, frame));
    }

    /// Lives through a millisecond.
    pub(crate) fn step(&mut self) {
        while self.sent.front().is_some_and(|(time, _)| *time <= self.clock) {
            let (_, frame) = self.sent.pop_front().unwrap();
            self.take(&frame);
        }
        self.return_marks();
        let mut bytes = self.format.ms_to_bytes(1);
        while bytes > 0
            && let Some(Item::Audio(left)) = self.queue.front_mut()
        {
            let some = bytes.min(*left);
            *left -= some;
            bytes -= some;
            self.played += some;
            if *left == 0 {
                self.queue.pop_front();
            }
            self.return_marks();
        }
        self.clock += 1;
    }

    fn return_marks(&mut self) {
        while let Some(Item::Mark(_)) = self.queue.front() {
            if let Some(Item::Mark(name)) = self.queue.pop_front() {
                self.echo(&name);
            }
        }
    }

    fn echo(&mut self, name: &str) {
        let text = match self.carrier {
            Carrier::Plivo => json!({"event": "playedStream", "streamId": "s", "name": name}),
            Carrier::Vonage => json!({"event": "websocket:notify", "payload": {"name": name}}),
            _ => json!({"event": "mark", "mark": {"name": name}}),
        };
        self.under_way.push_back((self.clock + self.latency, Frame::from(text.to_string())));
    }

    fn take(&mut self, frame: &Frame) {
        let text = match frame {
            Frame::Binary(audio) => {
                assert_eq!(self.format.bytes_to_ms(audio.len() as u64), 20);
                return self.queue.push_back(Item::Audio(audio.len() as u64));
            }
            Frame::Text(text) => text,
        };
        let message: Value = serde_json::from_str(text).unwrap();
        match message["event"].as_str().or(message["action"].as_str()).unwrap() {
            "media" | "playAudio" => {
                let bytes = base64_turbo::STANDARD.decode(message["media"]["payload"].as_str().unwrap()).unwrap().len();
                assert!(self.carrier != Carrier::Telnyx || self.format.bytes_to_ms(bytes as u64) >= 20, "{bytes}");
                self.queue.push_back(Item::Audio(bytes as u64));
            }
            "mark" => self.queue.push_back(Item::Mark(message["mark"]["name"].as_str().unwrap().into())),
            "checkpoint" => self.queue.push_back(Item::Mark(message["name"].as_str().unwrap().into())),
            "notify" => self.queue.push_back(Item::Mark(message["payload"]["name"].as_str().unwrap().into())),
            "clear" | "clearAudio" => {
                for item in std::mem::take(&mut self.queue) {
                    // Plivo does not send them back.
                    if let Item::Mark(name) = item
                        && self.carrier != Carrier::Plivo
                    {
                        self.echo(&name);
                    }
                }
            }
            other => panic!("{other}"),
        }
    }
}
