//! Reads recorded frames and says what this library makes of them.
//!
//! `cargo run --example inspect -- [--protocol realtime|translation] [--session] < frames.jsonl`
//!
//! A line is a frame of the server, or `{"dir":"s2c"|"c2s","frame":{..}}`. With `--frames DIR` each file of the folder
//! is a frame, in the order of the names. Without `--protocol` the first `session.created` tells. One line of JSON is
//! printed a frame; with `--session` only the state that they leave.

mod input;
mod state;

use std::{env, error, io, process::ExitCode};

use input::{Direction, Frame};
use realtime::{
    Protocol, Realtime, Translation,
    event::{Event, Recognition},
    session::{Changes, Memory, State},
    transport::Instant,
};
use serde_json::{Value, json};
use state::Report;

/// How many frames are held back until one tells the protocol.
const UNDECIDED: usize = 64;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("inspect: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn error::Error>> {
    let mut protocol = None;
    let mut session = false;
    let mut folder = None;
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--session" => session = true,
            "--protocol" => match arguments.next().as_deref() {
                Some("realtime") => protocol = Some(false),
                Some("translation") => protocol = Some(true),
                _ => return Err("--protocol takes `realtime` or `translation`".into()),
            },
            "--frames" => folder = Some(arguments.next().ok_or("--frames takes a folder")?),
            other => {
                return Err(format!(
                    "unknown argument `{other}`: [--protocol realtime|translation] [--session] [--frames DIR]"
                )
                .into());
            }
        }
    }
    let mut frames = match folder {
        Some(folder) => input::folder(&folder)?,
        None => input::lines(io::stdin().lock()),
    };
    let mut held = Vec::new();
    while protocol.is_none() && held.len() < UNDECIDED {
        let Some(frame) = frames.next().transpose()? else { break };
        protocol = frame.protocol();
        held.push(frame);
    }
    let frames = held.into_iter().map(Ok).chain(frames);
    if protocol == Some(true) { read::<Translation>(frames, session) } else { read::<Realtime>(frames, session) }
}

fn read<P: Protocol>(
    frames: impl Iterator<Item = io::Result<Frame>>,
    session: bool,
) -> Result<(), Box<dyn error::Error>>
where
    P::State: Report,
{
    let mut state = P::State::default();
    state.configure(&Memory::unlimited(), None);
    let mut counts = [0_usize; 4];
    let mut directions = [0_u64; 2];
    for (n, frame) in (1..).zip(frames) {
        let frame = frame?;
        let now = Instant::default();
        let kind = match frame.direction {
            Direction::FromServer => {
                let mut event = P::ServerEvent::decode(&frame.raw);
                state.received(&mut event, now, &mut Changes::default());
                verdict(event.recognition())
            }
            Direction::FromClient => {
                let event = P::ClientEvent::decode(&frame.raw);
                state.sent(n, &event, now);
                verdict(event.recognition())
            }
        };
        counts[kind.0] += 1;
        directions[frame.direction as usize] += 1;
        if !session {
            let line = json!({
                "n": n, "dir": frame.direction.as_str(), "type": frame.kind(), "kind": KINDS[kind.0], "reason": kind.1,
            });
            println!("{line}");
        }
    }
    if session {
        let mut report = state.report();
        report["frames"] = json!({ "c2s": directions[1], "s2c": directions[0] });
        println!("{report:#}");
    }
    let [known, unknown, malformed, invalid] = counts;
    eprintln!(
        "{} frames: {known} known, {unknown} unknown, {malformed} malformed, {invalid} invalid",
        counts.iter().sum::<usize>()
    );
    Ok(())
}

const KINDS: [&str; 4] = ["known", "unknown", "malformed", "invalid"];

fn verdict(recognition: Recognition<'_>) -> (usize, Value) {
    match recognition {
        Recognition::Known => (0, Value::Null),
        Recognition::Unknown => (1, Value::Null),
        Recognition::Malformed(reason) => (2, reason.into()),
        Recognition::Invalid(reason) => (3, reason.into()),
        _ => (3, Value::Null),
    }
}
