use std::{collections::VecDeque, sync::Arc};

use realtime_core::transport::Instant;
use serde_json::{Value, json};

use super::{
    Fault, Incoming, Wire,
    agenda::Agenda,
    buffer::Buffer,
    config::Config,
    conversation::Conversation,
    hearing::Hearing,
    input::{Idle, Speech},
    listing::Listing,
    model::{Ask, Unheard},
    running::Running,
    shape::check_event,
    shapes,
    transcripts::Transcript,
    usage::Meter,
};
use crate::simulator::{
    request::{Request, SessionKind},
    settings::Settings,
};

/// A conversation or transcription session.
///
/// Its parts are in separate files: [`items`](super::items), [`responses`](super::responses),
/// [`input`](super::input), [`transcripts`](super::transcripts), [`listing`](super::listing).
pub(super) struct Talk {
    pub(super) wire: Wire,
    pub(super) settings: Arc<Settings>,
    pub(super) kind: SessionKind,
    pub(super) config: Config,
    pub(super) conversation: Conversation,
    pub(super) conversation_id: String,
    pub(super) buffer: Buffer,
    pub(super) hearing: Hearing,
    /// The current turn.
    pub(super) speech: Option<Speech>,
    pub(super) utterances: u64,
    pub(super) idle: Option<Idle>,
    pub(super) transcripts: Agenda<Transcript>,
    pub(super) responses: Agenda<Running>,
    pub(super) responses_begun: u64,
    /// Questions for the responder, in order.
    pub(super) asks: VecDeque<Ask>,
    /// Turns that are being transcribed by the responder.
    pub(super) unheard: Vec<Unheard>,
    /// Whether the model has spoken. The voice cannot be changed then.
    pub(super) spoken: bool,
    pub(super) listings: Agenda<Listing>,
    pub(super) meter: Meter,
}

impl Talk {
    pub(super) fn open(mut wire: Wire, settings: Arc<Settings>, request: &Request) -> Self {
        let id = wire.ids.make("sess");
        let model = request.model.as_deref().unwrap_or(super::DEFAULT_MODEL);
        let mut config = Config::new(request.kind, &id, model, wire.expires_at());
        // Validated when it was set.
        if let Some(Ok(updated)) = request.preset.as_ref().map(|session| config.updated(session, false)) {
            config = updated;
        }
        wire.send("session.created", json!({ "session": config.value }));
        let mut talk = Self {
            conversation_id: wire.ids.make("conv"),
            meter: Meter::new(wire.now),
            wire,
            settings,
            kind: request.kind,
            config,
            conversation: Conversation::default(),
            buffer: Buffer::default(),
            hearing: Hearing::default(),
            speech: None,
            utterances: 0,
            idle: None,
            transcripts: Agenda::default(),
            responses: Agenda::default(),
            responses_begun: 0,
            asks: VecDeque::new(),
            unheard: Vec::new(),
            spoken: false,
            listings: Agenda::default(),
        };
        talk.list_tools();
        talk
    }

    pub(super) fn receive(&mut self, Incoming { kind, members }: Incoming<'_>) -> Result<(), Fault> {
        let Some(shape) = shapes::realtime(kind) else {
            return Err(Fault::value("type", kind, shapes::KINDS));
        };
        check_event(shape, members)?;
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        // The numbers were validated to be non-negative integers.
        let number = |name: &str| members.get(name).and_then(Value::as_f64).unwrap_or_default() as u64;
        match kind {
            "session.update" => self.update(&members["session"]),
            "input_audio_buffer.append" => self.append(&super::decode(members)?),
            "input_audio_buffer.commit" => self.commit(),
            "input_audio_buffer.clear" => self.clear(),
            "conversation.item.create" => self.create_item(&members["item"], text("previous_item_id")),
            "conversation.item.delete" => self.delete_item(text("item_id").unwrap_or_default()),
            "conversation.item.retrieve" => self.retrieve_item(text("item_id").unwrap_or_default()),
            "conversation.item.truncate" => {
                self.truncate_item(text("item_id").unwrap_or_default(), number("content_index"), number("audio_end_ms"))
            }
            "response.create" => self.create_response(members.get("response").unwrap_or(&Value::Null)),
            // All others have no schema.
            _ => self.cancel_response(text("response_id")),
        }
    }

    fn update(&mut self, session: &Value) -> Result<(), Fault> {
        let Value::Object(update) = session else { return Ok(()) };
        let config = self.config.updated(update, self.spoken)?;
        if config.turns != self.config.turns {
            self.stop_listening();
        }
        self.config = config;
        self.wire.send("session.updated", json!({ "session": self.config.value }));
        self.list_tools();
        Ok(())
    }

    /// Time of the next scheduled action.
    pub(super) fn due(&self) -> Option<Instant> {
        [self.listing_due(), self.transcript_due(), self.response_due(), self.idle_due()].into_iter().flatten().min()
    }

    /// Performs the action that is due first. At the same time, a transcript precedes the response to it.
    pub(super) fn step(&mut self) {
        let due = self.due();
        match due {
            None => {}
            _ if due == self.listing_due() => self.step_listing(),
            _ if due == self.transcript_due() => self.step_transcript(),
            _ if due == self.response_due() => self.step_response(),
            _ => self.step_idle(),
        }
    }

    /// Performs all actions that are due, as long as the queue has room.
    pub(super) fn settle(&mut self) {
        while self.wire.has_room() && self.due().is_some_and(|due| due <= self.wire.now) {
            self.step();
        }
    }

    /// Drops audio and other large data.
    pub(super) fn abandon(&mut self) {
        self.buffer = Buffer::after(self.buffer.end());
        self.conversation.forget_audio();
        self.responses.clear();
        self.transcripts.clear();
        self.asks.clear();
        self.unheard.clear();
    }
}
