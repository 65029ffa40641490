//! Serves a simulated service over real WebSockets, for clients in any language.
//!
//! ```text
//! cargo run --example serve --features mock -- --port 0
//! ```
//!
//! It prints its URL, as an API client takes it, and serves until its standard input ends.

use std::{env, error::Error, fs, io, process::ExitCode};

use realtime::mock::{Pace, Simulator, Table};

const USAGE: &str = "\
usage: serve [options]
  --port N         the port (0, the default: any that is free)
  --tls            encrypt, with a certificate made on the spot
  --ca-out FILE    write the certificate of the authority that clients have to trust
  --answers FILE   answer from a table of JSON lines
  --key KEY        take this key alone (may be given several times)
  --model MODEL    have this model alone (may be given several times)
  --pace PACE      live (the default) or instant";

fn main() -> ExitCode {
    match run(env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let (mut simulator, mut port, mut tls, mut ca_out) = (Simulator::new(), 0, false, None);
    while let Some(option) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{option} needs a value"));
        match option.as_str() {
            "--port" => port = value()?.parse()?,
            "--tls" => tls = true,
            "--ca-out" => ca_out = Some(value()?),
            "--answers" => simulator = simulator.table(Table::read(value()?)?),
            "--key" => simulator = simulator.key(value()?),
            "--model" => simulator = simulator.model(value()?),
            "--pace" => match value()?.as_str() {
                "live" => simulator = simulator.pace(Pace::LIVE),
                "instant" => simulator = simulator.pace(Pace::INSTANT),
                other => return Err(format!("no such pace: {other}").into()),
            },
            other => return Err(format!("no such option: {other}").into()),
        }
    }
    let server = simulator.server().port(port);
    let served = if tls { server.tls() } else { server }.start()?;
    if let (Some(file), Some(pem)) = (ca_out, served.ca_pem()) {
        fs::write(file, pem)?;
    }
    println!("{}", served.base_url());
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
