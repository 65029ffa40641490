use realtime_core::{Audio, types::Failure};

/// What the simulated model answers to one request: messages, function calls, calls of MCP tools, in order.
///
/// A text becomes an answer by itself. In a session (or a response) of audio it is spoken: soft beeps as long as the
/// words would take, with the words as the transcript.
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
    /// Nothing at all.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A message, streamed word by word.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::pieces(words(text.as_ref()))
    }

    /// A message, streamed in these pieces.
    pub fn pieces(pieces: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::of(Output::Message { pieces: pieces.into_iter().map(Into::into).collect(), audio: None })
    }

    /// A message with audio of its own, in the session's output format. In a session of text it is only written.
    pub fn spoken(transcript: impl AsRef<str>, audio: impl Into<Audio>) -> Self {
        Self::of(Output::Message { pieces: words(transcript.as_ref()), audio: Some(audio.into()) })
    }

    /// A function call. The arguments are JSON, but nobody checks that: a model can get it wrong.
    pub fn call(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self::of(Output::Call { name: name.into(), arguments: arguments.into() })
    }

    /// A call of a tool of an MCP server. Where the session wants to approve it first, the response asks for that and
    /// ends; the call itself then begins the next response.
    pub fn mcp(server_label: impl Into<String>, tool: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self::of(Output::Mcp { server: server_label.into(), tool: tool.into(), arguments: arguments.into() })
    }

    /// The response fails, after what is said before.
    pub fn failed(failure: Failure) -> Self {
        Self { ending: Ending::Failed(Box::new(failure)), ..Self::default() }
    }

    /// The response ends incomplete, after what is said before: for this reason, such as `content_filter`.
    pub fn incomplete(reason: impl Into<String>) -> Self {
        Self { ending: Ending::Incomplete(reason.into()), ..Self::default() }
    }

    /// This, and then that. It ends as that does.
    #[must_use]
    pub fn and(mut self, next: impl Into<Self>) -> Self {
        let next = next.into();
        self.output.extend(next.output);
        self.ending = next.ending;
        self.interleaved |= next.interleaved;
        self
    }

    /// The calls of the answer are streamed at the same time, and end in the order in which their arguments do.
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

/// The words, each with the blanks before it, so that together they are the text.
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

/// The text in pieces of a few letters, as arguments are streamed.
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
