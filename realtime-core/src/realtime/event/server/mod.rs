//! Server events.

mod about;
mod conversation;
pub(crate) mod groups;
mod input_audio_buffer;
mod mcp;
mod output_audio_buffer;
mod rate_limits;
mod response;
mod session;
mod stream;
mod transcription;

pub use conversation::*;
pub use input_audio_buffer::*;
pub use mcp::*;
pub use output_audio_buffer::*;
pub use rate_limits::*;
pub use response::*;
pub use session::*;
pub use stream::*;
pub use transcription::*;

use super::fast;
use crate::protocol::event::{ErrorEvent, Unknown, untyped_error};

events! {
    /// A server event of a conversation or transcription session.
    pub enum ServerEvent, else Unknown, lenient yes, first fast::read, untyped untyped_error;
    // In order of frequency, because types are compared from the top.
    "response.output_audio.delta" | "response.audio.delta" => ResponseOutputAudioDelta,
    "response.output_audio_transcript.delta" | "response.audio_transcript.delta" => ResponseOutputAudioTranscriptDelta,
    "response.output_text.delta" | "response.text.delta" => ResponseOutputTextDelta,
    "conversation.item.input_audio_transcription.delta" => ConversationItemInputAudioTranscriptionDelta,
    "response.output_audio.done" | "response.audio.done" => ResponseOutputAudioDone,
    "response.output_audio_transcript.done" | "response.audio_transcript.done" => ResponseOutputAudioTranscriptDone,
    "response.output_text.done" | "response.text.done" => ResponseOutputTextDone,
    "input_audio_buffer.speech_started" => InputAudioBufferSpeechStarted,
    "input_audio_buffer.speech_stopped" => InputAudioBufferSpeechStopped,
    "input_audio_buffer.committed" => InputAudioBufferCommitted,
    "input_audio_buffer.cleared" => InputAudioBufferCleared,
    "input_audio_buffer.timeout_triggered" => InputAudioBufferTimeoutTriggered,
    "input_audio_buffer.dtmf_event_received" => InputAudioBufferDtmfEventReceived,
    "output_audio_buffer.started" => OutputAudioBufferStarted,
    "output_audio_buffer.stopped" => OutputAudioBufferStopped,
    "output_audio_buffer.cleared" => OutputAudioBufferCleared,
    "conversation.created" => ConversationCreated,
    "conversation.item.deleted" => ConversationItemDeleted,
    "conversation.item.truncated" => ConversationItemTruncated,
    "rate_limits.updated" => RateLimitsUpdated,
    "response.mcp_call_arguments.delta" => ResponseMcpCallArgumentsDelta,
    "response.mcp_call_arguments.done" => ResponseMcpCallArgumentsDone,
    "response.mcp_call.in_progress" => ResponseMcpCallInProgress,
    "response.mcp_call.completed" => ResponseMcpCallCompleted,
    "response.mcp_call.failed" => ResponseMcpCallFailed,
    "mcp_list_tools.in_progress" => McpListToolsInProgress,
    "mcp_list_tools.completed" => McpListToolsCompleted,
    "mcp_list_tools.failed" => McpListToolsFailed,
    boxed {
        "response.function_call_arguments.delta" => ResponseFunctionCallArgumentsDelta,
        "response.function_call_arguments.done" => ResponseFunctionCallArgumentsDone,
        "response.content_part.added" => ResponseContentPartAdded,
        "response.content_part.done" => ResponseContentPartDone,
        "response.output_item.added" => ResponseOutputItemAdded,
        "response.output_item.done" => ResponseOutputItemDone,
        "response.created" => ResponseCreated,
        "response.done" => ResponseDone,
        "response.cancelled" | "response.canceled" => ResponseCancelled,
        "response.failed" | "response.error" => ResponseFailed,
        "response.incomplete" => ResponseIncomplete,
        "conversation.item.added" => ConversationItemAdded,
        "conversation.item.done" => ConversationItemDone,
        "conversation.item.created" => ConversationItemCreated,
        "conversation.item.retrieved" => ConversationItemRetrieved,
        "conversation.item.input_audio_transcription.completed" => ConversationItemInputAudioTranscriptionCompleted,
        "conversation.item.input_audio_transcription.failed" => ConversationItemInputAudioTranscriptionFailed,
        "conversation.item.input_audio_transcription.segment" => ConversationItemInputAudioTranscriptionSegment,
        "session.created" | "transcription_session.created" => SessionCreated,
        "session.updated" | "transcription_session.updated" => SessionUpdated,
        "error" => Error(ErrorEvent),
    }
}
