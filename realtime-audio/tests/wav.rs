//! WAV files of every form, and what is no WAV file.

use std::{io::Cursor, time::Duration};

use proptest::prelude::*;
use realtime_audio::{
    Encoding, Format,
    wav::{Wav, WavError, WavWriter, encode},
};

const ENCODINGS: [Encoding; 8] = [
    Encoding::PcmU8,
    Encoding::Pcm,
    Encoding::Pcm24,
    Encoding::Pcm32,
    Encoding::Float32,
    Encoding::Float64,
    Encoding::Pcmu,
    Encoding::Pcma,
];

/// A file of these chunks.
fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    for (id, content) in chunks {
        body.extend_from_slice(*id);
        body.extend_from_slice(&(content.len() as u32).to_le_bytes());
        body.extend_from_slice(content);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    let mut file = b"RIFF".to_vec();
    file.extend_from_slice(&(body.len() as u32).to_le_bytes());
    file.append(&mut body);
    file
}

fn fmt(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let width = channels * bits.div_ceil(8);
    let mut chunk = Vec::new();
    chunk.extend_from_slice(&tag.to_le_bytes());
    chunk.extend_from_slice(&channels.to_le_bytes());
    chunk.extend_from_slice(&rate.to_le_bytes());
    chunk.extend_from_slice(&(rate * u32::from(width)).to_le_bytes());
    chunk.extend_from_slice(&width.to_le_bytes());
    chunk.extend_from_slice(&bits.to_le_bytes());
    chunk
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read(
        encoding in prop::sample::select(&ENCODINGS[..]),
        rate in 4_000_u32..200_000,
        channels in 1_u16..9,
        frames in 0_usize..50,
        pieces in 1_usize..100,
    ) {
        let format = Format::new(encoding, rate).with_channels(channels);
        let audio: Vec<u8> = (0..frames * format.bytes_per_frame() as usize).map(|at| at as u8).collect();
        let file = encode(format, &audio).unwrap();
        let wav = Wav::parse(&file).unwrap();
        prop_assert_eq!((wav.format(), wav.audio()), (format, &audio[..]));
        prop_assert_eq!((wav.frames(), wav.missing_bytes(), wav.left_over()), (frames as u64, 0, 0));
        // A stream becomes the same file, and one that cannot seek the same audio.
        let mut stream = WavWriter::new(Cursor::new(Vec::new()), format).unwrap();
        let mut pipe = WavWriter::new(Vec::new(), format).unwrap();
        for piece in audio.chunks(pieces) {
            stream.write(piece).unwrap();
            pipe.write(piece).unwrap();
        }
        prop_assert_eq!(&stream.finish().unwrap().into_inner(), &file);
        let pipe = pipe.finish_unknown().unwrap();
        prop_assert_eq!(Wav::parse(&pipe).unwrap().audio(), &audio[..]);
        // Its RIFF length is that of the file.
        prop_assert_eq!(u32::from_le_bytes([file[4], file[5], file[6], file[7]]) as usize, file.len() - 8);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..3_000) {
        let file = riff(&[(b"fmt ", &fmt(1, 2, 24_000, 16)), (b"data", &[7; 2_400])]);
        let mut changed = file.clone();
        for (at, byte) in bytes.iter().enumerate().take(60) {
            let index = at * 37 % 60;
            changed[index] ^= byte & 0x11;
        }
        for file in [&bytes[..], &changed, &file[..cut.min(file.len())]] {
            if let Ok(wav) = Wav::parse(file) {
                prop_assert!(wav.audio().len() <= file.len());
                prop_assert_eq!(wav.samples::<i16>().len(), wav.samples::<f32>().len());
                let _ = wav.duration();
            }
        }
    }
}

#[test]
fn an_extensible_header_says_what_the_plain_one_does() {
    for (tag, bits, encoding) in [(1, 24, Encoding::Pcm24), (3, 32, Encoding::Float32), (6, 8, Encoding::Pcma)] {
        let mut header = fmt(0xfffe, 2, 48_000, bits);
        header.extend_from_slice(&[22, 0, bits as u8, 0, 3, 0, 0, 0, tag, 0]);
        header.extend_from_slice(&[0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
        let file = riff(&[(b"JUNK", &[1]), (b"fmt ", &header), (b"data", &[0; 48])]);
        assert_eq!(Wav::parse(&file).unwrap().format(), Format::new(encoding, 48_000).with_channels(2));
    }
}

#[test]
fn a_length_that_a_pipe_left_open_goes_to_the_end() {
    let file = riff(&[(b"fmt ", &fmt(1, 1, 8_000, 16)), (b"data", &[1; 1_600])]);
    // All ones; a little under two GiB, as sox writes; and the header of an empty file, as Python's wave leaves it.
    for (riff, data) in [(u32::MAX, u32::MAX), (0x7fff_f024, 0x7fff_f000), (36, 0), (0, 0)] {
        let mut file = file.clone();
        file[4..8].copy_from_slice(&riff.to_le_bytes());
        file[40..44].copy_from_slice(&data.to_le_bytes());
        let wav = Wav::parse(&file).unwrap();
        assert_eq!((wav.frames(), wav.missing_bytes()), (800, 0), "{riff:#x} {data:#x}");
        assert_eq!(wav.duration(), Duration::from_millis(100));
    }
    // A data chunk that is empty, and another chunk after it, is empty.
    let empty = riff(&[(b"fmt ", &fmt(1, 1, 8_000, 16)), (b"data", &[]), (b"LIST", &[1; 8])]);
    assert_eq!(Wav::parse(&empty).unwrap().frames(), 0);
}

#[test]
fn a_file_that_ends_within_its_audio_tells_how_much_is_missing() {
    let file = riff(&[(b"fmt ", &fmt(1, 2, 24_000, 16)), (b"data", &[1; 4_800])]);
    let wav = Wav::parse(&file[..file.len() - 1_001]).unwrap();
    assert_eq!((wav.frames(), wav.missing_bytes(), wav.left_over()), (949, 1_001, 3));
}

#[test]
fn what_is_not_read_is_told_by_name() {
    let data = (b"data", &[0_u8; 8][..]);
    let unsupported = |tag, bits| {
        format!(
            "the WAV file has format {tag} with {bits} bits, which is not read: convert it to PCM, float, A-law or μ-law"
        )
    };
    for (file, told) in [
        (vec![], "not a WAV file: it does not begin with RIFF and WAVE".to_owned()),
        (b"RF64\xff\xff\xff\xffWAVE".to_vec(), "not a WAV file: it does not begin with RIFF and WAVE".into()),
        (riff(&[data]), "the WAV file is malformed: the audio comes before its format".into()),
        (riff(&[(b"fmt ", &fmt(1, 1, 8_000, 16))]), "the WAV file is malformed: it has no data chunk".into()),
        (riff(&[]), "the WAV file is malformed: it has no fmt chunk".into()),
        (riff(&[(b"fmt ", &[0; 15]), data]), "the WAV file is malformed: its fmt chunk is too short".into()),
        (riff(&[(b"fmt ", &fmt(1, 0, 8_000, 16)), data]), "the WAV file is malformed: it has no channels".into()),
        (riff(&[(b"fmt ", &fmt(1, 1, 0, 16)), data]), "the WAV file is malformed: it has no sample rate".into()),
        (riff(&[(b"fmt ", &fmt(1, 1, 8_000, 12)), data]), unsupported("0x0001", 12)),
        (riff(&[(b"fmt ", &fmt(0x55, 1, 8_000, 0)), data]), unsupported("0x0055", 0)),
        (riff(&[(b"fmt ", &fmt(3, 1, 8_000, 16)), data]), unsupported("0x0003", 16)),
    ] {
        assert_eq!(Wav::parse(&file).unwrap_err().to_string(), told);
    }
    let file = riff(&[(b"fmt ", &fmt(1, 1, 8_000, 16)), data]);
    for end in 12..44 {
        let error = Wav::parse(&file[..end]).unwrap_err();
        assert!(matches!(error, WavError::Truncated | WavError::Malformed(_)), "{end}: {error}");
    }
}

#[test]
fn a_file_never_says_a_wrapped_length() {
    /// A sink that only counts.
    struct Nowhere;
    impl std::io::Write for Nowhere {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut writer = WavWriter::new(Nowhere, Format::pcm(24_000)).unwrap();
    let piece = vec![0; 64 << 20];
    for _ in 0..63 {
        writer.write(&piece).unwrap();
    }
    assert!(matches!(writer.write(&piece), Err(WavError::TooLong)));
    // What still fits is still taken.
    writer.write(&piece[..piece.len() - 100]).unwrap();
    assert!(matches!(writer.write(&piece[..100]), Err(WavError::TooLong)));
}

#[test]
fn what_files_do_not_have_is_refused() {
    let refused = |format| encode(format, &[]).unwrap_err().to_string();
    assert_eq!(refused(Format::new(Encoding::PcmBe, 8_000)), "WAV files have no PcmBe: convert to Pcm first");
    assert_eq!(refused(Format::pcm(0)), "the format cannot be written to a WAV file");
    assert_eq!(
        refused(Format::pcm(24_000).with_channels(40_000)),
        "the WAV file is malformed: too many channels for a WAV file"
    );
}
