use std::path::PathBuf;

use clap::Args;

use crate::{
    frames::Recording,
    output,
    timeline::{Picture, html},
};

#[derive(Args)]
pub(crate) struct Timeline {
    /// A recording (--record), or JSON lines of events; - is standard input
    file: PathBuf,
}

impl Timeline {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let recording = Recording::open(&self.file)?;
        let title = self.file.file_name().map_or_else(|| "session".into(), |name| name.to_string_lossy().into_owned());
        output::part(&html(&Picture::new(title, &recording))?)
    }
}
