//! Base64 as the wire has it: the standard alphabet, padded.
//!
//! base64-turbo stands behind these functions because decoding base64 is most of the cost of an audio event, and its
//! AVX-512, AVX2 and NEON kernels are several times faster than the alternatives; its `unsafe` is checked with Kani
//! and Miri. Nothing else in the crate knows which library it is.

use base64_turbo::STANDARD;

/// Decodes into a buffer of exactly the right size.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Appends the encoding to text.
pub(crate) fn encode_into(bytes: &[u8], text: &mut String) {
    STANDARD.encode_string(bytes, text);
}

/// How long the encoding of so many bytes is.
pub(crate) fn encoded_len(bytes: usize) -> usize {
    STANDARD.encoded_len(bytes)
}
