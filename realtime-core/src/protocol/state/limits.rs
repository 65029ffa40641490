//! How much is believed of what a server says. Its words are its own; the memory is ours.

use std::collections::BTreeMap;

use crate::protocol::types::{ErrorBody, Failure};

/// Bytes of a text that is kept though it should be a few words: of errors, of types, of states.
pub(crate) const MOST_WORDS: usize = 4096;

/// Bytes of the latest digits that were dialled.
pub(crate) const MOST_DTMF: usize = 4096;

/// Bytes of the latest part of each transcript of a translation: about a week of talk.
pub(crate) const MOST_TRANSCRIPT: usize = 4 << 20;

/// Items whose place in the order is known. Beyond that the oldest sixteenth of them leaves the state altogether.
pub(crate) const MOST_ITEMS: usize = 1 << 18;

/// Bytes of an id that stays known when its item is forgotten.
pub(crate) const MOST_KEPT_ID: usize = 64;

/// Items that were spoken of and of which nothing has come yet, whose order is remembered.
pub(crate) const MOST_MENTIONS: usize = 64;

/// Bytes of the ids of one response's items.
pub(crate) const MOST_OUTPUT_IDS: usize = 64 << 10;

/// Pieces of one transcription by speakers. Later ones are left out.
pub(crate) const MOST_SEGMENTS: usize = 4096;

/// Items of one response. Later ones are known to the conversation alone.
pub(crate) const MOST_OUTPUT: usize = 1024;

/// Calls that wait for their answers at one time, and the bytes of their arguments. Others are not run.
pub(crate) const MOST_CALLS: usize = 1024;
pub(crate) const MOST_ARGUMENTS: usize = 32 << 20;

/// Calls that are remembered, so that none is run twice.
pub(crate) const MOST_SEEN: usize = 4096;

/// Parts of items whose playback is followed. What comes after is neither followed nor kept to be played.
pub(crate) const MOST_PARTS: usize = 1024;

/// Bytes of audio that wait to be played: 46 minutes of PCM. What comes after is not kept to be played.
pub(crate) const MOST_QUEUED: usize = 128 << 20;

/// Bytes of a response's metadata: the service takes 16 pairs of 64 and 512 letters. More is not kept.
const MOST_METADATA: usize = 64 << 10;

/// A text of a few words.
pub(crate) fn words(text: &str) -> &str {
    &text[..text.floor_char_boundary(MOST_WORDS)]
}

/// Adds to a text of which only the latest part is kept.
pub(crate) fn append_latest(text: &mut String, new: &str, most: usize) {
    text.push_str(new);
    if text.len() > most {
        // A quarter more than need be, so that it is not moved for every letter.
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
