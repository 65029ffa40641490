//! G.711: one byte per sample, logarithmically quantized.

/// Decodes a μ-law code.
pub(super) fn decode_ulaw(byte: u8) -> i16 {
    let byte = !byte;
    let exponent = (byte >> 4) & 7;
    let magnitude = (((i16::from(byte & 15) << 3) + 0x84) << exponent) - 0x84;
    if byte & 0x80 == 0 { magnitude } else { -magnitude }
}

/// Decodes an A-law code.
pub(super) fn decode_alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let exponent = (byte >> 4) & 7;
    let mantissa = (i16::from(byte & 15) << 4) + 8;
    let magnitude = if exponent == 0 { mantissa } else { (mantissa + 0x100) << (exponent - 1) };
    if byte & 0x80 == 0 { -magnitude } else { magnitude }
}

/// Encodes a sample in μ-law.
pub(super) fn encode_ulaw(sample: i16) -> u8 {
    let magnitude = sample.unsigned_abs().min(32_635) + 0x84;
    let exponent = magnitude.ilog2() - 7;
    let mantissa = (magnitude >> (exponent + 3)) & 15;
    // Both have at most four bits.
    !(sign(sample < 0) | ((exponent as u8) << 4) | mantissa as u8)
}

/// Encodes a sample in A-law.
pub(super) fn encode_alaw(sample: i16) -> u8 {
    let magnitude = if sample < 0 { !sample } else { sample };
    let exponent = (magnitude | 0xff).ilog2() - 7;
    let mantissa = (magnitude >> if exponent == 0 { 4 } else { exponent + 3 }) & 15;
    (sign(sample >= 0) | ((exponent as u8) << 4) | mantissa as u8) ^ 0x55
}

fn sign(set: bool) -> u8 {
    if set { 0x80 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_table() {
        // From the tables of the recommendation.
        for (byte, sample) in [(0x00, -32_124), (0x80, 32_124), (0xff, 0), (0x7f, 0), (0xef, 132), (0x8f, 16_764)] {
            assert_eq!(decode_ulaw(byte), sample, "{byte:#x}");
        }
        for (byte, sample) in [(0xd5, 8), (0x55, -8), (0xaa, 32_256), (0x2a, -32_256), (0xc5, 264)] {
            assert_eq!(decode_alaw(byte), sample, "{byte:#x}");
        }
    }

    #[test]
    fn every_byte_comes_back() {
        for byte in 0..=255 {
            assert_eq!(encode_alaw(decode_alaw(byte)), byte);
            // μ-law has two zeros.
            assert_eq!(encode_ulaw(decode_ulaw(byte)), if byte == 0x7f { 0xff } else { byte });
        }
    }

    #[test]
    fn what_is_lost_is_little() {
        for sample in (i16::MIN..=i16::MAX).step_by(7) {
            for back in [decode_ulaw(encode_ulaw(sample)), decode_alaw(encode_alaw(sample))] {
                let lost = (i32::from(sample) - i32::from(back)).abs();
                assert!(lost <= 16 + i32::from(sample).abs() / 16 + 645 * i32::from(sample.unsigned_abs() > 32_000));
            }
        }
    }
}
