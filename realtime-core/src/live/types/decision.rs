use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Content, Number};
use crate::wire::{Json, Union, read_union};

union! {
    /// A question for a decision model.
    pub enum Question {
        objects {
            /// Whether something holds.
            "predicate" => Predicate(Predicate),
            /// Which of several values fits.
            "choice" => Choice(Choice),
            /// A score on a scale of levels.
            "score" => Score(Score),
        }
    }
}

wire! {
    /// Whether something holds.
    pub struct Predicate {
        /// The question.
        req instructions: Content,
        /// A name that the answer repeats.
        opt name: String,
    }

    /// Which of several values fits.
    pub struct Choice {
        /// The values.
        req choices: Vec<ChoiceOption>,
        /// The question.
        req instructions: Content,
        /// A name that the answer repeats.
        opt name: String,
    }

    /// A score on a scale of levels.
    pub struct Score {
        /// The levels, the least first.
        req levels: Vec<ScoreLevel>,
        /// The question.
        req instructions: Content,
        /// A name that the answer repeats.
        opt name: String,
    }

    /// A value to choose.
    pub struct ChoiceOption {
        /// The value: `"true"` and `true` are two.
        req value: ChoiceValue,
        /// Meaning.
        opt description: String,
    }

    /// A level of a scale.
    pub struct ScoreLevel {
        /// Name.
        req label: String,
        /// Meaning.
        opt description: String,
    }

    /// One run of the decision model.
    pub struct DecisionResult {
        /// Type: `decision.completed`.
        req kind as "type": String,
        /// The decision.
        req decision: super::Reported<Decision>,
    }

    /// The answers of one run, in the order of the questions.
    pub struct Decision {
        /// The answers. Any of them may be a refusal.
        loose answers: Vec<Answer>,
        /// The model that answered.
        loose model: String,
        /// Tokens used.
        loose usage: Json,
    }

    /// Whether something holds.
    pub struct PredicateAnswer {
        /// The question's name.
        loose name: String,
        /// Probability from 0 to 1.
        req probability: Number,
    }

    /// The value that fits.
    pub struct ChoiceAnswer {
        /// The question's name.
        loose name: String,
        /// The value.
        req choice: ChoiceValue,
        /// Confidence of the model, from 0 to 1.
        loose confidence: Number,
        /// Probability of each value.
        loose probabilities: Vec<ChoiceProbability>,
    }

    /// The score.
    pub struct ScoreAnswer {
        /// The question's name.
        loose name: String,
        /// The mean level, from 0.
        req score: Number,
        /// Confidence of the model, from 0 to 1.
        loose confidence: Number,
        /// Probability of each level.
        loose probabilities: Vec<LevelProbability>,
    }

    /// The model did not answer a question.
    pub struct Refusal {
        /// The question's name.
        loose name: String,
    }

    /// Probability of a value.
    pub struct ChoiceProbability {
        /// The value.
        req value: ChoiceValue,
        /// A number from 0 to 1.
        req probability: Number,
    }

    /// Probability of a level.
    pub struct LevelProbability {
        /// The level's name.
        req label: String,
        /// The level's place, from 0.
        req value: Number,
        /// A number from 0 to 1.
        req probability: Number,
    }
}

union! {
    /// An answer to a question.
    pub enum Answer {
        objects {
            /// Whether something holds.
            "predicate" => Predicate(PredicateAnswer),
            /// Which value fits.
            "choice" => Choice(ChoiceAnswer),
            /// The score.
            "score" => Score(ScoreAnswer),
            /// The model did not answer.
            "refusal" => Refusal(Refusal),
        }
    }
}

impl Decision {
    /// The answer to the question of this name.
    pub fn answer(&self, name: &str) -> Option<&Answer> {
        self.answers.as_ref()?.iter().find(|answer| answer.name() == Some(name))
    }

    /// How probable it is that the predicate of this name holds, from 0 to 1. None if the model refused to answer it, or
    /// there is no such predicate.
    pub fn predicate(&self, name: &str) -> Option<f64> {
        match self.answer(name)? {
            Answer::Predicate(answer) => Some(answer.probability.get()),
            _ => None,
        }
    }

    /// The value that was chosen for the choice of this name. None if the model refused to choose, or there is no such
    /// choice.
    pub fn choice(&self, name: &str) -> Option<&ChoiceValue> {
        match self.answer(name)? {
            Answer::Choice(answer) => Some(&answer.choice),
            _ => None,
        }
    }

    /// The mean level for the score of this name, from 0. None if the model refused to judge, or there is no such score.
    pub fn score(&self, name: &str) -> Option<f64> {
        match self.answer(name)? {
            Answer::Score(answer) => Some(answer.score.get()),
            _ => None,
        }
    }
}

impl Answer {
    /// The name of the question that it answers.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Predicate(answer) => answer.name.as_deref(),
            Self::Choice(answer) => answer.name.as_deref(),
            Self::Score(answer) => answer.name.as_deref(),
            Self::Refusal(refusal) => refusal.name.as_deref(),
            Self::Other(_) => None,
        }
    }
}

/// A value to choose. A text and a boolean that read alike are two values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ChoiceValue {
    /// A text.
    Text(String),
    /// True or false.
    Bool(bool),
    /// A shape that this crate does not know, kept whole.
    Other(Json),
}

impl From<&str> for ChoiceValue {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<bool> for ChoiceValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl Serialize for ChoiceValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Other(json) => json.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ChoiceValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_union(deserializer)
    }
}

impl Union for ChoiceValue {
    fn other(json: Json) -> Self {
        match json.to_value() {
            Value::Bool(value) => Self::Bool(value),
            _ => Self::Other(json),
        }
    }

    fn text(text: &str) -> Self {
        text.into()
    }
}
