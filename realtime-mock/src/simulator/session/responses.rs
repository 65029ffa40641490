//! Responses: requests, streaming, cancellation.

use std::time::Duration;

use realtime_core::transport::Instant;
use serde_json::{Value, json};

use super::{
    Fault,
    config::{format, merge},
    context::Context,
    conversation::StoredItem,
    model::Source,
    plan::Act,
    running::{End, Out, Running, Stage},
    talk::Talk,
    usage::{self, of_context, of_text},
};
use crate::simulator::{
    SimulatedTurn,
    reply::{Ending, Output, Reply},
    request::SessionKind,
};

impl Talk {
    /// Handles a request for a response.
    pub(super) fn create_response(&mut self, request: &Value) -> Result<(), Fault> {
        if self.kind == SessionKind::Transcription {
            let message = "A transcription session has no responses.";
            return Err(Fault::new("response_create_not_supported", message));
        }
        let in_conversation = match request["conversation"].as_str() {
            None | Some("auto") => true,
            Some("none") => false,
            Some(id) if id == self.conversation_id => true,
            Some(other) => return Err(Fault::value("response.conversation", other, &["auto", "none"])),
        };
        self.check_idle(in_conversation)?;
        self.check_room()?;
        for name in request["metadata"].as_object().into_iter().flatten().map(|(name, _)| name) {
            if name.chars().count() > 64 {
                let param = format!("response.metadata.{name}");
                let message = format!("Invalid '{param}': a name has at most 64 characters.");
                return Err(Fault::new("string_above_max_length", message).at("response.metadata"));
            }
        }
        let input = match request["input"].as_array() {
            None => None,
            Some(items) => Some(self.read_input(items)?),
        };
        self.start_response(request, in_conversation, input);
        Ok(())
    }

    /// Checks that no other response writes to the conversation.
    fn check_idle(&self, in_conversation: bool) -> Result<(), Fault> {
        match self.active().filter(|_| in_conversation) {
            None => Ok(()),
            Some(active) => Err(Fault::new(
                "conversation_already_has_active_response",
                format!(
                    "Conversation already has an active response in progress: {}. Wait until the response is finished \
                     before creating a new one.",
                    active.id
                ),
            )),
        }
    }

    fn active(&self) -> Option<&Running> {
        self.responses.find(|running| running.in_conversation)
    }

    fn read_input(&mut self, items: &[Value]) -> Result<Vec<StoredItem>, Fault> {
        let mut entries = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("response.input[{index}]");
            if item["type"] != "item_reference" {
                entries.push(self.entry(item, &path)?);
                continue;
            }
            let id = item["id"].as_str().unwrap_or_default();
            match self.conversation.get(id) {
                Some(entry) => entries.push(entry.light()),
                None => {
                    let message = format!("Item with id '{id}' not found.");
                    return Err(Fault::new("invalid_value", message).at(format!("{path}.id")));
                }
            }
        }
        Ok(entries)
    }

    /// Begins the response to a turn. If another one is active, sends an error.
    pub(super) fn answer_turn(&mut self) {
        match self.check_idle(true).and_then(|()| self.check_room()) {
            Ok(()) => self.start_response(&Value::Null, true, None),
            Err(fault) => self.wire.error(fault, None),
        }
    }

    fn start_response(&mut self, request: &Value, in_conversation: bool, input: Option<Vec<StoredItem>>) {
        let mut config = self.config.value.clone();
        for (name, value) in request.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            match name.as_str() {
                "audio" => {
                    if let (Some(current), Some(new)) =
                        (config.pointer_mut("/audio/output"), value.get("output").filter(|new| new.is_object()))
                    {
                        merge(current, new);
                    }
                }
                "conversation" | "metadata" | "input" => {}
                _ => merge(&mut config, &json!({ name: value })),
            }
        }
        let source = self.settings.responder.is_some().then(|| Source::new(self.responses_begun, input.clone()));
        let approved = if input.is_none() { self.approved() } else { Vec::new() };
        let conversation = input.is_none().then_some(&self.conversation);
        let then = input.unwrap_or_else(|| approved.iter().map(|out| StoredItem::new(out.ran().clone())).collect());
        let context = Context { conversation, then: &then };
        let turn = SimulatedTurn {
            number: self.responses_begun,
            context,
            config: &config,
            metadata: &request["metadata"],
            out_of_band: !in_conversation,
        };
        let answer = if source.is_some() { Reply::nothing() } else { (self.settings.answer)(&turn) };
        let mut running = Running {
            id: self.wire.ids.make("resp"),
            in_conversation,
            metadata: request["metadata"].clone(),
            spoken: turn.is_spoken(),
            format: format(&config["audio"]["output"]["format"]),
            speed: config["audio"]["output"]["speed"].as_f64().unwrap_or(1.0),
            steps: Vec::new().into(),
            outputs: Vec::new(),
            ending: Ending::Completed,
            source,
            usage: None,
            input: of_context(context, &config),
            output: usage::Tokens::default(),
            limit: config["max_output_tokens"].as_u64(),
            audio_ms: 0,
            config,
        };
        self.responses_begun += 1;
        let pace = self.settings.pace();
        running.plan_approved(approved, &pace);
        let tools = running.config["tools"].clone();
        running.plan(answer, &pace, &mut |output| self.out(output, &tools));
        let due = self.wire.now + pace.first + running.next_takes();
        let shown = running.shown(&self.conversation_id, "in_progress", &Value::Null, Value::Null);
        self.wire.send("response.created", json!({ "response": shown }));
        self.idle = None;
        match running.source {
            Some(_) => self.ask_response(running),
            None => self.responses.begin(due, running),
        }
    }

    /// Creates the item of an output.
    pub(super) fn out(&mut self, output: &Output, tools: &Value) -> Out {
        let ids = &mut self.wire.ids;
        match output {
            Output::Message { .. } => Out::new(json!({
                "id": ids.make("item"),
                "type": "message",
                "status": "in_progress",
                "role": "assistant",
                "content": [],
            })),
            Output::Call { name, .. } => Out::new(json!({
                "id": ids.make("item"),
                "type": "function_call",
                "status": "in_progress",
                "name": name,
                "call_id": ids.make("call"),
                "arguments": "",
            })),
            Output::Mcp { server, tool, arguments } => self.mcp_out(server, tool, arguments, tools),
        }
    }

    pub(super) fn response_due(&self) -> Option<Instant> {
        self.responses.due()
    }

    pub(super) fn step_response(&mut self) {
        // Taken out, so that the rest of the session can be borrowed meanwhile.
        let Some((due, number, mut running)) = self.responses.pop() else { return };
        match running.steps.pop_front() {
            Some(step) if running.exceeds(&step.act) => {
                self.end_response(running, End::incomplete("max_output_tokens"))
            }
            Some(step) => {
                self.act(&mut running, step);
                self.responses.resume(due + running.next_takes(), number, running);
            }
            None if running.source.is_some() => self.responses.park(number, running),
            None => {
                let end = End::from(&running.ending);
                self.end_response(running, end);
            }
        }
    }

    /// Ends a response, and completes what it has begun.
    fn end_response(&mut self, mut running: Running, end: End) {
        let (id, spoken, in_conversation) = (running.id.clone(), running.spoken, running.in_conversation);
        for (index, out) in running.outputs.iter_mut().enumerate().filter(|(_, out)| out.stage == Stage::Open) {
            self.close_item(&id, index, out, "incomplete", spoken, in_conversation);
        }
        let now = self.wire.now;
        let begun = running.has_begun();
        let usage = if begun || end.status == "completed" {
            let estimated = self.meter.book(running.input, running.output, now);
            running.usage.take().unwrap_or(estimated)
        } else {
            Value::Null
        };
        let shown = running.shown(&self.conversation_id, end.status, &end.details, usage);
        self.wire.send("response.done", json!({ "response": shown }));
        if begun || end.status != "cancelled" {
            let limits = self.meter.limits(now);
            self.wire.send("rate_limits.updated", limits);
        }
        if in_conversation {
            self.wait_for_speech(running.audio_ms);
        }
    }

    /// Handles a cancellation by the client.
    pub(super) fn cancel_response(&mut self, id: Option<&str>) -> Result<(), Fault> {
        let wanted = |running: &Running| match id {
            Some(id) => running.id == id,
            None => running.in_conversation,
        };
        match self.responses.take(wanted) {
            Some(running) => {
                self.end_response(running, End::cancelled("client_cancelled"));
                Ok(())
            }
            None => Err(Fault::new("response_cancel_not_active", "Cancellation failed: no active response found")),
        }
    }

    /// Cancels the response on a barge-in.
    pub(super) fn interrupt(&mut self) {
        if let Some(running) = self.responses.take(|running| running.in_conversation) {
            self.end_response(running, End::cancelled("turn_detected"));
        }
    }
}

impl Running {
    /// Duration of its next step.
    fn next_takes(&self) -> Duration {
        self.steps.front().map_or(Duration::ZERO, |step| step.after)
    }

    /// Whether the response must not perform this step any more.
    fn exceeds(&self, act: &Act) -> bool {
        let tokens = match act {
            Act::Text(text) | Act::Arguments(text) => of_text(text),
            Act::Sound(audio) => self.format.bytes_to_ms(audio.len() as u64).unwrap_or_default().div_ceil(50),
            _ => 0,
        };
        self.limit.is_some_and(|limit| tokens > 0 && self.output.total() + tokens > limit)
    }
}

/// Merges the members of two objects.
pub(super) fn with(object: &Value, members: Value) -> Value {
    let mut object = object.clone();
    merge(&mut object, &members);
    object
}
