use realtime_core::types::{Item, Tool, ToolChoice};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::session::Context;

/// What the simulated model replies to: the conversation so far, and the settings of the response.
#[derive(Clone, Copy)]
pub struct SimulatedTurn<'a> {
    pub(super) number: u64,
    pub(super) context: Context<'a>,
    /// The session's configuration, merged with the request's.
    pub(super) config: &'a Value,
    pub(super) metadata: &'a Value,
    pub(super) out_of_band: bool,
}

impl SimulatedTurn<'_> {
    /// 0-based number of the response in the session.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The model's input: the items of the conversation, or those of the request.
    pub fn items(&self) -> Vec<Item> {
        self.context.items()
    }

    /// The user's last input, text or transcript. Empty if there is none, or nothing was understood.
    pub fn text(&self) -> String {
        self.context.text()
    }

    /// Name and output of the last function or MCP call, if the user has said nothing since.
    pub fn output(&self) -> Option<(String, String)> {
        let last = self.context.rev().next()?;
        let text = |item: &Value, member: &str| item[member].as_str().map(String::from);
        match last.kind() {
            "function_call_output" => {
                let call = last.item["call_id"].as_str().and_then(|id| self.context.call(id));
                let name = call.and_then(|call| text(&call.item, "name")).unwrap_or_default();
                Some((name, text(&last.item, "output")?))
            }
            "mcp_call" => Some((text(&last.item, "name")?, text(&last.item, "output").unwrap_or_default())),
            _ => None,
        }
    }

    /// The instructions.
    pub fn instructions(&self) -> &str {
        self.config["instructions"].as_str().unwrap_or_default()
    }

    /// The available tools.
    pub fn tools(&self) -> Vec<Tool> {
        read(self.config, "tools").unwrap_or_default()
    }

    /// The tool choice.
    pub fn tool_choice(&self) -> ToolChoice {
        read(self.config, "tool_choice").unwrap_or(ToolChoice::Auto)
    }

    /// Whether the reply is spoken.
    pub fn is_spoken(&self) -> bool {
        is_spoken(self.config)
    }

    /// The value of a key of the request's metadata.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.metadata[name].as_str()
    }

    /// Whether the response is out of band.
    pub fn is_out_of_band(&self) -> bool {
        self.out_of_band
    }

    /// The default reply.
    pub(super) fn echo(&self) -> super::Reply {
        use super::Reply;

        if let Some((_, output)) = self.output() {
            return format!("The answer is: {output}").into();
        }
        let function = match self.tool_choice() {
            ToolChoice::Function(choice) => Some(choice.name),
            ToolChoice::Required => self.tools().into_iter().find_map(|tool| match tool {
                Tool::Function(function) => function.name,
                _ => None,
            }),
            _ => None,
        };
        match (function, self.text()) {
            (Some(name), _) => Reply::call(name, "{}"),
            (None, text) if text.is_empty() => "I am listening.".into(),
            (None, text) => format!("You said: {text}").into(),
        }
    }
}

/// A member of a configuration.
pub(super) fn read<T: DeserializeOwned>(config: &Value, member: &str) -> Option<T> {
    T::deserialize(&config[member]).ok()
}

/// Whether a response with this configuration is spoken.
pub(super) fn is_spoken(config: &Value) -> bool {
    config["output_modalities"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "audio"))
}

impl std::fmt::Debug for SimulatedTurn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatedTurn")
            .field("number", &self.number)
            .field("items", &self.context.len())
            .finish_non_exhaustive()
    }
}
