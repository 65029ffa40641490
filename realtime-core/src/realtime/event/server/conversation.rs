use crate::{
    realtime::types::{Item, ObjectKind},
    wire::Id,
};

server_events! {
    /// A conversation was created. Sent by older servers after `session.created`.
    pub struct ConversationCreated {
        /// The conversation.
        soft conversation: ConversationInfo,
    }

    /// An item was added to the conversation: created by the client, committed from the input buffer, or started by the
    /// model and still empty.
    pub struct ConversationItemAdded {
        /// Id of the preceding item. Null if the item is the first. Unset if the server does not say; the item is then the last.
        patch previous_item_id: Id,
        /// The item, without audio.
        req item: Item,
    }

    /// An item of the conversation is complete.
    pub struct ConversationItemDone {
        /// Id of the preceding item. Null if the item is the first. Unset if the server does not say.
        patch previous_item_id: Id,
        /// The item, without audio.
        req item: Item,
    }

    /// An item was added to the conversation. Sent by older servers instead of `conversation.item.added`.
    pub struct ConversationItemCreated {
        /// Id of the preceding item. Null if the item is the first. Unset if the server does not say; the item is then the last.
        patch previous_item_id: Id,
        /// The item, without audio.
        req item: Item,
    }

    /// An item as stored by the server, including its audio. Answers `conversation.item.retrieve`.
    pub struct ConversationItemRetrieved {
        /// The item.
        req item: Item,
    }

    /// The model's audio was truncated. Answers `conversation.item.truncate`.
    ///
    /// The server has deleted the transcript.
    pub struct ConversationItemTruncated {
        /// Id of the model's message.
        req item_id: Id,
        /// Index of the content part with the audio.
        req_int content_index: u32,
        /// Duration of the audio kept, in milliseconds. Older servers may omit it.
        opt_int audio_end_ms: u64,
    }

    /// An item was deleted from the conversation. Answers `conversation.item.delete`.
    pub struct ConversationItemDeleted {
        /// Id of the item.
        req item_id: Id,
    }
}

wire! {
    /// A conversation as described by the server.
    pub struct ConversationInfo as "id" {
        /// Id.
        opt id: Id,
        /// Always [`ObjectKind::Conversation`].
        opt object: ObjectKind,
    }
}
