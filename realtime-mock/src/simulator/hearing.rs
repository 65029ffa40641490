use std::time::Duration;

use realtime_core::{
    Audio,
    types::{AudioFormat, Failure},
};

use super::reply::words;

/// What the user has said: the audio of one turn, as it was committed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Utterance {
    /// The how many-eth of the session it is, from 0.
    pub number: u64,
    /// The audio, with the padding before and the silence after it. Of a very long one, its end.
    pub audio: Audio,
    /// How it is written.
    pub format: AudioFormat,
    /// How long it is, in milliseconds.
    pub ms: u64,
}

/// What the simulated service hears in an utterance. A text becomes one by itself.
///
/// The model answers to it, and it is the transcript, if the session asks for one.
#[derive(Clone, Debug, Default)]
pub struct SimulatedTranscript {
    pub(super) pieces: Vec<String>,
    pub(super) failure: Option<Box<Failure>>,
    pub(super) after: Option<Duration>,
    pub(super) early: bool,
}

impl SimulatedTranscript {
    /// These words. They are transcribed one by one.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self { pieces: words(text.as_ref()), ..Self::default() }
    }

    /// Its transcription fails, after these words.
    #[must_use]
    pub fn failing(mut self, failure: Failure) -> Self {
        self.failure = Some(Box::new(failure));
        self
    }

    /// The transcript begins so long after the item: with no time at all, before the response begins. By default it
    /// begins when the response does.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.after = Some(time);
        self
    }

    /// The transcript is there before the item is, as it can be.
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

/// Something that is said in a session that translates.
#[derive(Clone, Debug, Default)]
pub struct Phrase {
    pub(super) input: Vec<String>,
    pub(super) output: Vec<String>,
}

impl Phrase {
    /// What is said, and what that is in the other language.
    pub fn new(input: impl AsRef<str>, output: impl AsRef<str>) -> Self {
        Self { input: words(input.as_ref()), output: words(output.as_ref()) }
    }
}
