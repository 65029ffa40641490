//! The state of a session as JSON.

use realtime::{
    session::{
        RealtimeState, TranslationState,
        realtime::{Complaint, Input, ItemState, McpStatus, ResponseState},
    },
    types::{Item, SessionInfo, Tool, TurnDetection},
};
use serde_json::{Map, Value, json};

/// A state that can be printed.
pub(crate) trait Report {
    fn report(&self) -> Value;
}

impl Report for RealtimeState {
    fn report(&self) -> Value {
        let items: Vec<_> = self.conversation.items().map(item).collect();
        let out_of_band: Map<_, _> = self
            .conversation
            .detached()
            .filter(|stray| {
                stray.response_id.as_ref().and_then(|id| self.responses.get(id)).is_some_and(|done| done.out_of_band)
            })
            .map(|stray| (stray.id.to_string(), item(stray)))
            .collect();
        let tokens = self.totals.transcription_tokens.as_ref().map_or_else(|| json!({}), |tokens| json!(tokens));
        json!({
            "session": self.info().map(session),
            "conversation_id": self.conversation.id(),
            "item_count": self.conversation.len(),
            "items": items,
            "out_of_band_items": out_of_band,
            "responses": self.responses.iter().map(response).collect::<Vec<_>>(),
            "active_response": self.responses.active().map(|active| &active.id),
            "usage": self.totals.responses.as_ref().map_or_else(|| json!({}), |usage| json!(usage)),
            "transcription_usage": { "tokens": tokens, "seconds": self.totals.transcription_seconds },
            "rate_limits": self.rate_limits().map(|limits| limits.iter().map(|limit| &limit.limit).collect::<Vec<_>>()),
            "errors": self.errors.iter().map(complaint).collect::<Vec<_>>(),
            "input_audio": input(&self.input),
            "dtmf": self.dtmf,
            "playing_response": self.playing,
            "unknown_events": self.unknown,
        })
    }
}

impl Report for TranslationState {
    fn report(&self) -> Value {
        let session = self.info().map(|info| {
            json!({
                "id": info.id, "type": info.kind, "model": info.model, "instructions": null,
                "output_modalities": null, "turn_detection": null, "tools": [], "output_format": null,
            })
        });
        json!({
            "session": session,
            "conversation_id": null,
            "item_count": 0,
            "items": [],
            "out_of_band_items": {},
            "responses": [],
            "active_response": null,
            "usage": {},
            "transcription_usage": { "tokens": {}, "seconds": 0.0 },
            "rate_limits": null,
            "errors": self.errors.iter().map(complaint).collect::<Vec<_>>(),
            "input_audio": input(&self.input),
            "dtmf": "",
            "playing_response": null,
            "unknown_events": self.unknown,
            "translation": {
                "input_transcript": self.input_transcript,
                "output_transcript": self.output_transcript,
                "output_audio_bytes": self.output_audio_bytes,
                "output_audio_events": self.output_audio_events,
                "last_elapsed_ms": self.elapsed_ms,
                "closed": self.closed,
            },
        })
    }
}

fn session(info: &SessionInfo) -> Value {
    let turn_detection = info.input().and_then(|input| input.turn_detection.as_ref());
    let turn_detection = turn_detection.map(|detection| match detection {
        TurnDetection::ServerVad(_) => json!("server_vad"),
        TurnDetection::SemanticVad(_) => json!("semantic_vad"),
        other => json!(other)["type"].clone(),
    });
    let common = |kind: &str| {
        json!({
            "id": info.id(), "type": kind, "model": null, "instructions": null, "output_modalities": null,
            "turn_detection": turn_detection, "tools": [], "output_format": null,
        })
    };
    match info {
        SessionInfo::Realtime(realtime) => {
            let mut session = common("realtime");
            session["model"] = json!(realtime.model);
            session["instructions"] = json!(realtime.instructions);
            session["output_modalities"] = json!(realtime.output_modalities);
            session["tools"] = realtime.tools.iter().flatten().map(tool).collect();
            let format = info.output().and_then(|output| output.format.as_ref());
            session["output_format"] = format.map(|format| json!(format)["type"].clone()).into();
            session
        }
        SessionInfo::Transcription(_) => common("transcription"),
        other => json!(other),
    }
}

fn tool(tool: &Tool) -> Value {
    match tool {
        Tool::Function(function) => json!(function.name),
        Tool::Mcp(mcp) => json!(mcp.server_label),
        other => json!(other),
    }
}

fn item(state: &ItemState) -> Value {
    let mut value = json!({
        "id": state.id, "type": null, "role": null, "status": state.item.status(),
    });
    let kind = match &state.item {
        Item::Message(message) => {
            let parts = message.content.iter().enumerate().map(|(index, part)| {
                json!({
                    "type": part.kind,
                    "text": part.text.as_deref().unwrap_or_default(),
                    "transcript": part.transcript.as_deref().unwrap_or_default(),
                    "audio_bytes": state.parts.get(index).map_or(0, |part| part.audio_bytes),
                })
            });
            value["role"] = json!(message.role);
            value["content"] = parts.collect();
            value["text"] = state.text().into();
            value["transcript"] = state.transcript().into();
            value["audio_bytes"] = state.audio_bytes().into();
            "message"
        }
        Item::FunctionCall(call) => {
            value["name"] = json!(call.name);
            value["call_id"] = json!(call.call_id);
            value["arguments"] = json!(call.arguments);
            "function_call"
        }
        Item::FunctionCallOutput(output) => {
            value["call_id"] = json!(output.call_id);
            value["output"] = json!(output.output);
            "function_call_output"
        }
        Item::McpApprovalRequest(request) => {
            value["server_label"] = json!(request.server_label);
            value["name"] = json!(request.name);
            value["arguments"] = json!(request.arguments);
            "mcp_approval_request"
        }
        Item::McpApprovalResponse(response) => {
            value["approval_request_id"] = json!(response.approval_request_id);
            value["approve"] = json!(response.approve);
            set(&mut value, "reason", response.reason.as_set());
            "mcp_approval_response"
        }
        Item::McpListTools(list) => {
            value["server_label"] = json!(list.server_label);
            value["tool_names"] = list.tools.iter().map(|tool| json!(tool.name)).collect();
            "mcp_list_tools"
        }
        Item::McpCall(call) => {
            value["server_label"] = json!(call.server_label);
            value["name"] = json!(call.name);
            value["arguments"] = json!(call.arguments);
            set(&mut value, "approval_request_id", call.approval_request_id.as_set());
            set(&mut value, "output", call.output.as_set());
            set(&mut value, "error", call.error.as_set());
            "mcp_call"
        }
        Item::Other(other) => {
            value["type"] = other.json.to_value()["type"].clone();
            ""
        }
        _ => "",
    };
    if !kind.is_empty() {
        value["type"] = kind.into();
    }
    if !state.segments.is_empty() {
        value["segments"] = state.segments.iter().map(|part| json!([part.id, part.speaker, part.text])).collect();
    }
    let error = state.transcription_error.as_ref();
    set(&mut value, "transcription_error", error.map(|error| error.code.as_ref().or(error.kind.as_ref())));
    let status = state.mcp.map(|status| match status {
        McpStatus::InProgress => "in_progress",
        McpStatus::Completed => "completed",
        McpStatus::Failed => "failed",
        _ => "unknown",
    });
    set(&mut value, "mcp_status", status);
    value
}

fn set(value: &mut Value, name: &str, member: Option<impl serde::Serialize>) {
    if let Some(member) = member {
        value[name] = json!(member);
    }
}

fn response(response: &ResponseState) -> Value {
    json!({
        "id": response.id,
        "status": response.status,
        "reason": response.reason,
        "error_code": response.error.as_ref().and_then(|error| error.code.as_ref()),
        "out_of_band": response.out_of_band,
        "metadata": response.metadata,
        "output": response.output.values().collect::<Vec<_>>(),
    })
}

fn complaint(complaint: &Complaint) -> Value {
    json!({
        "type": complaint.error.kind,
        "code": complaint.error.code,
        "client_event_id": complaint.error.event_id,
        "client_event_type": complaint.about,
    })
}

fn input(input: &Input) -> Value {
    json!({
        "appended_bytes": input.appended_bytes,
        "append_events": input.appends,
        "client_commits": input.commits,
        "client_clears": input.clears,
        "committed": input.committed,
        "cleared": input.cleared,
        "speech_active": input.speech.is_some(),
        "timeouts": input.timeouts,
    })
}
