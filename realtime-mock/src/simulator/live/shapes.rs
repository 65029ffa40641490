//! Schemas of a client's events in a Live session.

use super::super::session::shape::{
    Member,
    Shape::{self, Any, Either, Flag, List, Number, Object, Tagged, Text, Whole, Word},
    opt, req,
};

const EVENT_ID: Member = opt("event_id", Text);
const MOST: i64 = i64::MAX;

const EVENT_ALONE: &[Member] = &[EVENT_ID];
const AUDIO: &[Member] = &[EVENT_ID, req("audio", Text)];
const CONTEXT: &[Member] = &[EVENT_ID, req("content", Text), opt("delegation_id", Text)];
const ITEM: &[Member] = &[EVENT_ID, req("item", Any)];
const ITEM_ID: &[Member] = &[EVENT_ID, req("item_id", Text)];
const DECISION: &[Member] = &[req("event_id", Text)];
const KEY: &[Member] = &[EVENT_ID, req("event", Text)];
const START: &[Member] = &[EVENT_ID, req("session", Object(SESSION))];
const START_FORK: &[Member] = &[EVENT_ID, req("session", Object(FORK))];
// Validated member by member, because the service distinguishes immutable members from unknown ones.
const CHANGE: &[Member] = &[EVENT_ID, req("session", Any)];

/// Schema of an event of a primary connection.
pub(super) fn primary(kind: &str) -> Option<&'static [Member]> {
    if kind == "session.start" { Some(START) } else { common(kind) }
}

/// Schema of an event of a fork.
pub(super) fn fork(kind: &str) -> Option<&'static [Member]> {
    if kind == "session.start" { Some(START_FORK) } else { common(kind) }
}

/// Schema of an event of a sideband.
pub(super) fn sideband(kind: &str) -> Option<&'static [Member]> {
    match kind {
        "session.input_audio.append" => None,
        "transport.dtmf.send" => Some(KEY),
        _ => common(kind),
    }
}

fn common(kind: &str) -> Option<&'static [Member]> {
    Some(match kind {
        "session.update" => CHANGE,
        "session.input_audio.append" | "session.output_audio.fixture.play" => AUDIO,
        "session.instructions.append" | "session.thinking.append" | "session.commentary.append" => CONTEXT,
        "decision.create" => DECISION,
        "decision.item.create" | "response.item.create" => ITEM,
        "decision.item.delete" => ITEM_ID,
        "session.input_audio.mute" | "session.input_audio.unmute" | "response.create" | "session.close" => EVENT_ALONE,
        _ => return None,
    })
}

/// The event types that the service lists as valid.
pub(super) const KINDS: &[&str] = &["session.update", "session.input_audio.append", "session.close"];

/// The members of a new session. Only two of them can be changed later.
pub(super) const SESSION: &[Member] = &[
    req("model", Text),
    opt("instructions", Text),
    opt("audio", Object(&[opt("format", FORMAT), opt("output", Object(&[opt("voice", VOICE)]))])),
    opt("delegation", Tagged("type", DELEGATION)),
    opt("input", List(&Object(HISTORY))),
    opt("triggers", TRIGGERS),
    opt("client", Any),
    opt("store", Flag),
    opt("safety_identifier", Text),
];

/// A session that a browser or an outgoing call holds.
pub(in crate::simulator) const MEDIA: &[Member] = &[
    req("model", Text),
    opt("instructions", Text),
    MEDIA_AUDIO,
    opt("delegation", Tagged("type", DELEGATION)),
    opt("input", List(&Object(HISTORY))),
    opt("triggers", TRIGGERS),
    opt("client", Any),
    opt("store", Flag),
    opt("safety_identifier", Text),
    opt("idle_timeout_s", Whole(1, MOST)),
    opt("wake_policy", Tagged("type", &[("speech", &[opt("vad_threshold", Number(0.0, 1.0))])])),
];

/// A session of an incoming call.
pub(in crate::simulator) const ACCEPT: &[Member] = &[
    req("type", Word(&["live"])),
    req("model", Text),
    opt("instructions", Text),
    MEDIA_AUDIO,
    opt("delegation", Tagged("type", DELEGATION)),
    opt("input", List(&Object(HISTORY))),
    opt("triggers", TRIGGERS),
    opt("store", Flag),
    opt("safety_identifier", Text),
];

/// What differs in a fork that a browser holds.
pub(in crate::simulator) const MEDIA_FORK: &[Member] =
    &[opt("delegation", Tagged("type", &[("responses", RESPONSES_UPDATE)])), opt("store", Flag), opt("client", Any)];

const MEDIA_AUDIO: Member = opt("audio", Object(&[opt("output", Object(&[opt("voice", VOICE)]))]));

const FORK: &[Member] = &[
    opt("audio", Object(&[opt("format", FORMAT)])),
    opt("delegation", Tagged("type", &[("responses", RESPONSES_UPDATE)])),
    opt("store", Flag),
    opt("client", Any),
];

/// The members that an update can change.
pub(super) const UPDATE: &[Member] = &[opt("delegation", Tagged("type", DELEGATION_UPDATE)), opt("triggers", TRIGGERS)];

const FORMAT: Shape = Tagged(
    "type",
    &[
        ("audio/pcm", &[req("rate", Whole(0, MOST))]),
        ("audio/pcmu", &[req("rate", Whole(0, MOST))]),
        ("audio/pcma", &[req("rate", Whole(0, MOST))]),
    ],
);

const VOICE: Shape = Either(&[Text, Object(&[req("id", Text)])]);

const DELAY: Member = opt("acknowledgement_delay_ms", Number(0.0, 600_000.0));

const DELEGATION: &[(&str, &[Member])] = &[
    ("client", &[DELAY]),
    ("responses", &[req("responses", Object(BACKEND)), DELAY]),
    ("decisions", &[req("decisions", Object(&[req("model", Text), req("questions", QUESTIONS)])), DELAY]),
];

const DELEGATION_UPDATE: &[(&str, &[Member])] = &[
    ("client", &[DELAY]),
    ("responses", RESPONSES_UPDATE),
    ("decisions", &[opt("decisions", Object(&[opt("model", Text), opt("questions", QUESTIONS)])), DELAY]),
];

const RESPONSES_UPDATE: &[Member] = &[opt("responses", Object(BACKEND_UPDATE)), DELAY];

const BACKEND: &[Member] = &[
    req("model", Text),
    opt("instructions", Text),
    opt("max_output_tokens", Whole(16, MOST)),
    opt("parallel_tool_calls", Flag),
    opt("reasoning", Any),
    opt("service_tier", Text),
    opt("text", Any),
    opt("tool_choice", Any),
    opt("tools", List(&Any)),
];

const BACKEND_UPDATE: &[Member] = &[
    opt("model", Text),
    opt("instructions", Text),
    opt("max_output_tokens", Whole(16, MOST)),
    opt("parallel_tool_calls", Flag),
    opt("reasoning", Any),
    opt("service_tier", Text),
    opt("text", Any),
    opt("tool_choice", Any),
    opt("tools", List(&Any)),
];

const TRIGGERS: Shape = List(&Tagged(
    "type",
    &[(
        "decisions",
        &[
            req("event_type", Word(&["session.input_transcript.delta", "session.output_transcript.delta"])),
            req("decisions", Object(&[req("questions", QUESTIONS)])),
        ],
    )],
));

const QUESTIONS: Shape = List(&Any);

const HISTORY: &[Member] = &[
    req("role", Word(&["developer", "user", "assistant"])),
    req("content", List(&Object(&[req("text", Text), opt("type", Word(&["input_text", "text", "output_text"]))]))),
    opt("id", Text),
    opt("status", Word(&["completed", "incomplete"])),
    opt("type", Word(&["message"])),
];
