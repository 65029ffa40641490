//! Short-lived keys.

use std::collections::VecDeque;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answered, Asked, REMEMBERED, Refusal, answered};
use crate::simulator::{
    request::{Request, SessionKind},
    session::{Fault, described},
};

/// Default validity of a key, in seconds.
const VALID: u64 = 600;

#[derive(Default)]
pub(super) struct Secrets(VecDeque<Minted>);

/// A created key.
#[derive(Clone)]
pub(super) struct Minted {
    value: String,
    /// Seconds since the Unix epoch.
    expires_at: u64,
    opened: u32,
    kind: SessionKind,
    model: Option<String>,
    session: Map<String, Value>,
}

impl Secrets {
    pub(super) fn knows(&self, key: &str) -> bool {
        self.0.iter().any(|minted| minted.value == key)
    }

    /// Uses a key to open a session. `None` if it was not created here.
    pub(super) fn open(&mut self, key: &str, now: u64, uses: u32) -> Option<Result<Minted, Fault>> {
        let minted = self.0.iter_mut().find(|minted| minted.value == key)?;
        if minted.expires_at <= now {
            return Some(Err(Fault::new("invalid_api_key", "The client secret has expired.")));
        }
        if minted.opened >= uses {
            return Some(Err(Fault::new("invalid_api_key", "The client secret has been used already.")));
        }
        minted.opened += 1;
        Some(Ok(minted.clone()))
    }
}

impl Minted {
    /// Session configuration of the key.
    pub(super) fn apply(self, request: &mut Request) {
        if (self.kind == SessionKind::Translation) != (request.kind == SessionKind::Translation) {
            let fault = Fault::new("invalid_api_key", "The client secret is for a session of another type.");
            request.refused = Some((3000, fault));
            return;
        }
        request.is_admitted = true;
        request.kind = self.kind;
        request.model = request.model.take().or(self.model);
        request.preset = Some(self.session);
    }

    pub(super) fn into_session(self) -> (SessionKind, Option<String>, Map<String, Value>) {
        (self.kind, self.model, self.session)
    }
}

impl Asked<'_> {
    pub(super) fn create_secret(&self, translation: bool) -> Answered {
        self.authorize()?;
        let mut body = self.object()?;
        let seconds = match body.get("expires_after").filter(|expires| !expires.is_null()) {
            None => VALID,
            Some(expires) => match expires["seconds"].as_u64() {
                Some(seconds @ 10..=7200) => seconds,
                None if expires["seconds"].is_null() => VALID,
                _ => {
                    let message = "Invalid 'expires_after.seconds': expected a whole number from 10 to 7200.";
                    return Err(Fault::new("invalid_value", message).at("expires_after.seconds").into());
                }
            },
        };
        let session = match body.remove("session") {
            Some(Value::Object(session)) => session,
            None | Some(Value::Null) if translation => return Err(Fault::missing("session").into()),
            None | Some(Value::Null) => Map::new(),
            Some(_) => return Err(Fault::new("invalid_type", "'session' must be an object.").at("session").into()),
        };
        let (request, session, reported) = self.session(session, translation, self.now + seconds)?;
        let value = self.id("ek");
        let minted = Minted {
            value: value.clone(),
            expires_at: self.now + seconds,
            opened: 0,
            kind: request.kind,
            model: request.model,
            session,
        };
        let secrets = &mut self.simulator.desk.state().secrets.0;
        if secrets.len() == REMEMBERED {
            secrets.pop_front();
        }
        secrets.push_back(minted);
        let answer = json!({ "value": value, "expires_at": self.now + seconds, "session": reported });
        Ok(answered(StatusCode::OK, &answer))
    }

    /// Validates a configuration. Returns the request, the configuration to apply, and the reported form.
    pub(super) fn session(
        &self,
        mut session: Map<String, Value>,
        translation: bool,
        expires_at: u64,
    ) -> Result<(Request, Map<String, Value>, Value), Refusal> {
        let kind = match session.get("type").and_then(Value::as_str) {
            _ if translation => SessionKind::Translation,
            Some("transcription") => SessionKind::Transcription,
            _ => SessionKind::Realtime,
        };
        if !translation {
            session.entry("type").or_insert_with(|| "realtime".into());
        }
        let model = session.get("model").and_then(Value::as_str).map(str::to_owned);
        let models = &self.simulator.settings.models;
        if let Some(model) = model.as_ref().filter(|model| !models.is_empty() && !models.contains(model)) {
            let message = format!("The model `{model}` does not exist or you do not have access to it.");
            return Err(Fault::new("model_not_found", message).at("session.model").into());
        }
        let request = Request::of(kind, model);
        let reported = described(&request, &self.id("sess"), expires_at, &session)?;
        session.remove("model");
        Ok((request, session, reported))
    }
}
