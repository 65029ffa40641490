//! The picture of a conversation or a transcription.

use std::time::Duration;

use realtime::{
    Realtime, RealtimeSettings,
    event::{ClientEvent, Event, ServerEvent},
    session::{Changes, RealtimeState, Retention, Setup, State, realtime::ItemState},
    transport::Instant,
    types::Item,
};
use serde_json::{Value, json};

use super::{Lane, Latency, Loudspeaker, Picture};
use crate::frames::{Recorded, Recording, Sender};

pub(super) fn picture(recording: &Recording) -> Picture {
    let mut drawing = Drawing::new(Picture::of(recording));
    for (seq, (at, entry)) in (1..).zip(&recording.entries) {
        match entry {
            Recorded::Event(Sender::Server, raw) => drawing.server(*at, raw),
            Recorded::Event(Sender::Client, raw) => drawing.client(seq, *at, raw),
            Recorded::Opened(..) | Recorded::Ended(_) => {}
        }
    }
    drawing.finish()
}

struct Drawing {
    picture: Picture,
    state: RealtimeState,
    loudspeaker: Loudspeaker,
    /// When the user's last turn ended, until the first audio that answers it.
    asked: Option<u64>,
}

impl Drawing {
    fn new(picture: Picture) -> Self {
        let mut state = RealtimeState::default();
        let settings = RealtimeSettings::default().memory(Retention::unlimited());
        State::<Realtime>::configure(&mut state, &settings, &Setup::default().kept_errors(None));
        Self { picture, state, loudspeaker: Loudspeaker::default(), asked: None }
    }

    fn server(&mut self, at: u64, raw: &[u8]) {
        let mut changes = Changes::default();
        let mut event = ServerEvent::read(raw, &mut changes.reading);
        State::<Realtime>::received(&mut self.state, &mut event, instant(at), &mut changes);
        let picture = &mut self.picture;
        match &event {
            ServerEvent::InputAudioBufferSpeechStarted(started) => {
                picture.add(Lane::Speech, (at, at), &started.item_id, "");
            }
            ServerEvent::InputAudioBufferSpeechStopped(stopped) => {
                self.asked = Some(at);
                if let Some(span) = picture.find(Lane::Speech, &stopped.item_id) {
                    span.end = at;
                }
            }
            ServerEvent::InputAudioBufferCommitted(_) => self.asked = self.asked.or(Some(at)),
            ServerEvent::ConversationItemInputAudioTranscriptionDelta(heard) => {
                if let Some(delta) = &heard.delta {
                    picture.continue_text(Lane::Heard, at, &heard.item_id, delta);
                }
            }
            ServerEvent::ConversationItemInputAudioTranscriptionCompleted(heard) => {
                match picture.find(Lane::Heard, &heard.item_id) {
                    Some(span) => (span.label, span.end) = (heard.transcript.clone(), at),
                    None => picture.add(Lane::Heard, (at, at), &heard.item_id, &heard.transcript),
                }
            }
            ServerEvent::ResponseCreated(created) => {
                if let Some(id) = &created.response.id {
                    picture.add(Lane::Responses, (at, at), id, "in progress");
                }
            }
            ServerEvent::ResponseDone(done) => {
                if let Some(id) = &done.response.id {
                    self.responded(at, id.as_str());
                }
            }
            ServerEvent::ResponseOutputAudioDelta(audio) => {
                if let Some(asked) = self.asked.take() {
                    let id = audio.response_id.to_string();
                    picture.latencies.push(Latency { what: "first audio after speech", id, ms: at - asked });
                }
                let ms = self.state.output_format().bytes_to_ms(audio.delta.len() as u64).unwrap_or(0);
                self.loudspeaker.play(picture, at, ms, &audio.item_id);
            }
            ServerEvent::ResponseOutputAudioTranscriptDelta(text) => {
                picture.continue_text(Lane::Said, at, &text.item_id, &text.delta);
            }
            ServerEvent::ResponseOutputTextDelta(text) => {
                picture.continue_text(Lane::Said, at, &text.item_id, &text.delta);
            }
            ServerEvent::ResponseFunctionCallArgumentsDone(call) => {
                let label = format!("{}({})", call.name.as_deref().unwrap_or("function"), call.arguments);
                picture.add(Lane::Tools, (at, at), &call.call_id, label);
                if let Some(span) = picture.find(Lane::Tools, &call.call_id) {
                    span.state = Some("unanswered".into());
                }
            }
            ServerEvent::Error(error) => picture.mark(Lane::Notes, at, "error", error.error.to_string()),
            _ => {}
        }
    }

    /// A response has ended: its span, its status, and when it began to answer.
    fn responded(&mut self, at: u64, id: &str) {
        let Some(response) = self.state.responses.get(id) else { return };
        let status = response.status.to_string();
        if self.picture.find(Lane::Responses, id).is_none() {
            self.picture.add(Lane::Responses, (at, at), id, "");
        }
        if let Some(span) = self.picture.find(Lane::Responses, id) {
            (span.end, span.label) = (at, status.clone());
            span.state = Some(status);
        }
        if let Some(time) = response.time_to_first_token() {
            let ms = time.as_millis() as u64;
            self.picture.latencies.push(Latency { what: "first output after response.created", id: id.into(), ms });
        }
    }

    fn client(&mut self, seq: u64, at: u64, raw: &[u8]) {
        let event = ClientEvent::decode(raw);
        self.state.sent(seq, &event, instant(at));
        match &event {
            ClientEvent::ConversationItemTruncate(truncate) => {
                let heard = truncate.audio_end_ms;
                self.loudspeaker.stop(&mut self.picture, at, heard, &truncate.item_id);
                self.picture.mark(Lane::Notes, at, "interruption", format!("interrupted: {heard} ms were heard"));
            }
            ClientEvent::ConversationItemCreate(create) => {
                if let Item::FunctionCallOutput(output) = &create.item
                    && let Some(span) = self.picture.find(Lane::Tools, &output.call_id)
                {
                    (span.end, span.state) = (at, None);
                    let ms = span.end - span.start;
                    let id = span.id.clone();
                    self.picture.latencies.push(Latency { what: "function", id, ms });
                }
            }
            ClientEvent::ResponseCreate(_) => self.asked = Some(at),
            _ => {}
        }
    }

    fn finish(mut self) -> Picture {
        let state = &self.state;
        self.picture.state = json!({
            "session": state.info(),
            "items": state.conversation.items().map(item).collect::<Vec<_>>(),
            "responses": state.responses.iter().map(|response| json!({
                "id": response.id,
                "status": response.status,
                "usage": response.usage,
            })).collect::<Vec<_>>(),
            "usage": state.totals.responses,
            "errors": state.errors.iter().map(|complaint| &complaint.error).collect::<Vec<_>>(),
            "unknown": state.unknown,
        });
        self.picture
    }
}

fn item(item: &ItemState) -> Value {
    let kind = json!(item.item)["type"].clone();
    let role = match &item.item {
        Item::Message(message) => json!(message.role),
        _ => Value::Null,
    };
    json!({
        "id": item.id,
        "type": kind,
        "role": role,
        "text": item.text(),
        "transcript": item.transcript(),
        "audio_bytes": item.audio_bytes(),
        "truncated_ms": item.parts.iter().find_map(|part| part.truncated_ms),
    })
}

fn instant(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(ms))
}
