use super::super::{Connection, ack::Ack, machine::entry::SendError, response::ResponseHandle};
use crate::{
    error::SendErrorKind,
    event::{
        ClientEvent, ConversationItemAdded, ConversationItemCreate, ConversationItemDelete, ConversationItemDeleted,
        ConversationItemRetrieve, ConversationItemRetrieved, ConversationItemTruncate, ConversationItemTruncated,
        EventOf, InputAudioBufferClear, InputAudioBufferCleared, InputAudioBufferCommit, InputAudioBufferCommitted,
        OutputAudioBufferClear, OutputAudioBufferCleared, ResponseCancel, ServerEvent, SessionUpdate, SessionUpdated,
    },
    protocol::Realtime,
    tools::Tools,
    types::{Item, RealtimeSessionConfig, ResponseConfig, SessionConfig},
    wire::Id,
};

type Sent<E> = Result<Ack<Realtime, E>, SendError<Realtime>>;

impl Connection<Realtime> {
    /// Queues a request that was checked.
    fn checked<E: EventOf<ServerEvent>>(
        &self,
        check: Result<(), SendErrorKind>,
        event: impl Into<ClientEvent>,
    ) -> Sent<E> {
        match check {
            Ok(()) => self.request(event),
            Err(kind) => Err(SendError::new(kind, event.into())),
        }
    }

    /// The session's configuration.
    pub fn session(&self) -> SessionResource<'_> {
        SessionResource(self)
    }

    /// The model's responses.
    pub fn response(&self) -> ResponseResource<'_> {
        ResponseResource(self)
    }

    /// What the user says.
    pub fn input_audio_buffer(&self) -> InputAudioBufferResource<'_> {
        InputAudioBufferResource(self)
    }

    /// What the model's voice has still to play: over WebRTC and SIP only.
    pub fn output_audio_buffer(&self) -> OutputAudioBufferResource<'_> {
        OutputAudioBufferResource(self)
    }

    /// The conversation.
    pub fn conversation(&self) -> ConversationResource<'_> {
        ConversationResource(self)
    }

    /// Tells the model of these functions, and runs them when it calls: see [`Tools`].
    ///
    /// # Errors
    /// Gives the event that tells of them back, as [`Sender::send`](crate::Sender::send) does. They are not run then.
    pub fn use_tools(&self, tools: Tools) -> Sent<SessionUpdated> {
        let config = RealtimeSessionConfig::default().tools(tools.definitions.clone());
        let ack = self.request(SessionUpdate::new(config))?;
        self.shared.set_tools(tools);
        Ok(ack)
    }
}

/// `session`
#[derive(Clone, Copy, Debug)]
pub struct SessionResource<'a>(&'a Connection<Realtime>);

impl SessionResource<'_> {
    /// Changes what the configuration names, and nothing else: `session.update`.
    ///
    /// # Errors
    /// Gives the event back: it asks for another voice after the model has spoken, or as
    /// [`Sender::send`](crate::Sender::send) does.
    pub fn update(&self, config: impl Into<SessionConfig>) -> Sent<SessionUpdated> {
        let config = config.into();
        let check = self.0.state().check_voice(&config);
        self.0.checked(check, SessionUpdate::new(config))
    }
}

/// `response`
#[derive(Clone, Copy, Debug)]
pub struct ResponseResource<'a>(&'a Connection<Realtime>);

impl ResponseResource<'_> {
    /// Asks the model for a response: `response.create`. The default configuration changes nothing of the session's.
    ///
    /// While another response of the conversation is in progress it waits for its turn: see
    /// [`Options::overlap`](crate::Options::overlap). One out of band never waits.
    ///
    /// # Errors
    /// Gives the event back: [`Options::overlap`](crate::Options::overlap) lets no more wait, or as [`Sender::send`](crate::Sender::send) does.
    pub fn create(&self, config: ResponseConfig) -> Result<ResponseHandle, SendError<Realtime>> {
        ResponseHandle::create(self.0, config)
    }

    /// Stops the response in progress: `response.cancel`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn cancel(&self) -> Result<(), SendError<Realtime>> {
        self.0.send(ResponseCancel::default())
    }

    /// Stops this response.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn cancel_id(&self, response: impl Into<Id>) -> Result<(), SendError<Realtime>> {
        self.0.send(ResponseCancel::default().response_id(response))
    }
}

/// `input_audio_buffer`
#[derive(Clone, Copy, Debug)]
pub struct InputAudioBufferResource<'a>(&'a Connection<Realtime>);

impl InputAudioBufferResource<'_> {
    /// Adds audio, in the session's input format: `input_audio_buffer.append`. It is encoded straight from these
    /// bytes.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::append`](crate::Sender::append) does.
    pub fn append(&self, audio: &[u8]) -> Result<(), SendError<Realtime>> {
        self.0.append(audio)
    }

    /// Makes the buffered audio a message of the user: `input_audio_buffer.commit`.
    ///
    /// # Errors
    /// Gives the event back: there is less than 100 ms of audio where no turn detection commits by itself, or as
    /// [`Sender::send`](crate::Sender::send) does.
    pub fn commit(&self) -> Sent<InputAudioBufferCommitted> {
        let check = {
            let core = self.0.shared.core();
            let queued = self.0.shared.out().audio();
            core.machine.state().check_commit(queued)
        };
        self.0.checked(check, InputAudioBufferCommit::default())
    }

    /// Throws the buffered audio away: `input_audio_buffer.clear`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn clear(&self) -> Sent<InputAudioBufferCleared> {
        self.0.request(InputAudioBufferClear::default())
    }
}

/// `output_audio_buffer`
#[derive(Clone, Copy, Debug)]
pub struct OutputAudioBufferResource<'a>(&'a Connection<Realtime>);

impl OutputAudioBufferResource<'_> {
    /// Cuts off the audio that is being played: `output_audio_buffer.clear`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn clear(&self) -> Sent<OutputAudioBufferCleared> {
        self.0.request(OutputAudioBufferClear::default())
    }
}

/// `conversation`
#[derive(Clone, Copy, Debug)]
pub struct ConversationResource<'a>(&'a Connection<Realtime>);

impl<'a> ConversationResource<'a> {
    /// The things that it is made of.
    pub fn item(&self) -> ItemResource<'a> {
        ItemResource(self.0)
    }
}

/// `conversation.item`
#[derive(Clone, Copy, Debug)]
pub struct ItemResource<'a>(&'a Connection<Realtime>);

impl ItemResource<'_> {
    /// Adds an item at the end: `conversation.item.create`. It gets an id if it has none.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn create(&self, item: impl Into<Item>) -> Sent<ConversationItemAdded> {
        self.0.request(ConversationItemCreate::new(item))
    }

    /// Adds an item behind another, or with `root` in front of all.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn create_after(&self, previous: impl Into<Id>, item: impl Into<Item>) -> Sent<ConversationItemAdded> {
        self.0.request(ConversationItemCreate::new(item).previous_item_id(previous))
    }

    /// Takes an item out: `conversation.item.delete`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn delete(&self, item: impl Into<Id>) -> Sent<ConversationItemDeleted> {
        self.0.request(ConversationItemDelete::new(item))
    }

    /// Cuts the model's audio off after so many milliseconds: `conversation.item.truncate`.
    ///
    /// # Errors
    /// Gives the event back: there is no such item, or less audio of it, or as [`Sender::send`](crate::Sender::send)
    /// does.
    pub fn truncate(
        &self,
        item: impl Into<Id>,
        content_index: u32,
        audio_end_ms: u64,
    ) -> Sent<ConversationItemTruncated> {
        let item = item.into();
        let check = self.0.state().check_truncate(&item, content_index, audio_end_ms);
        self.0.checked(check, ConversationItemTruncate::new(item, content_index, audio_end_ms))
    }

    /// Asks for an item as the server has it, with its audio: `conversation.item.retrieve`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn retrieve(&self, item: impl Into<Id>) -> Sent<ConversationItemRetrieved> {
        self.0.request(ConversationItemRetrieve::new(item))
    }
}
