//! A recorded session, as a script for the server and for the client.

use std::{collections::HashSet, fs, path::Path};

use serde_json::Value;

use crate::Run;

/// What happens next.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// The server says this.
    Say(String),
    /// Nothing, for so many seconds.
    Pause(u64),
    /// The client sends this, and the server waits for it.
    Hear(Heard),
}

#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// The how many-eth of the session it is.
    pub(crate) number: usize,
    pub(crate) event: Value,
    /// Seconds that the server waits for it.
    pub(crate) patience: u64,
    /// The id under which the server's frames know the item that it creates, where they repeat the client's.
    pub(crate) item: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) translates: bool,
    pub(crate) steps: Vec<Step>,
}

impl Script {
    /// All that there are.
    pub(crate) fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
        let mut files = Vec::new();
        for part in ["transcripts", "dialects"] {
            find(&folder.join(part), &mut files);
        }
        files.sort();
        files.iter().map(|file| Self::read(file)).collect()
    }

    fn read(file: &Path) -> Self {
        let folder = file.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let name = format!("{folder}/{}", file.file_stem().unwrap().to_str().unwrap());
        let text = fs::read_to_string(file).unwrap();
        let lines: Vec<Value> = text.lines().filter(|line| !line.trim().is_empty()).map(parse).collect();
        let mut steps = Vec::new();
        let mut number = 0;
        // OpenAI's own sessions: the server repeats the ids of the client's items.
        let repeats_ids = folder == "transcripts";
        let mut named = HashSet::new();
        for (at, line) in lines.iter().enumerate() {
            let frame = &line["frame"];
            if line["dir"] != "c2s" {
                steps.push(Step::Say(frame.to_string()));
                continue;
            }
            let later = || lines[at..].iter().filter(|line| line["dir"] != "c2s").map(|line| &line["frame"]);
            let item = (repeats_ids && frame["type"] == "conversation.item.create" && frame["item"]["id"].is_null())
                .then(|| {
                    later()
                        .filter(|said| said["type"] == "conversation.item.added")
                        .map(|said| &said["item"])
                        .filter(|item| item["type"] == frame["item"]["type"] && item["role"] == frame["item"]["role"])
                        .filter_map(|item| item["id"].as_str())
                        .find(|id| named.insert(id.to_string()))
                        .map(String::from)
                })
                .flatten();
            steps.push(Step::Hear(Heard { number, event: frame.clone(), patience: 1, item }));
            number += 1;
        }
        let translates = lines.iter().any(|line| line["frame"]["session"]["type"] == "translation");
        Self { name, translates, steps }
    }

    /// The same, once it is known what the client sends at once where nothing goes wrong: for that the server waits as
    /// long as anything can keep the client from it.
    pub(crate) fn knowing(&self, baseline: &Run) -> Self {
        let mut script = self.clone();
        for step in &mut script.steps {
            if let Step::Hear(heard) = step
                && baseline.heard.contains(&heard.number)
            {
                heard.patience = 400;
            }
        }
        script
    }
}

fn find(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(path);
        }
    }
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}
