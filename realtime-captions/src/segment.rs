use realtime_core::live::state::LiveTurn;
use serde::{Deserialize, Serialize};

/// A piece of text with the time at which it was spoken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Segment {
    /// Start, in milliseconds of the audio.
    pub start_ms: u64,
    /// End, in milliseconds of the audio.
    pub end_ms: u64,
    /// The text. A line break starts a new line of the caption.
    pub text: String,
    /// The speaker, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
}

impl Segment {
    /// Creates a segment without a speaker. Times are in milliseconds.
    pub fn new(start_ms: u64, end_ms: u64, text: impl Into<String>) -> Self {
        Self { start_ms, end_ms, text: text.into(), speaker: None }
    }

    /// Sets the speaker.
    #[must_use]
    pub fn speaker(mut self, speaker: impl Into<String>) -> Self {
        self.speaker = Some(speaker.into());
        self
    }

    /// The lines of the text, with runs of white space collapsed. Blank lines are removed, because they would end a cue.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.text.split(['\n', '\r']).map(one_line).filter(|line| !line.is_empty())
    }
}

/// A turn of a Live session. The speaker is `user` or `assistant`.
impl From<&LiveTurn> for Segment {
    fn from(turn: &LiveTurn) -> Self {
        Self::new(turn.start_ms, turn.end_ms, turn.text.trim()).speaker(turn.speaker.as_str())
    }
}

/// Collapses runs of white space into one space and trims the ends.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}
