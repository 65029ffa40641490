union! {
    /// How the service finds out that the user's turn has ended. Without it the client commits the audio and asks for
    /// each response itself.
    pub enum TurnDetection {
        objects {
            /// By silence.
            "server_vad" => ServerVad(ServerVad),
            /// By what was said.
            "semantic_vad" => SemanticVad(SemanticVad),
        }
    }
    untagged => ServerVad
    only objects
}

wire! {
    /// Detects speech by its loudness, and the end of a turn by a silence.
    pub struct ServerVad {
        /// How loud speech must be, from 0 to 1 (0.5 by default). Higher is better where it is noisy.
        opt threshold: f64,
        /// How much audio before the speech is kept, in milliseconds (300 by default).
        opt_int prefix_padding_ms: u32,
        /// How long a silence ends the turn, in milliseconds (500 by default). Shorter answers sooner, and breaks in
        /// on short pauses.
        opt_int silence_duration_ms: u32,
        /// After how long without speech the model speaks by itself, in milliseconds, counted from the end of its
        /// last audio. Off by default and by null.
        patch_int idle_timeout_ms: u32,
        /// Whether the end of a turn makes the model answer.
        opt create_response: bool,
        /// Whether the start of speech cancels the response that is being spoken.
        opt interrupt_response: bool,
    }

    /// Detects the end of a turn with a model that judges whether the user has finished.
    pub struct SemanticVad {
        /// How soon it believes so.
        opt eagerness: Eagerness,
        /// Whether the end of a turn makes the model answer.
        opt create_response: bool,
        /// Whether the start of speech cancels the response that is being spoken.
        opt interrupt_response: bool,
    }
}

open_enum! {
    /// How soon the end of a turn is believed.
    pub enum Eagerness {
        /// Waits up to 8 seconds.
        Low = "low",
        /// Waits up to 4 seconds.
        Medium = "medium",
        /// Waits up to 2 seconds.
        High = "high",
        /// As medium: the default.
        Auto = "auto",
    }
}
