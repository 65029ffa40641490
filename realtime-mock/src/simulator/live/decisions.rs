//! Decisions: questions of a session or a trigger to the decision model.

use realtime_core::live::types::{Answer, Question};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::session::Fault,
    config,
    room::{Audience, Room},
};

/// Origin of a decision.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) delegation: Option<String>,
    pub(super) trigger: Option<(String, &'static str, String)>,
}

impl Room {
    /// Answers the questions and sends the answers.
    pub(super) fn decide(&mut self, questions: &Value, model: &Value, asked: Asked) {
        let questions = questions.as_array().cloned().unwrap_or_default();
        let heard = self.heard.clone();
        let answers: Vec<Value> = questions.iter().map(|question| self.answer_question(question, &heard)).collect();
        let tokens = (heard.len() / 4) as u64 + 20 * answers.len() as u64;
        let decision = json!({
            "answers": answers,
            "model": model.as_str().unwrap_or("gpt-5.4-nano"),
            "usage": {
                "input_tokens": tokens, "input_tokens_details": { "cached_tokens": 0 },
                "output_tokens": 3 * answers.len(), "output_tokens_details": { "reasoning_tokens": 0 },
                "total_tokens": tokens + 3 * answers.len() as u64,
            },
        });
        let (trigger, kind, source) = asked
            .trigger
            .map_or((None, None, None), |(trigger, kind, source)| (Some(trigger), Some(kind), Some(source)));
        self.emit(
            Audience::All,
            "decision.event",
            None,
            json!({
                "event": { "type": "decision.completed", "decision": decision },
                "delegation_id": asked.delegation,
                "trigger_id": trigger,
                "source_event_type": kind,
                "source_event_id": source,
            }),
        );
    }

    fn answer_question(&self, question: &Value, heard: &str) -> Value {
        let scripted = Question::deserialize(question).ok().and_then(|asked| {
            let answer: Option<Answer> = (self.settings.decide.as_ref()?)(&asked, heard);
            serde_json::to_value(answer?).ok()
        });
        let mut answer = scripted.unwrap_or_else(|| guess(question));
        if let (Value::Object(members), Some(name)) = (&mut answer, question["name"].as_str()) {
            members.entry("name").or_insert_with(|| name.into());
        }
        answer
    }

    /// `decision.create`: the questions of the session's own delegation.
    pub(super) fn create_decision(&mut self, event_id: &str) -> Result<(), Fault> {
        if !self.decision_requests.insert(event_id.into()) {
            let message = "Each 'decision.create' needs an 'event_id' that was not used before.";
            return Err(Fault::new("invalid_value", message).at("event_id"));
        }
        if config::target(&self.config) != "decisions" {
            return Err(Fault::new("invalid_request", "decision.create requires decisions delegation."));
        }
        let decisions = self.config["delegation"]["decisions"].clone();
        self.decide(&decisions["questions"], &decisions["model"], Asked::default());
        Ok(())
    }

    /// Starts the decisions triggered by a transcript fragment.
    pub(super) fn trigger(&mut self, kind: &'static str, source: &str) {
        let triggers = self.config["triggers"].as_array().cloned().unwrap_or_default();
        for trigger in triggers.iter().filter(|trigger| trigger["event_type"] == kind) {
            let id = self.ids.make("trigger");
            let questions = &trigger["decisions"]["questions"];
            self.decide(
                questions,
                &Value::Null,
                Asked { trigger: Some((id, kind, source.into())), ..Asked::default() },
            );
        }
    }
}

/// The default answer: 0.5, the first choice, or the middle of a range.
fn guess(question: &Value) -> Value {
    match question["type"].as_str() {
        Some("predicate") => json!({ "type": "predicate", "probability": 0.5 }),
        Some("choice") => {
            let choices = question["choices"].as_array().map_or(&[][..], Vec::as_slice);
            let share = 1.0 / choices.len().max(1) as f64;
            let of = |choice: &Value| json!({ "value": choice["value"], "probability": share });
            json!({
                "type": "choice", "choice": choices.first().map_or(Value::Null, |choice| choice["value"].clone()),
                "confidence": share, "probabilities": choices.iter().map(of).collect::<Vec<_>>(),
            })
        }
        Some("score") => {
            let levels = question["levels"].as_array().map_or(&[][..], Vec::as_slice);
            let share = 1.0 / levels.len().max(1) as f64;
            let of =
                |(at, level): (usize, &Value)| json!({ "label": level["label"], "value": at, "probability": share });
            json!({
                "type": "score", "score": (levels.len().max(1) - 1) as f64 / 2.0, "confidence": share,
                "probabilities": levels.iter().enumerate().map(of).collect::<Vec<_>>(),
            })
        }
        _ => json!({ "type": "refusal" }),
    }
}
