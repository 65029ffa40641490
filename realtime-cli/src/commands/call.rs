use std::time::Duration;

use clap::{Args, Subcommand};
use realtime::{
    event::{Event, ServerEvent},
    mock::Simulator,
    rest::calls::{Accept, HangUp, Refer, Reject},
    types::RealtimeSessionConfig,
};
use serde_json::json;

use crate::{
    output::{self, Output},
    server::{MODEL, Server, ServerArgs},
    stop::Stop,
};

#[derive(Args)]
pub(crate) struct Call {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Accept an incoming call
    Accept {
        /// The call's id, from the webhook
        call: String,
        /// Model that answers
        #[arg(long, default_value = MODEL)]
        model: String,
        /// System instructions
        #[arg(long)]
        instructions: Option<String>,
    },
    /// Reject an incoming call
    Reject {
        /// The call's id
        call: String,
        /// SIP status for the caller, such as 486 for busy
        #[arg(long)]
        status: Option<u16>,
    },
    /// Transfer a call
    Refer {
        /// The call's id
        call: String,
        /// Where to, such as tel:+14155550123
        target: String,
    },
    /// End a call
    Hangup {
        /// The call's id
        call: String,
    },
    /// Print the events of a call, until it ends
    Watch {
        /// The call's id
        call: String,
    },
}

impl Call {
    pub(crate) async fn run(self, output: &Output, stop: &Stop) -> anyhow::Result<()> {
        let server = self.server.open(Simulator::new)?;
        let rest = server.client.rest().timeout(Duration::from_secs(30));
        let act = async {
            match self.action {
                Action::Accept { call, model, instructions } => {
                    let mut session = RealtimeSessionConfig::default().model(model);
                    if let Some(instructions) = instructions {
                        session = session.instructions(instructions);
                    }
                    rest.send(&Accept::new(&call, session)).await?;
                    done(*output, &call, "accepted")
                }
                Action::Reject { call, status } => {
                    let reject = Reject::new(&call);
                    rest.send(&status.map_or(reject.clone(), |status| reject.status_code(status))).await?;
                    done(*output, &call, "rejected")
                }
                Action::Refer { call, target } => {
                    rest.send(&Refer::new(&call, target)).await?;
                    done(*output, &call, "referred")
                }
                Action::Hangup { call } => {
                    rest.send(&HangUp::new(&call)).await?;
                    done(*output, &call, "hung up")
                }
                Action::Watch { call } => watch(&server, &call, *output).await,
            }
        };
        stop.or(act).await?;
        server.finish()
    }
}

fn done(output: Output, call: &str, what: &str) -> anyhow::Result<()> {
    output.result(&json!({ "call_id": call, "done": what }), || format!("{call}: {what}"))
}

/// Prints the events of a call that somebody else holds.
async fn watch(server: &Server, call: &str, output: Output) -> anyhow::Result<()> {
    let connection = server.client.realtime().call(call).connect().await?;
    let json = output.json;
    let _tap = connection.tap(move |event: &ServerEvent, text| {
        // Whoever reads the output may leave: the connection ends then by itself.
        let text = String::from_utf8_lossy(text.as_bytes());
        let _ = output::line(if json { &text } else { event.kind() });
    });
    connection.drive().await?;
    Ok(())
}
