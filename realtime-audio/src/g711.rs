//! G.711: one byte per sample, logarithmically quantized in segments.
//!
//! Streams are converted by [`Converter`](crate::Converter); these are the functions for one sample.
//!
//! ```
//! use realtime_audio::g711;
//!
//! assert_eq!(g711::encode_pcmu(0), g711::PCMU_SILENCE);
//! let heard = g711::decode_pcmu(g711::encode_pcmu(1_000));
//! assert!((heard - 1_000).abs() < 32); // eight bits remain of sixteen
//! ```

/// The decoding table of a law. A macro, because a constant cannot call a function passed to it.
macro_rules! table {
    ($law:ident) => {{
        let mut table = [0; 256];
        let mut code = 0;
        while code < 256 {
            table[code] = $law(code as u8);
            code += 1;
        }
        table
    }};
}

/// The μ-law code of silence.
pub const PCMU_SILENCE: u8 = 0xff;
/// The A-law code nearest to silence, which is 8: A-law has no zero.
pub const PCMA_SILENCE: u8 = 0xd5;

/// Added to a μ-law magnitude, so that each segment begins at a power of two.
const BIAS: u16 = 0x84;
/// The largest magnitude that μ-law can represent.
const CLIP: u16 = 32_635;

static PCMU: [i16; 256] = table!(pcmu);
static PCMA: [i16; 256] = table!(pcma);

/// Decodes a μ-law code.
#[inline]
pub fn decode_pcmu(code: u8) -> i16 {
    PCMU[usize::from(code)]
}

/// Decodes an A-law code.
#[inline]
pub fn decode_pcma(code: u8) -> i16 {
    PCMA[usize::from(code)]
}

/// Encodes a sample in μ-law. A sample on the border of two steps gets the code further from zero.
#[inline]
pub const fn encode_pcmu(sample: i16) -> u8 {
    let magnitude = sample.unsigned_abs();
    let magnitude = if magnitude > CLIP { CLIP + BIAS } else { magnitude + BIAS };
    // From 7 to 14, because a magnitude has 8 to 15 bits.
    let segment = magnitude.ilog2() - 7;
    let step = (magnitude >> (segment + 3)) & 15;
    !(sign(sample < 0) | ((segment as u8) << 4) | step as u8)
}

/// Encodes a sample in A-law.
#[inline]
pub const fn encode_pcma(sample: i16) -> u8 {
    let magnitude = if sample < 0 { !sample } else { sample };
    // From 7 to 14; the lowest two segments have steps of the same size.
    let segment = (magnitude | 0xff).ilog2() - 7;
    let step = (magnitude >> if segment == 0 { 4 } else { segment + 3 }) & 15;
    (sign(sample >= 0) | ((segment as u8) << 4) | step as u8) ^ 0x55
}

const fn pcmu(code: u8) -> i16 {
    let code = !code;
    let magnitude = (((((code & 15) as u16) << 3) + BIAS) << ((code >> 4) & 7)) - BIAS;
    // At most 32,124.
    if code & 0x80 == 0 { magnitude as i16 } else { -(magnitude as i16) }
}

const fn pcma(code: u8) -> i16 {
    let code = code ^ 0x55;
    let segment = (code >> 4) & 7;
    let step = (((code & 15) as i16) << 4) + 8;
    let magnitude = if segment == 0 { step } else { (step + 0x100) << (segment - 1) };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

const fn sign(set: bool) -> u8 {
    if set { 0x80 } else { 0 }
}
