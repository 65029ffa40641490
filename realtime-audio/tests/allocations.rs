//! Nothing is allocated for a frame once the buffers have their size.

use std::time::Duration;

use allocation_counter::measure;
use realtime_audio::{Converter, Encoding, Format, Frames, Gate, GateOptions, Level, Pacer, PlayerQueue};
use realtime_core::transport::Instant;

#[track_caller]
fn no_allocation_after(warm_up: usize, mut frame: impl FnMut(usize)) {
    (0..warm_up).for_each(&mut frame);
    let info = measure(|| (warm_up..warm_up + 500).for_each(&mut frame));
    assert_eq!(info.count_total, 0, "{info:?}");
}

#[test]
fn converting_between_telephone_and_model_allocates_nothing() {
    let (phone, model) = (Format::pcmu(), Format::pcm(24_000));
    for (from, to) in [
        (phone, model),
        (model, phone),
        (Format::float32(48_000).with_channels(2), model),
        (model, Format::float32(44_100).with_channels(2)),
        (model, model),
    ] {
        let frame = vec![0x55; from.ms_to_bytes(20) as usize];
        let mut converter = Converter::new(from, to).unwrap();
        no_allocation_after(50, |_| assert!(converter.convert(&frame).len() < 20_000));
    }
}

#[test]
fn cutting_and_pacing_and_measuring_allocate_nothing() {
    let mut frames = Frames::new(Format::pcm(24_000), 20).unwrap();
    let mut pacer = Pacer::new(Duration::from_millis(20));
    no_allocation_after(50, |round| {
        let now = Instant::from_origin(Duration::from_millis(100 * round as u64));
        frames.push(&[1; 4_801]);
        while let Some(frame) = frames.next_frame() {
            pacer.push(Level::of_bytes(Encoding::Pcm, frame), now).unwrap();
        }
        while pacer.poll(now + Duration::from_millis(99)).is_some() {}
    });
}

#[test]
fn a_gate_allocates_nothing() {
    let mut gate = Gate::new(Format::pcm(24_000), GateOptions::default()).unwrap();
    let (loud, quiet) = ([0x30; 960], [0; 960]);
    no_allocation_after(200, |round| {
        gate.push(if round / 50 % 2 == 0 { &loud } else { &quiet });
    });
}

#[test]
fn a_sound_cards_callback_allocates_nothing() {
    let (_queue, mut callback) = PlayerQueue::new(Format::pcm(24_000), 48_000, Duration::from_millis(200)).unwrap();
    let mut out = [0.0_f32; 960];
    no_allocation_after(0, |_| assert_eq!(callback.fill(&mut out, 2), 0));
}
