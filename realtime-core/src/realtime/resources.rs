//! What can be sent, named like the protocol's events: `connection.conversation().item().create(..)`.

use super::{
    Realtime, ResponseHandle,
    event::{
        ClientEvent, ConversationItemAdded, ConversationItemCreate, ConversationItemDelete, ConversationItemDeleted,
        ConversationItemRetrieve, ConversationItemRetrieved, ConversationItemTruncate, ConversationItemTruncated,
        InputAudioBufferClear, InputAudioBufferCleared, InputAudioBufferCommit, InputAudioBufferCommitted,
        OutputAudioBufferClear, OutputAudioBufferCleared, ResponseCancel, ServerEvent, SessionUpdate, SessionUpdated,
    },
    tools::{self, Tools},
    types::{Item, RealtimeSessionConfig, ResponseConfig, SessionConfig},
};
use crate::{
    connection::{Ack, CheckError, Connection, SendError},
    protocol::event::EventOf,
    wire::Id,
};

type Sent<E> = Result<Ack<Realtime, E>, SendError<Realtime>>;

impl Connection<Realtime> {
    /// Queues a request that passed its checks.
    fn checked<E: EventOf<ServerEvent>>(
        &self,
        check: Result<(), CheckError>,
        event: impl Into<ClientEvent>,
    ) -> Sent<E> {
        match check {
            Ok(()) => self.request(event),
            Err(error) => Err(SendError::new(error.into(), event.into())),
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

    /// The user's input audio.
    pub fn input_audio_buffer(&self) -> InputAudioBufferResource<'_> {
        InputAudioBufferResource(self)
    }

    /// The output audio that the server still has to play, over WebRTC and SIP only.
    pub fn output_audio_buffer(&self) -> OutputAudioBufferResource<'_> {
        OutputAudioBufferResource(self)
    }

    /// The conversation.
    pub fn conversation(&self) -> ConversationResource<'_> {
        ConversationResource(self)
    }

    /// Registers these functions with the model, and runs them when it calls them. See [`Tools`].
    ///
    /// # Errors
    /// Returns the `session.update` event. See [`Sender::send`](crate::Sender::send). The functions are not run in this
    /// case.
    pub fn use_tools(&self, tools: Tools) -> Sent<SessionUpdated> {
        let config = RealtimeSessionConfig::default().tools(tools.definitions.clone());
        let ack = self.request(SessionUpdate::new(config))?;
        tools::attend(&self.sender(), tools);
        Ok(ack)
    }
}

/// `session`
#[derive(Clone, Copy, Debug)]
pub struct SessionResource<'a>(&'a Connection<Realtime>);

impl SessionResource<'_> {
    /// Changes the session's configuration: `session.update`. Members that are not set keep their value.
    ///
    /// # Errors
    /// Returns the event: it changes the voice after the model has spoken, or see
    /// [`Sender::send`](crate::Sender::send).
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
    /// Requests a response: `response.create`. The default configuration uses the session's.
    ///
    /// While another response of the conversation is active, the request waits for its turn: see
    /// [`RealtimeSettings::overlap`](crate::RealtimeSettings::overlap). Out-of-band requests never wait.
    ///
    /// # Errors
    /// Returns the event: the same setting does not allow another request to wait, or see
    /// [`Sender::send`](crate::Sender::send).
    pub fn create(&self, config: ResponseConfig) -> Result<ResponseHandle, SendError<Realtime>> {
        ResponseHandle::create(self.0, config)
    }

    /// Cancels the active response: `response.cancel`.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::send`](crate::Sender::send).
    pub fn cancel(&self) -> Result<(), SendError<Realtime>> {
        self.0.send(ResponseCancel::default())
    }

    /// Cancels this response.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::send`](crate::Sender::send).
    pub fn cancel_id(&self, response: impl Into<Id>) -> Result<(), SendError<Realtime>> {
        self.0.send(ResponseCancel::default().response_id(response))
    }
}

/// `input_audio_buffer`
#[derive(Clone, Copy, Debug)]
pub struct InputAudioBufferResource<'a>(&'a Connection<Realtime>);

impl InputAudioBufferResource<'_> {
    /// Appends audio in the session's input format: `input_audio_buffer.append`. Encoded directly from these bytes.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::append`](crate::Sender::append).
    pub fn append(&self, audio: &[u8]) -> Result<(), SendError<Realtime>> {
        self.0.append(audio)
    }

    /// Turns the buffered audio into a user message: `input_audio_buffer.commit`.
    ///
    /// # Errors
    /// Returns the event: there is less than 100 ms of audio and no turn detection, or see
    /// [`Sender::send`](crate::Sender::send).
    pub fn commit(&self) -> Sent<InputAudioBufferCommitted> {
        let check = self.0.sender().look(|state, waiting| state.check_commit(waiting.audio()));
        self.0.checked(check, InputAudioBufferCommit::default())
    }

    /// Discards the buffered audio: `input_audio_buffer.clear`.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::send`](crate::Sender::send).
    pub fn clear(&self) -> Sent<InputAudioBufferCleared> {
        self.0.request(InputAudioBufferClear::default())
    }
}

/// `output_audio_buffer`
#[derive(Clone, Copy, Debug)]
pub struct OutputAudioBufferResource<'a>(&'a Connection<Realtime>);

impl OutputAudioBufferResource<'_> {
    /// Stops the audio being played: `output_audio_buffer.clear`.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::send`](crate::Sender::send).
    pub fn clear(&self) -> Sent<OutputAudioBufferCleared> {
        self.0.request(OutputAudioBufferClear::default())
    }
}

/// `conversation`
#[derive(Clone, Copy, Debug)]
pub struct ConversationResource<'a>(&'a Connection<Realtime>);

impl<'a> ConversationResource<'a> {
    /// The items.
    pub fn item(&self) -> ItemResource<'a> {
        ItemResource(self.0)
    }
}

/// `conversation.item`
#[derive(Clone, Copy, Debug)]
pub struct ItemResource<'a>(&'a Connection<Realtime>);

impl ItemResource<'_> {
    /// Appends an item: `conversation.item.create`. It gets an id unless it has one.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::send`](crate::Sender::send).
    pub fn create(&self, item: impl Into<Item>) -> Sent<ConversationItemAdded> {
        self.0.request(ConversationItemCreate::new(item))
    }

    /// Inserts an item after another one, or at the beginning with `root`.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::send`](crate::Sender::send).
    pub fn create_after(&self, previous: impl Into<Id>, item: impl Into<Item>) -> Sent<ConversationItemAdded> {
        self.0.request(ConversationItemCreate::new(item).previous_item_id(previous))
    }

    /// Deletes an item: `conversation.item.delete`.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::send`](crate::Sender::send).
    pub fn delete(&self, item: impl Into<Id>) -> Sent<ConversationItemDeleted> {
        self.0.request(ConversationItemDelete::new(item))
    }

    /// Truncates the model's audio to this many milliseconds: `conversation.item.truncate`.
    ///
    /// # Errors
    /// Returns the event: there is no such item, or less audio, or see [`Sender::send`](crate::Sender::send).
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

    /// Retrieves an item as stored by the server, including its audio: `conversation.item.retrieve`.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::send`](crate::Sender::send).
    pub fn retrieve(&self, item: impl Into<Id>) -> Sent<ConversationItemRetrieved> {
        self.0.request(ConversationItemRetrieve::new(item))
    }
}
