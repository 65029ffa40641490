//! That the cost stays flat: in long conversations, with large frames, after many events. Draws `docs/flat.svg`.

use std::{fmt::Write, fs, hint::black_box, path::Path, time::Instant as Clock};

use realtime_benches::{
    frames,
    rounds::{Target, figure, finish, median, title},
};
use realtime_core::{
    event::{Event, ServerEvent},
    session::{Changes, RealtimeState, State},
    transport::Instant,
};

const LIMIT: f64 = 1.5;
const ROUNDS: usize = 9;

/// A size, and the cost of a unit there.
type Curve = Vec<(f64, f64)>;

fn main() {
    title("flatness: the largest cost of a unit over the smallest");
    let (sizes, copies) = sizes();
    let curves = [("items in the conversation", items()), ("bytes of a frame", sizes), ("events before", events())];
    for (what, curve) in &curves {
        for (size, cost) in curve {
            println!("#   {size:>10} {what}: {cost:.4} ns");
        }
        let (least, most) = ends(curve);
        figure(what, most / least, "", Target::at_most(LIMIT));
    }
    // What memory itself makes of it.
    let (least, most) = ends(&copies);
    figure("bytes of a copy", most / least, "", Target::None);
    let svg = draw(&curves);
    fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/flat.svg"), svg).unwrap();
    finish();
}

fn ends(curve: &Curve) -> (f64, f64) {
    let costs = || curve.iter().map(|(_, cost)| *cost);
    (costs().fold(f64::MAX, f64::min), costs().fold(0.0, f64::max))
}

fn apply(state: &mut RealtimeState, frames: &[String]) {
    for frame in frames {
        let mut event = ServerEvent::decode(frame.as_bytes());
        state.received(&mut event, Instant::default(), &mut Changes::default());
        drop(black_box(event));
    }
}

/// An answer of its own, with little audio, for what is looked at is the session.
fn answer(number: usize) -> Vec<String> {
    let own = format!("{number:021}");
    frames::answer_of(48)
        .into_iter()
        .map(|frame| {
            ["DgFZUvfFm6NT4jfguF4CQ", "DgkFTaVCYoQcsjOHpGDvo", "DgwXylWX29cK9wZtvdphP"]
                .iter()
                .enumerate()
                .fold(frame, |frame, (at, id)| frame.replace(id, &format!("{at}{}", &own[1..])))
        })
        .collect()
}

/// Reading and applying an event of an answer, in a conversation of so many items.
fn items() -> Curve {
    let added = |number: usize| {
        format!(
            r#"{{"type":"conversation.item.added","event_id":"event_{number}","item":{{"id":"item_{number:021}","type":"message","status":"completed","role":"user","content":[{{"type":"input_text","text":"Hello"}}]}}}}"#
        )
    };
    let answers: Vec<String> = (0..10).flat_map(answer).collect();
    let sizes = [1, 10, 100, 1_000, 10_000];
    let states = sizes.map(|size| {
        let mut state = RealtimeState::default();
        apply(&mut state, &(0..size).map(added).collect::<Vec<_>>());
        assert_eq!(state.conversation.len(), size);
        state
    });
    let mut times = vec![Vec::new(); sizes.len()];
    for _ in 0..ROUNDS * 5 {
        for (state, times) in states.iter().zip(&mut times) {
            let mut state = state.clone();
            let begin = Clock::now();
            apply(&mut state, &answers);
            times.push(begin.elapsed().as_nanos() as f64 / answers.len() as f64);
        }
    }
    sizes.iter().map(|&size| size as f64).zip(times.into_iter().map(median)).collect()
}

/// Reading a byte of an audio delta of so many bytes, and copying one, what the smallest one costs taken off. Of each size
/// there are 20 MB, one frame behind the other, for a small one that is read again and again never leaves the cache.
fn sizes() -> (Curve, Curve) {
    let sizes = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let all: Vec<Vec<String>> = [4]
        .into_iter()
        .chain(sizes)
        .map(|size| {
            let frame = frames::audio_delta(1, size / 4 * 3);
            let count = (20_000_000 / frame.len()).clamp(1, 20_000);
            vec![frame; count]
        })
        .collect();
    let read = |frame: &String| drop(black_box(ServerEvent::decode(black_box(frame.as_bytes()))));
    let copy = |frame: &String| drop(black_box(black_box(&frame.as_bytes()[..frame.len() / 4 * 3]).to_vec()));
    let mut times = vec![[Vec::new(), Vec::new()]; all.len()];
    for _ in 0..ROUNDS {
        for (frames, times) in all.iter().zip(&mut times) {
            for (times, work) in times.iter_mut().zip([&read as &dyn Fn(&String), &copy]) {
                let begin = Clock::now();
                frames.iter().for_each(work);
                times.push(begin.elapsed().as_nanos() as f64 / frames.len() as f64);
            }
        }
    }
    let mut times = times.into_iter().map(|times| times.map(median));
    let smallest = times.next().unwrap();
    let curve = |of: usize, times: &[[f64; 2]]| {
        sizes.iter().zip(times).map(|(&size, time)| (size as f64, (time[of] - smallest[of]) / size as f64)).collect()
    };
    let times: Vec<_> = times.collect();
    (curve(0, &times), curve(1, &times))
}

/// Reading and applying an event of an answer, after so many events.
fn events() -> Curve {
    // Long enough that the growth of a table, which comes in jumps, is spread over it.
    const WINDOW: usize = 32;
    let places = [0, 9, 89, 893];
    let answers: Vec<_> = (0..893 + WINDOW).map(answer).collect();
    let mut state = RealtimeState::default();
    let mut states = Vec::new();
    for (at, answer) in answers.iter().enumerate() {
        if places.contains(&at) {
            states.push(state.clone());
        }
        apply(&mut state, answer);
    }
    let mut times = vec![Vec::new(); places.len()];
    // Each from a view of the state, in turns, for a machine is not as fast at one time as at another.
    for _ in 0..ROUNDS * 5 {
        for ((state, &at), times) in states.iter().zip(&places).zip(&mut times) {
            let mut state = state.clone();
            let begin = Clock::now();
            answers[at..at + WINDOW].iter().for_each(|answer| apply(&mut state, answer));
            times.push(begin.elapsed().as_nanos() as f64 / (WINDOW * 112) as f64);
        }
    }
    places.iter().map(|&place| (place * 112).max(1) as f64).zip(times.into_iter().map(median)).collect()
}

/// Each curve over its smallest cost, on a scale of sizes by powers of ten.
fn draw(curves: &[(&str, Curve)]) -> String {
    const COLOURS: [&str; 3] = ["#1b6ca8", "#b8561b", "#3d7d3a"];
    let x = |size: f64| 60.0 + 80.0 * size.max(1.0).log10();
    let y = |ratio: f64| 300.0 - 120.0 * ratio.min(2.2);
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"680\" height=\"360\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"680\" height=\"360\" fill=\"#fff\"/>\n",
    );
    for ratio in [0.0, 0.5, 1.0, LIMIT, 2.0] {
        let dash = if ratio == LIMIT { " stroke-dasharray=\"4 3\"" } else { "" };
        let _ = writeln!(
            svg,
            "<path d=\"M60 {0}H640\" stroke=\"#bbb\"{dash}/><text x=\"30\" y=\"{1}\">{ratio}</text>",
            y(ratio),
            y(ratio) + 4.0
        );
    }
    for power in 0..=7 {
        let size = 10f64.powi(power);
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"318\" text-anchor=\"middle\">10<tspan dy=\"-5\" font-size=\"9\">{power}</tspan></text>",
            x(size)
        );
    }
    for (number, ((what, curve), colour)) in curves.iter().zip(COLOURS).enumerate() {
        let (least, most) = ends(curve);
        let points: Vec<_> =
            curve.iter().map(|(size, cost)| format!("{:.1},{:.1}", x(*size), y(cost / least))).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.join(" ")
        );
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"345\" fill=\"{colour}\">{what}: {:.2}</text>",
            60 + 200 * number,
            most / least
        );
    }
    svg.push_str(
        "<text x=\"60\" y=\"20\">Cost of a unit over the smallest, by size; the limit is 1.5</text>\n</svg>\n",
    );
    svg
}
