use std::time::Duration;

use realtime_core::{
    Audio,
    types::{AudioFormat, Failure},
};

use super::reply::words;

/// An utterance of the user: the audio of one turn, as committed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Utterance {
    /// 0-based number of the utterance in the session.
    pub number: u64,
    /// The audio, including the padding before and the silence after it. Only the end of a very long utterance.
    pub audio: Audio,
    /// Audio encoding.
    pub format: AudioFormat,
    /// Duration in milliseconds.
    pub ms: u64,
}

/// The simulated transcription of an utterance. Strings convert automatically.
///
/// The model responds to it, and it is the transcript if the session requests one.
#[derive(Clone, Debug, Default)]
pub struct SimulatedTranscript {
    pub(super) pieces: Vec<String>,
    pub(super) failure: Option<Box<Failure>>,
    pub(super) after: Option<Duration>,
    pub(super) early: bool,
}

impl SimulatedTranscript {
    /// Transcribes the utterance as this text, word by word.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self { pieces: words(text.as_ref()), ..Self::default() }
    }

    /// Makes the transcription fail after the text.
    #[must_use]
    pub fn failing(mut self, failure: Failure) -> Self {
        self.failure = Some(Box::new(failure));
        self
    }

    /// Sets the delay of the transcript after the item. Zero is before the response begins. By default, it begins together
    /// with the response.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.after = Some(time);
        self
    }

    /// Sends the transcript before the item, as the service sometimes does.
    #[must_use]
    pub fn early(mut self) -> Self {
        self.early = true;
        self
    }

    pub(super) fn words(&self) -> String {
        self.pieces.concat()
    }
}

impl From<&str> for SimulatedTranscript {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for SimulatedTranscript {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// A phrase of a translation session.
#[derive(Clone, Debug, Default)]
pub struct Phrase {
    pub(super) input: Vec<String>,
    pub(super) output: Vec<String>,
}

impl Phrase {
    /// Creates a phrase with its translation.
    pub fn new(input: impl AsRef<str>, output: impl AsRef<str>) -> Self {
        Self { input: words(input.as_ref()), output: words(output.as_ref()) }
    }
}
