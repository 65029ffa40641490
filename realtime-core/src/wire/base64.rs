//! Base64 in the standard alphabet, padded.
//!
//! Implemented with base64-turbo, because decoding base64 is most of the cost of an audio event and its AVX-512, AVX2
//! and NEON kernels are several times faster than the alternatives. Its `unsafe` code is checked with Kani and Miri.
//! Nothing else in this crate depends on it.

use base64_turbo::STANDARD;

/// Decodes into a buffer of exactly the right size.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    // Without padding, the library's own buffer has the right size.
    if !text.ends_with(b"=") {
        return STANDARD.decode(text).ok();
    }
    let (text, last) = text.split_at(text.len().checked_sub(4)?);
    let mut tail = [0; 3];
    let length = STANDARD.decode_slice(last, &mut tail).ok()?;
    let tail = &tail[..length];
    let body = text.len() / 4 * 3;
    let mut bytes = vec![0; body + tail.len()];
    bytes[body..].copy_from_slice(tail);
    // Shorter if there was padding inside.
    (STANDARD.decode_slice(text, &mut bytes[..body]).ok()? == body).then_some(bytes)
}

/// Decodes nonstandard forms: without padding, in the URL alphabet, with white space, or with leftover bits at the end,
/// which are dropped. Nothing after the padding is read.
pub(crate) fn decode_loosely(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0u32, 0);
    let mut rest = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    for byte in rest.by_ref() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    rest.all(|byte| byte == b'=').then_some(bytes)
}

/// Decodes and appends to a buffer. On failure, the buffer is unchanged.
pub(crate) fn decode_into(text: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    STANDARD.decode_vec(text, bytes).ok()
}

/// Encodes between a prefix and a suffix, in one allocation of exactly the right size.
pub(crate) fn encode_between(head: &str, bytes: &[u8], tail: &str) -> Vec<u8> {
    let start = head.len();
    let end = start + STANDARD.encoded_len(bytes.len());
    let mut text = vec![0; end + tail.len()];
    text[..start].copy_from_slice(head.as_bytes());
    // The slice has the length of the encoding; nothing else can fail.
    let _ = STANDARD.encode_slice(bytes, &mut text[start..end]);
    text[end..].copy_from_slice(tail.as_bytes());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_there_and_back_at_any_length() {
        let bytes: Vec<u8> = (0..400u32).map(|number| (number * 7 % 251) as u8).collect();
        for length in 0..bytes.len() {
            let text = encode_between("", &bytes[..length], "");
            assert_eq!(text, STANDARD.encode(&bytes[..length]).into_bytes());
            let decoded = decode(&text).unwrap();
            assert_eq!((&*decoded, decoded.capacity()), (&bytes[..length], length));
            let mut buffer = vec![9];
            assert_eq!(decode_into(&text, &mut buffer), Some(()));
            assert_eq!((buffer[0], &buffer[1..]), (9, &bytes[..length]));
        }
    }

    #[test]
    fn what_is_written_otherwise_is_read_where_it_can_be() {
        let bytes: Vec<u8> = (0..=255).collect();
        for length in 0..bytes.len() {
            let text = String::from_utf8(encode_between("", &bytes[..length], "")).unwrap();
            let broken: String = text.chars().flat_map(|letter| [letter, '\n']).collect();
            let url = text.replace('+', "-").replace('/', "_");
            for other in [&text, text.trim_end_matches('='), &url, url.trim_end_matches('='), &broken] {
                assert_eq!(decode_loosely(other.as_bytes()).as_deref(), Some(&bytes[..length]), "{other}");
            }
        }
        assert_eq!(decode_loosely(b"AR==").as_deref(), Some(&[1][..]), "bits left over");
        assert_eq!(decode_loosely(b"AQI=AQI="), None, "nothing follows the padding");
        assert_eq!((decode_loosely(b"AQ!D"), decode_loosely(b"\"")), (None, None));
    }

    #[test]
    fn takes_nothing_else() {
        for wrong in [
            "=", "==", "A", "AQ", "AQ=", "AQ===", "AQ==AQ==", "AQ==AQID", "AQID=", "AQI=AQI=", "A===", "AQ\n=", "====",
            "AQID====",
        ] {
            assert_eq!(decode(wrong.as_bytes()), None, "{wrong}");
            let mut buffer = vec![9];
            assert_eq!((decode_into(wrong.as_bytes(), &mut buffer), buffer), (None, vec![9]), "{wrong}");
        }
    }
}
