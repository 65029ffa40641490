use std::{sync::Arc, time::Duration};

use realtime_core::{
    Secret,
    live::types::{Answer, Question},
};

use super::{Cue, McpServer, Pace, Phrase, Reaction, Reply, Responder, SimulatedTranscript, SimulatedTurn, Utterance};

type Decide = Arc<dyn Fn(&Question, &str) -> Option<Answer> + Send + Sync>;
type Function<A, B> = Arc<dyn Fn(A) -> B + Send + Sync>;

/// Settings of a simulator.
#[derive(Clone)]
pub(super) struct Settings {
    /// The model, in place of the functions below.
    pub(super) responder: Option<Arc<dyn Responder>>,
    /// How long a part of a response, or a transcription, is awaited.
    pub(super) responder_timeout: Duration,
    pub(super) answer: Arc<dyn Fn(&SimulatedTurn<'_>) -> Reply + Send + Sync>,
    pub(super) transcribe: Arc<dyn Fn(&Utterance) -> SimulatedTranscript + Send + Sync>,
    pub(super) translate: Function<u64, Phrase>,
    pub(super) voice: Arc<dyn Fn(&Cue<'_>) -> Reaction + Send + Sync>,
    pub(super) decide: Option<Decide>,
    pub(super) mcp: Vec<McpServer>,
    pub(super) pace: Option<Pace>,
    pub(super) keys: Vec<Secret>,
    pub(super) models: Vec<String>,
    /// Maximum number of sessions opened by a created key.
    pub(super) secret_uses: u32,
    pub(super) max_duration: Duration,
    pub(super) ping_every: Option<Duration>,
    pub(super) obfuscation: bool,
    pub(super) seed: u64,
}

impl Settings {
    pub(super) fn pace(&self) -> Pace {
        self.pace.unwrap_or(Pace::INSTANT)
    }

    pub(super) fn knows(&self, key: &str) -> bool {
        self.keys.iter().any(|known| known.expose() == key)
    }

    pub(super) fn server(&self, label: &str) -> Option<&McpServer> {
        self.mcp.iter().find(|server| server.label == label)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            responder: None,
            responder_timeout: Duration::from_secs(30),
            answer: Arc::new(|turn| turn.echo()),
            transcribe: Arc::new(|utterance| format!("({} ms of speech)", utterance.ms).into()),
            translate: Arc::new(|_| Phrase::new("These are words.", "Estas son palabras.")),
            voice: Arc::new(|cue| cue.react()),
            decide: None,
            mcp: Vec::new(),
            pace: None,
            keys: Vec::new(),
            models: Vec::new(),
            secret_uses: u32::MAX,
            max_duration: Duration::from_secs(60 * 60),
            ping_every: Some(Duration::from_secs(20)),
            obfuscation: true,
            seed: 0,
        }
    }
}
