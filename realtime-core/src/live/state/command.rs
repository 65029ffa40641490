//! What an event of ours asks for, whatever the table that it stands in.

use crate::{
    event::Event,
    live::{
        event::{ClientEvent, fork, sideband},
        types::ResponseItem,
    },
    wire::{Audio, Id},
};

/// An event of ours, as the state sees it.
pub(in crate::live) enum Command<'a> {
    Start,
    Update,
    Audio(&'a Audio),
    Mute,
    Unmute,
    Fixture(&'a Audio),
    Context(ContextKind, Option<&'a Id>),
    DecisionCreate,
    DecisionItemCreate,
    DecisionItemDelete(&'a Id),
    ResponseItemCreate(&'a ResponseItem),
    ResponseCreate,
    Close,
    Dtmf,
    /// One that the table does not name.
    Other,
}

/// Kind of context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContextKind {
    /// A standing instruction.
    Instructions,
    /// Silent knowledge.
    Thinking,
    /// Something to say once.
    Commentary,
}

impl ContextKind {
    /// The name of the kind: `instructions`, `thinking`, `commentary`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Thinking => "thinking",
            Self::Commentary => "commentary",
        }
    }
}

/// A table of commands.
pub(in crate::live) trait Commands: Event {
    fn command(&self) -> Command<'_>;
}

macro_rules! commands {
    ($($table:ty { $($more:tt)* })+) => {$(
        impl Commands for $table {
            fn command(&self) -> Command<'_> {
                match self {
                    Self::SessionInputAudioMute(_) => Command::Mute,
                    Self::SessionInputAudioUnmute(_) => Command::Unmute,
                    Self::SessionOutputAudioFixturePlay(play) => Command::Fixture(&play.audio),
                    Self::SessionInstructionsAppend(append) => {
                        Command::Context(ContextKind::Instructions, append.delegation_id.as_ref())
                    }
                    Self::SessionThinkingAppend(append) => {
                        Command::Context(ContextKind::Thinking, append.delegation_id.as_ref())
                    }
                    Self::SessionCommentaryAppend(append) => {
                        Command::Context(ContextKind::Commentary, append.delegation_id.as_ref())
                    }
                    Self::DecisionCreate(_) => Command::DecisionCreate,
                    Self::DecisionItemCreate(_) => Command::DecisionItemCreate,
                    Self::DecisionItemDelete(delete) => Command::DecisionItemDelete(&delete.item_id),
                    Self::ResponseItemCreate(create) => Command::ResponseItemCreate(&create.item),
                    Self::ResponseCreate(_) => Command::ResponseCreate,
                    Self::SessionUpdate(_) => Command::Update,
                    Self::SessionClose(_) => Command::Close,
                    Self::Custom(_) | Self::Malformed(_) | Self::Invalid(_) => Command::Other,
                    $($more)*
                }
            }
        }
    )+};
}

commands! {
    ClientEvent {
        Self::SessionStart(_) => Command::Start,
        Self::SessionInputAudioAppend(append) => Command::Audio(&append.audio),
    }
    fork::ClientEvent {
        Self::SessionStart(_) => Command::Start,
        Self::SessionInputAudioAppend(append) => Command::Audio(&append.audio),
    }
    sideband::ClientEvent {
        Self::TransportDtmfSend(_) => Command::Dtmf,
    }
}
