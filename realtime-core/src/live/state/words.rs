//! Words of a transcript, as turns are told apart by them.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// What a listener says without taking the turn, normalised.
pub(super) const ACKNOWLEDGEMENTS: [&str; 16] = [
    "aha", "alright", "gotcha", "hm", "hmm", "mhm", "mm", "mm hmm", "okay", "ok", "right", "sure", "uh huh", "yeah",
    "yep", "yes",
];

/// Letters and digits.
pub(super) fn is_word(letter: char) -> bool {
    matches!(letter.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number)
}

/// White space, as ECMAScript has it.
fn is_space(letter: char) -> bool {
    letter == '\u{feff}' || letter != '\u{85}' && letter.is_whitespace()
}

/// A text as acknowledgements are compared.
pub(super) fn normalised(text: &str) -> String {
    let text = text.to_lowercase().replace('-', " ");
    let strips = |letter: char| is_space(letter) || ".,!?;:\"'()[]{}".contains(letter);
    let words = text.trim_matches(strips).split(is_space).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_acknowledgements_by_their_words() {
        for (text, plain) in [
            (" Mm-hmm! ", "mm hmm"),
            ("\u{feff}\"Okay\u{a0}\u{a0}then.\"", "okay then"),
            ("...", ""),
            ("OK, sure", "ok, sure"),
            ("a\u{85}b", "a\u{85}b"),
        ] {
            assert_eq!(normalised(text), plain, "{text}");
        }
    }

    #[test]
    fn marks_are_no_letters() {
        assert!(is_word('a') && is_word('ß') && is_word('漢') && is_word('7') && is_word('Ⅷ') && is_word('½'));
        assert!(!is_word('\u{947}') && !is_word('\u{301}') && !is_word(' ') && !is_word('-') && !is_word('Ⓐ'));
    }
}
