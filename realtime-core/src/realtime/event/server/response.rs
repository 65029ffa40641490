use crate::{
    realtime::types::{ContentPart, Item, Response, Usage},
    wire::Id,
};

server_events! {
    /// A response has begun: the client asked for it, or turn detection.
    pub struct ResponseCreated {
        /// The response, with nothing in it yet.
        soft response: Response,
    }

    /// A response has ended, however it did: there is no other event for one that was cancelled or failed.
    pub struct ResponseDone {
        /// The response, with all its items, without their audio. Its status says how it ended.
        soft response: Response,
        /// The response's id, where another server says it out here.
        opt response_id: Id,
        /// What it has used, where another server says it out here.
        opt usage: Usage,
    }

    /// A response was cancelled: what other servers send before `response.done`, or in its place.
    pub struct ResponseCancelled {
        /// The response, as much of it as is told.
        soft response: Response,
        /// The response's id, where the server says it out here.
        opt response_id: Id,
    }

    /// A response has failed: what other servers send before `response.done`, or in its place.
    pub struct ResponseFailed {
        /// The response, as much of it as is told.
        soft response: Response,
        /// The response's id, where the server says it out here.
        opt response_id: Id,
    }

    /// A response was cut off: what other servers send before `response.done`, or in its place.
    pub struct ResponseIncomplete {
        /// The response, as much of it as is told.
        soft response: Response,
        /// The response's id, where the server says it out here.
        opt response_id: Id,
    }

    /// The response has a new item.
    pub struct ResponseOutputItemAdded {
        /// The response.
        soft response_id: Id,
        /// The item's place in it.
        req_int output_index: u32,
        /// The item, with nothing in it yet.
        req item: Item,
    }

    /// An item of the response is complete, or was cut short.
    pub struct ResponseOutputItemDone {
        /// The response.
        soft response_id: Id,
        /// The item's place in it.
        req_int output_index: u32,
        /// The item, without audio.
        req item: Item,
    }

    /// A message of the response has a new part.
    pub struct ResponseContentPartAdded {
        /// The response.
        soft response_id: Id,
        /// The message.
        req item_id: Id,
        /// The message's place in the response.
        req_int output_index: u32,
        /// The part's place in the message.
        req_int content_index: u32,
        /// The part, with nothing in it yet.
        #[serde(serialize_with = "crate::realtime::types::write_streamed")]
        soft part: ContentPart,
    }

    /// A part of a message is complete, or was cut short.
    pub struct ResponseContentPartDone {
        /// The response.
        soft response_id: Id,
        /// The message.
        req item_id: Id,
        /// The message's place in the response.
        req_int output_index: u32,
        /// The part's place in the message.
        req_int content_index: u32,
        /// The part, without audio.
        #[serde(serialize_with = "crate::realtime::types::write_streamed")]
        soft part: ContentPart,
    }
}
