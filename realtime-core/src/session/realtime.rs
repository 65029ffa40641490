use super::{
    Changes, State,
    requests::{Request, Requests},
};
use crate::{
    event::{ClientEvent, Event, ServerEvent},
    protocol::{Realtime, sample_bytes},
    transport::Instant,
    types::{AudioFormat, SessionInfo},
    wire::Id,
};

/// What is known of a session that converses or transcribes.
#[derive(Clone, Debug, Default)]
pub struct RealtimeSession {
    info: Option<SessionInfo>,
    input_format: AudioFormat,
    requests: Requests<Kind>,
}

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Update,
    Create,
    Delete,
    Truncate,
    Retrieve,
    Commit,
    Clear,
    ClearOutput,
    Respond,
}

impl RealtimeSession {
    /// The session as the server last described it. None before it is open.
    pub fn info(&self) -> Option<&SessionInfo> {
        self.info.as_ref()
    }

    fn answered(&mut self, kind: Kind, subject: Option<&Id>, changes: &mut Changes) {
        if let Some(request) = self.requests.answered(&kind, subject) {
            changes.settled.push((request.seq, true));
        }
    }

    fn describe(&mut self, info: &SessionInfo) {
        let input = match info {
            SessionInfo::Realtime(info) => info.audio.as_ref().and_then(|audio| audio.input.as_ref()),
            SessionInfo::Transcription(info) => info.audio.as_ref().and_then(|audio| audio.input.as_ref()),
            SessionInfo::Other(_) => None,
        };
        if let Some(format) = input.and_then(|input| input.format.clone()) {
            self.input_format = format;
        }
        self.info = Some(info.clone());
    }
}

impl State<Realtime> for RealtimeSession {
    fn sent(&mut self, seq: u64, event: &ClientEvent, _: Instant) {
        let (kind, subject) = match event {
            ClientEvent::SessionUpdate(_) => (Kind::Update, None),
            ClientEvent::ConversationItemCreate(create) => (Kind::Create, create.item.id().cloned()),
            ClientEvent::ConversationItemDelete(delete) => (Kind::Delete, Some(delete.item_id.clone())),
            ClientEvent::ConversationItemTruncate(truncate) => (Kind::Truncate, Some(truncate.item_id.clone())),
            ClientEvent::ConversationItemRetrieve(retrieve) => (Kind::Retrieve, Some(retrieve.item_id.clone())),
            ClientEvent::InputAudioBufferCommit(_) => (Kind::Commit, None),
            ClientEvent::InputAudioBufferClear(_) => (Kind::Clear, None),
            ClientEvent::OutputAudioBufferClear(_) => (Kind::ClearOutput, None),
            ClientEvent::ResponseCreate(_) => (Kind::Respond, None),
            _ => return,
        };
        self.requests.push(Request { seq, event_id: event.event_id().cloned(), kind, subject });
    }

    fn sent_audio(&mut self, _: usize, _: Instant) {}

    fn received(&mut self, event: &ServerEvent, _: Instant, changes: &mut Changes) {
        match event {
            ServerEvent::SessionCreated(created) => self.describe(&created.session),
            ServerEvent::SessionUpdated(updated) => {
                self.describe(&updated.session);
                self.answered(Kind::Update, None, changes);
            }
            ServerEvent::ConversationItemAdded(added) => self.answered(Kind::Create, added.item.id(), changes),
            ServerEvent::ConversationItemDeleted(deleted) => {
                self.answered(Kind::Delete, Some(&deleted.item_id), changes);
            }
            ServerEvent::ConversationItemTruncated(truncated) => {
                self.answered(Kind::Truncate, Some(&truncated.item_id), changes);
            }
            ServerEvent::ConversationItemRetrieved(retrieved) => {
                self.answered(Kind::Retrieve, retrieved.item.id(), changes);
            }
            ServerEvent::InputAudioBufferCommitted(_) => self.answered(Kind::Commit, None, changes),
            ServerEvent::InputAudioBufferCleared(_) => self.answered(Kind::Clear, None, changes),
            ServerEvent::OutputAudioBufferCleared(_) => self.answered(Kind::ClearOutput, None, changes),
            ServerEvent::ResponseCreated(_) => self.answered(Kind::Respond, None, changes),
            ServerEvent::Error(error) => {
                if let Some(request) = error.error.event_id.as_ref().and_then(|id| self.requests.refused(id)) {
                    changes.settled.push((request.seq, false));
                }
            }
            _ => {}
        }
    }

    fn sample_bytes(&self) -> usize {
        sample_bytes(&self.input_format)
    }

    fn input_ms(&self, bytes: usize) -> u64 {
        self.input_format.bytes_to_ms(bytes as u64).unwrap_or_default()
    }
}
