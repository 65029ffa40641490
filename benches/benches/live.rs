//! Live's audio, from the text of a frame to an event with its bytes: beside a Realtime delta of the same length, and beside
//! the types of the other client that knows the protocol.

use std::hint::black_box;

use realtime_benches::{
    frames,
    peers::oai_rt_rs_live,
    rounds::{Contender, Target, contest, faster, finish, line, title},
};
use realtime_core::{
    event::{Event, Recognition, ServerEvent},
    live::event::ServerEvent as LiveEvent,
};

fn main() {
    title("live");
    for bytes in [960, 4_800, 48_000] {
        let realtime = frames::audio_delta(1, bytes);
        for (kind, live) in [
            ("audio delta", frames::live_audio_delta(bytes)),
            ("timed audio delta", frames::live_timed_audio_delta(bytes)),
        ] {
            let results = compare(&live, Some(&realtime));
            let (ours, realtime) = (results[0].1, results[2].1);
            let what = format!("Live {kind} {bytes} B, of a Realtime one");
            line(&what, ours / realtime, "ns", ours, realtime, Target::at_most(1.1));
            faster(&format!("Live {kind} {bytes} B"), "ns", &results[..2], &[Target::None]);
        }
    }
    let results = compare(&frames::live_transcript_delta(1, " clear!"), None);
    faster("Live transcript delta", "ns", &results, &[Target::None]);
    finish();
}

/// Nanoseconds of decoding a Live frame: ours, the peer's; then of a Realtime frame, ours.
fn compare(live: &str, realtime: Option<&str>) -> Vec<(&'static str, f64)> {
    assert_eq!(LiveEvent::decode(live.as_bytes()).recognition(), Recognition::Known);
    assert!(!matches!(oai_rt_rs_live(live).0, oai_rt_rs::live::ServerEvent::Unknown), "{live}");
    let mut contenders: Vec<Contender<'_>> = vec![
        ("ours", Box::new(|| drop(black_box(LiveEvent::decode(black_box(live.as_bytes())))))),
        ("oai-rt-rs", Box::new(|| drop(black_box(oai_rt_rs_live(black_box(live)))))),
    ];
    if let Some(frame) = realtime {
        contenders.push(("realtime", Box::new(|| drop(black_box(ServerEvent::decode(black_box(frame.as_bytes())))))));
    }
    contest(1, contenders)
}
