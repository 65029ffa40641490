//! The cases in `testdata`: what other programs read, write, decode, resample and cut. And each check can fail.

#[path = "../../examples/kit/audio/mod.rs"]
#[allow(unreachable_pub)]
mod audio;
#[path = "../../examples/kit/case.rs"]
#[allow(dead_code, unreachable_pub)] // other kinds of cases use the rest
mod case;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn failures(folder: &Path) -> (usize, Vec<String>) {
    let outcomes = audio::run(folder);
    let count = outcomes.len();
    let failed = outcomes.into_iter().filter_map(|it| Some(format!("{}: {}", it.name, it.result.err()?)));
    (count, failed.collect())
}

#[test]
fn all_cases_come_out_as_expected() {
    let (count, failed) = failures(&testdata());
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(count > 150, "only {count} cases");
}

/// Runs the cases with texts in one file replaced, and gives what failed.
fn tampered(file: &str, changes: &[(&str, &str)]) -> Vec<String> {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("realtime-audio-cases-{}-{call}", std::process::id()));
    let copy = |from: &Path, to: &Path| {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().flatten().filter(|entry| entry.path().is_file()) {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    };
    copy(&testdata(), &folder);
    for inner in ["wav", "resample", "chunks", "recording"] {
        copy(&testdata().join(inner), &folder.join(inner));
    }
    if file != "resample.json" {
        // They take the longest.
        fs::remove_file(folder.join("resample.json")).unwrap();
    }
    let path = folder.join(file);
    let mut content = fs::read_to_string(&path).unwrap();
    for (text, by) in changes {
        assert!(content.contains(text), "{file} has no {text}");
        content = content.replacen(text, by, 1);
    }
    fs::write(&path, content).unwrap();
    let (_, failed) = failures(&folder);
    fs::remove_dir_all(&folder).unwrap();
    failed
}

#[test]
fn a_case_with_another_expectation_fails() {
    for (file, text, by) in [
        ("wav.json", "e8ff20012dc6cc", "e8ff20012dc6cd"),
        ("wav_write.json", "524946462400000057", "524946462500000057"),
        ("g711.json", "5ee7cf5f273f842d", "5ee7cf5f273f842e"),
        ("resample.json", "\"must_db\": 55", "\"must_db\": 155"),
        ("resample.json", "\"must_db\": -50", "\"must_db\": -150"),
        ("resample.json", "\"must_db\": 40", "\"must_db\": 140"),
        ("chunks/chunks.json", "\"at_flush\": 960", "\"at_flush\": 961"),
        ("chunks/pacing.json", "\"at_ms\": 60", "\"at_ms\": 61"),
        ("recording/barge_in.json", "\"heard_ms\": 480", "\"heard_ms\": 481"),
    ] {
        let failed = tampered(file, &[(text, by)]);
        assert!(!failed.is_empty(), "{file}");
        let file = file.rsplit('/').next().unwrap();
        assert!(failed.iter().all(|name| name.contains(file)), "{file}: {failed:?}");
    }
}

#[test]
fn resampling_reaches_what_is_wished_and_not_only_what_is_demanded() {
    let wishes = [
        ("\"must_db\": 55", "\"must_db\": 75"),
        ("\"must_db\": -50", "\"must_db\": -75"),
        ("\"must_db\": 40", "\"must_db\": 65"),
    ];
    let failed = tampered("resample.json", &wishes);
    assert!(failed.is_empty(), "{failed:#?}");
}
