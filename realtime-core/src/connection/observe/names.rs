//! The names of fields that follow OpenTelemetry's conventions for generative AI, as of their version 0.1.0. They are still
//! in development: a change of theirs is a change here and nowhere else.

/// `chat` for a response, `execute_tool` for a function.
pub(super) const OPERATION: &str = "gen_ai.operation.name";
pub(super) const PROVIDER: &str = "gen_ai.provider.name";
pub(super) const MODEL: &str = "gen_ai.request.model";
pub(super) const CONVERSATION: &str = "gen_ai.conversation.id";
pub(super) const RESPONSE: &str = "gen_ai.response.id";
/// A list: here of one, the response's final status, since this protocol has no other reason.
pub(super) const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
/// In seconds. Here from `response.created`, since not every response is requested.
pub(super) const FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
/// Includes cached tokens.
pub(super) const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
pub(super) const CACHED_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
pub(super) const AUDIO_INPUT_TOKENS: &str = "gen_ai.usage.audio.input_tokens";
pub(super) const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
pub(super) const AUDIO_OUTPUT_TOKENS: &str = "gen_ai.usage.audio.output_tokens";
/// Content: only if the application asks for it.
pub(super) const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
pub(super) const TOOL: &str = "gen_ai.tool.name";
pub(super) const TOOL_TYPE: &str = "gen_ai.tool.type";
pub(super) const CALL: &str = "gen_ai.tool.call.id";
pub(super) const ERROR: &str = "error.type";
/// The name and kind of the span as an exporter shows them, by the convention of `tracing-opentelemetry`.
pub(super) const SPAN_NAME: &str = "otel.name";
pub(super) const SPAN_KIND: &str = "otel.kind";
pub(super) const SPAN_STATUS: &str = "otel.status_code";
