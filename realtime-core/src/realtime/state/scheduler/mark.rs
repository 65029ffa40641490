//! What is asked of an event before it is applied, and our own mark in it.

use std::collections::BTreeMap;

use super::{super::RealtimeState, REQUEST};
use crate::{
    realtime::{
        event::{
            ServerEvent,
            server::groups::{detached_events, progress_events},
        },
        types::Item,
    },
    wire::Id,
};

/// Facts about an event, determined before it is applied.
#[derive(Default)]
pub(in crate::realtime::state) struct Mark {
    /// Whether it is the first mention of a response or an item.
    pub(in crate::realtime::state) is_new: bool,
    /// Id of the request named in the response's metadata.
    pub(super) request: Option<String>,
    /// The response that was active, if the event may end it.
    pub(super) active: Option<Id>,
    /// A response that the event ends.
    pub(in crate::realtime::state) freed: Option<Id>,
}

impl RealtimeState {
    /// Removes this crate's metadata from the event before it is applied.
    pub(in crate::realtime::state) fn unmark(&self, event: &mut ServerEvent) -> Mark {
        let item = |item: &Item| Mark {
            is_new: item.id().is_some_and(|id| !self.conversation.is_known(id)),
            ..Mark::default()
        };
        let mut mark = Mark::default();
        let response = match event {
            ServerEvent::ResponseCreated(created) => &mut created.response,
            ServerEvent::ResponseDone(done) => &mut done.response,
            ServerEvent::ConversationItemAdded(added) => return item(&added.item),
            ServerEvent::ConversationItemCreated(created) => return item(&created.item),
            ServerEvent::ConversationItemDone(done) => return item(&done.item),
            ServerEvent::Error(_) | ServerEvent::Unknown(_) | ServerEvent::Malformed(_) => {
                mark.active = self.responses.active().map(|active| active.id.clone());
                return mark;
            }
            detached_events!()
            | progress_events!()
            | ServerEvent::InputAudioBufferSpeechStarted(_)
            | ServerEvent::InputAudioBufferCommitted(_)
            | ServerEvent::InputAudioBufferCleared(_)
            | ServerEvent::OutputAudioBufferCleared(_)
            | ServerEvent::ConversationItemDeleted(_)
            | ServerEvent::ConversationItemTruncated(_)
            | ServerEvent::ResponseMcpCallInProgress(_)
            | ServerEvent::ResponseMcpCallCompleted(_)
            | ServerEvent::ResponseMcpCallFailed(_)
            | ServerEvent::ResponseFunctionCallArgumentsDone(_)
            | ServerEvent::ResponseOutputItemDone(_)
            | ServerEvent::ConversationItemRetrieved(_)
            | ServerEvent::SessionUpdated(_) => return mark,
        };
        mark.active = self.responses.active().map(|active| active.id.clone());
        mark.is_new = response.id.as_ref().is_some_and(|id| self.responses.find(id).is_none());
        mark.request = response.metadata.as_mut().and_then(|metadata| metadata.remove(REQUEST));
        if mark.request.is_some() && response.metadata.as_ref().is_some_and(BTreeMap::is_empty) {
            response.metadata = None;
        }
        mark
    }
}
