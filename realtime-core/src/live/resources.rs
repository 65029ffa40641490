//! What can be sent, named like the wire: `live.session().commentary().append(..)`.

use super::{
    Clip, Live, LiveFork, LiveNotice, LiveSideband, LiveState,
    event::{
        DecisionCreate, DecisionEvent, DecisionItemCreate, DecisionItemCreated, DecisionItemDelete,
        DecisionItemDeleted, ResponseCreate, ResponseItemCreate, ServerEvent, SessionClose, SessionClosed,
        SessionCommentaryAppend, SessionCommentaryAppended, SessionInputAudioMute, SessionInputAudioMuted,
        SessionInputAudioUnmute, SessionInputAudioUnmuted, SessionInstructionsAppend, SessionInstructionsAppended,
        SessionOutputAudioFixturePlay, SessionThinkingAppend, SessionThinkingAppended, SessionUpdate, SessionUpdated,
        TransportDtmfSend, TransportDtmfSent,
    },
    types::{DecisionItem, DtmfKey, ResponseItem, UpdateConfig},
};
use crate::{
    connection::{Ack, Connection, SendError},
    protocol::Protocol,
    wire::{Audio, Id},
};

type Sent<P, E> = Result<Ack<P, E>, SendError<P>>;

/// A kind of Live connection: what all of them can send.
pub trait LiveKind:
    Protocol<
        ServerEvent = ServerEvent,
        State = LiveState,
        Notice = LiveNotice,
        ClientEvent: From<SessionUpdate>
                         + From<SessionClose>
                         + From<SessionInputAudioMute>
                         + From<SessionInputAudioUnmute>
                         + From<SessionOutputAudioFixturePlay>
                         + From<SessionInstructionsAppend>
                         + From<SessionThinkingAppend>
                         + From<SessionCommentaryAppend>
                         + From<DecisionCreate>
                         + From<DecisionItemCreate>
                         + From<DecisionItemDelete>
                         + From<ResponseItemCreate>
                         + From<ResponseCreate>,
    >
{
}

impl LiveKind for Live {}
impl LiveKind for LiveFork {}
impl LiveKind for LiveSideband {}

/// The resources that all kinds have.
macro_rules! entrances {
    ($($kind:ident)+) => {$(
        impl Connection<$kind> {
            /// The session: its configuration, its audio, its context.
            pub fn session(&self) -> LiveSessionResource<'_, $kind> {
                LiveSessionResource(self)
            }

            /// Decisions.
            pub fn decision(&self) -> DecisionResource<'_, $kind> {
                DecisionResource(self)
            }

            /// The Responses backend, where the session delegates to one.
            pub fn response(&self) -> BackendResource<'_, $kind> {
                BackendResource(self)
            }
        }
    )+};
}

entrances!(Live LiveFork LiveSideband);

/// Structs that borrow a connection.
macro_rules! resources {
    ($($(#[$meta:meta])* $name:ident)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<'a, P: Protocol>(pub(super) &'a Connection<P>);
    )+};
}

resources! {
    /// `session`
    LiveSessionResource
    /// `session.input_audio`
    InputAudioResource
    /// `session.output_audio`
    OutputAudioResource
    /// `session.output_audio.fixture`
    FixtureResource
    /// `session.instructions`
    InstructionsResource
    /// `session.thinking`
    ThinkingResource
    /// `session.commentary`
    CommentaryResource
    /// `decision`
    DecisionResource
    /// `decision.item`
    DecisionItemResource
    /// `response`
    BackendResource
    /// `response.item`
    BackendItemResource
}

impl<'a, P: LiveKind> LiveSessionResource<'a, P> {
    /// Changes delegation settings or triggers: `session.update`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn update(&self, config: UpdateConfig) -> Sent<P, SessionUpdated> {
        self.0.request(SessionUpdate::new(config))
    }

    /// Ends the session: `session.close`. [`finish`](Connection::finish) does it for a session of one's own; from a
    /// sideband it ends the session of others.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn close(&self) -> Sent<P, SessionClosed> {
        self.0.request(SessionClose::default())
    }

    /// The user's audio.
    pub fn input_audio(&self) -> InputAudioResource<'a, P> {
        InputAudioResource(self.0)
    }

    /// The audio that the user hears.
    pub fn output_audio(&self) -> OutputAudioResource<'a, P> {
        OutputAudioResource(self.0)
    }

    /// Standing instructions.
    pub fn instructions(&self) -> InstructionsResource<'a, P> {
        InstructionsResource(self.0)
    }

    /// Silent knowledge.
    pub fn thinking(&self) -> ThinkingResource<'a, P> {
        ThinkingResource(self.0)
    }

    /// Something to be said once.
    pub fn commentary(&self) -> CommentaryResource<'a, P> {
        CommentaryResource(self.0)
    }
}

/// Only a session of one's own takes audio: on a sideband the media transport of the other side does.
macro_rules! appends {
    ($($kind:ident)+) => {$(
        impl InputAudioResource<'_, $kind> {
            /// Sends audio in the session's format: `session.input_audio.append`. It must be sent all the time and at the
            /// pace of speech, silence included, for the session's clock runs on it.
            ///
            /// # Errors
            /// Gives the event back, as [`Sender::append`](crate::Sender::append) does.
            pub fn append(&self, audio: &[u8]) -> Result<(), SendError<$kind>> {
                self.0.append(audio)
            }
        }
    )+};
}

appends!(Live LiveFork);

impl<P: LiveKind> InputAudioResource<'_, P> {
    /// Mutes the input: `session.input_audio.mute`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn mute(&self) -> Sent<P, SessionInputAudioMuted> {
        self.0.request(SessionInputAudioMute::default())
    }

    /// Unmutes the input: `session.input_audio.unmute`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn unmute(&self) -> Sent<P, SessionInputAudioUnmuted> {
        self.0.request(SessionInputAudioUnmute::default())
    }
}

impl<'a, P: LiveKind> OutputAudioResource<'a, P> {
    /// Clips that are played to the user.
    pub fn fixture(&self) -> FixtureResource<'a, P> {
        FixtureResource(self.0)
    }
}

impl<P: LiveKind> FixtureResource<'_, P> {
    /// Plays a whole clip, 16-bit PCM at 24,000 Hz, 30 seconds at most: `session.output_audio.fixture.play`. Await the
    /// [`Clip`] for its beginning, or [`Clip::played`] for its end.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn play(&self, audio: impl Into<Audio>) -> Result<Clip<P>, SendError<P>> {
        Clip::play(self.0.sender(), audio.into())
    }
}

/// The three resources that add context.
macro_rules! contexts {
    ($($(#[$meta:meta])* $resource:ident: $event:ident => $answer:ident;)+) => {$(
        impl<P: LiveKind> $resource<'_, P> {
            $(#[$meta])*
            ///
            /// # Errors
            /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
            pub fn append(&self, content: impl Into<String>) -> Sent<P, $answer> {
                self.0.request($event::session(content))
            }

            /// The same for a task that was handed over to the application.
            ///
            /// # Errors
            /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
            pub fn append_to(&self, delegation: impl Into<Id>, content: impl Into<String>) -> Sent<P, $answer> {
                self.0.request($event::delegation(delegation, content))
            }
        }
    )+};
}

contexts! {
    /// Adds a standing instruction for the session as a whole, at most 500 tokens: `session.instructions.append`.
    InstructionsResource: SessionInstructionsAppend => SessionInstructionsAppended;
    /// Adds knowledge that the voice keeps to itself, at most 500 tokens: `session.thinking.append`.
    ThinkingResource: SessionThinkingAppend => SessionThinkingAppended;
    /// Adds something that the voice says once, in its own words, at most 500 tokens: `session.commentary.append`.
    CommentaryResource: SessionCommentaryAppend => SessionCommentaryAppended;
}

impl<'a, P: LiveKind> DecisionResource<'a, P> {
    /// Asks the decision model its questions: `decision.create`. Answered by the next `decision.event` that neither a task
    /// nor a trigger caused.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn create(&self) -> Sent<P, DecisionEvent> {
        self.0.request(DecisionCreate::default())
    }

    /// Items for future decisions.
    pub fn item(&self) -> DecisionItemResource<'a, P> {
        DecisionItemResource(self.0)
    }
}

impl<P: LiveKind> DecisionItemResource<'_, P> {
    /// Adds an item: `decision.item.create`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn create(&self, item: impl Into<DecisionItem>) -> Sent<P, DecisionItemCreated> {
        self.0.request(DecisionItemCreate::new(item))
    }

    /// Removes an item: `decision.item.delete`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn delete(&self, item: impl Into<Id>) -> Sent<P, DecisionItemDeleted> {
        self.0.request(DecisionItemDelete::new(item))
    }
}

impl<'a, P: LiveKind> BackendResource<'a, P> {
    /// Asks for a response, or to go on after all calls have their outputs: `response.create`. Send it once for all of
    /// them, when [`LiveState::continue_is_owed`] says so.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn create(&self) -> Result<(), SendError<P>> {
        self.0.send(ResponseCreate::default())
    }

    /// Items for the backend.
    pub fn item(&self) -> BackendItemResource<'a, P> {
        BackendItemResource(self.0)
    }
}

impl<P: LiveKind> BackendItemResource<'_, P> {
    /// Adds an item, such as the output of a call: `response.item.create`. There is no answer but an `error`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn create(&self, item: impl Into<ResponseItem>) -> Result<(), SendError<P>> {
        self.0.send(ResponseItemCreate::new(item))
    }
}

impl Connection<LiveSideband> {
    /// The telephone call.
    pub fn transport(&self) -> TransportResource<'_> {
        TransportResource(self)
    }
}

/// `transport`
#[derive(Clone, Copy, Debug)]
pub struct TransportResource<'a>(&'a Connection<LiveSideband>);

/// `transport.dtmf`
#[derive(Clone, Copy, Debug)]
pub struct DtmfResource<'a>(&'a Connection<LiveSideband>);

impl<'a> TransportResource<'a> {
    /// Keys.
    pub fn dtmf(&self) -> DtmfResource<'a> {
        DtmfResource(self.0)
    }
}

impl DtmfResource<'_> {
    /// Presses a key: `transport.dtmf.send`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn send(&self, key: impl Into<DtmfKey>) -> Sent<LiveSideband, TransportDtmfSent> {
        self.0.request(TransportDtmfSend::new(key))
    }
}
