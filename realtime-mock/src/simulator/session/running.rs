use std::collections::VecDeque;

use realtime_core::types::{AudioFormat, McpError};
use serde_json::{Value, json};

use super::{config::merge, model::Source, plan::Step, usage::Tokens};
use crate::simulator::reply::Ending;

/// A response in progress.
pub(super) struct Running {
    pub(super) id: String,
    /// Whether it writes to the conversation, or is out of band.
    pub(super) in_conversation: bool,
    /// The session's configuration, overridden by the request's.
    pub(super) config: Value,
    pub(super) metadata: Value,
    pub(super) spoken: bool,
    pub(super) format: AudioFormat,
    pub(super) speed: f64,
    pub(super) steps: VecDeque<Step>,
    pub(super) outputs: Vec<Out>,
    pub(super) ending: Ending,
    /// Where further parts come from. None once there are none.
    pub(super) source: Option<Source>,
    /// What a responder has reported as its usage.
    pub(super) usage: Option<Value>,
    pub(super) input: Tokens,
    pub(super) output: Tokens,
    /// Maximum number of output tokens.
    pub(super) limit: Option<u64>,
    pub(super) audio_ms: u64,
}

/// An output item.
pub(super) struct Out {
    pub(super) id: String,
    pub(super) item: Value,
    pub(super) stage: Stage,
    /// Whether its part was announced.
    pub(super) part: bool,
    /// Its text, transcript or arguments sent so far.
    pub(super) text: String,
    /// The item after its MCP tool has run.
    ran: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stage {
    Waiting,
    Open,
    Closed,
}

/// End of a response.
pub(super) struct End {
    pub(super) status: &'static str,
    pub(super) details: Value,
}

impl Out {
    pub(super) fn new(item: Value) -> Self {
        let id = item["id"].as_str().unwrap_or_default().into();
        Self { id, item, stage: Stage::Waiting, part: false, text: String::new(), ran: None }
    }

    /// A call of an MCP tool, and its result.
    pub(super) fn mcp_call(item: Value, result: Result<String, McpError>) -> Self {
        let mut out = Self::new(item);
        let mut ran = out.item.clone();
        merge(
            &mut ran,
            &match result {
                Ok(output) => json!({ "output": output }),
                Err(error) => json!({ "error": error }),
            },
        );
        out.set("arguments", "".into());
        out.ran = Some(ran);
        out
    }

    /// Sets a member of the item.
    pub(super) fn set(&mut self, member: &str, value: Value) {
        merge(&mut self.item, &json!({ member: value }));
    }

    /// Arguments of its MCP call.
    pub(super) fn arguments(&self) -> &str {
        self.ran().get("arguments").and_then(Value::as_str).unwrap_or_default()
    }

    /// The item after its MCP tool has run.
    pub(super) fn ran(&self) -> &Value {
        self.ran.as_ref().unwrap_or(&self.item)
    }
}

impl End {
    pub(super) fn cancelled(reason: &str) -> Self {
        Self { status: "cancelled", details: json!({ "type": "cancelled", "reason": reason }) }
    }

    pub(super) fn incomplete(reason: &str) -> Self {
        Self { status: "incomplete", details: json!({ "type": "incomplete", "reason": reason }) }
    }
}

impl From<&Ending> for End {
    fn from(ending: &Ending) -> Self {
        match ending {
            Ending::Completed => Self { status: "completed", details: Value::Null },
            Ending::Incomplete(reason) => Self::incomplete(reason),
            Ending::Failed(failure) => {
                let error = json!({ "type": failure.kind, "code": failure.code, "message": failure.message });
                Self { status: "failed", details: json!({ "type": "failed", "error": error }) }
            }
        }
    }
}

impl Running {
    /// Whether any output was sent.
    pub(super) fn has_begun(&self) -> bool {
        self.outputs.iter().any(|out| out.stage != Stage::Waiting)
    }

    /// The response as in events.
    pub(super) fn shown(&self, conversation: &str, status: &str, details: &Value, usage: Value) -> Value {
        let output = self.outputs.iter().filter(|out| out.stage != Stage::Waiting).map(|out| &out.item);
        let audio = &self.config["audio"]["output"];
        json!({
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": output.collect::<Vec<_>>(),
            "conversation_id": self.in_conversation.then_some(conversation),
            "output_modalities": self.config["output_modalities"],
            "max_output_tokens": self.config["max_output_tokens"],
            "audio": { "output": { "format": audio["format"], "voice": audio["voice"] } },
            "usage": usage,
            "metadata": self.metadata,
        })
    }
}
