//! Groups of events for exhaustive matches.
//!
//! A match that decides what an event means for requests, calls or responses has no wildcard, so that a new event does not
//! compile until it is considered. Events that no such match distinguishes are listed here once, as patterns.

/// Pattern of the events that concern neither a response nor a request.
macro_rules! detached_events {
    () => {
        $crate::realtime::event::ServerEvent::SessionCreated(_)
            | $crate::realtime::event::ServerEvent::ConversationCreated(_)
            | $crate::realtime::event::ServerEvent::ConversationItemInputAudioTranscriptionDelta(_)
            | $crate::realtime::event::ServerEvent::ConversationItemInputAudioTranscriptionCompleted(_)
            | $crate::realtime::event::ServerEvent::ConversationItemInputAudioTranscriptionFailed(_)
            | $crate::realtime::event::ServerEvent::ConversationItemInputAudioTranscriptionSegment(_)
            | $crate::realtime::event::ServerEvent::InputAudioBufferSpeechStopped(_)
            | $crate::realtime::event::ServerEvent::InputAudioBufferTimeoutTriggered(_)
            | $crate::realtime::event::ServerEvent::InputAudioBufferDtmfEventReceived(_)
            | $crate::realtime::event::ServerEvent::McpListToolsInProgress(_)
            | $crate::realtime::event::ServerEvent::McpListToolsCompleted(_)
            | $crate::realtime::event::ServerEvent::McpListToolsFailed(_)
            | $crate::realtime::event::ServerEvent::RateLimitsUpdated(_)
            | $crate::realtime::event::ServerEvent::Invalid(_)
    };
}

/// Pattern of the events that name a response and settle nothing: they neither answer a request nor complete a call.
/// The older names of an ended response are among them because they are read as `response.done` beforehand.
macro_rules! progress_events {
    () => {
        $crate::realtime::event::ServerEvent::ResponseOutputAudioDelta(_)
            | $crate::realtime::event::ServerEvent::ResponseOutputAudioTranscriptDelta(_)
            | $crate::realtime::event::ServerEvent::ResponseOutputTextDelta(_)
            | $crate::realtime::event::ServerEvent::ResponseOutputAudioDone(_)
            | $crate::realtime::event::ServerEvent::ResponseOutputAudioTranscriptDone(_)
            | $crate::realtime::event::ServerEvent::ResponseOutputTextDone(_)
            | $crate::realtime::event::ServerEvent::ResponseContentPartAdded(_)
            | $crate::realtime::event::ServerEvent::ResponseContentPartDone(_)
            | $crate::realtime::event::ServerEvent::ResponseFunctionCallArgumentsDelta(_)
            | $crate::realtime::event::ServerEvent::ResponseMcpCallArgumentsDelta(_)
            | $crate::realtime::event::ServerEvent::ResponseMcpCallArgumentsDone(_)
            | $crate::realtime::event::ServerEvent::ResponseOutputItemAdded(_)
            | $crate::realtime::event::ServerEvent::ResponseCancelled(_)
            | $crate::realtime::event::ServerEvent::ResponseFailed(_)
            | $crate::realtime::event::ServerEvent::ResponseIncomplete(_)
            | $crate::realtime::event::ServerEvent::OutputAudioBufferStarted(_)
            | $crate::realtime::event::ServerEvent::OutputAudioBufferStopped(_)
    };
}

pub(crate) use detached_events;
pub(crate) use progress_events;
