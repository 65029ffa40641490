//! Shared by the examples: the choice of the server, and the reporting of errors.

use std::{
    env,
    error::Error,
    fmt::Write,
    net::{SocketAddr, ToSocketAddrs},
    process::ExitCode,
};

use realtime::{
    Client, ClientBuilder,
    mock::{Served, Simulator},
};

/// Default model for conversations.
#[allow(dead_code, reason = "sessions of other sorts have other models")]
pub(crate) const MODEL: &str = "gpt-realtime-2.1";

/// Completes the client: connects to the service named by the environment, or to a simulator started here.
///
/// The second value serves the simulator while it exists.
pub(crate) fn client(
    builder: ClientBuilder,
    simulator: impl FnOnce() -> Simulator,
) -> Result<(Client, Option<Served>), Box<dyn Error>> {
    let builder = builder.env();
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_set("OPENAI_API_KEY") || is_set("OPENAI_BASE_URL") {
        let place = env::var("OPENAI_BASE_URL").ok().filter(|base| !base.is_empty());
        eprintln!("talking to {}", if place.is_some() { "the server at OPENAI_BASE_URL" } else { "OpenAI" });
        return Ok((builder.build(), None));
    }
    let served = simulator().serve()?;
    eprintln!("talking to a simulator at {} (set OPENAI_API_KEY to talk to OpenAI)", served.url());
    Ok((builder.base_url(served.base_url()).build(), Some(served)))
}

/// The model from the command line or this default, and the remaining arguments.
pub(crate) fn arguments(model: &str) -> Result<(String, Vec<String>), Box<dyn Error>> {
    let (mut model, mut rest) = (model.to_owned(), Vec::new());
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--model" => model = arguments.next().ok_or("--model takes the name of a model")?,
            _ => rest.push(argument),
        }
    }
    Ok((model, rest))
}

/// The address to listen on: the first argument, or any free port of this machine.
#[allow(dead_code, reason = "few examples listen")]
pub(crate) fn address(arguments: &[String]) -> Result<SocketAddr, Box<dyn Error>> {
    let given = arguments.first().map_or("127.0.0.1:0", |address| address);
    let mut found =
        given.to_socket_addrs().map_err(|_| format!("`{given}` is no address: give one like 127.0.0.1:8080"))?;
    Ok(found.next().ok_or("the address has no host")?)
}

/// Success, or one line with the error and its causes.
pub(crate) fn finish(name: &str, result: Result<(), Box<dyn Error>>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("{name}: {}", explain(&*error));
    ExitCode::FAILURE
}

/// An error with its causes in one line.
pub(crate) fn explain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(line, ": {error}");
        cause = error.source();
    }
    line.replace('\n', " ")
}
