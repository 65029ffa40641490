//! The response that an event belongs to.

use super::{ServerEvent, groups::detached_events};
use crate::wire::Id;

impl ServerEvent {
    /// Id of the response that the event is part of or about. `None` if it concerns no response, or the server omits
    /// the id.
    pub fn response_id(&self) -> Option<&Id> {
        // No wildcard, so that a new event does not compile until it is considered here.
        let id = match self {
            Self::ResponseOutputAudioDelta(event) => Some(&event.response_id),
            Self::ResponseOutputAudioTranscriptDelta(event) => Some(&event.response_id),
            Self::ResponseOutputTextDelta(event) => Some(&event.response_id),
            Self::ResponseOutputAudioDone(event) => Some(&event.response_id),
            Self::ResponseOutputAudioTranscriptDone(event) => Some(&event.response_id),
            Self::ResponseOutputTextDone(event) => Some(&event.response_id),
            Self::ResponseFunctionCallArgumentsDelta(event) => Some(&event.response_id),
            Self::ResponseFunctionCallArgumentsDone(event) => Some(&event.response_id),
            Self::ResponseMcpCallArgumentsDelta(event) => Some(&event.response_id),
            Self::ResponseMcpCallArgumentsDone(event) => Some(&event.response_id),
            Self::ResponseContentPartAdded(event) => Some(&event.response_id),
            Self::ResponseContentPartDone(event) => Some(&event.response_id),
            Self::ResponseOutputItemAdded(event) => Some(&event.response_id),
            Self::ResponseOutputItemDone(event) => Some(&event.response_id),
            Self::OutputAudioBufferStarted(event) => Some(&event.response_id),
            Self::OutputAudioBufferStopped(event) => Some(&event.response_id),
            Self::OutputAudioBufferCleared(event) => Some(&event.response_id),
            Self::ResponseCreated(event) => event.response.id.as_ref(),
            Self::ResponseDone(event) => event.response.id.as_ref().or(event.response_id.as_ref()),
            Self::ResponseCancelled(event) => event.response.id.as_ref().or(event.response_id.as_ref()),
            Self::ResponseFailed(event) => event.response.id.as_ref().or(event.response_id.as_ref()),
            Self::ResponseIncomplete(event) => event.response.id.as_ref().or(event.response_id.as_ref()),
            detached_events!()
            | Self::SessionUpdated(_)
            | Self::ConversationItemAdded(_)
            | Self::ConversationItemDone(_)
            | Self::ConversationItemCreated(_)
            | Self::ConversationItemRetrieved(_)
            | Self::ConversationItemDeleted(_)
            | Self::ConversationItemTruncated(_)
            | Self::InputAudioBufferSpeechStarted(_)
            | Self::InputAudioBufferCommitted(_)
            | Self::InputAudioBufferCleared(_)
            // Progress of MCP calls is reported by item only.
            | Self::ResponseMcpCallInProgress(_)
            | Self::ResponseMcpCallCompleted(_)
            | Self::ResponseMcpCallFailed(_)
            | Self::Error(_)
            | Self::Unknown(_)
            | Self::Malformed(_) => None,
        };
        id.filter(|id| !id.is_empty())
    }

    /// For an event that is part of a response: the response's id, and the id of the item that the event is about. If a
    /// server omits the first, it is found by the second.
    pub(crate) fn part_mut(&mut self) -> Option<(&mut Id, Option<&Id>)> {
        // Without a wildcard, for the same reason.
        Some(match self {
            Self::ResponseOutputAudioDelta(event) => (&mut event.response_id, Some(&event.item_id)),
            Self::ResponseOutputAudioTranscriptDelta(event) => (&mut event.response_id, Some(&event.item_id)),
            Self::ResponseOutputTextDelta(event) => (&mut event.response_id, Some(&event.item_id)),
            Self::ResponseOutputAudioDone(event) => (&mut event.response_id, Some(&event.item_id)),
            Self::ResponseOutputAudioTranscriptDone(event) => (&mut event.response_id, Some(&event.item_id)),
            Self::ResponseOutputTextDone(event) => (&mut event.response_id, Some(&event.item_id)),
            Self::ResponseContentPartAdded(event) => (&mut event.response_id, Some(&event.item_id)),
            Self::ResponseContentPartDone(event) => (&mut event.response_id, Some(&event.item_id)),
            Self::ResponseFunctionCallArgumentsDelta(event) => (&mut event.response_id, Some(&event.item_id)),
            Self::ResponseFunctionCallArgumentsDone(event) => (&mut event.response_id, Some(&event.item_id)),
            Self::ResponseMcpCallArgumentsDelta(event) => (&mut event.response_id, Some(&event.item_id)),
            Self::ResponseMcpCallArgumentsDone(event) => (&mut event.response_id, Some(&event.item_id)),
            Self::ResponseOutputItemAdded(event) => (&mut event.response_id, event.item.id()),
            Self::ResponseOutputItemDone(event) => (&mut event.response_id, event.item.id()),
            detached_events!()
            // About a response as a whole.
            | Self::ResponseCreated(_)
            | Self::ResponseDone(_)
            | Self::ResponseCancelled(_)
            | Self::ResponseFailed(_)
            | Self::ResponseIncomplete(_)
            | Self::OutputAudioBufferStarted(_)
            | Self::OutputAudioBufferStopped(_)
            | Self::OutputAudioBufferCleared(_)
            // Without a response's id.
            | Self::ResponseMcpCallInProgress(_)
            | Self::ResponseMcpCallCompleted(_)
            | Self::ResponseMcpCallFailed(_)
            | Self::SessionUpdated(_)
            | Self::ConversationItemAdded(_)
            | Self::ConversationItemDone(_)
            | Self::ConversationItemCreated(_)
            | Self::ConversationItemRetrieved(_)
            | Self::ConversationItemDeleted(_)
            | Self::ConversationItemTruncated(_)
            | Self::InputAudioBufferSpeechStarted(_)
            | Self::InputAudioBufferCommitted(_)
            | Self::InputAudioBufferCleared(_)
            | Self::Error(_)
            | Self::Unknown(_)
            | Self::Malformed(_) => return None,
        })
    }
}
