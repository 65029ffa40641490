use realtime_core::{Audio, types::Failure};

/// Reply of the simulated model to one request: messages, function calls and MCP calls, in order.
///
/// Strings convert automatically. In an audio session or response, text is spoken as soft beeps of realistic duration,
/// with the text as the transcript.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub(super) output: Vec<Output>,
    pub(super) interleaved: bool,
    pub(super) ending: Ending,
}

#[derive(Clone, Debug)]
pub(super) enum Output {
    Message { pieces: Vec<String>, audio: Option<Audio> },
    Call { name: String, arguments: String },
    Mcp { server: String, tool: String, arguments: String },
}

#[derive(Clone, Debug, Default)]
pub(super) enum Ending {
    #[default]
    Completed,
    Incomplete(String),
    Failed(Box<Failure>),
}

impl Reply {
    /// Creates an empty reply.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Creates a message, streamed word by word.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::pieces(words(text.as_ref()))
    }

    /// Creates a message, streamed in these deltas.
    pub fn pieces(pieces: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::of(Output::Message { pieces: pieces.into_iter().map(Into::into).collect(), audio: None })
    }

    /// Creates a message with custom audio in the session's output format. In a text session, only the transcript is sent.
    pub fn spoken(transcript: impl AsRef<str>, audio: impl Into<Audio>) -> Self {
        Self::of(Output::Message { pieces: words(transcript.as_ref()), audio: Some(audio.into()) })
    }

    /// Creates a function call. The arguments are not validated, because a model may produce invalid ones.
    pub fn call(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self::of(Output::Call { name: name.into(), arguments: arguments.into() })
    }

    /// Creates a call of an MCP tool. If the session requires approval, the response ends with the approval request, and the
    /// call begins the next response.
    pub fn mcp(server_label: impl Into<String>, tool: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self::of(Output::Mcp { server: server_label.into(), tool: tool.into(), arguments: arguments.into() })
    }

    /// Makes the response fail after the output so far.
    pub fn failed(failure: Failure) -> Self {
        Self { ending: Ending::Failed(Box::new(failure)), ..Self::default() }
    }

    /// Ends the response as incomplete after the output so far, with a reason such as `content_filter`.
    pub fn incomplete(reason: impl Into<String>) -> Self {
        Self { ending: Ending::Incomplete(reason.into()), ..Self::default() }
    }

    /// Appends another reply. The combined reply ends like `other`.
    #[must_use]
    pub fn and(mut self, next: impl Into<Self>) -> Self {
        let next = next.into();
        self.output.extend(next.output);
        self.ending = next.ending;
        self.interleaved |= next.interleaved;
        self
    }

    /// Streams the calls of the reply concurrently. They end in the order in which their arguments are complete.
    #[must_use]
    pub fn interleaved(mut self) -> Self {
        self.interleaved = true;
        self
    }

    fn of(output: Output) -> Self {
        Self { output: vec![output], ..Self::default() }
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// Splits a text into words, each with the preceding white space.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut start, mut in_word) = (0, false);
    for (at, letter) in text.char_indices() {
        if letter.is_whitespace() && in_word {
            words.push(text[start..at].into());
            start = at;
        }
        in_word = !letter.is_whitespace();
    }
    if start < text.len() {
        words.push(text[start..].into());
    }
    words
}

/// Splits a text into chunks of a few characters, as arguments are streamed.
pub(super) fn bits(text: &str) -> Vec<String> {
    let letters: Vec<_> = text.chars().collect();
    letters.chunks(6).map(|letters| letters.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole() {
        assert_eq!(words("Hi there,  friend!\n"), ["Hi", " there,", "  friend!", "\n"]);
        assert_eq!(words(" ünï cödé 🎉"), [" ünï", " cödé", " 🎉"]);
        assert!(words("").is_empty() && bits("").is_empty());
        assert_eq!(bits(r#"{"city":"São Paulo"}"#).concat(), r#"{"city":"São Paulo"}"#);
    }
}
