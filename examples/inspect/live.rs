//! Transcripts of Live, and the resulting state.
//!
//! A line is `{"dir":"open"|"close",..}` for the beginning or end of a link, or a frame:
//! `{"dir":"c2s"|"s2c","frame":{..}}`, with `"raw"` instead of `"frame"` for text that may not be a JSON object.
//! `at_ms` is the client's clock.

use std::{
    io::{self, BufRead},
    time::Duration,
};

use realtime::{
    Id, Live, LiveFork, LiveSideband, LiveState, Protocol,
    event::Event,
    live::state::{CallOutput, ConnectionKind, LiveComplaint, LiveDecision, LiveDelegation, LiveResponse},
    session::{Changes, LinkEnd, Setup, State},
    transport::Instant,
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::input::{Direction, Frame};

/// A line of a transcript.
pub(crate) enum Line {
    /// A link was opened: the kind of connection, if given, and the path.
    Open { at: Instant, kind: Option<ConnectionKind>, path: String },
    /// A frame.
    Frame { at: Instant, frame: Frame },
    /// The link ended.
    Close { at: Instant, by: LinkEnd, code: Option<u16> },
}

impl Line {
    fn at(&self) -> Instant {
        match self {
            Self::Open { at, .. } | Self::Frame { at, .. } | Self::Close { at, .. } => *at,
        }
    }

    /// Parses a line. `None` if its direction is unknown.
    fn read(text: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Members {
            dir: String,
            #[serde(default)]
            at_ms: f64,
            kind: Option<String>,
            path: Option<String>,
            frame: Option<Box<RawValue>>,
            raw: Option<Box<RawValue>>,
            by: Option<String>,
            code: Option<u16>,
        }

        let Ok(members) = serde_json::from_slice::<Members>(text) else {
            let frame = Frame { direction: Direction::FromServer, raw: text.into() };
            return Some(Self::Frame { at: Instant::default(), frame });
        };
        let at = Instant::from_origin(Duration::try_from_secs_f64(members.at_ms / 1000.0).unwrap_or_default());
        let direction = match &*members.dir {
            "open" => {
                let kind = members.kind.and_then(|kind| kind_of(&kind));
                return Some(Self::Open { at, kind, path: members.path.unwrap_or_default() });
            }
            "close" => {
                let by = match members.by.as_deref() {
                    Some("server") => LinkEnd::Server,
                    Some("client") => LinkEnd::Client,
                    _ => LinkEnd::Network,
                };
                return Some(Self::Close { at, by, code: members.code });
            }
            "c2s" => Direction::FromClient,
            "s2c" => Direction::FromServer,
            _ => return None,
        };
        let raw = match (members.frame, members.raw) {
            (Some(frame), _) => frame.get().into(),
            (None, Some(raw)) => serde_json::from_str::<String>(raw.get()).unwrap_or_default().into(),
            (None, None) => Vec::new(),
        };
        Some(Self::Frame { at, frame: Frame { direction, raw } })
    }
}

fn kind_of(name: &str) -> Option<ConnectionKind> {
    [ConnectionKind::Primary, ConnectionKind::Fork, ConnectionKind::Sideband]
        .into_iter()
        .find(|kind| kind.as_str() == name)
}

/// Parses all lines. Blank lines and those of unknown direction are ignored.
pub(crate) fn lines(input: impl BufRead) -> io::Result<Vec<Line>> {
    let lines: Vec<_> = input.split(b'\n').collect::<Result<_, _>>()?;
    let lines = lines.iter().map(|line| line.trim_ascii()).filter(|line| !line.is_empty());
    Ok(lines.filter_map(Line::read).collect())
}

/// The kind of connection that the lines name.
pub(crate) fn kind(lines: &[Line]) -> Option<ConnectionKind> {
    lines.iter().find_map(|line| match line {
        Line::Open { kind, .. } => *kind,
        _ => None,
    })
}

/// Feeds a state with the lines, and calls a function with every decoded frame.
pub(crate) fn replay(
    lines: &[Line],
    kind: ConnectionKind,
    each: impl FnMut(&Frame, realtime::event::Recognition<'_>),
) -> Value {
    match kind {
        ConnectionKind::Fork => replay_as::<LiveFork>(lines, each),
        ConnectionKind::Sideband => replay_as::<LiveSideband>(lines, each),
        _ => replay_as::<Live>(lines, each),
    }
}

fn replay_as<P>(lines: &[Line], mut each: impl FnMut(&Frame, realtime::event::Recognition<'_>)) -> Value
where
    P: Protocol<State = LiveState>,
    LiveState: State<P>,
{
    let mut state = LiveState::default();
    State::<P>::configure(&mut state, &P::Settings::default(), &Setup::default().kept_errors(None));
    if !lines.iter().any(|line| matches!(line, Line::Open { .. })) {
        state.link_is_up(None, Instant::default());
    }
    let mut counts = [0_u64; 2];
    for (seq, line) in (1..).zip(lines) {
        match line {
            Line::Open { at, path, .. } => state.link_is_up(session_in(path), *at),
            Line::Close { at, by, code } => state.link_is_gone(*by, *code, *at),
            Line::Frame { at, frame } => {
                counts[frame.direction as usize] += 1;
                match frame.direction {
                    Direction::FromServer => {
                        let mut event = P::ServerEvent::decode(&frame.raw);
                        State::<P>::received(&mut state, &mut event, *at, &mut Changes::default());
                        each(frame, event.recognition());
                    }
                    Direction::FromClient => {
                        let event = P::ClientEvent::decode(&frame.raw);
                        State::<P>::sent(&mut state, seq, &event, *at);
                        each(frame, event.recognition());
                    }
                }
            }
        }
    }
    state.ended(lines.last().map_or_else(Instant::default, Line::at));
    let mut report = report(&state);
    report["frames"] =
        json!({ "c2s": counts[Direction::FromClient as usize], "s2c": counts[Direction::FromServer as usize] });
    report
}

/// The session named by a path.
fn session_in(path: &str) -> Option<Id> {
    let path = path.split('?').next()?;
    let (_, rest) = path.split_once("/live/sessions/")?;
    let segment = rest.split('/').next()?.as_bytes();
    let mut id = Vec::new();
    let mut at = 0;
    while let Some(&byte) = segment.get(at) {
        let escaped = (byte == b'%').then(|| segment.get(at + 1..at + 3)).flatten();
        let decoded = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        id.push(decoded.unwrap_or(byte));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    Some(String::from_utf8_lossy(&id).into_owned().into())
}

/// The state as JSON.
fn report(state: &LiveState) -> Value {
    let ending = state.ending.as_ref().map(|ending| {
        json!({
            "reason": ending.reason, "confirmed": ending.confirmed, "code": ending.code,
            "by": ending.by.map(LinkEnd::as_str),
        })
    });
    let count = |count: realtime::live::state::AudioCount| json!({ "events": count.events, "bytes": count.bytes });
    let (continues, refused) = state.continues();
    json!({
        "kind": state.kind.as_str(),
        "connections": state.connections,
        "phase": state.phase.as_str(),
        "session_id": state.session_id(),
        "source_session_id": state.source_session_id(),
        "session": state.session(),
        "input_muted": state.input_muted,
        "paused": state.paused,
        "fixture": state.fixture().map(|fixture| json!({ "client_event_id": fixture.client_event_id })),
        "fixtures": state.fixtures().map(|fixture| json!({
            "client_event_id": fixture.client_event_id, "state": fixture.state.as_str(), "bytes": fixture.bytes,
        })).collect::<Vec<_>>(),
        "turns": state.turns().map(|turn| json!({
            "speaker": turn.speaker.as_str(), "text": turn.text, "start_ms": turn.start_ms, "end_ms": turn.end_ms,
            "close_reason": turn.ended.map(|end| end.as_str()),
        })).collect::<Vec<_>>(),
        "transcript": { "input": state.input_transcript, "output": state.output_transcript },
        "appends": state.appends().map(|append| json!({
            "kind": append.kind.as_str(), "client_event_id": append.client_event_id,
            "delegation_id": append.delegation_id, "state": append.state.as_str(),
            "start_ms": append.interval_ms.map(|(start, _)| start), "end_ms": append.interval_ms.map(|(_, end)| end),
        })).collect::<Vec<_>>(),
        "delegations": state.delegations().map(|task| delegation(state, task)).collect::<Vec<_>>(),
        "responses": state.responses().map(response).collect::<Vec<_>>(),
        "calls": state.calls().map(|call| json!({
            "call_id": call.call_id, "response_id": call.response_id, "delegation_id": call.delegation_id,
            "name": call.name, "arguments": call.arguments, "output": call.output.as_str(),
        })).collect::<Vec<_>>(),
        "continue": { "owed": state.continue_is_owed(), "sent": continues, "refused": refused },
        "decisions": state.decisions().map(decision).collect::<Vec<_>>(),
        "decision_requests": state.decision_requests().collect::<Vec<_>>(),
        "decision_items": state.decision_items().collect::<Vec<_>>(),
        "usage": state.usage,
        "context_window": state.context_window,
        "backend_usage": counts(state.backend_usage()),
        "decision_usage": counts(state.decision_usage()),
        "errors": state.errors.iter().map(complaint).collect::<Vec<_>>(),
        "infos": state.infos,
        "unknown_events": state.unknown,
        "malformed_events": state.malformed,
        "undecodable_frames": state.undecodable,
        "duplicates": state.duplicates,
        "dtmf": { "received": state.keys.received, "sent": state.keys.sent, "legacy": state.keys.legacy },
        "transport": { "state": state.call.map(|call| call.as_str()), "error": state.call_error },
        "audio": {
            "appended": count(state.audio.appended), "output": count(state.audio.output),
            "reflected_input": count(state.audio.reflected_input), "fixture": count(state.audio.fixture),
        },
        "output_gaps_ms": state.output_gaps_ms().collect::<Vec<_>>(),
        "closed": ending,
    })
}

fn delegation(state: &LiveState, task: &LiveDelegation) -> Value {
    let responses = state.responses().filter(|response| response.delegation_id.as_ref() == Some(&task.id));
    let calls = |output: CallOutput| -> Value {
        let of_task = state.calls().filter(|call| call.delegation_id.as_ref() == Some(&task.id));
        of_task.filter(|call| call.output == output).map(|call| json!(call.call_id)).collect()
    };
    json!({
        "id": task.id, "target": task.target, "offset_ms": task.offset_ms, "response_id": task.response_id,
        "status": state.delegation_status(task).as_str(),
        "responses": responses.map(|response| &response.id).collect::<Vec<_>>(),
        "calls": {
            "owed": calls(CallOutput::Owed), "sent": calls(CallOutput::Sent),
            "continued": calls(CallOutput::Continued), "discarded": calls(CallOutput::Discarded),
        },
    })
}

fn response(response: &LiveResponse) -> Value {
    json!({
        "id": response.id, "delegation_id": response.delegation_id, "status": response.status.as_str(),
        "error": response.error, "text": response.text(), "usage": response.usage,
        "calls": response.calls,
    })
}

fn decision(decision: &LiveDecision) -> Value {
    json!({
        "event_id": decision.event_id, "source": decision.source().as_str(),
        "delegation_id": decision.delegation_id, "trigger_id": decision.trigger_id,
        "source_event_id": decision.source_event_id, "model": decision.decision.model,
        "answers": decision.decision.json().to_value()["answers"],
    })
}

fn complaint(complaint: &LiveComplaint) -> Value {
    json!({
        "type": complaint.error.kind, "code": complaint.error.code, "param": complaint.error.param,
        "client_event_id": complaint.client_event_id, "client_event_type": complaint.about, "fatal": complaint.fatal,
    })
}

/// Tokens added up; none yet is an empty object.
fn counts(usage: &Value) -> Value {
    if usage.is_null() { json!({}) } else { usage.clone() }
}
