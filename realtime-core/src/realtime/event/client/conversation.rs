use crate::{realtime::types::Item, wire::Id};

client_events! {
    /// Adds an item to the conversation.
    ///
    /// The server answers with `conversation.item.added` and `conversation.item.done`, or with an `error`.
    pub struct ConversationItemCreate {
        /// Id of the item to insert after, or `root` to insert at the beginning. If unset, the item is appended.
        opt previous_item_id: Id,
        /// The item. Audio of the model cannot be added.
        req item: Item,
    }

    /// Deletes an item from the conversation.
    ///
    /// The server answers with `conversation.item.deleted`, or with an `error` if there is no such item.
    pub struct ConversationItemDelete {
        /// Id of the item.
        req item_id: Id,
    }

    /// Retrieves an item as stored by the server, including its audio after noise reduction and turn detection.
    ///
    /// The server answers with `conversation.item.retrieved`, or with an `error` if there is no such item.
    pub struct ConversationItemRetrieve {
        /// Id of the item.
        req item_id: Id,
    }

    /// Truncates the model's audio to what the user has heard, after a barge-in: the model generates audio faster than
    /// it is played. The server also deletes the transcript, because it contains text that was not heard.
    ///
    /// The server answers with `conversation.item.truncated`, or with an `error`.
    pub struct ConversationItemTruncate {
        /// Id of the model's message.
        req item_id: Id,
        /// Index of the content part with the audio.
        req_int content_index: u32,
        /// Duration of audio to keep, in milliseconds. At most the duration of the part.
        req_int audio_end_ms: u64,
    }
}
