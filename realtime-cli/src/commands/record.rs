use std::net::SocketAddr;

use clap::Args;

use super::{relay::Relay, talk::Talk};
use crate::{output::Output, stop::Stop};

/// Record a session to a file: of a WAV file, of the microphone, or of other clients
///
/// With --in, the question in a WAV file is asked; with --listen, the sessions of any clients are relayed to the server
/// until SIGINT or SIGTERM; otherwise it is a conversation by microphone and speaker. Credentials are left out of the
/// recording. `replay`, `inspect` and `timeline` read it.
#[derive(Args)]
#[command(mut_arg("record", |record| {
    record.long(None).index(1).required(true).help("The recording to write: JSON lines")
}))]
pub(crate) struct Record {
    #[command(flatten)]
    talk: Talk,
    /// Relay clients that connect to this address, and record their sessions; port 0 is any that is free
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["question", "voice"])]
    listen: Option<SocketAddr>,
}

impl Record {
    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        match self.listen {
            Some(address) => {
                let (server, model) = self.talk.into_server();
                Relay::at(address, server, model).run(output, stop).await
            }
            None => self.talk.run(output, stop).await,
        }
    }
}
