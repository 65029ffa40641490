use crate::wire::Id;

server_events! {
    /// The server has started to play a response. Over WebRTC and SIP only.
    pub struct OutputAudioBufferStarted {
        /// Id of the response.
        soft response_id: Id,
    }

    /// The server has finished playing a response, long after `response.done`. Over WebRTC and SIP only.
    pub struct OutputAudioBufferStopped {
        /// Id of the response.
        soft response_id: Id,
    }

    /// The server has stopped playing a response, because the user began to speak or the client requested it. Over
    /// WebRTC and SIP only.
    pub struct OutputAudioBufferCleared {
        /// Id of the response.
        soft response_id: Id,
    }
}
