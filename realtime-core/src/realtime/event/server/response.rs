use crate::{
    protocol::types::Failure,
    realtime::types::{ContentPart, Item, Response, Usage},
    wire::Id,
};

server_events! {
    /// A response has started, requested by the client or by turn detection.
    pub struct ResponseCreated {
        /// The response, still empty.
        soft response: Response,
    }

    /// A response has ended, for whatever reason: completed, cancelled, failed or incomplete.
    pub struct ResponseDone {
        /// The response with its items, without audio. `status` says how it ended.
        soft response: Response,
        /// Id of the response, where other servers put it here.
        opt response_id: Id,
        /// Usage of the response, where other servers put it here.
        opt usage: Usage,
        /// Why the response failed, where other servers put it here.
        opt error: Failure,
    }

    /// A response was cancelled. Sent by other servers before or instead of `response.done`.
    pub struct ResponseCancelled {
        /// The response, as far as it is described.
        soft response: Response,
        /// Id of the response, where the server puts it here.
        opt response_id: Id,
    }

    /// A response has failed. Sent by other servers before or instead of `response.done`.
    pub struct ResponseFailed {
        /// The response, as far as it is described.
        soft response: Response,
        /// Id of the response, where the server puts it here.
        opt response_id: Id,
        /// Why it failed, where the server puts it here.
        opt error: Failure,
    }

    /// A response was cut off. Sent by other servers before or instead of `response.done`.
    pub struct ResponseIncomplete {
        /// The response, as far as it is described.
        soft response: Response,
        /// Id of the response, where the server puts it here.
        opt response_id: Id,
    }

    /// An item was added to the response.
    pub struct ResponseOutputItemAdded {
        /// Id of the response.
        soft response_id: Id,
        /// Index of the item in the output of the response.
        req_int output_index: u32,
        /// The item, still empty.
        req item: Item,
    }

    /// An item of the response is complete, or was cut short.
    pub struct ResponseOutputItemDone {
        /// Id of the response.
        soft response_id: Id,
        /// Index of the item in the output of the response.
        req_int output_index: u32,
        /// The item, without audio.
        req item: Item,
    }

    /// A content part was added to a message of the response.
    pub struct ResponseContentPartAdded {
        /// Id of the response.
        soft response_id: Id,
        /// Id of the message. Empty if the server omits it and it cannot be inferred.
        soft item_id: Id,
        /// Index of the message in the output of the response.
        req_int output_index: u32,
        /// Index of the part in the content of the message.
        req_int content_index: u32,
        /// The part, still empty.
        #[serde(serialize_with = "crate::realtime::types::write_streamed")]
        soft part: ContentPart,
    }

    /// A content part of a message is complete, or was cut short.
    pub struct ResponseContentPartDone {
        /// Id of the response.
        soft response_id: Id,
        /// Id of the message. Empty if the server omits it and it cannot be inferred.
        soft item_id: Id,
        /// Index of the message in the output of the response.
        req_int output_index: u32,
        /// Index of the part in the content of the message.
        req_int content_index: u32,
        /// The part, without audio.
        #[serde(serialize_with = "crate::realtime::types::write_streamed")]
        soft part: ContentPart,
    }
}
