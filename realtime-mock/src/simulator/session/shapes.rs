//! Schemas of client events.

use super::shape::{
    Member,
    Shape::{self, Any, Either, Flag, List, Map, Number, Object, Tagged, Text, TextTo, Whole, Word},
    opt, req,
};

/// The event types that the service lists as valid.
pub(super) const KINDS: &[&str] = &[
    "session.update",
    "session.close",
    "input_audio_buffer.append",
    "session.input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
    "conversation.item.create",
    "conversation.item.truncate",
    "conversation.item.delete",
    "conversation.item.retrieve",
    "response.create",
    "response.cancel",
];

/// Schema of an event of a conversation or transcription session.
pub(super) fn realtime(kind: &str) -> Option<&'static [Member]> {
    find(REALTIME, kind)
}

/// Schema of an event of a translation session.
pub(super) fn translation(kind: &str) -> Option<&'static [Member]> {
    find(TRANSLATION, kind)
}

fn find(events: &'static [(&'static str, &'static [Member])], kind: &str) -> Option<&'static [Member]> {
    events.iter().find(|(known, _)| *known == kind).map(|(_, members)| *members)
}

const REALTIME: &[(&str, &[Member])] = &[
    ("session.update", &[EVENT_ID, req("session", Tagged("type", SESSIONS))]),
    ("input_audio_buffer.append", &[EVENT_ID, req("audio", Text)]),
    ("input_audio_buffer.commit", &[EVENT_ID]),
    ("input_audio_buffer.clear", &[EVENT_ID]),
    ("conversation.item.create", &[EVENT_ID, opt("previous_item_id", Text), req("item", Tagged("type", ITEMS))]),
    ("conversation.item.delete", &[EVENT_ID, req("item_id", Text)]),
    ("conversation.item.retrieve", &[EVENT_ID, req("item_id", Text)]),
    (
        "conversation.item.truncate",
        &[EVENT_ID, req("item_id", Text), req("content_index", Whole(0, MOST)), req("audio_end_ms", Whole(0, MOST))],
    ),
    ("response.create", &[EVENT_ID, opt("response", Object(RESPONSE))]),
    ("response.cancel", &[EVENT_ID, opt("response_id", Text)]),
];

const TRANSLATION: &[(&str, &[Member])] = &[
    (
        "session.update",
        &[
            EVENT_ID,
            req(
                "session",
                Object(&[opt(
                    "audio",
                    Object(&[
                        opt(
                            "input",
                            Object(&[
                                opt("transcription", Object(&[opt("model", Text)])),
                                opt("noise_reduction", NOISE_REDUCTION),
                            ]),
                        ),
                        opt("output", Object(&[opt("language", Text)])),
                    ]),
                )]),
            ),
        ],
    ),
    ("session.input_audio_buffer.append", &[EVENT_ID, req("audio", Text)]),
    ("session.close", &[EVENT_ID]),
];

const MOST: i64 = i64::MAX;
const EVENT_ID: Member = opt("event_id", TextTo(512));
const MODALITIES: Shape = List(&Word(&["text", "audio"]));
const INCLUDE: Shape = List(&Word(&["item.input_audio_transcription.logprobs"]));
const VOICE: Shape = Either(&[Text, Object(&[req("id", Text)])]);
const NOISE_REDUCTION: Shape =
    Object(&[opt("type", Word(&["near_field", "far_field"])), opt("strength", Number(0.0, f64::MAX))]);

const SESSIONS: &[(&str, &[Member])] = &[
    (
        "realtime",
        &[
            opt("model", Text),
            opt("output_modalities", MODALITIES),
            opt("instructions", Text),
            opt(
                "audio",
                Object(&[
                    opt("input", INPUT),
                    opt(
                        "output",
                        Object(&[opt("format", FORMAT), opt("voice", VOICE), opt("speed", Number(0.25, 1.5))]),
                    ),
                ]),
            ),
            opt("include", INCLUDE),
            opt(
                "tracing",
                Either(&[
                    Word(&["auto"]),
                    Object(&[opt("workflow_name", Text), opt("group_id", Text), opt("metadata", Any)]),
                ]),
            ),
            opt("tools", TOOLS),
            opt("tool_choice", TOOL_CHOICE),
            opt("parallel_tool_calls", Flag),
            opt("reasoning", REASONING),
            opt("max_output_tokens", MAX_OUTPUT_TOKENS),
            opt(
                "truncation",
                Either(&[
                    Word(&["auto", "disabled"]),
                    Tagged(
                        "type",
                        &[(
                            "retention_ratio",
                            &[
                                req("retention_ratio", Number(0.0, 1.0)),
                                opt("token_limits", Object(&[opt("post_instructions", Whole(0, MOST))])),
                            ],
                        )],
                    ),
                ]),
            ),
            opt("prompt", PROMPT),
        ],
    ),
    ("transcription", &[opt("audio", Object(&[opt("input", INPUT)])), opt("include", INCLUDE)]),
];

const INPUT: Shape = Object(&[
    opt("format", FORMAT),
    opt(
        "transcription",
        Object(&[
            opt("model", Text),
            opt("language", Text),
            opt("languages", List(&Text)),
            opt("keywords", List(&Text)),
            opt("prompt", Text),
            opt("delay", Word(&["minimal", "low", "medium", "high", "xhigh"])),
        ]),
    ),
    opt("noise_reduction", NOISE_REDUCTION),
    opt(
        "turn_detection",
        Tagged(
            "type",
            &[
                (
                    "server_vad",
                    &[
                        opt("threshold", Number(0.0, 1.0)),
                        opt("prefix_padding_ms", Whole(0, MOST)),
                        opt("silence_duration_ms", Whole(0, MOST)),
                        opt("create_response", Flag),
                        opt("interrupt_response", Flag),
                        opt("idle_timeout_ms", Whole(5_000, 30_000)),
                    ],
                ),
                (
                    "semantic_vad",
                    &[
                        opt("eagerness", Word(&["low", "medium", "high", "auto"])),
                        opt("create_response", Flag),
                        opt("interrupt_response", Flag),
                    ],
                ),
            ],
        ),
    ),
]);

const FORMAT: Shape =
    Tagged("type", &[("audio/pcm", &[opt("rate", Whole(24_000, 24_000))]), ("audio/pcmu", &[]), ("audio/pcma", &[])]);

const RESPONSE: &[Member] = &[
    opt("output_modalities", MODALITIES),
    opt("instructions", Text),
    opt("audio", Object(&[opt("output", Object(&[opt("format", FORMAT), opt("voice", VOICE)]))])),
    opt("tools", TOOLS),
    opt("tool_choice", TOOL_CHOICE),
    opt("parallel_tool_calls", Flag),
    opt("reasoning", REASONING),
    opt("max_output_tokens", MAX_OUTPUT_TOKENS),
    opt("conversation", Text),
    opt("metadata", Map(16, &TextTo(512))),
    opt("prompt", PROMPT),
    opt("input", List(&Tagged("type", REFERRED_ITEMS))),
];

const REASONING: Shape = Object(&[opt("effort", Word(&["minimal", "low", "medium", "high", "xhigh"]))]);
const MAX_OUTPUT_TOKENS: Shape = Either(&[Whole(1, MOST), Word(&["inf"])]);
const PROMPT: Shape =
    Object(&[req("id", Text), opt("version", Text), opt("variables", Map(usize::MAX, &Either(&[Text, Any])))]);

const TOOL_CHOICE: Shape = Either(&[
    Word(&["none", "auto", "required"]),
    Tagged("type", &[("function", &[req("name", Text)]), ("mcp", &[req("server_label", Text), opt("name", Text)])]),
]);

const FILTER: &[Member] = &[opt("tool_names", List(&Text)), opt("read_only", Flag)];
const TOOLS: Shape = List(&Tagged(
    "type",
    &[
        ("function", &[req("name", Text), opt("description", Text), opt("parameters", Any), opt("strict", Flag)]),
        (
            "mcp",
            &[
                req("server_label", Text),
                opt("server_url", Text),
                opt("connector_id", Text),
                opt("tunnel_id", Text),
                opt("authorization", Text),
                opt("server_description", Text),
                opt("headers", Map(usize::MAX, &Text)),
                opt("allowed_tools", Either(&[List(&Text), Object(FILTER)])),
                opt("allowed_callers", List(&Word(&["direct", "programmatic"]))),
                opt(
                    "require_approval",
                    Either(&[
                        Word(&["always", "never"]),
                        Object(&[opt("always", Object(FILTER)), opt("never", Object(FILTER))]),
                    ]),
                ),
                opt("defer_loading", Flag),
            ],
        ),
    ],
));

const ID: Member = opt("id", Text);
const OBJECT: Member = opt("object", Word(&["realtime.item"]));
const STATUS: Member = opt("status", Word(&["completed", "incomplete", "in_progress"]));
const MESSAGE: &[Member] = &[
    ID,
    OBJECT,
    STATUS,
    req("role", Word(&["user", "assistant", "system"])),
    // `parts` restricts the parts by role.
    req("content", List(&Any)),
];
const FUNCTION_CALL: &[Member] = &[ID, OBJECT, STATUS, opt("call_id", Text), req("name", Text), req("arguments", Text)];
const FUNCTION_CALL_OUTPUT: &[Member] = &[ID, OBJECT, STATUS, req("call_id", Text), req("output", Text)];
const APPROVAL_RESPONSE: &[Member] = &[ID, req("approval_request_id", Text), req("approve", Flag), opt("reason", Text)];
const APPROVAL_REQUEST: &[Member] = &[ID, req("server_label", Text), req("name", Text), req("arguments", Text)];
const LIST_TOOLS: &[Member] = &[ID, req("server_label", Text), req("tools", List(&Any))];
const MCP_CALL: &[Member] = &[
    ID,
    req("server_label", Text),
    req("name", Text),
    req("arguments", Text),
    opt("approval_request_id", Text),
    opt("output", Text),
    opt("error", Any),
];

const ITEMS: &[(&str, &[Member])] = &[
    ("message", MESSAGE),
    ("function_call", FUNCTION_CALL),
    ("function_call_output", FUNCTION_CALL_OUTPUT),
    ("mcp_approval_response", APPROVAL_RESPONSE),
    ("mcp_approval_request", APPROVAL_REQUEST),
    ("mcp_list_tools", LIST_TOOLS),
    ("mcp_call", MCP_CALL),
];

const REFERRED_ITEMS: &[(&str, &[Member])] = &[
    ("message", MESSAGE),
    ("function_call", FUNCTION_CALL),
    ("function_call_output", FUNCTION_CALL_OUTPUT),
    ("mcp_approval_response", APPROVAL_RESPONSE),
    ("mcp_approval_request", APPROVAL_REQUEST),
    ("mcp_list_tools", LIST_TOOLS),
    ("mcp_call", MCP_CALL),
    ("item_reference", &[req("id", Text)]),
];

/// Schema of a message part of this role.
pub(super) fn part(role: &str) -> &'static Shape {
    match role {
        "system" => &SYSTEM_PART,
        "user" => &USER_PART,
        _ => &ASSISTANT_PART,
    }
}

const SYSTEM_PART: Shape = Tagged("type", &[("input_text", &[req("text", Text)])]);
const USER_PART: Shape = Tagged(
    "type",
    &[
        ("input_text", &[req("text", Text)]),
        ("input_audio", &[req("audio", Text), opt("transcript", Text)]),
        ("input_image", &[req("image_url", Text), opt("detail", Word(&["auto", "low", "high"]))]),
    ],
);
// The model's audio cannot be added to a conversation: its part needs a text.
const ASSISTANT_PART: Shape = Tagged(
    "type",
    &[
        ("output_text", &[req("text", Text)]),
        ("output_audio", &[req("text", Text), opt("audio", Text), opt("transcript", Text)]),
    ],
);
