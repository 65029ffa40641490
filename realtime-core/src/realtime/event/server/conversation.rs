use crate::{
    realtime::types::{Item, ObjectKind},
    wire::Id,
};

server_events! {
    /// A conversation was made. Older servers send it after `session.created`; the current one does not.
    pub struct ConversationCreated {
        /// The conversation.
        soft conversation: ConversationInfo,
    }

    /// An item has come into the conversation: the client made it, the input buffer was committed, or the model has
    /// begun it, and then nothing is in it yet.
    pub struct ConversationItemAdded {
        /// The item before it. Null: there is none. Left out: the server does not say, and the item is the last.
        patch previous_item_id: Id,
        /// The item, without audio.
        req item: Item,
    }

    /// An item of the conversation is complete.
    pub struct ConversationItemDone {
        /// The item before it. Null: there is none. Left out: the server does not say.
        patch previous_item_id: Id,
        /// The item, without audio.
        req item: Item,
    }

    /// An item has come into the conversation: what older servers send for `conversation.item.added`.
    pub struct ConversationItemCreated {
        /// The item before it. Null: there is none. Left out: the server does not say, and the item is the last.
        patch previous_item_id: Id,
        /// The item, without audio.
        req item: Item,
    }

    /// An item as the server has it, with its audio: the answer to `conversation.item.retrieve`.
    pub struct ConversationItemRetrieved {
        /// The item.
        req item: Item,
    }

    /// The model's audio was cut off at what the user has heard: the answer to `conversation.item.truncate`.
    ///
    /// The transcript is gone from the server's side.
    pub struct ConversationItemTruncated {
        /// The message of the model.
        req item_id: Id,
        /// Its part that holds the audio.
        req_int content_index: u32,
        /// How much of it was kept, in milliseconds. Older servers may leave it out.
        opt_int audio_end_ms: u64,
    }

    /// An item was taken out of the conversation: the answer to `conversation.item.delete`.
    pub struct ConversationItemDeleted {
        /// The item.
        req item_id: Id,
    }
}

wire! {
    /// A conversation, as the server reports it.
    pub struct ConversationInfo as "id" {
        /// Its id.
        opt id: Id,
        /// Always [`ObjectKind::Conversation`].
        opt object: ObjectKind,
    }
}
