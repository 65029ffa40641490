//! Limits on the memory that a server can make a session use.

use std::collections::BTreeMap;

use crate::protocol::types::{ErrorBody, Failure};

/// How many errors, and types of unknown events, a state keeps unless it is told otherwise.
pub(crate) const KEPT_ERRORS: usize = 64;

/// Maximum size in bytes of texts that should be short: messages of errors, types, states.
pub(crate) const MOST_WORDS: usize = 4096;

/// Bytes of the most recent DTMF digits kept.
pub(crate) const MOST_DTMF: usize = 4096;

/// Bytes kept of the end of each transcript of a translation: about a week of speech.
pub(crate) const MOST_TRANSCRIPT: usize = 4 << 20;

/// Maximum number of items whose position is known. Beyond it, the oldest sixteenth is removed from the state.
pub(crate) const MOST_ITEMS: usize = 1 << 18;

/// Maximum length in bytes of an id that is kept when its item is evicted.
pub(crate) const MOST_KEPT_ID: usize = 64;

/// Maximum number of items mentioned but not yet described whose order is remembered.
pub(crate) const MOST_MENTIONS: usize = 64;

/// Maximum total size in bytes of the item ids of one response.
pub(crate) const MOST_OUTPUT_IDS: usize = 64 << 10;

/// Maximum number of diarized segments of one transcription. Later ones are dropped.
pub(crate) const MOST_SEGMENTS: usize = 4096;

/// Maximum number of items recorded per response. Later ones are part of the conversation only.
pub(crate) const MOST_OUTPUT: usize = 1024;

/// Maximum number of unanswered function calls, and of the bytes of their arguments. Further calls are refused.
pub(crate) const MOST_CALLS: usize = 1024;
pub(crate) const MOST_ARGUMENTS: usize = 32 << 20;

/// Number of recent calls remembered, so that none is run twice.
pub(crate) const MOST_SEEN: usize = 4096;

/// Maximum number of content parts whose playback is tracked. Further parts are neither tracked nor queued.
pub(crate) const MOST_PARTS: usize = 1024;

/// Maximum bytes of audio queued for playback: 46 minutes of PCM. Further audio is not queued.
pub(crate) const MOST_QUEUED: usize = 128 << 20;

/// Maximum size in bytes of a response's metadata. The service allows 16 pairs of 64 and 512 characters.
const MOST_METADATA: usize = 64 << 10;

/// Truncates a text that should be short.
pub(crate) fn words(text: &str) -> &str {
    &text[..text.floor_char_boundary(MOST_WORDS)]
}

/// Appends to a text of which only the end is kept.
pub(crate) fn append_latest(text: &mut String, new: &str, most: usize) {
    text.push_str(new);
    if text.len() > most {
        // Removes a quarter more than necessary, so that the text is not moved on every append.
        let start = text.ceil_char_boundary(text.len() - most / 4 * 3);
        text.drain(..start);
        text.shrink_to(most);
    }
}

pub(crate) fn clip_error(error: &ErrorBody) -> ErrorBody {
    let mut error = error.clone();
    clip(&mut error.message);
    [&mut error.kind, &mut error.code, &mut error.param].into_iter().flatten().for_each(clip);
    error.event_id = error.event_id.filter(|id| id.len() <= MOST_WORDS);
    error
}

pub(crate) fn clip_failure(failure: &Failure) -> Failure {
    let mut failure = failure.clone();
    let texts = [&mut failure.kind, &mut failure.code, &mut failure.param, &mut failure.message];
    texts.into_iter().flatten().for_each(clip);
    failure
}

pub(crate) fn is_metadata(metadata: &BTreeMap<String, String>) -> bool {
    metadata.iter().map(|(key, value)| key.len() + value.len() + 64).sum::<usize>() <= MOST_METADATA
}

fn clip(text: &mut String) {
    if text.len() > MOST_WORDS {
        *text = words(text).into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_letters() {
        assert_eq!(words("short"), "short");
        let long = "é".repeat(MOST_WORDS);
        assert_eq!(words(&format!("x{long}")).len(), MOST_WORDS - 1);
        let mut latest = String::new();
        for letter in ["a", "é", "z"].into_iter().cycle().take(100_000) {
            append_latest(&mut latest, letter, 1000);
            assert!(latest.len() <= 1000);
        }
        assert!(latest.len() >= 740 && latest.ends_with("aézaéza"));
    }
}
