union! {
    /// How the service detects the end of the user's turn. Without turn detection, the client commits the audio and
    /// requests each response.
    pub enum TurnDetection {
        objects {
            /// Detection by silence.
            "server_vad" => ServerVad(ServerVad),
            /// Detection by what was said.
            "semantic_vad" => SemanticVad(SemanticVad),
        }
    }
    untagged => ServerVad
    only objects
}

wire! {
    /// Detects speech by its volume, and the end of a turn by silence.
    ///
    /// # Examples
    /// ```
    /// use realtime_core::types::ServerVad;
    ///
    /// let vad = ServerVad::default().threshold(0.6).silence_duration_ms(300).create_response(false);
    /// assert_eq!(serde_json::to_value(&vad)?["silence_duration_ms"], 300);
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    pub struct ServerVad {
        /// Volume threshold from 0 to 1 (0.5 by default). Increase it in noisy environments.
        opt threshold: f64,
        /// Audio before the speech that is included, in milliseconds (300 by default).
        opt_int prefix_padding_ms: u32,
        /// Silence that ends the turn, in milliseconds (500 by default). A shorter value responds sooner, but may
        /// interrupt the user in a short pause.
        opt_int silence_duration_ms: u32,
        /// Time without speech after which the model prompts the user, in milliseconds, counted from the end of its
        /// last audio. Off by default, or if null.
        patch_int idle_timeout_ms: u32,
        /// Whether the end of a turn requests a response.
        opt create_response: bool,
        /// Whether the start of speech (barge-in) cancels the active response.
        opt interrupt_response: bool,
    }

    /// Detects the end of a turn with a model that judges whether the user has finished.
    pub struct SemanticVad {
        /// How eagerly it ends the turn.
        opt eagerness: Eagerness,
        /// Whether the end of a turn requests a response.
        opt create_response: bool,
        /// Whether the start of speech (barge-in) cancels the active response.
        opt interrupt_response: bool,
    }
}

open_enum! {
    /// How eagerly semantic turn detection ends a turn.
    pub enum Eagerness {
        /// Waits up to 8 seconds.
        Low = "low",
        /// Waits up to 4 seconds.
        Medium = "medium",
        /// Waits up to 2 seconds.
        High = "high",
        /// Same as medium. The default.
        Auto = "auto",
    }
}
