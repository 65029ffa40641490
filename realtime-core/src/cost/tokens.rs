//! Splits usage by price.

use crate::types::{InputTokenDetails, OutputTokenDetails};

/// Input tokens by kind, with cached tokens counted separately.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Input {
    pub(super) text: TokenCount,
    pub(super) audio: TokenCount,
    pub(super) image: TokenCount,
    /// Cached tokens of unknown kind.
    pub(super) other_cached: u64,
    /// Tokens of unknown kind.
    pub(super) other: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct TokenCount {
    pub(super) plain: u64,
    pub(super) cached: u64,
}

impl TokenCount {
    /// Splits a number of tokens into plain and cached ones. At most all are cached.
    fn new(all: Option<u64>, cached: Option<u64>) -> Self {
        let all = all.unwrap_or_default();
        let cached = cached.unwrap_or_default().min(all);
        Self { plain: all - cached, cached }
    }

    fn cache(&mut self, loose: &mut u64) {
        let more = (*loose).min(self.plain);
        *loose -= more;
        self.plain -= more;
        self.cached += more;
    }
}

impl Input {
    pub(super) fn new(all: Option<u64>, details: Option<&InputTokenDetails>) -> Self {
        let Some(details) = details else { return Self { other: all.unwrap_or_default(), ..Self::default() } };
        let cached = details.cached_tokens_details.as_ref();
        let mut input = Self {
            text: TokenCount::new(details.text_tokens, cached.and_then(|cached| cached.text_tokens)),
            audio: TokenCount::new(details.audio_tokens, cached.and_then(|cached| cached.audio_tokens)),
            image: TokenCount::new(details.image_tokens, cached.and_then(|cached| cached.image_tokens)),
            ..Self::default()
        };
        let kinds = [input.text, input.audio, input.image];
        let sum = |part: fn(&TokenCount) -> u64| kinds.iter().map(part).fold(0, u64::saturating_add);
        let known = sum(|kind| kind.plain.saturating_add(kind.cached));
        input.other = all.unwrap_or_default().saturating_sub(known);
        // Cached tokens of unspecified kind count as text first, because a cached prefix starts with text.
        let mut loose = details.cached_tokens.unwrap_or_default().saturating_sub(sum(|kind| kind.cached));
        input.text.cache(&mut loose);
        input.audio.cache(&mut loose);
        input.image.cache(&mut loose);
        input.other_cached = loose.min(input.other);
        input.other -= input.other_cached;
        input
    }
}

/// Output tokens by kind.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Output {
    pub(super) text: u64,
    pub(super) audio: u64,
    /// Tokens of unknown kind.
    pub(super) other: u64,
}

impl Output {
    pub(super) fn new(all: Option<u64>, details: Option<&OutputTokenDetails>) -> Self {
        let all = all.unwrap_or_default();
        match details {
            // Output of a transcription, or of unspecified kind, is text.
            None | Some(OutputTokenDetails { text_tokens: None, audio_tokens: None, .. }) => {
                Self { text: all, ..Self::default() }
            }
            Some(OutputTokenDetails { text_tokens, audio_tokens, .. }) => {
                let (text, audio) = (text_tokens.unwrap_or_default(), audio_tokens.unwrap_or_default());
                Self { text, audio, other: all.saturating_sub(text.saturating_add(audio)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::CachedTokenDetails;

    #[test]
    fn cached_tokens_are_counted_once_and_never_more_than_there_are() {
        let kinds = |text, audio| InputTokenDetails::default().text_tokens(text).audio_tokens(audio);
        let cached = |text, audio| CachedTokenDetails::default().text_tokens(text).audio_tokens(audio);
        let kind = |plain, cached| TokenCount { plain, cached };
        for (name, all, details, text, audio, other, other_cached) in [
            (
                "placed",
                30,
                kinds(10, 20).cached_tokens(7).cached_tokens_details(cached(3, 4)),
                kind(7, 3),
                kind(16, 4),
                0,
                0,
            ),
            (
                "too many of a kind",
                30,
                kinds(10, 20).cached_tokens_details(cached(99, 0)),
                kind(0, 10),
                kind(20, 0),
                0,
                0,
            ),
            ("not placed", 30, kinds(10, 20).cached_tokens(15), kind(0, 10), kind(15, 5), 0, 0),
            (
                "partly placed",
                30,
                kinds(10, 20).cached_tokens(9).cached_tokens_details(cached(0, 8)),
                kind(9, 1),
                kind(12, 8),
                0,
                0,
            ),
            ("more than all", 30, kinds(10, 20).cached_tokens(99), kind(0, 10), kind(0, 20), 0, 0),
            ("no kinds", 30, InputTokenDetails::default().cached_tokens(12), kind(0, 0), kind(0, 0), 18, 12),
            ("some unknown", 35, kinds(10, 20), kind(10, 0), kind(20, 0), 5, 0),
        ] {
            let expected = Input { text, audio, image: TokenCount::default(), other, other_cached };
            assert_eq!(Input::new(Some(all), Some(&details)), expected, "{name}");
        }
        assert_eq!(Input::new(Some(9), None), Input { other: 9, ..Input::default() });
        assert_eq!(Input::new(Some(u64::MAX), Some(&kinds(u64::MAX, u64::MAX))).other, 0);
    }

    #[test]
    fn output_without_details_is_text() {
        let text = Output { text: 9, ..Output::default() };
        assert_eq!(Output::new(Some(9), None), text);
        assert_eq!(Output::new(Some(9), Some(&OutputTokenDetails::default())), text);
        let details = OutputTokenDetails::default().audio_tokens(4);
        assert_eq!(Output::new(Some(9), Some(&details)), Output { audio: 4, other: 5, ..Output::default() });
    }
}
