//! The Responses backend of a session: sequential runs of a model, and their function calls.

use std::collections::{BTreeSet, VecDeque};

use realtime_core::transport::Instant;
use serde_json::{Value, json};

use super::{
    super::{
        SimulatedTurn,
        reply::{Ending, Output, Reply, bits},
        session::{Context, Fault, StoredItem},
    },
    config,
    room::{Audience, Room},
};

/// Maximum number of items that the model reads. Beyond it, the oldest is dropped.
const MOST_ITEMS: usize = 1_024;
/// Maximum number of queued runs.
const MOST_QUEUED: usize = 64;

/// The backend of a session.
#[derive(Default)]
pub(super) struct Backend {
    items: VecDeque<StoredItem>,
    calls: Vec<Call>,
    queued: VecDeque<(Option<String>, Option<String>)>,
    running: Option<Run>,
    /// Whether the application has added an item since the last run.
    fresh: bool,
    runs: u64,
}

/// A function call whose output the next run has not read yet.
struct Call {
    id: String,
    lane: Option<String>,
    answered: bool,
}

/// A run of the model: the events still to be sent.
struct Run {
    lane: Option<String>,
    due: Instant,
    events: VecDeque<Value>,
    /// Its function calls, and its text, which the voice says.
    calls: Vec<String>,
    written: String,
    failed: bool,
}

impl Backend {
    /// Handles a turn of the user.
    pub(super) fn hear(&mut self, text: &str) {
        self.add(json!({
            "type": "message", "role": "user", "content": [{ "type": "input_text", "text": text }],
        }));
    }

    fn add(&mut self, item: Value) {
        if self.items.len() == MOST_ITEMS {
            self.items.pop_front();
        }
        self.items.push_back(StoredItem::new(item));
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.running.as_ref().map(|run| run.due)
    }

    /// Begins no more runs.
    pub(super) fn cancel_queued(&mut self) {
        self.queued.clear();
    }
}

impl Room {
    /// `response.item.create`.
    pub(super) fn create_response_item(&mut self, item: &Value) -> Result<(), Fault> {
        self.require_backend("response.item.create")?;
        if !item.is_object() {
            return Err(Fault::new("invalid_type", "Invalid type for 'item': expected an object.").at("item"));
        }
        if item["type"] == "function_call_output" {
            let id = item["call_id"].as_str().unwrap_or_default();
            let Some(call) = self.backend.calls.iter_mut().find(|call| call.id == id && !call.answered) else {
                let message = format!("No function call '{id}' waits for an output.");
                return Err(Fault::new("invalid_value", message).at("item.call_id"));
            };
            call.answered = true;
        }
        self.backend.fresh = true;
        self.backend.add(item.clone());
        Ok(())
    }

    /// `response.create`: the application requests a run, or has answered all calls of the last one.
    pub(super) fn create_response(&mut self) -> Result<(), Fault> {
        self.require_backend("response.create")?;
        if self.backend.running.is_some() || !self.backend.queued.is_empty() {
            return Err(Fault::new("invalid_request", "A response is in progress."));
        }
        if self.backend.calls.iter().any(|call| !call.answered) {
            return Err(Fault::new("invalid_request", "Not all function calls have an output yet."));
        }
        if !self.backend.fresh {
            return Err(Fault::new("invalid_request", "There is nothing to respond to."));
        }
        let lanes: BTreeSet<_> = self.backend.calls.drain(..).map(|call| call.lane).collect();
        let lanes = if lanes.is_empty() { BTreeSet::from([None]) } else { lanes };
        for lane in lanes {
            self.run_backend(lane, None);
        }
        Ok(())
    }

    fn require_backend(&self, event: &str) -> Result<(), Fault> {
        match config::target(&self.config) {
            "responses" => Ok(()),
            _ => Err(Fault::new("invalid_request", format!("{event} requires Responses delegation."))),
        }
    }

    /// Begins or queues a run.
    pub(super) fn run_backend(&mut self, lane: Option<String>, response: Option<String>) {
        if self.backend.running.is_some() {
            if self.backend.queued.len() < MOST_QUEUED {
                self.backend.queued.push_back((lane, response));
            }
            return;
        }
        self.backend.fresh = false;
        let config = self.config["delegation"]["responses"].clone();
        let number = self.backend.runs;
        self.backend.runs += 1;
        let reply = {
            let items = self.backend.items.make_contiguous();
            let turn = SimulatedTurn {
                number,
                context: Context::of(items),
                config: &config,
                metadata: &Value::Null,
                out_of_band: false,
            };
            (self.settings.answer)(&turn)
        };
        let id = response.unwrap_or_else(|| self.ids.make("resp"));
        let pace = self.settings.pace();
        let mut run = Run {
            lane,
            due: self.now + pace.first,
            events: VecDeque::new(),
            calls: Vec::new(),
            written: String::new(),
            failed: !matches!(reply.ending, Ending::Completed),
        };
        self.script(&mut run, &id, &config, reply);
        for (number, event) in run.events.iter_mut().enumerate() {
            event["sequence_number"] = number.into();
        }
        self.backend.running = Some(run);
    }

    /// Plans the events of the run.
    fn script(&mut self, run: &mut Run, id: &str, config: &Value, reply: Reply) {
        let read: usize = self.backend.items.iter().map(|entry| entry.item.to_string().len()).sum();
        let (input, output) = (read as u64 / 4 + 20, reply.output.len() as u64 * 20);
        let snapshot = |status: &str, error: Value, details: Value| {
            let usage = if status == "in_progress" {
                Value::Null
            } else {
                json!({
                    "input_tokens": input, "input_tokens_details": { "cached_tokens": 0 },
                    "output_tokens": output, "output_tokens_details": { "reasoning_tokens": 0 },
                    "total_tokens": input + output,
                })
            };
            json!({
                "id": id, "object": "response", "created_at": 1_795_600_800, "status": status, "background": false,
                "error": error, "incomplete_details": details, "instructions": null, "metadata": {},
                "model": config["model"], "output": [], "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
                "temperature": 1.0, "top_p": 1.0, "usage": usage,
            })
        };
        let begun = snapshot("in_progress", Value::Null, Value::Null);
        run.events.push_back(json!({ "type": "response.created", "response": begun }));
        run.events.push_back(json!({ "type": "response.in_progress", "response": begun }));
        let mut ends = Vec::new();
        for (index, output) in reply.output.into_iter().enumerate() {
            let end = match output {
                Output::Message { pieces, .. } => self.script_message(run, index, pieces),
                Output::Call { name, arguments } => self.script_call(run, index, &name, &arguments),
                Output::Mcp { server, tool, arguments } => self.script_mcp(run, index, &server, &tool, &arguments),
            };
            // Parallel calls may complete in any order.
            if reply.interleaved { ends.insert(0, end) } else { run.events.extend(end) }
        }
        run.events.extend(ends.into_iter().flatten());
        run.events.push_back(match reply.ending {
            Ending::Completed => {
                json!({ "type": "response.completed", "response": snapshot("completed", Value::Null, Value::Null) })
            }
            Ending::Incomplete(reason) => json!({
                "type": "response.incomplete",
                "response": snapshot("incomplete", Value::Null, json!({ "reason": reason })),
            }),
            Ending::Failed(failure) => json!({
                "type": "response.failed",
                "response": snapshot("failed", json!({ "code": failure.code, "message": failure.message }), Value::Null),
            }),
        });
    }

    /// Plans the beginning and the text of a message. Returns the events that complete it.
    fn script_message(&mut self, run: &mut Run, index: usize, pieces: Vec<String>) -> Vec<Value> {
        let id = self.ids.make("msg");
        let text = pieces.concat();
        run.written.push_str(&text);
        let part = |text: &str| json!({ "type": "output_text", "annotations": [], "logprobs": [], "text": text });
        let item = |status: &str, content: Value| json!({ "id": id, "type": "message", "status": status, "role": "assistant", "content": content });
        let place = json!({ "item_id": id, "output_index": index, "content_index": 0 });
        let placed = |kind: &str, name: &str, value: Value| {
            let mut event = place.clone();
            event["type"] = kind.into();
            event[name] = value;
            event
        };
        run.events.push_back(item_event("added", index, item("in_progress", json!([]))));
        run.events.push_back(placed("response.content_part.added", "part", part("")));
        for piece in pieces {
            let mut delta = placed("response.output_text.delta", "delta", piece.into());
            delta["logprobs"] = json!([]);
            run.events.push_back(delta);
        }
        let mut done = placed("response.output_text.done", "text", text.clone().into());
        done["logprobs"] = json!([]);
        let whole = item("completed", json!([part(&text)]));
        vec![done, placed("response.content_part.done", "part", part(&text)), item_event("done", index, whole)]
    }

    fn script_call(&mut self, run: &mut Run, index: usize, name: &str, arguments: &str) -> Vec<Value> {
        let (id, call_id) = (self.ids.make("fc"), self.ids.make("call"));
        run.calls.push(call_id.clone());
        let item = |status: &str, arguments: &str| {
            json!({
                "id": id, "type": "function_call", "status": status, "arguments": arguments, "call_id": call_id, "name": name,
            })
        };
        run.events.push_back(item_event("added", index, item("in_progress", "")));
        for bit in bits(arguments) {
            run.events.push_back(json!({
                "type": "response.function_call_arguments.delta", "item_id": id, "output_index": index, "delta": bit,
            }));
        }
        let done = json!({
            "type": "response.function_call_arguments.done", "item_id": id, "output_index": index, "name": name,
            "arguments": arguments,
        });
        vec![done, item_event("done", index, item("completed", arguments))]
    }

    fn script_mcp(&mut self, run: &mut Run, index: usize, server: &str, tool: &str, arguments: &str) -> Vec<Value> {
        let id = self.ids.make("mcp");
        let answer = self.settings.server(server).map(|known| known.call(tool, arguments));
        let (output, error) = match answer {
            Some(Ok(output)) => (Value::from(output), Value::Null),
            Some(Err(error)) => (Value::Null, serde_json::to_value(error).unwrap_or_default()),
            None => (Value::Null, Value::from("The MCP server cannot be reached.")),
        };
        let item = json!({
            "id": id, "type": "mcp_call", "status": "completed", "server_label": server, "name": tool,
            "arguments": arguments, "output": output, "error": error,
        });
        run.events.push_back(item_event("added", index, item.clone()));
        vec![item_event("done", index, item)]
    }

    /// Sends the next event of the run, and handles what follows from it.
    pub(super) fn next_backend_event(&mut self) {
        let step = self.settings.pace().text;
        let Some(run) = &mut self.backend.running else { return };
        run.due = run.due + step;
        let Some(event) = run.events.pop_front() else { return self.end_run() };
        let lane = run.lane.clone();
        let item = (event["type"] == "response.output_item.done").then(|| event["item"].clone());
        let last = run.events.is_empty();
        if let Some(item) = &item {
            self.backend.add(item.clone());
        }
        if let Some(call) = item.as_ref().filter(|item| item["type"] == "function_call") {
            let id = call["call_id"].as_str().unwrap_or_default().to_owned();
            self.backend.calls.push(Call { id, lane: lane.clone(), answered: false });
        }
        self.emit(Audience::All, "response.event", None, json!({ "event": event, "delegation_id": lane }));
        if last {
            self.end_run();
        }
    }

    fn end_run(&mut self) {
        let Some(run) = self.backend.running.take() else { return };
        if run.failed {
            // Its calls are void.
            self.backend.calls.retain(|call| !run.calls.contains(&call.id));
        } else {
            self.say(&run.written);
        }
        if let Some((lane, response)) = self.backend.queued.pop_front() {
            self.run_backend(lane, response);
        }
    }
}

fn item_event(what: &str, index: usize, item: Value) -> Value {
    json!({ "type": format!("response.output_item.{what}"), "output_index": index, "item": item })
}
