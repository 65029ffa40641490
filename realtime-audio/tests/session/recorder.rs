//! A recording has what was heard, when it was heard.

use std::{io::Cursor, time::Duration};

use realtime_audio::{Format, RecordError, Recorder, wav::Wav};
use realtime_core::{
    session::Playback,
    transport::{Instant, Timer},
};

use crate::Scene;

const PCM: Format = Format::pcm(24_000);

fn at(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(ms))
}

fn recorder(sent: Format, rate: u32) -> Recorder<Cursor<Vec<u8>>> {
    Recorder::new(Cursor::new(Vec::new()), sent, PCM, rate, at(0)).unwrap()
}

/// A side of the recording as runs of one value: the value, and where it begins and ends in milliseconds.
fn runs(recorder: Recorder<Cursor<Vec<u8>>>, side: usize) -> Vec<(i16, f64, f64)> {
    let file = recorder.finish().unwrap().into_inner();
    let wav = Wav::parse(&file).unwrap();
    assert_eq!(wav.format().channels(), 2);
    let ms = f64::from(wav.format().rate_hz()) / 1000.0;
    let samples: Vec<i16> = wav.samples::<i16>().chunks(2).map(|frame| frame[side]).collect();
    let mut runs: Vec<(i16, f64, f64)> = Vec::new();
    for (at, sample) in samples.iter().enumerate() {
        let (start, end) = (at as f64 / ms, (at + 1) as f64 / ms);
        match runs.last_mut() {
            Some(last) if last.0 == *sample => last.2 = end,
            _ => runs.push((*sample, start, end)),
        }
    }
    runs
}

fn pcm(ms: usize, value: i16) -> Vec<u8> {
    value.to_le_bytes().repeat(24 * ms)
}

#[test]
fn a_session_that_is_interrupted_is_recorded_as_it_was_heard() {
    // The application plays what the events bring.
    let scene = Scene::with(Playback::default());
    let mut recorder = recorder(PCM, 24_000);
    scene.response("one");
    scene.says("one", "item_a", 900, 1_000, true);
    // The ledger believes the clock: it plays from when it came, here at 0.
    for round in 0..12 {
        for event in scene.read() {
            recorder.event(&event).unwrap();
        }
        recorder.sent(&pcm(40, 7), scene.clock.now()).unwrap();
        recorder.follow(&scene.player, scene.clock.now()).unwrap();
        if round == 11 {
            break;
        }
        scene.clock.advance(Duration::from_millis(40));
    }
    // The user speaks up at 455 ms.
    scene.clock.advance(Duration::from_millis(15));
    scene.speech();
    scene.send(serde_json::json!({ "type": "response.done", "response": { "id": "one", "status": "cancelled" } }));
    scene.read();
    scene.truncated("item_a", 455);
    recorder.follow(&scene.player, scene.clock.now()).unwrap();
    scene.clock.advance(Duration::from_millis(145));
    scene.response("two");
    scene.says("two", "item_b", 200, 2_000, true);
    for event in scene.read() {
        recorder.event(&event).unwrap();
    }
    scene.clock.advance(Duration::from_millis(200));
    recorder.follow(&scene.player, scene.clock.now()).unwrap();
    assert_eq!(runs(recorder, 1), [(1_000, 0.0, 455.0), (0, 455.0, 600.0), (2_000, 600.0, 800.0)]);
}

#[test]
fn reports_that_are_late_by_a_little_leave_no_gap() {
    let mut recorder = recorder(PCM, 24_000);
    recorder.received("item", 0, pcm(1_000, 500).into()).unwrap();
    for (ms, now) in [(100, 350), (200, 453), (300, 561), (301, 562), (700, 950)] {
        recorder.heard("item", 0, ms, at(now)).unwrap();
    }
    // It began when the first report says, and went on without a gap.
    assert_eq!(runs(recorder, 1), [(0, 0.0, 250.0), (500, 250.0, 950.0)]);
}

#[test]
fn an_item_that_stops_for_longer_goes_on_where_it_goes_on() {
    let mut recorder = recorder(PCM, 24_000);
    recorder.received("item", 0, pcm(300, 500).into()).unwrap();
    recorder.heard("item", 0, 100, at(100)).unwrap();
    recorder.heard("item", 0, 300, at(600)).unwrap();
    assert_eq!(runs(recorder, 1), [(500, 0.0, 100.0), (0, 100.0, 400.0), (500, 400.0, 600.0)]);
}

#[test]
fn what_is_sent_faster_than_it_lasts_follows_and_what_is_missing_is_silence() {
    let mut recorder = recorder(PCM, 24_000);
    recorder.sent(&pcm(100, 1), at(0)).unwrap();
    recorder.sent(&pcm(100, 2), at(10)).unwrap();
    recorder.sent(&pcm(100, 3), at(500)).unwrap();
    let expected = [(1, 0.0, 100.0), (2, 100.0, 200.0), (0, 200.0, 500.0), (3, 500.0, 600.0)];
    assert_eq!(runs(recorder, 0), expected);
}

#[test]
fn a_telephone_is_recorded_at_the_rate_of_the_recording() {
    let mut recorder = recorder(Format::pcmu(), 16_000);
    // The code of 1,052 in μ-law, for 200 ms, 100 ms late.
    recorder.sent(&[realtime_audio::g711::encode_pcmu(1_052); 1_600], at(100)).unwrap();
    recorder.received("item", 0, pcm(250, 500).into()).unwrap();
    recorder.heard("item", 0, 250, at(250)).unwrap();
    let file = recorder.finish().unwrap().into_inner();
    let wav = Wav::parse(&file).unwrap();
    assert_eq!((wav.format(), wav.frames()), (Format::pcm(16_000).with_channels(2), 4_800));
    let samples = wav.samples::<i16>();
    // In the middle of each: the edges ring.
    assert_eq!(&samples[2 * 16 * 50..2 * 16 * 50 + 2], [0, 500]);
    assert!((samples[2 * 16 * 200] - 1_052).abs() <= 1 && samples[2 * 16 * 280 + 1] == 0);
}

#[test]
fn one_side_that_is_silent_for_long_does_not_hold_the_other_in_memory() {
    let mut recorder = Recorder::new(Vec::new(), PCM, PCM, 24_000, at(0)).unwrap();
    for second in 0..60 {
        recorder.sent(&pcm(1_000, 9), at(second * 1_000)).unwrap();
    }
    // What was not heard was 10 s late at most.
    let written = recorder.finish_unknown().unwrap().len();
    assert_eq!(written, 44 + 60 * 24_000 * 4);
}

#[test]
fn audio_that_nobody_says_was_heard_is_not_kept_for_ever() {
    let mut recorder = recorder(PCM, 24_000);
    let piece = bytes::Bytes::from(vec![0; 32 << 20]);
    for _ in 0..4 {
        recorder.received("item", 0, piece.clone()).unwrap();
    }
    assert!(matches!(recorder.received("item", 0, piece.clone()), Err(RecordError::NothingHeard)));
    recorder.cut_off("item", 0);
    recorder.received("other", 0, piece).unwrap();
}
