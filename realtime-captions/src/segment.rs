use realtime_core::live::state::LiveTurn;
use serde::{Deserialize, Serialize};

/// Text, and when it was spoken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Segment {
    /// Where it begins, in milliseconds of the audio.
    pub start_ms: u64,
    /// Where it ends, in milliseconds of the audio.
    pub end_ms: u64,
    /// The text. A line break in it begins a line of the caption.
    pub text: String,
    /// The speaker, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
}

impl Segment {
    /// Text from a time to a time, in milliseconds.
    pub fn new(start_ms: u64, end_ms: u64, text: impl Into<String>) -> Self {
        Self { start_ms, end_ms, text: text.into(), speaker: None }
    }

    /// Names who speaks.
    #[must_use]
    pub fn speaker(mut self, speaker: impl Into<String>) -> Self {
        self.speaker = Some(speaker.into());
        self
    }

    /// The lines of the text, tidied: runs of white space are one space, and blank lines are removed, because they would end
    /// a cue.
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

/// Runs of white space become one space; none is left at the ends.
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
