//! From the text of a frame to an event that owns what it holds, audio as bytes.

use std::hint::black_box;

use realtime_benches::{
    frames,
    peers::{adk, async_openai, oai_rt_rs},
    rounds::{Contender, Target, contest, faster, finish, line, title},
};
use realtime_core::{
    event::{Event, Recognition, ServerEvent},
    session::{Changes, RealtimeState, State},
    transport::Instant,
};
use serde::de::IgnoredAny;

fn main() {
    title("decode");
    let answer = frames::answer();
    let bytes: usize = answer.iter().map(String::len).sum();
    println!("# the mix: {} frames, {} bytes on average", answer.len(), bytes / answer.len());
    for frame in &answer {
        assert_eq!(ServerEvent::decode(frame.as_bytes()).recognition(), Recognition::Known);
        assert!(!matches!(oai_rt_rs(frame).0, oai_rt_rs::ServerEvent::Unknown(_)), "{frame}");
        async_openai(frame);
        adk(frame);
    }
    let at_least = |targets: [(f64, f64); 3]| targets.map(|(wide, narrow)| Target::AtLeast(wide, narrow));
    run("mix+pcm", &answer, &at_least([(6.5, 4.8), (9.0, 6.6), (10.0, 7.3)]));
    run("audio delta 4,800 B", &[frames::audio_delta(1, 4_800)], &at_least([(11.0, 6.5), (13.0, 8.0), (16.0, 9.0)]));
    let large = [Target::AtLeast(16.0, 8.0), Target::None, Target::None];
    run("audio delta 48,000 B", &[frames::audio_delta(1, 48_000)], &large);
    let text = at_least([(3.6, 3.6), (6.6, 6.6), (7.3, 7.3)]);
    run("text delta", &[frames::text_delta(1, " clear!")], &text);
    run("transcript delta", &[frames::transcript_delta(1, " clear!")], &text);
    let done = [Target::at_least(2.5), Target::at_least(3.7), Target::None];
    lifecycle("response.done", &[frames::done()], &done);
    let tools = [Target::at_least(5.5), Target::at_least(7.5), Target::None];
    lifecycle("session.created, five tools", &[frames::created_with_tools()], &tools);
    apply(&answer);
    finish();
}

/// What following the session costs, beside reading its events.
fn apply(answer: &[String]) {
    let decode = |frame: &String| ServerEvent::decode(black_box(frame.as_bytes()));
    let mut events: Vec<_> = answer.iter().map(decode).collect();
    let contenders: Vec<Contender<'_>> = vec![
        (
            "apply",
            Box::new(|| {
                let mut state = RealtimeState::default();
                for event in &mut events {
                    state.received(black_box(event), Instant::default(), &mut Changes::default());
                }
                drop(black_box(state));
            }),
        ),
        ("decode", Box::new(|| answer.iter().for_each(|frame| drop(black_box(decode(frame)))))),
    ];
    let results = contest(answer.len(), contenders);
    let (apply, decode) = (results[0].1, results[1].1);
    line("applying the mix to a session, of decoding it", apply / decode, "ns", apply, decode, Target::at_most(0.5));
}

/// The same for an event that is decoded by serde, and beside it the floor: one pass over its text that keeps nothing.
fn lifecycle(work: &str, frames: &[String], targets: &[Target]) {
    run(work, frames, targets);
    let contenders: Vec<Contender<'_>> = vec![
        ("ours", each(frames, |frame| ServerEvent::decode(frame.as_bytes()))),
        ("floor", each(frames, |frame| serde_json::from_str::<IgnoredAny>(frame).unwrap())),
        ("async-openai", each(frames, async_openai)),
    ];
    let results = contest(frames.len(), contenders);
    let (ours, floor, peer) = (results[0].1, results[1].1, results[2].1);
    line(&format!("{work}, of skipping its text"), ours / floor, "ns", ours, floor, Target::None);
    line(&format!("skipping the text of {work} vs async-openai"), peer / floor, "ns", floor, peer, Target::None);
}

fn run(work: &str, frames: &[String], targets: &[Target]) {
    let contenders: Vec<Contender<'_>> = vec![
        ("ours", each(frames, |frame| ServerEvent::decode(frame.as_bytes()))),
        ("async-openai", each(frames, async_openai)),
        ("oai-rt-rs", each(frames, oai_rt_rs)),
        ("adk-realtime", each(frames, adk)),
    ];
    faster(work, "ns", &contest(frames.len(), contenders), targets);
}

fn each<'a, T>(frames: &'a [String], decode: impl Fn(&'a str) -> T + 'a) -> Box<dyn FnMut() + 'a> {
    Box::new(move || frames.iter().for_each(|frame| drop(black_box(decode(black_box(frame))))))
}
