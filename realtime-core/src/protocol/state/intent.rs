//! The configuration that the client requested, except what the server refused.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// All configuration changes, merged.
#[derive(Clone, Debug)]
pub(crate) struct Intent<C> {
    granted: Option<Arc<C>>,
    /// Changes in flight, in order, by request number.
    asked: Vec<(u64, Arc<C>)>,
}

impl<C> Default for Intent<C> {
    fn default() -> Self {
        Self { granted: None, asked: Vec::new() }
    }
}

/// Maximum number of unanswered changes. Beyond it, the oldest is assumed to be granted.
const MOST: usize = 64;

impl<C: Clone + Serialize + DeserializeOwned> Intent<C> {
    pub(crate) fn ask(&mut self, seq: u64, config: &C) {
        if self.asked.len() == MOST {
            let (oldest, _) = self.asked[0];
            self.settle(oldest, true);
        }
        self.asked.push((seq, Arc::new(config.clone())));
    }

    pub(crate) fn settle(&mut self, seq: u64, granted: bool) {
        let Some(at) = self.asked.iter().position(|(asked, _)| *asked == seq) else { return };
        let (_, config) = self.asked.remove(at);
        if granted {
            self.granted = Some(match self.granted.take() {
                Some(before) => Arc::new(merge(&before, &config)),
                None => config,
            });
        }
    }

    /// Starts with the configuration of a session that is continued.
    pub(crate) fn inherit(&mut self, config: Option<C>) {
        self.granted = config.map(Arc::new);
    }

    /// Merges all changes that were not refused. They are assumed to be granted from now on.
    pub(crate) fn take_all(&mut self) -> Option<C> {
        while let Some((seq, _)) = self.asked.first() {
            let seq = *seq;
            self.settle(seq, true);
        }
        self.granted.as_deref().cloned()
    }
}

/// Merges two changes. The types survive a round trip through JSON, so nothing is lost.
fn merge<C: Clone + Serialize + DeserializeOwned>(before: &C, after: &C) -> C {
    // By way of text, as they are read and written elsewhere: for `Value`, all types would be compiled once more.
    let value = |config| serde_json::from_str::<Value>(&serde_json::to_string(config).ok()?).ok();
    let merged = || {
        let mut under = value(before)?;
        overlay(&mut under, value(after)?);
        serde_json::from_str(&under.to_string()).ok()
    };
    merged().unwrap_or_else(|| after.clone())
}

/// Replaces members; objects of the same `type` are merged, as the service does.
fn overlay(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over))
            if under.get("type") == over.get("type") || !over.contains_key("type") =>
        {
            for (key, value) in over {
                // A prompt's variables and a tool's schema are replaced as a whole.
                match under.get_mut(&key) {
                    Some(present) if key != "prompt" => overlay(present, value),
                    _ => drop(under.insert(key, value)),
                }
            }
        }
        (under, over) => *under = over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        protocol::types::AudioFormat,
        realtime::types::{AudioConfig, AudioInput, RealtimeSessionConfig, SemanticVad, ServerVad, SessionConfig},
        wire::Patch,
    };

    fn config(change: impl FnOnce(RealtimeSessionConfig) -> RealtimeSessionConfig) -> SessionConfig {
        change(RealtimeSessionConfig::default()).into()
    }

    #[test]
    fn later_changes_lie_over_earlier_ones_and_refused_ones_are_gone() {
        let mut intent = Intent::default();
        intent.ask(1, &config(|config| config.instructions("a").turn_detection(ServerVad::default().threshold(0.3))));
        intent.ask(2, &config(|config| config.instructions("refused")));
        intent.ask(3, &config(|config| config.turn_detection(ServerVad::default().silence_duration_ms(200))));
        intent.settle(1, true);
        intent.settle(2, false);
        let format = AudioInput::default().format(AudioFormat::Pcmu);
        intent.ask(4, &config(|config| config.audio(AudioConfig::default().input(format))));
        let vad = ServerVad::default().threshold(0.3).silence_duration_ms(200);
        let input = AudioInput::default().format(AudioFormat::Pcmu).turn_detection(vad);
        let expected = config(|config| config.instructions("a").audio(AudioConfig::default().input(input)));
        assert_eq!(intent.take_all(), Some(expected));
    }

    #[test]
    fn another_type_replaces_and_null_clears() {
        let mut intent = Intent::default();
        intent.ask(1, &config(|config| config.turn_detection(ServerVad::default().threshold(0.3))));
        intent.ask(2, &config(|config| config.turn_detection(SemanticVad::default())));
        assert_eq!(intent.take_all(), Some(config(|config| config.turn_detection(SemanticVad::default()))));
        intent.ask(3, &config(|config| config.turn_detection(Patch::Clear)));
        assert_eq!(intent.take_all(), Some(config(|config| config.turn_detection(Patch::Clear))));
    }
}
