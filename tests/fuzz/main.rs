//! The bodies of the fuzz targets, over the corpora and over seeded mutations of them.

mod bodies;
mod lent;
#[path = "../support/seeds.rs"]
mod seeds;

use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant},
};

use seeds::{Dice, seeds};

/// Mutants of each file.
const MUTANTS: u64 = 60;

/// What breaks readers more often than random bytes do.
const TOKENS: [&[u8]; 22] = [
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"\"\"",
    b"-1",
    b"1e999",
    b"0.5",
    b"12.0",
    b"18446744073709551616",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xc3",
    b"\n",
    b"\n>",
    b"\"type\":",
    b"\"event_id\":",
    b"[[[[[[[[",
    b"%00",
    b"?",
    b"@",
];

fn mutate(seed: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(bytes.len() + 1);
        let end = at + dice.roll((bytes.len() - at).min(40) + 1);
        match dice.roll(6) {
            0 => drop(bytes.splice(at..end, [])),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..end, TOKENS[dice.roll(TOKENS.len())].iter().copied())),
            3 => {
                let from = dice.roll(other.len() + 1);
                let to = from + dice.roll((other.len() - from).min(200) + 1);
                drop(bytes.splice(at..at, other[from..to].iter().copied()));
            }
            4 => {
                let twice = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, twice));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.roll(8);
                }
            }
        }
    }
    bytes
}

/// Every file as it is, and its mutants: so many, or as many as `REALTIME_FUZZ_SECONDS` leaves time for.
fn hunt(body: fn(&[u8]), files: &[Vec<u8>], mutants: u64) {
    assert!(files.len() > 4);
    let mutant = |number: u64, mutant: u64| {
        let mut dice = Dice(number * 1_000_003 + mutant);
        let other = &files[dice.roll(files.len())];
        body(&mutate(&files[number as usize], other, &mut dice));
    };
    let all = 0..files.len() as u64;
    files.iter().for_each(|file| body(file));
    for number in all.clone() {
        (0..seeds(mutants)).for_each(|seed| mutant(number, seed));
    }
    let Ok(seconds) = env::var("REALTIME_FUZZ_SECONDS") else { return };
    let (begun, time) = (Instant::now(), Duration::from_secs(seconds.parse().unwrap()));
    let mut more = seeds(mutants)..;
    while begun.elapsed() < time {
        let seed = more.next().unwrap();
        all.clone().for_each(|number| mutant(number, seed));
    }
    println!("{} files, {} mutants of each", files.len(), more.start);
}

fn files(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().filter(|path| path.is_file()).map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn messages() {
    let mut seeds = files("realtime-core/testdata/fixtures/server");
    for folder in ["client", "translation/server", "translation/client"] {
        seeds.extend(files(&format!("realtime-core/testdata/fixtures/{folder}")));
    }
    seeds.extend(files("fuzz/corpus/decode"));
    hunt(bodies::decode, &seeds, MUTANTS);
}

/// What a server may send: frames of every kind, sizes around the limits and the buffers, some of them broken.
fn stream(dice: &mut Dice) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..3).map(|_| dice.roll(256) as u8).collect();
    for _ in 0..dice.roll(12) {
        let texts = ["", "word", "{\"type\":\"x\"}", "\u{e9}t\u{e9}", "\u{1f44b}"];
        let around = [0, 1, 15, 16, 17, 125, 126, 130, 131, 1_000, 4_095, 4_096, 65_535, 65_536, 70_000, 70_001];
        let mut payload = match dice.roll(4) {
            0 => texts[dice.roll(texts.len())].as_bytes().to_vec(),
            1 => "\u{e9}x".repeat(dice.roll(40)).into_bytes(),
            2 => vec![b'x'; around[dice.roll(around.len())]],
            _ => vec![b'x'; dice.roll(300)],
        };
        let first = match dice.roll(20) {
            0 => 0x01,
            1 => 0x80,
            2 => 0x00,
            3 => 0x82,
            4 => 0x89,
            5 => 0x8A,
            6 => {
                payload.splice(0..0, [3, [232, 246, 235][dice.roll(3)]]);
                0x88
            }
            7 => dice.roll(256) as u8,
            _ => 0x81,
        };
        if first & 0x08 != 0 {
            payload.truncate(120);
        }
        if dice.roll(12) == 0 && !payload.is_empty() {
            let at = dice.roll(payload.len());
            payload[at] = 0xFF;
        }
        let masked = if dice.roll(30) == 0 { 0x80 } else { 0 };
        bytes.push(first);
        match payload.len() {
            short @ ..126 => bytes.push(masked | short as u8),
            medium @ ..65_536 => {
                bytes.push(masked | 126);
                bytes.extend((medium as u16).to_be_bytes());
            }
            long => {
                bytes.push(masked | 127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        bytes.extend(payload);
    }
    if dice.roll(6) == 0 {
        let end = 3 + dice.roll(bytes.len() - 2);
        bytes.truncate(end);
    }
    bytes
}

#[test]
fn lent_texts() {
    for seed in 0..seeds(30_000) {
        let mut dice = Dice(seed);
        let bytes = stream(&mut dice);
        lent::lent(&bytes);
        if dice.roll(3) == 0 {
            lent::lent(&mutate(&bytes, b"\x81\x05", &mut dice));
        }
    }
}

#[test]
fn deltas() {
    hunt(bodies::deltas, &files("fuzz/corpus/deltas"), MUTANTS * 20);
}

#[test]
fn dialects() {
    let mut seeds = files("realtime-core/testdata/fixtures/client");
    seeds.extend(files("fuzz/corpus/dialect"));
    hunt(bodies::dialect, &seeds, MUTANTS);
}

#[test]
fn twins() {
    hunt(bodies::twins, &files("fuzz/corpus/session"), MUTANTS / 2);
}

#[test]
fn sessions() {
    let seeds = files("fuzz/corpus/session");
    hunt(bodies::session, &seeds, MUTANTS / 2);
}

#[test]
fn live_sessions() {
    hunt(bodies::live, &files("fuzz/corpus/live"), MUTANTS);
}

#[test]
fn live_messages() {
    let seeds: Vec<_> = ["server", "client", "fork", "sideband"]
        .iter()
        .flat_map(|folder| files(&format!("realtime-core/testdata/fixtures/live/{folder}")))
        // The first byte decides on the session; a message is one line.
        .map(|file| [b"\0", &*String::from_utf8(file).unwrap().replace('\n', "").into_bytes()].concat())
        .collect();
    hunt(bodies::live, &seeds, MUTANTS / 4);
}

#[test]
fn cassettes() {
    hunt(bodies::cassette, &files("fuzz/corpus/cassette"), MUTANTS * 20);
}

#[test]
fn webhooks() {
    hunt(bodies::webhooks, &files("fuzz/corpus/webhooks"), MUTANTS * 20);
}

#[test]
fn rest_answers() {
    hunt(bodies::rest_answers, &files("fuzz/corpus/rest_answers"), MUTANTS * 20);
}

#[test]
fn rest_requests() {
    hunt(bodies::rest_requests, &files("fuzz/corpus/rest_requests"), MUTANTS * 10);
}

#[test]
fn carriers() {
    hunt(bodies::telephone::carriers, &files("fuzz/corpus/carriers"), MUTANTS * 5);
}

#[test]
fn carrier_requests() {
    hunt(bodies::telephone::carrier_requests, &files("fuzz/corpus/carrier_requests"), MUTANTS * 20);
}

#[test]
fn urls() {
    hunt(bodies::urls, &files("fuzz/corpus/urls"), MUTANTS * 200);
}

#[test]
fn wav_files() {
    let short = |file: &Vec<u8>| file.len() < 3_000;
    let seeds: Vec<_> = files("realtime-audio/testdata/wav").into_iter().filter(short).collect();
    hunt(bodies::wav, &seeds, MUTANTS * 50);
}
