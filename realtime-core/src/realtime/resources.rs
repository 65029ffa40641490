//! What can be sent, named like the protocol's events: `connection.conversation().item().create(..)`.

use super::{
    Realtime, ResponseHandle,
    event::{
        ClientEvent, ConversationItemAdded, ConversationItemCreate, ConversationItemDelete, ConversationItemDeleted,
        ConversationItemRetrieve, ConversationItemRetrieved, ConversationItemTruncate, ConversationItemTruncated,
        InputAudioBufferClear, InputAudioBufferCleared, InputAudioBufferCommit, InputAudioBufferCommitted,
        OutputAudioBufferClear, OutputAudioBufferCleared, ResponseCancel, ServerEvent, SessionUpdate, SessionUpdated,
    },
    state::{Edit, Keep, edit},
    tools::{self, Tools},
    types::{Item, RealtimeSessionConfig, ResponseConfig, SessionConfig},
};
use crate::{
    connection::{Ack, CheckError, Connection, SendError},
    error::Error,
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
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "schemars")] {
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Lookup {
    ///     /// The number of an order.
    ///     order: u32,
    /// }
    ///
    /// use realtime_core::tools::Tools;
    ///
    /// # let _ = async |connection: &realtime_core::Connection<realtime_core::Realtime>| {
    /// let tools = Tools::new().add("lookup", "The state of an order.", async |args: Lookup| {
    ///     format!("order {} is on its way", args.order)
    /// });
    /// connection.use_tools(tools)?.await?;
    /// # Ok::<_, realtime_core::Error>(())
    /// # };
    /// # }
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// use realtime_core::types::{Modality, RealtimeSessionConfig, SemanticVad};
    ///
    /// let config = RealtimeSessionConfig::default()
    ///     .instructions("Answer in one sentence.")
    ///     .output_modalities([Modality::Text])
    ///     .turn_detection(SemanticVad::default());
    /// let updated = connection.session().update(config)?.await?;
    /// println!("{:?}", updated.session);
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// use realtime_core::types::{ConversationChoice, InputItem, Item, ResponseConfig};
    ///
    /// // Beside the conversation: a judgement that the user does not hear.
    /// let config = ResponseConfig::default()
    ///     .conversation(ConversationChoice::None)
    ///     .instructions("Answer yes or no: is this a complaint?")
    ///     .input([Item::user("My parcel is late again.")]);
    /// let response = connection.response().create(config)?.await?;
    /// println!("{:?}", response.output);
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// let ms_40 = [0; 24 * 2 * 40]; // silence: 16-bit samples at 24 kHz
    /// connection.input_audio_buffer().append(&ms_40)?;
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub fn append(&self, audio: &[u8]) -> Result<(), SendError<Realtime>> {
        self.0.append(audio)
    }

    /// Turns the buffered audio into a user message: `input_audio_buffer.commit`.
    ///
    /// # Errors
    /// Returns the event: there is less than 100 ms of audio and no turn detection, or see
    /// [`Sender::send`](crate::Sender::send).
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// use realtime_core::types::{RealtimeSessionConfig, ResponseConfig};
    ///
    /// // Push-to-talk: without turn detection, the application ends the turn.
    /// connection.session().update(RealtimeSessionConfig::default().turn_detection(None))?;
    /// connection.input_audio_buffer().append(&[0; 24_000])?;
    /// connection.input_audio_buffer().commit()?;
    /// connection.response().create(ResponseConfig::default())?.await?;
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
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

    /// Shortens the conversation to its end: deletes the items that are not [kept](Keep).
    ///
    /// ```
    /// # async fn example(connection: realtime_core::Connection<realtime_core::Realtime>) -> Result<(), realtime_core::Error> {
    /// use realtime_core::session::realtime::Keep;
    ///
    /// connection.conversation().retain(Keep::Turns(10))?.done().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns the first event that was not accepted: the outbox is full, or the connection has ended. Those before it are sent.
    pub fn retain(&self, keep: Keep) -> Result<Edited, SendError<Realtime>> {
        let state = self.0.state();
        let deleted = state.conversation.beyond(keep).map(|id| self.item().delete(id.clone()));
        Ok(Edited { deleted: deleted.collect::<Result<_, _>>()?, created: Vec::new() })
    }

    /// Replaces the conversation by these items, with the smallest number of deletions and creations: an item of the session
    /// state that is given back unchanged and in order stays.
    ///
    /// Items without an id get one. What is sent or received before the server has made the changes is not considered.
    ///
    /// # Errors
    /// As for [`retain`](Self::retain).
    pub fn replace(&self, items: impl IntoIterator<Item = Item>) -> Result<Edited, SendError<Realtime>> {
        let (state, sender) = (self.0.state(), self.0.sender());
        let conversation = &state.conversation;
        let known: Vec<_> = conversation.ids().map(|id| (id, conversation.get(id).map(|state| &state.item))).collect();
        let mut wanted: Vec<Item> = items.into_iter().collect();
        for item in wanted.iter_mut().filter(|item| item.id().is_none()) {
            item.set_id(sender.fresh_id("item"));
        }
        let Edit { deleted, created } = edit(&known, wanted);
        let deleted = deleted.into_iter().map(|id| self.item().delete(id)).collect::<Result<_, _>>()?;
        let create =
            |(before, item): (Option<Id>, Item)| self.item().create_after(before.unwrap_or("root".into()), item);
        Ok(Edited { deleted, created: created.into_iter().map(create).collect::<Result<_, _>>()? })
    }
}

/// Changes of a conversation that were sent. Await [`done`](Self::done), or drop it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Edited {
    /// The deletions, in the order of the items.
    pub deleted: Vec<Ack<Realtime, ConversationItemDeleted>>,
    /// The creations, in the order of the items.
    pub created: Vec<Ack<Realtime, ConversationItemAdded>>,
}

impl Edited {
    /// Waits until the server has acknowledged all changes.
    ///
    /// # Cancel safety
    /// Dropping the future loses the answers that have not arrived, and nothing else.
    ///
    /// # Errors
    /// The first change that was refused, not answered, or ambiguous.
    pub async fn done(self) -> Result<(), Error> {
        for deleted in self.deleted {
            deleted.await?;
        }
        for created in self.created {
            created.await?;
        }
        Ok(())
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
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// use realtime_core::types::Item;
    ///
    /// let first = connection.conversation().item().create(Item::system("The customer is called Ada.").with_id("item_1"))?;
    /// connection.conversation().item().create(Item::user("Do you know me?"))?.await?;
    /// first.await?; // acknowledged before
    /// assert!(connection.state().conversation.contains("item_1"));
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
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
