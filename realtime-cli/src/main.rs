//! `realtime`: the Realtime API from the command line.

mod audio;
mod commands;
mod failure;
mod frames;
mod load;
mod output;
mod server;
mod stop;
mod timeline;

use std::{env, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{failure::Failure, output::Output, stop::Stop};

/// Voice sessions from the command line: talk, transcribe, record, replay, measure, simulate.
///
/// Connects to OpenAI with the key in OPENAI_API_KEY, or to the server at OPENAI_BASE_URL. Without either, to a
/// simulator that it starts itself.
#[derive(Parser)]
#[command(name = "realtime", version, after_long_help = failure::EXIT_CODES, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Chat in writing
    Chat(commands::chat::Chat),
    /// Ask by voice and hear the answer
    Talk(commands::talk::Talk),
    /// List the microphones and speakers
    #[cfg_attr(not(feature = "device"), command(hide = true))]
    Devices,
    /// Talk to a Live session, which listens and speaks at once
    Live(commands::live::LiveArgs),
    /// Say a text: write its speech to a WAV file
    Say(commands::say::Say),
    /// Transcribe a recording: text, SubRip, WebVTT or JSON lines
    Transcribe(commands::transcribe::Transcribe),
    /// Translate speech into another language
    Translate(commands::translate::Translate),
    /// Serve the simulator on a port, REST included, for clients in any language
    Serve(commands::serve::Serve),
    Relay(commands::relay::Relay),
    Check(commands::check::Check),
    /// Create an ephemeral key for a browser or another client
    Secret(commands::secret::SecretArgs),
    /// Control a call: accept, reject, refer, hang up, watch
    Call(commands::call::Call),
    Record(commands::record::Record),
    /// Serve a recorded session on a port, as its server answered
    Replay(commands::replay::Replay),
    /// List the events of a recorded session, and what they amount to
    Inspect(commands::inspect::Inspect),
    /// Draw a recorded session as a web page
    Timeline(commands::timeline::Timeline),
    /// Measure a server under the load of many voice sessions
    Load(load::Load),
    /// Print the shell completions
    Completions(commands::help::Completions),
    /// Print the manual page
    Man,
}

fn main() -> ExitCode {
    if let Some(position) = env::args_os().position(|argument| commands::help::is_secret(&argument)) {
        let failure = Failure::usage(format!(
            "argument {position} is an API key: other users of this machine can read command lines. Revoke it, and pass \
             keys in OPENAI_API_KEY or with --key-file"
        ));
        return output::fail(&failure.into());
    }
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&anyhow::Error::new(error).context("could not start the runtime")),
    };
    let result = runtime.block_on(async { run(cli, &Stop::on_signals()).await });
    // A read of standard input cannot be cancelled.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error),
    }
}

async fn run(cli: Cli, stop: &Stop) -> anyhow::Result<()> {
    let output = &cli.output;
    match cli.command {
        Command::Chat(command) => command.run(output, stop).await,
        Command::Talk(command) => command.run(output, stop).await,
        #[cfg(feature = "device")]
        Command::Devices => commands::talk::devices(output),
        #[cfg(not(feature = "device"))]
        Command::Devices => {
            Err(Failure::usage("this build has no sound devices: install it with `--features device`").into())
        }
        Command::Live(command) => command.run(output, stop).await,
        Command::Say(command) => command.run(output, stop).await,
        Command::Transcribe(command) => command.run(output, stop).await,
        Command::Translate(command) => command.run(output, stop).await,
        Command::Serve(command) => command.run(output, stop).await,
        Command::Relay(command) => command.run(output, stop).await,
        Command::Check(command) => command.run(output, stop).await,
        Command::Secret(command) => command.run(output, stop).await,
        Command::Call(command) => command.run(output, stop).await,
        Command::Record(command) => command.run(output, stop).await,
        Command::Replay(command) => command.run(output, stop).await,
        Command::Inspect(command) => command.run(output),
        Command::Timeline(command) => command.run(),
        Command::Load(command) => command.run(output, stop).await,
        Command::Completions(command) => command.run(),
        Command::Man => commands::help::man(),
    }
}
