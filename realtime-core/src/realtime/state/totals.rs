//! Usage of a session, and its rate limits.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    realtime::types::{
        CachedTokenDetails, InputTokenDetails, OutputTokenDetails, RateLimit, TranscriptionDuration,
        TranscriptionTokens, TranscriptionUsage, Usage,
    },
    transport::Instant,
    wire::Json,
};

/// Total usage of a session. Numbers that no response reported are unset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Totals {
    /// Usage of all responses, including cancelled and out-of-band ones. `None` until one reports any.
    pub responses: Option<Usage>,
    /// Usage of input transcription billed by tokens.
    pub transcription_tokens: Option<TranscriptionTokens>,
    /// Usage of input transcription billed by duration, in seconds.
    #[serde(deserialize_with = "exact")]
    pub transcription_seconds: f64,
}

/// Reads a number to the last bit: serde_json's own reading may differ in it.
fn exact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Json::deserialize(deserializer)?.as_str().parse().map_err(de::Error::custom)
}

impl Totals {
    /// Adds the usage of a response. Each response must be added once.
    pub fn add_response(&mut self, usage: &Usage) {
        let total = self.responses.get_or_insert_default();
        add(&mut total.total_tokens, usage.total_tokens);
        add(&mut total.input_tokens, usage.input_tokens);
        add(&mut total.output_tokens, usage.output_tokens);
        if let Some(details) = &usage.input_token_details {
            add_input(&mut total.input_token_details, details);
        }
        if let Some(details) = &usage.output_token_details {
            let OutputTokenDetails { text_tokens, audio_tokens } = details;
            let total = total.output_token_details.get_or_insert_default();
            add(&mut total.text_tokens, *text_tokens);
            add(&mut total.audio_tokens, *audio_tokens);
        }
    }

    /// Adds the usage of a transcription, whether it was billed by tokens or by duration. Each part of an item must be added
    /// once.
    pub fn add_transcription(&mut self, usage: &TranscriptionUsage) {
        match usage {
            TranscriptionUsage::Tokens(tokens) => self.add_tokens(tokens),
            TranscriptionUsage::Duration(duration) => self.transcription_seconds += duration.seconds,
            TranscriptionUsage::Other(json) => {
                // Some servers omit which of the two it is.
                if let Ok(duration) = json.read::<TranscriptionDuration>() {
                    self.transcription_seconds += duration.seconds;
                } else if let Some(tokens) = json.read_leniently::<TranscriptionTokens>() {
                    self.add_tokens(&tokens);
                }
            }
        }
    }

    /// Adds the totals of another session.
    pub fn add(&mut self, other: &Self) {
        let Self { responses, transcription_tokens, transcription_seconds } = other;
        responses.iter().for_each(|usage| self.add_response(usage));
        transcription_tokens.iter().for_each(|tokens| self.add_tokens(tokens));
        self.transcription_seconds += transcription_seconds;
    }

    fn add_tokens(&mut self, tokens: &TranscriptionTokens) {
        let total = self.transcription_tokens.get_or_insert_with(|| TranscriptionTokens::new(0, 0, 0));
        total.input_tokens = total.input_tokens.saturating_add(tokens.input_tokens);
        total.output_tokens = total.output_tokens.saturating_add(tokens.output_tokens);
        total.total_tokens = total.total_tokens.saturating_add(tokens.total_tokens);
        if let Some(details) = &tokens.input_token_details {
            add_input(&mut total.input_token_details, details);
        }
    }
}

fn add_input(total: &mut Option<InputTokenDetails>, details: &InputTokenDetails) {
    let InputTokenDetails { text_tokens, audio_tokens, image_tokens, cached_tokens, cached_tokens_details } = details;
    let total = total.get_or_insert_default();
    add(&mut total.text_tokens, *text_tokens);
    add(&mut total.audio_tokens, *audio_tokens);
    add(&mut total.image_tokens, *image_tokens);
    add(&mut total.cached_tokens, *cached_tokens);
    if let Some(CachedTokenDetails { text_tokens, audio_tokens, image_tokens }) = cached_tokens_details {
        let total = total.cached_tokens_details.get_or_insert_default();
        add(&mut total.text_tokens, *text_tokens);
        add(&mut total.audio_tokens, *audio_tokens);
        add(&mut total.image_tokens, *image_tokens);
    }
}

fn add(total: &mut Option<u64>, number: Option<u64>) {
    if let Some(number) = number {
        *total = Some(total.unwrap_or_default().saturating_add(number));
    }
}

/// A rate limit, and when it is fully reset.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RateLimitState {
    /// The limit as reported.
    pub limit: RateLimit,
    /// When the whole limit is available again.
    pub resets: Option<Instant>,
}

impl RateLimitState {
    pub(super) fn new(limit: &RateLimit, now: Instant) -> Self {
        let wait = limit.reset_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Self { limit: limit.clone(), resets: wait.map(|wait| now + wait) }
    }
}
