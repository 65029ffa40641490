client_events! {
    /// Cuts off the audio that is being played. Over WebRTC and SIP only, and after `response.cancel`.
    ///
    /// The server answers with `output_audio_buffer.cleared`.
    pub struct OutputAudioBufferClear {}
}
