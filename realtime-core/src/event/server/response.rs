use crate::{
    types::{ContentPart, Item, Response},
    wire::Id,
};

server_events! {
    /// A response has begun: the client asked for it, or turn detection.
    pub struct ResponseCreated {
        /// The response, with nothing in it yet.
        req response: Response,
    }

    /// A response has ended, however it did: there is no other event for one that was cancelled or failed.
    pub struct ResponseDone {
        /// The response, with all its items, without their audio. Its status says how it ended.
        req response: Response,
    }

    /// The response has a new item.
    pub struct ResponseOutputItemAdded {
        /// The response.
        req response_id: Id,
        /// The item's place in it.
        req_int output_index: u32,
        /// The item, with nothing in it yet.
        req item: Item,
    }

    /// An item of the response is complete, or was cut short.
    pub struct ResponseOutputItemDone {
        /// The response.
        req response_id: Id,
        /// The item's place in it.
        req_int output_index: u32,
        /// The item, without audio.
        req item: Item,
    }

    /// A message of the response has a new part.
    pub struct ResponseContentPartAdded {
        /// The response.
        req response_id: Id,
        /// The message.
        req item_id: Id,
        /// The message's place in the response.
        req_int output_index: u32,
        /// The part's place in the message.
        req_int content_index: u32,
        /// The part, with nothing in it yet.
        #[serde(serialize_with = "crate::types::write_streamed")]
        req part: ContentPart,
    }

    /// A part of a message is complete, or was cut short.
    pub struct ResponseContentPartDone {
        /// The response.
        req response_id: Id,
        /// The message.
        req item_id: Id,
        /// The message's place in the response.
        req_int output_index: u32,
        /// The part's place in the message.
        req_int content_index: u32,
        /// The part, without audio.
        #[serde(serialize_with = "crate::types::write_streamed")]
        req part: ContentPart,
    }
}
