use crate::{realtime::types::Item, wire::Id};

client_events! {
    /// Adds an item to the conversation.
    ///
    /// The server answers with `conversation.item.added` and `conversation.item.done`, or with an `error`.
    pub struct ConversationItemCreate {
        /// The item that it is to follow: `root` for none, so that it comes first. Left out, it comes last.
        opt previous_item_id: Id,
        /// The item. Audio of the model cannot be added.
        req item: Item,
    }

    /// Takes an item out of the conversation.
    ///
    /// The server answers with `conversation.item.deleted`, or with an `error` if there is no such item.
    pub struct ConversationItemDelete {
        /// The item.
        req item_id: Id,
    }

    /// Asks for an item as the server has it, with its audio after noise reduction and turn detection.
    ///
    /// The server answers with `conversation.item.retrieved`, or with an `error` if there is no such item.
    pub struct ConversationItemRetrieve {
        /// The item.
        req item_id: Id,
    }

    /// Cuts the model's audio off at what the user has heard, because the user has interrupted it: the model sends
    /// faster than one can listen. The transcript goes, for it may say what was not heard.
    ///
    /// The server answers with `conversation.item.truncated`, or with an `error`.
    pub struct ConversationItemTruncate {
        /// The message of the model.
        req item_id: Id,
        /// Its part that holds the audio.
        req_int content_index: u32,
        /// How much of it is kept, in milliseconds: not more than there is.
        req_int audio_end_ms: u64,
    }
}
