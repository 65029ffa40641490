use super::{
    Changes, State,
    requests::{Request, Requests},
};
use crate::{
    event::{
        Event,
        translation::{ClientEvent, ServerEvent},
    },
    protocol::Translation,
    transport::Instant,
    types::{AudioFormat, TranslationSessionInfo},
};

/// What is known of a session that translates.
#[derive(Clone, Debug, Default)]
pub struct TranslationSession {
    info: Option<TranslationSessionInfo>,
    requests: Requests<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Update,
    Close,
}

impl TranslationSession {
    /// The session as the server last described it. None before it is open.
    pub fn info(&self) -> Option<&TranslationSessionInfo> {
        self.info.as_ref()
    }

    fn answered(&mut self, kind: Kind, changes: &mut Changes) {
        if let Some(request) = self.requests.answered(&kind, None) {
            changes.settled.push((request.seq, true));
        }
    }
}

impl State<Translation> for TranslationSession {
    fn sent(&mut self, seq: u64, event: &ClientEvent, _: Instant) {
        let kind = match event {
            ClientEvent::SessionUpdate(_) => Kind::Update,
            ClientEvent::SessionClose(_) => Kind::Close,
            _ => return,
        };
        self.requests.push(Request { seq, event_id: event.event_id().cloned(), kind, subject: None });
    }

    fn sent_audio(&mut self, _: usize, _: Instant) {}

    fn received(&mut self, event: &ServerEvent, _: Instant, changes: &mut Changes) {
        match event {
            ServerEvent::SessionCreated(created) => self.info = Some(created.session.clone()),
            ServerEvent::SessionUpdated(updated) => {
                self.info = Some(updated.session.clone());
                self.answered(Kind::Update, changes);
            }
            ServerEvent::SessionClosed(_) => self.answered(Kind::Close, changes),
            ServerEvent::Error(error) => {
                if let Some(request) = error.error.event_id.as_ref().and_then(|id| self.requests.refused(id)) {
                    changes.settled.push((request.seq, false));
                }
            }
            _ => {}
        }
    }

    fn input_ms(&self, bytes: usize) -> u64 {
        AudioFormat::pcm().bytes_to_ms(bytes as u64).unwrap_or_default()
    }
}
