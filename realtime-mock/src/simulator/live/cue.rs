use serde_json::Value;

/// Input to the simulated voice of a Live session.
#[derive(Clone, Copy, Debug)]
pub struct Cue<'a> {
    pub(super) text: &'a str,
    pub(super) instruction: bool,
    pub(super) config: &'a Value,
}

impl Cue<'_> {
    /// What the user said, or the text of an instruction.
    pub fn text(&self) -> &str {
        self.text
    }

    /// Whether this is an instruction of the application, such as to greet the user, rather than speech of the user.
    pub fn is_instruction(&self) -> bool {
        self.instruction
    }

    /// The session, as `session.started` reported it.
    pub fn session(&self) -> &Value {
        self.config
    }

    /// The default reaction: delegates if the session configures a worker, and otherwise repeats what the user said.
    /// Instructions cause no speech.
    pub(in crate::simulator) fn react(&self) -> Reaction {
        if self.instruction {
            return Reaction::silence();
        }
        if self.config["delegation"]["type"].is_string() {
            return Reaction::say("Let me check.").and_delegate();
        }
        Reaction::say(format!("You said: {}", self.text))
    }
}

/// Reaction of the simulated voice of a Live session. Strings convert automatically.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reaction {
    pub(super) say: String,
    pub(super) delegate: bool,
}

impl Reaction {
    /// Says nothing.
    pub fn silence() -> Self {
        Self::default()
    }

    /// Says this text, one word per 200 ms.
    pub fn say(text: impl Into<String>) -> Self {
        Self { say: text.into(), delegate: false }
    }

    /// Delegates work to the worker that the session configures; by default to the application.
    pub fn delegate() -> Self {
        Self { say: String::new(), delegate: true }
    }

    /// Also delegates work while speaking.
    #[must_use]
    pub fn and_delegate(mut self) -> Self {
        self.delegate = true;
        self
    }
}

impl From<&str> for Reaction {
    fn from(text: &str) -> Self {
        Self::say(text)
    }
}

impl From<String> for Reaction {
    fn from(text: String) -> Self {
        Self::say(text)
    }
}
