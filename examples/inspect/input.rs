//! Input of frames.

use std::{
    fs,
    io::{self, BufRead},
};

use serde_json::{Value, value::RawValue};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    FromServer,
    FromClient,
}

impl Direction {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::FromServer => "s2c",
            Self::FromClient => "c2s",
        }
    }
}

/// A frame as it was on the wire.
pub(crate) struct Frame {
    pub(crate) direction: Direction,
    pub(crate) raw: Vec<u8>,
}

impl Frame {
    /// Parses a plain frame, one wrapped with its direction, or one given as a JSON string.
    fn new(raw: Vec<u8>) -> Self {
        #[derive(serde::Deserialize)]
        struct Wrapped<'a> {
            dir: &'a str,
            #[serde(borrow)]
            frame: &'a RawValue,
        }

        if let Ok(Wrapped { dir, frame }) = serde_json::from_slice(&raw) {
            let direction = if dir == "c2s" { Direction::FromClient } else { Direction::FromServer };
            return Self { direction, raw: frame.get().into() };
        }
        if let Ok(text) = serde_json::from_slice::<String>(&raw) {
            return Self { direction: Direction::FromServer, raw: text.into() };
        }
        Self { direction: Direction::FromServer, raw }
    }

    /// The type of the frame.
    pub(crate) fn kind(&self) -> Option<String> {
        self.value()?.get("type")?.as_str().map(Into::into)
    }

    /// Whether the frame belongs to a translation session, if it says.
    pub(crate) fn protocol(&self) -> Option<bool> {
        let value = self.value()?;
        let created = self.direction == Direction::FromServer && value["type"] == "session.created";
        created.then(|| value["session"]["type"] == "translation")
    }

    fn value(&self) -> Option<Value> {
        serde_json::from_slice(&self.raw).ok()
    }
}

pub(crate) type Frames = Box<dyn Iterator<Item = io::Result<Frame>>>;

/// Reads one frame per line. Blank lines are ignored.
pub(crate) fn lines(input: impl BufRead + 'static) -> Frames {
    let lines = input.split(b'\n').map(|line| line.map(|line| line.trim_ascii().to_vec()));
    Box::new(lines.filter(|line| !matches!(line, Ok(line) if line.is_empty())).map(|line| line.map(Frame::new)))
}

fn named(path: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{path}: {error}"))
}

/// Reads one frame per file, in the order of their names.
pub(crate) fn folder(folder: &str) -> io::Result<Frames> {
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(|error| named(folder, error))?.collect();
    let mut files: Vec<_> = entries?.into_iter().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(Box::new(
        files
            .into_iter()
            .map(|file| fs::read(&file).map(Frame::new).map_err(|error| named(&file.to_string_lossy(), error))),
    ))
}
