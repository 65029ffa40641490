//! Resources, named like those of the protocol: `connection.conversation().item().create(..)`.

mod realtime;
mod translation;

pub use realtime::{
    ConversationResource, InputAudioBufferResource, ItemResource, OutputAudioBufferResource, ResponseResource,
    SessionResource,
};
pub use translation::{TranslationInputResource, TranslationSessionResource};
