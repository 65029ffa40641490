//! How a stream is cut into pieces changes nothing of what comes out.

use proptest::prelude::*;
use realtime_audio::{Converter, Encoding, Format, Frames, Gate, GateOptions, Rest};

/// Bytes that differ, so that a lost or doubled one shows.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

/// Cuts the bytes at the sizes, over and over.
fn cut<'a>(bytes: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let (mut rest, mut sizes) = (bytes, sizes.iter().cycle());
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at((*sizes.next()?).min(rest.len()));
        rest = after;
        (!piece.is_empty() || !rest.is_empty()).then_some(piece)
    })
}

fn converted(from: Format, to: Format, input: &[u8], sizes: &[usize]) -> (Vec<u8>, usize) {
    let mut converter = Converter::new(from, to).unwrap();
    let mut out = Vec::new();
    for piece in cut(input, sizes) {
        out.extend_from_slice(converter.convert(piece));
    }
    out.extend_from_slice(converter.finish());
    (out, converter.left_over())
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    // At least one piece has a byte, so that the cutting ends.
    (prop::collection::vec(0_usize..2_000, 0..8), 1_usize..2_000).prop_map(|(mut sizes, last)| {
        sizes.push(last);
        sizes
    })
}

fn format() -> impl Strategy<Value = Format> {
    let encoding = prop::sample::select(vec![
        Encoding::PcmU8,
        Encoding::Pcm,
        Encoding::PcmBe,
        Encoding::Pcm24,
        Encoding::Pcm32,
        Encoding::Float32,
        Encoding::Float64,
        Encoding::Pcmu,
        Encoding::Pcma,
    ]);
    let rate = prop::sample::select(vec![8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 44_101, 48_000]);
    (encoding, rate, 1_u16..4)
        .prop_map(|(encoding, rate, channels)| Format::new(encoding, rate).with_channels(channels))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_of_the_input_gives_the_same_bytes(from in format(), to in format(), bytes in 0_usize..12_000, sizes in sizes()) {
        let to = if from.channels() > 1 && to.channels() > 1 { to.with_channels(from.channels()) } else { to };
        let input = noise(bytes);
        let whole = converted(from, to, &input, &[usize::MAX]);
        prop_assert_eq!(&whole, &converted(from, to, &input, &sizes));
        // And its length is exact.
        let width = from.bytes_per_frame() as usize;
        prop_assert_eq!(whole.1, bytes % width);
        let (rate_in, rate_out) = (u64::from(from.rate_hz()), u64::from(to.rate_hz()));
        let frames = ((bytes / width) as u64 * rate_out + rate_in / 2) / rate_in;
        prop_assert_eq!(whole.0.len() as u64, frames * u64::from(to.bytes_per_frame()));
    }

    #[test]
    fn any_cut_gives_the_same_frames(bytes in 0_usize..8_000, sizes in sizes(), ms in 1_u32..60) {
        let input = noise(bytes);
        let mut frames = Frames::new(Format::pcm(16_000), ms).unwrap();
        let mut out = Vec::new();
        for piece in cut(&input, &sizes) {
            frames.push(piece);
            while let Some(frame) = frames.next_frame() {
                prop_assert_eq!(frame.len(), ms as usize * 32);
                out.extend_from_slice(frame);
            }
        }
        out.extend_from_slice(frames.finish(Rest::Short).unwrap_or_default());
        prop_assert_eq!(&out[..], &input[..bytes - bytes % 2]);
        prop_assert_eq!(frames.left_over(), bytes % 2);
    }

    #[test]
    fn any_cut_passes_the_gate_alike(loud in prop::collection::vec(any::<bool>(), 1..60), sizes in sizes()) {
        // Windows of 20 ms, loud or silent.
        let input: Vec<u8> = loud.iter().flat_map(|loud| [0, if *loud { 0x40 } else { 0 }].repeat(160)).collect();
        let pass = |sizes: &[usize]| {
            let options = GateOptions { hold_ms: 100, pre_roll_ms: 60, ..GateOptions::default() };
            let mut gate = Gate::new(Format::pcm(8_000), options).unwrap();
            let mut passed = Vec::new();
            for piece in cut(&input, sizes) {
                passed.extend_from_slice(gate.push(piece).audio);
            }
            passed.extend_from_slice(gate.finish().audio);
            passed
        };
        let passed = pass(&[usize::MAX]);
        prop_assert_eq!(&passed, &pass(&sizes));
        // Nothing loud is lost.
        let count = |audio: &[u8]| audio.iter().filter(|byte| **byte == 0x40).count();
        prop_assert_eq!(count(&passed), count(&input));
    }
}

#[test]
fn a_finished_converter_begins_another_stream() {
    let input = noise(3_001);
    let mut converter = Converter::new(Format::pcm(8_000), Format::pcm(24_000)).unwrap();
    let mut run = || {
        let mut out = converter.convert(&input).to_vec();
        out.extend_from_slice(converter.finish());
        (out, converter.left_over())
    };
    let first = run();
    assert_eq!(first, run());
    assert_eq!((first.0.len(), first.1), (9_000, 1));
}

#[test]
fn an_interruption_leaves_nothing_behind() {
    let mut converter = Converter::new(Format::pcm(8_000), Format::pcm(24_000)).unwrap();
    converter.convert(&noise(4_001));
    converter.reset();
    let mut out = converter.convert(&[0; 800]).to_vec();
    out.extend_from_slice(converter.finish());
    assert_eq!(out, vec![0; 2_400]);
}

#[test]
fn channels_are_averaged_and_copied() {
    let stereo = Format::pcm(24_000).with_channels(2);
    let frames: Vec<u8> = [100_i16, 300, -50, 50, 7, 7].iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mono = converted(stereo, Format::pcm(24_000), &frames, &[5]).0;
    let samples: Vec<u8> = [200_i16, 0, 7].iter().flat_map(|sample| sample.to_le_bytes()).collect();
    assert_eq!(mono, samples);
    let three = converted(Format::pcm(24_000), stereo.with_channels(3), &mono, &[1]).0;
    let copies: Vec<u8> =
        [200_i16, 200, 200, 0, 0, 0, 7, 7, 7].iter().flat_map(|sample| sample.to_le_bytes()).collect();
    assert_eq!(three, copies);
    let refused = Converter::new(stereo.with_channels(6), stereo).unwrap_err();
    assert_eq!(refused, realtime_audio::AudioError::Channels { from: 6, to: 2 });
}

#[test]
fn nan_and_infinity_spoil_nothing_around_them() {
    let mut samples = vec![0.25_f32; 4_800];
    (samples[1_000], samples[2_000], samples[3_000]) = (f32::NAN, f32::INFINITY, f32::MIN);
    let mut converter = Converter::new(Format::float32(48_000), Format::pcm(24_000)).unwrap();
    let mut out = converter.convert_samples(&samples).to_vec();
    out.extend_from_slice(converter.finish());
    let out: Vec<i16> = out.as_chunks().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
    assert_eq!(out.len(), 2_400);
    // Away from the odd samples by the filter's length.
    for at in [300, 700, 1_250, 1_750, 2_000] {
        assert!((out[at] - 8_192).abs() <= 1, "sample {at}: {}", out[at]);
    }
}
