//! Where a plain string ends.

use crate::wire::{INLINE, WINDOW};

/// Position of the first byte that ends a plain string: the closing quote, an escape, or a control character.
pub(crate) fn stop(raw: &[u8]) -> Option<usize> {
    let ends = |byte: &u8| (*byte < b' ') | (*byte == b'"') | (*byte == b'\\');
    let mut at = 0;
    while let Some(window) = raw[at..].first_chunk::<WINDOW>() {
        // Most strings end in their first window. The others are looked at as a whole, which takes fewer instructions.
        if (at == 0 || window.iter().fold(false, |any, byte| any | ends(byte)))
            && let Some(end) = stop_within(window.as_chunks().0)
        {
            return Some(at + end);
        }
        at += WINDOW;
    }
    let (words, last) = raw[at..].as_chunks();
    let end = stop_within(words).or_else(|| Some(8 * words.len() + last.iter().position(ends)?))?;
    Some(at + end)
}

/// The same in words.
#[inline]
fn stop_within(words: &[[u8; 8]]) -> Option<usize> {
    words.iter().enumerate().find_map(|(at, word)| {
        let stops = stops(u64::from_le_bytes(*word));
        (stops != 0).then(|| 8 * at + stops.trailing_zeros() as usize / 8)
    })
}

/// The window of an id that follows its opening quote, and its length. The service's own ids are short and ASCII, and so is
/// what follows them.
#[inline]
pub(crate) fn short_id(raw: &[u8]) -> Option<(&[u8; WINDOW], usize)> {
    let window = raw.first_chunk::<WINDOW>()?;
    let len = stop_within(window.as_chunks().0)?;
    (len <= INLINE && raw[len] == b'"' && window.is_ascii()).then_some((window, len))
}

/// Checks eight bytes at once, the first of which is the lowest. The lowest bit that is set is in the first byte that
/// ends a string; what is above it says nothing, because subtraction borrows.
#[inline]
fn stops(word: u64) -> u64 {
    const EACH: u64 = u64::from_le_bytes([1; 8]);

    // Sets the highest bit of each byte that is less than the other, both being ASCII.
    let below = |word: u64, least: u8| word.wrapping_sub(EACH * u64::from(least));
    let is = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    (below(word, b' ') | is(b'"') | is(b'\\')) & !word & (EACH << 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_at_its_first_special_byte() {
        let ends = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
        for first in 0..=255 {
            for second in [0, b' ', b'"', b'#', b'!', b'\\', b'[', b']', b'x', 0x7F, 0x80, 0xA2, 0xFF] {
                for length in [1, 7, 8, 9, 16, 31, 32, 33, 40, 64, 65, 100] {
                    for at in 0..length {
                        let mut text = vec![b'x'; length];
                        text[at] = first;
                        if let Some(next) = text.get_mut(at + 1) {
                            *next = second;
                        }
                        assert_eq!(stop(&text), text.iter().position(|byte| ends(*byte)), "{text:?}");
                    }
                }
            }
        }
        assert_eq!(stop(b""), None);
    }

    #[test]
    fn only_a_short_ascii_id_within_ascii_is_one() {
        let id = |text: &str| short_id(format!("{text}{}", "x".repeat(WINDOW)).as_bytes()).map(|(_, length)| length);
        assert_eq!((id("\""), id("item_1\","), id(&("i".repeat(INLINE) + "\""))), (Some(0), Some(6), Some(INLINE)));
        for other in [&*("i".repeat(INLINE + 1) + "\""), "item\\u0031\"", "\u{e9}\"", "item_1\",\"\u{e9}", "item\n\""] {
            assert_eq!(id(other), None, "{other}");
        }
        assert_eq!(short_id(b"item_1\"}"), None, "too near the end");
    }
}
