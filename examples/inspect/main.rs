//! Decodes recorded frames and prints the result.
//!
//! `cargo run --example inspect -- [--protocol realtime|translation|live|live-fork|live-sideband] [--session] < frames.jsonl`
//!
//! A line is a server frame, `{"dir":"s2c"|"c2s","frame":{..}}`, or a JSON string with the text of a server frame. With
//! `--frames DIR`, each file of the directory is a frame, in the order of their names. Without `--protocol`, the first
//! `session.created` determines the protocol. Transcripts of Live also contain the beginning and end of links, with
//! their kind. Prints one line of JSON per frame; with `--session`, only the resulting state.

mod input;
mod live;
mod state;

use std::{
    env, error,
    io::{self, BufRead},
    process::ExitCode,
};

use input::{Direction, Frame};
use realtime::{
    Protocol, Realtime, RealtimeSettings, Translation,
    event::{Event, Recognition},
    live::state::ConnectionKind,
    session::{Changes, Retention, Setup, State},
    transport::Instant,
};
use serde_json::{Value, json};
use state::Report;

/// Maximum number of frames buffered until one determines the protocol.
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
    let mut live = None;
    let mut session = false;
    let mut folder = None;
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--session" => session = true,
            "--protocol" => match arguments.next().as_deref() {
                Some("realtime") => protocol = Some(false),
                Some("translation") => protocol = Some(true),
                Some("live") => live = Some(ConnectionKind::Primary),
                Some("live-fork") => live = Some(ConnectionKind::Fork),
                Some("live-sideband") => live = Some(ConnectionKind::Sideband),
                _ => {
                    let names = "--protocol takes `realtime`, `translation`, `live`, `live-fork` or `live-sideband`";
                    return Err(names.into());
                }
            },
            "--frames" => folder = Some(arguments.next().ok_or("--frames takes a folder")?),
            other => {
                return Err(format!(
                    "unknown argument `{other}`: \
                     [--protocol realtime|translation|live|live-fork|live-sideband] [--session] [--frames DIR]"
                )
                .into());
            }
        }
    }
    let mut frames = match folder {
        Some(folder) => input::folder(&folder)?,
        None => {
            let mut stdin = io::stdin().lock();
            // Only a transcript of Live begins with an opened link.
            if live.is_some() || protocol.is_none() && opens_link(stdin.fill_buf()?) {
                return read_live(stdin, live, session);
            }
            input::lines(stdin)
        }
    };
    let mut held = Vec::new();
    while protocol.is_none() && held.len() < UNDECIDED {
        let Some(frame) = frames.next().transpose()? else { break };
        protocol = frame.protocol();
        held.push(frame);
    }
    let frames = held.into_iter().map(Ok).chain(frames);
    if protocol == Some(true) {
        return read::<Translation>(frames, &(), session);
    }
    read::<Realtime>(frames, &RealtimeSettings::default().memory(Retention::unlimited()), session)
}

fn opens_link(text: &[u8]) -> bool {
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    serde_json::from_slice::<Value>(line).is_ok_and(|line| line["dir"] == "open")
}

fn read_live(input: impl BufRead, kind: Option<ConnectionKind>, session: bool) -> Result<(), Box<dyn error::Error>> {
    let lines = live::lines(input)?;
    let kind = live::kind(&lines).or(kind).unwrap_or_default();
    let (mut counts, mut n) = ([0; 4], 0);
    let report = live::replay(&lines, kind, |frame, recognition| {
        n += 1;
        note(&mut counts, n, frame, verdict(recognition), session);
    });
    if session {
        println!("{report:#}");
    }
    summarise(counts);
    Ok(())
}

fn read<P: Protocol>(
    frames: impl Iterator<Item = io::Result<Frame>>,
    settings: &P::Settings,
    session: bool,
) -> Result<(), Box<dyn error::Error>>
where
    P::State: Report,
{
    let mut state = P::State::default();
    state.configure(settings, &Setup::default().kept_errors(None));
    let mut counts = [0_usize; 4];
    let mut directions = [0_u64; 2];
    for (n, frame) in (1..).zip(frames) {
        let frame = frame?;
        let now = Instant::default();
        let kind = match frame.direction {
            Direction::FromServer => {
                let mut changes = Changes::default();
                let mut event = P::ServerEvent::read(&frame.raw, &mut changes.reading);
                state.received(&mut event, now, &mut changes);
                verdict(event.recognition())
            }
            Direction::FromClient => {
                let event = P::ClientEvent::decode(&frame.raw);
                state.sent(n, &event, now);
                verdict(event.recognition())
            }
        };
        directions[frame.direction as usize] += 1;
        note(&mut counts, n, &frame, kind, session);
    }
    if session {
        let mut report = state.report();
        report["frames"] = json!({ "c2s": directions[1], "s2c": directions[0] });
        println!("{report:#}");
    }
    summarise(counts);
    Ok(())
}

/// Counts a frame, and prints it unless only the state is requested.
fn note(counts: &mut [usize; 4], n: u64, frame: &Frame, kind: (usize, Value), session: bool) {
    counts[kind.0] += 1;
    if !session {
        let line = json!({
            "n": n, "dir": frame.direction.as_str(), "type": frame.kind(), "kind": KINDS[kind.0], "reason": kind.1,
        });
        println!("{line}");
    }
}

fn summarise(counts: [usize; 4]) {
    let [known, unknown, malformed, invalid] = counts;
    eprintln!(
        "{} frames: {known} known, {unknown} unknown, {malformed} malformed, {invalid} invalid",
        counts.iter().sum::<usize>()
    );
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
