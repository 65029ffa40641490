use crate::wire::Id;

server_events! {
    /// The server has begun to play a response. Over WebRTC and SIP only.
    pub struct OutputAudioBufferStarted {
        /// The response.
        soft response_id: Id,
    }

    /// The server has played all of a response; `response.done` came long before. Over WebRTC and SIP only.
    pub struct OutputAudioBufferStopped {
        /// The response.
        soft response_id: Id,
    }

    /// The server has stopped playing a response: the user has begun to speak, or the client said so. Over WebRTC and
    /// SIP only.
    pub struct OutputAudioBufferCleared {
        /// The response.
        soft response_id: Id,
    }
}
