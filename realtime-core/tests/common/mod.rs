//! The files.

use std::{fs, path::PathBuf};

use serde_json::Value;

pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) value: Value,
}

pub(crate) fn fixtures(side: &str) -> Vec<Fixture> {
    let mut fixtures: Vec<_> = fs::read_dir(testdata().join("fixtures").join(side))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let value: Value = serde_json::from_str(&text).unwrap();
            let kind = value["type"].as_str().unwrap().to_owned();
            assert!(name.starts_with(&kind));
            Fixture { name, kind, text, value }
        })
        .collect();
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!fixtures.is_empty());
    fixtures
}

pub(crate) fn testdata() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata")
}
