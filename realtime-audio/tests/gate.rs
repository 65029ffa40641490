//! The gate opens for speech or a button, and keeps what came just before.

use realtime_audio::{AudioError, Format, Gate, GateOptions};

const PCM: Format = Format::pcm(8_000);

/// So many windows of 20 ms, each sample of this value.
fn windows(count: usize, value: i16) -> Vec<u8> {
    value.to_le_bytes().repeat(160 * count)
}

fn values(audio: &[u8]) -> Vec<i16> {
    let mut values: Vec<i16> = audio.as_chunks().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
    values.dedup();
    values
}

#[test]
fn speech_passes_with_what_came_before_and_the_gate_closes_after_the_hold() {
    let options = GateOptions { threshold_db: Some(-40.0), hold_ms: 60, pre_roll_ms: 40 };
    let mut gate = Gate::new(PCM, options).unwrap();
    for value in [1, 2, 3] {
        assert!(gate.push(&windows(1, value)).audio.is_empty());
    }
    // -40 dB of full scale are a value of 328.
    assert!(gate.push(&windows(1, 320)).audio.is_empty());
    let opened = gate.push(&windows(1, 2_000));
    assert!(opened.opened && !opened.closed);
    assert_eq!(values(opened.audio), [3, 320, 2_000]);
    assert!(gate.is_open());
    // Quiet for the hold, it is still open; then it closes.
    assert!(!gate.push(&windows(3, 5)).closed);
    let closed = gate.push(&windows(1, 6));
    assert!(closed.closed && !closed.opened);
    assert_eq!(values(closed.audio), [6]);
    assert!(gate.push(&windows(1, 7)).audio.is_empty());
    // What passed already does not pass again as a pre-roll.
    assert_eq!(values(gate.push(&windows(1, 3_000)).audio), [7, 3_000]);
}

#[test]
fn a_button_opens_at_once_and_closes_when_it_is_up() {
    let mut gate = Gate::new(PCM, GateOptions { threshold_db: None, ..GateOptions::default() }).unwrap();
    assert!(gate.push(&windows(20, 30_000)).audio.is_empty());
    gate.press();
    let opened = gate.push(&windows(1, 9));
    assert!(opened.opened);
    // 300 ms of pre-roll and the window.
    assert_eq!(opened.audio.len(), 16 * 320);
    assert_eq!(gate.push(&windows(10, 9)).audio.len(), 10 * 320);
    gate.release();
    let closed = gate.push(&windows(2, 9));
    assert!(closed.closed);
    assert_eq!(closed.audio.len(), 320);
}

#[test]
fn the_end_of_the_stream_closes_and_loses_nothing() {
    let mut gate = Gate::new(PCM, GateOptions::default()).unwrap();
    assert_eq!(gate.push(&windows(1, 5_000)).audio.len(), 320);
    assert!(gate.push(&windows(1, 5_000)[..100]).audio.is_empty());
    let last = gate.finish();
    assert!(last.closed);
    assert_eq!(last.audio.len(), 100);
    assert!(!gate.is_open() && !gate.finish().closed);
}

#[test]
fn other_encodings_are_heard_as_well() {
    let mut gate = Gate::new(Format::pcmu(), GateOptions::default()).unwrap();
    assert!(gate.push(&[0xff; 1_600]).audio.is_empty());
    // 0x80 is the loudest positive sample.
    assert!(gate.push(&[0x80; 160]).opened);
    let odd = Gate::new(Format::pcm(11_025), GateOptions::default()).unwrap_err();
    assert_eq!(odd, AudioError::FrameLength { ms: 20, rate: 11_025 });
}
