client_events! {
    /// Stops the audio being played. Over WebRTC and SIP only, after `response.cancel`.
    ///
    /// The server answers with `output_audio_buffer.cleared`.
    pub struct OutputAudioBufferClear {}
}
