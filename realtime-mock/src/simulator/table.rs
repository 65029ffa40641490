use std::{error, fmt, fs, io, path::Path};

use realtime_core::types::{Failure, McpListedTool};
use serde::Deserialize;
use serde_json::Value;

use super::{McpServer, Phrase, Reply, SimulatedTranscript, SimulatedTurn, Simulator};

/// Replies from a file of JSON lines, for a simulator that is served, or for simple replies.
///
/// Each line is an object. Lines that are empty or begin with `#` are ignored.
///
/// | members | meaning |
/// |---|---|
/// | `match` | replies to user input that contains this text, ignoring case; if absent, to any input |
/// | `after` | replies only to the output of the function or MCP tool of this name |
/// | `say` | the message; `{text}` is replaced by the user's input, `{output}` by the output |
/// | `call`, or `calls` | a function call: `{"name": "..", "arguments": {..}}`, or a list of them |
/// | `mcp` | a call of an MCP tool: `{"server_label": "..", "name": "..", "arguments": {..}}` |
/// | `fail` | the response fails: `{"type": "..", "code": "..", "message": ".."}` |
/// | `hear` | transcript of the user's next utterance; the last such line applies to all that follow |
/// | `translate` | `{"input": "..", "output": ".."}`: a phrase of a translation session; repeated from the first after the last |
/// | `server` | an MCP server: `{"label": "..", "tools": [..], "output": ".."}` |
///
/// The first matching line replies. Without one, the simulator replies as without a table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    answers: Vec<Line>,
    hear: Vec<String>,
    phrases: Vec<Phrase>,
    servers: Vec<McpServer>,
}

/// An invalid line of a table.
#[derive(Debug)]
pub struct TableError {
    line: usize,
    source: serde_json::Error,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    r#match: Option<String>,
    after: Option<String>,
    say: Option<String>,
    call: Option<Call>,
    #[serde(default)]
    calls: Vec<Call>,
    mcp: Option<McpCall>,
    fail: Option<Failure>,
    hear: Option<String>,
    translate: Option<Translate>,
    server: Option<Server>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    name: String,
    #[serde(default)]
    arguments: Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct McpCall {
    server_label: String,
    name: String,
    #[serde(default)]
    arguments: Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Translate {
    input: String,
    output: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    label: String,
    tools: Vec<McpListedTool>,
    output: Option<String>,
}

impl Table {
    /// Parses the text of a table.
    ///
    /// # Errors
    /// A line is not a JSON object, or has unknown members.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let mut table = Self::default();
        for (index, text) in text.lines().enumerate() {
            if text.trim().is_empty() || text.trim_start().starts_with('#') {
                continue;
            }
            let read = serde_json::from_str::<Line>(text);
            let mut line = read.map_err(|source| TableError { line: index + 1, source })?;
            table.hear.extend(line.hear.take());
            table.phrases.extend(line.translate.take().map(|phrase| Phrase::new(phrase.input, phrase.output)));
            table.servers.extend(line.server.take().map(|Server { label, tools, output }| {
                let server = tools.into_iter().fold(McpServer::new(label), McpServer::tool);
                match output {
                    Some(output) => server.answer(move |_, _| Ok(output.clone())),
                    None => server,
                }
            }));
            table.answers.push(line);
        }
        table.answers.retain(Line::answers);
        Ok(table)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or is not a table: the error names the line.
    pub fn read(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::parse(&fs::read_to_string(path)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    fn answer(&self, turn: &SimulatedTurn<'_>) -> Reply {
        let (text, output) = (turn.text(), turn.output());
        match self.answers.iter().find(|line| line.fits(&text, output.as_ref())) {
            Some(line) => line.answer(&text, output.map(|(_, output)| output).as_deref().unwrap_or_default()),
            None => turn.echo(),
        }
    }
}

impl Line {
    fn answers(&self) -> bool {
        self.say.is_some() || self.call.is_some() || !self.calls.is_empty() || self.mcp.is_some() || self.fail.is_some()
    }

    fn fits(&self, text: &str, output: Option<&(String, String)>) -> bool {
        let said = |pattern: &String| text.to_lowercase().contains(&pattern.to_lowercase());
        match (&self.after, output) {
            (Some(name), Some((called, _))) if name == called => self.r#match.as_ref().is_none_or(said),
            (None, None) => self.r#match.as_ref().is_none_or(said),
            _ => false,
        }
    }

    fn answer(&self, text: &str, output: &str) -> Reply {
        let mut answer = Reply::nothing();
        if let Some(say) = &self.say {
            answer = answer.and(say.replace("{text}", text).replace("{output}", output));
        }
        for Call { name, arguments } in self.call.iter().chain(&self.calls) {
            answer = answer.and(Reply::call(name, written(arguments)));
        }
        if let Some(McpCall { server_label, name, arguments }) = &self.mcp {
            answer = answer.and(Reply::mcp(server_label, name, written(arguments)));
        }
        if let Some(failure) = &self.fail {
            answer = answer.and(Reply::failed(failure.clone()));
        }
        answer
    }
}

/// Arguments as written by a model. A string is used verbatim, and may be invalid JSON.
fn written(arguments: &Value) -> String {
    match arguments {
        Value::Null => "{}".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl Simulator {
    /// Applies the table to a simulator.
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        for server in &table.servers {
            self = self.mcp(server.clone());
        }
        if !table.hear.is_empty() {
            let hear = table.hear.clone();
            self = self.transcribe(move |utterance| {
                let number = usize::try_from(utterance.number).unwrap_or(usize::MAX);
                SimulatedTranscript::text(hear.get(number).or(hear.last()).map_or("", String::as_str))
            });
        }
        if !table.phrases.is_empty() {
            let phrases = table.phrases.clone();
            // The remainder is a valid index.
            self = self.translate(move |number| {
                phrases.get((number % phrases.len() as u64) as usize).cloned().unwrap_or_default()
            });
        }
        self.answer(move |turn| table.answer(turn))
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the table: {}", self.line, self.source)
    }
}

impl error::Error for TableError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::reply::Output;

    #[test]
    fn reads_lines_and_says_which_is_wrong() {
        let table = Table::parse(
            r#"
            # a remark
            {"hear": "Hello"}
            {"match": "WEATHER", "say": "Let me see.", "call": {"name": "get_weather", "arguments": {"city": "Lisbon"}}}
            {"match": "broken", "calls": [{"name": "a", "arguments": "{\"x"}, {"name": "b"}]}
            {"after": "get_weather", "say": "It is {output}, not {text}."}
            {"fail": {"type": "server_error", "code": "x", "message": "No."}}
            {"translate": {"input": "Hello", "output": "Hola"}}
            {"server": {"label": "dice", "tools": [{"name": "roll", "input_schema": {}}], "output": "4"}}
            "#,
        )
        .unwrap();
        assert_eq!((table.hear.len(), table.phrases.len(), table.servers.len()), (1, 1, 1));
        let answer = |text: &str, output: Option<(&str, &str)>| {
            let output = output.map(|(name, output)| (name.to_owned(), output.to_owned()));
            let line = table.answers.iter().find(|line| line.fits(text, output.as_ref())).unwrap();
            line.answer(text, output.as_ref().map_or("", |(_, output)| output))
        };
        let told = |answer: &Reply| {
            let tell = |output: &Output| match output {
                Output::Message { pieces, .. } => pieces.concat(),
                Output::Call { name, arguments } => format!("{name}({arguments})"),
                Output::Mcp { .. } => "mcp".into(),
            };
            answer.output.iter().map(tell).collect::<Vec<_>>()
        };
        let weather = answer("What is the weather like?", None);
        assert_eq!(told(&weather), ["Let me see.", r#"get_weather({"city":"Lisbon"})"#]);
        assert_eq!(told(&answer("Broken", None)), [r#"a({"x)"#, "b({})"]);
        assert_eq!(told(&answer("rain", Some(("get_weather", "sunny")))), ["It is sunny, not rain."]);
        assert!(matches!(answer("else", None).ending, crate::simulator::reply::Ending::Failed(_)));
        for (text, reason) in [("{\"say\": 1}", "line 1"), ("\n{\"sai\": \"x\"}", "line 2"), ("[", "line 1")] {
            let error = Table::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(reason), "{error}");
        }
    }
}
