use realtime_core::transport::Instant;
use serde_json::{Value, json};

use super::{context::Context, conversation::StoredItem};

/// Tokens per minute.
const LIMIT: f64 = 15_000_000.0;

/// Accounting of tokens.
pub(super) struct Meter {
    /// Input tokens of the previous response.
    last: Tokens,
    /// Tokens used and not replenished yet, and the time of that figure.
    used: f64,
    at: Instant,
}

/// Tokens by kind: a token is about four characters, 100 ms of the user's audio, or 50 ms of the model's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tokens {
    pub(super) text: u64,
    pub(super) audio: u64,
    pub(super) image: u64,
}

impl Tokens {
    pub(super) fn total(&self) -> u64 {
        self.text + self.audio + self.image
    }

    pub(super) fn add(&mut self, other: Self) {
        self.text += other.text;
        self.audio += other.audio;
        self.image += other.image;
    }

    /// Subtracts a previous addition.
    pub(super) fn subtract(&mut self, other: Self) {
        self.text = self.text.saturating_sub(other.text);
        self.audio = self.audio.saturating_sub(other.audio);
        self.image = self.image.saturating_sub(other.image);
    }
}

pub(super) fn of_text(text: &str) -> u64 {
    text.chars().count().div_ceil(4) as u64
}

/// Input tokens of a response: items, instructions, tools.
pub(super) fn of_context(context: Context<'_>, config: &Value) -> Tokens {
    let instructions = config["instructions"].as_str().map_or(0, of_text);
    let tools = config["tools"].as_array().filter(|tools| !tools.is_empty());
    let mut tokens = context.tokens();
    tokens.text += 8 + instructions + tools.map_or(0, |_| of_text(&config["tools"].to_string()));
    tokens
}

/// Input tokens of an item.
pub(super) fn of_entry(entry: &StoredItem) -> Tokens {
    let mut tokens = Tokens { text: 4, ..Tokens::default() };
    for part in entry.parts() {
        tokens.text += part["text"].as_str().map_or(0, of_text);
        tokens.image += if part["type"] == "input_image" { 256 } else { 0 };
    }
    tokens.text +=
        ["arguments", "output"].iter().filter_map(|name| entry.item[name].as_str()).map(of_text).sum::<u64>();
    if let Some(clip) = &entry.clip {
        tokens.audio += clip.ms.div_ceil(if entry.role() == "assistant" { 50 } else { 100 });
    }
    tokens
}

impl Meter {
    pub(super) fn new(now: Instant) -> Self {
        Self { last: Tokens::default(), used: 0.0, at: now }
    }

    /// Books the tokens of a response, and returns its usage.
    pub(super) fn book(&mut self, input: Tokens, output: Tokens, now: Instant) -> Value {
        // Input that the previous response read is cached, in blocks of 64 tokens.
        let block = |tokens: u64, last: u64| tokens.min(last) / 64 * 64;
        let cached = Tokens {
            text: block(input.text, self.last.text),
            audio: block(input.audio, self.last.audio),
            image: block(input.image, self.last.image),
        };
        self.last = input;
        let total = input.total() + output.total();
        self.refill(now);
        self.used = (self.used + total as f64).min(LIMIT);
        json!({
            "total_tokens": total,
            "input_tokens": input.total(),
            "output_tokens": output.total(),
            "input_token_details": {
                "text_tokens": input.text,
                "audio_tokens": input.audio,
                "image_tokens": input.image,
                "cached_tokens": cached.total(),
                "cached_tokens_details": {
                    "text_tokens": cached.text, "audio_tokens": cached.audio, "image_tokens": cached.image,
                },
            },
            "output_token_details": { "text_tokens": output.text, "audio_tokens": output.audio },
        })
    }

    /// The members of `rate_limits.updated`.
    pub(super) fn limits(&mut self, now: Instant) -> Value {
        self.refill(now);
        let reset = (self.used / LIMIT * 60_000.0).round() / 1000.0;
        json!({ "rate_limits": [{
            "name": "tokens",
            "limit": LIMIT as u64,
            "remaining": (LIMIT - self.used) as u64,
            "reset_seconds": reset,
        }] })
    }

    fn refill(&mut self, now: Instant) {
        self.used = (self.used - now.since(self.at).as_secs_f64() * LIMIT / 60.0).max(0.0);
        self.at = now;
    }
}
