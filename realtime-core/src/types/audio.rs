open_enum! {
    /// A voice of the service.
    pub enum BuiltinVoice {
        /// Marin.
        Marin = "marin",
        /// Cedar.
        Cedar = "cedar",
    }
}

wire! {
    /// `server_vad`
    pub struct ServerVad {
        /// 0 to 1
        opt threshold: f64,
        /// ms
        opt_int prefix_padding_ms: u32,
        /// ms
        patch_int idle_timeout_ms: u32,
    }
    /// semantic
    pub struct SemanticVad {
        /// yes
        opt interrupt_response: bool,
    }
}

tagged! {
    /// How the service finds the end of a turn.
    pub enum TurnDetection: "turn detection" {
        /// By volume.
        "server_vad" => ServerVad(ServerVad),
        /// By meaning.
        "semantic_vad" => SemanticVad(SemanticVad),
    }
}
