use serde_json::Value;

/// What the simulated voice of a Live session is to react to.
#[derive(Clone, Copy, Debug)]
pub struct Cue<'a> {
    pub(super) text: &'a str,
    pub(super) instruction: bool,
    pub(super) config: &'a Value,
}

impl Cue<'_> {
    /// What the user said, or what an instruction says.
    pub fn text(&self) -> &str {
        self.text
    }

    /// Whether it is an instruction of the application, as one to greet the user, and nothing that the user said.
    pub fn is_instruction(&self) -> bool {
        self.instruction
    }

    /// The session, as `session.started` reported it.
    pub fn session(&self) -> &Value {
        self.config
    }

    /// What a voice without a script does: it hands work over where the session says who does it, and else repeats what
    /// it is told. Instructions are followed in silence.
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

/// What the simulated voice of a Live session does. A text becomes one by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reaction {
    pub(super) say: String,
    pub(super) delegate: bool,
}

impl Reaction {
    /// It says nothing.
    pub fn silence() -> Self {
        Self::default()
    }

    /// It says this: one word in 200 ms.
    pub fn say(text: impl Into<String>) -> Self {
        Self { say: text.into(), delegate: false }
    }

    /// Delegates work as the session's configuration says; by default to the application.
    pub fn delegate() -> Self {
        Self { say: String::new(), delegate: true }
    }

    /// It hands work over while it speaks.
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
