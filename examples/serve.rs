//! Serves a simulated service over real WebSockets, for clients in any language.
//!
//! ```text
//! cargo run --example serve --features serve -- --port 0
//! ```
//!
//! Prints its URL for API clients, and serves until its standard input ends.

use std::{env, error::Error, fs, io, num::ParseIntError, process::ExitCode, str::FromStr, time::Duration};

use realtime::mock::{FaultPlan, Faults, Pace, Server, Simulator, SystemClock, Table};

const USAGE: &str = "\
usage: serve [options]
  --port N         the port (0, the default: any that is free)
  --tls            encrypt, with a certificate made on the spot
  --ca-out FILE    write the certificate of the authority that clients have to trust
  --answers FILE   answer from a table of JSON lines
  --key KEY        take this key alone (may be given several times)
  --model MODEL    have this model alone (may be given several times)
  --pace PACE      live (the default) or instant
  --fault FAULT    what goes wrong with every connection (may be given several times): drop-after=N, close-after=N,
                   close-after=N:CODE, half-open-after=N, garbage-after=N, unknown-after=N (N messages of the server),
                   slow=MS
  --delay-connect MS  how long every attempt to connect takes longer
  --seed N         faults by chance in place of all that
  --max-connections N    clients at the same time (1000); others are refused by the status 503
  --max-handshakes N     clients whose request is awaited (64); one more, and the oldest of them is given up
  --handshake-timeout MS how long a request is awaited (10000)";

fn main() -> ExitCode {
    match run(env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("serve: {error}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let (mut simulator, mut port, mut tls, mut ca_out) = (Simulator::new().pace(Pace::LIVE), 0, false, None);
    let (mut faults, mut seed) = (Vec::<String>::new(), None);
    let (mut connections, mut handshakes, mut handshake_timeout) = (None, None, None);
    while let Some(option) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{option} needs a value"));
        match option.as_str() {
            "--port" => port = number(&value()?)?,
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
            "--fault" => faults.push(value()?),
            "--delay-connect" => faults.push(format!("delay-connect={}", value()?)),
            "--seed" => seed = Some(number(&value()?)?),
            "--max-connections" => connections = Some(number(&value()?)?),
            "--max-handshakes" => handshakes = Some(number(&value()?)?),
            "--handshake-timeout" => handshake_timeout = Some(Duration::from_millis(number(&value()?)?)),
            other => return Err(format!("no such option: {other}").into()),
        }
    }
    if seed.is_some() && !faults.is_empty() {
        return Err("--seed sets all faults: remove --fault and --delay-connect".into());
    }
    let plan: FaultPlan = faults.join(",").parse()?;
    let transport = simulator.transport(&SystemClock::new());
    let faults = match seed {
        Some(seed) => Faults::seeded(transport, seed),
        None => Faults::new(transport, move |_| plan.clone()),
    };
    let mut server = Server::new(faults).port(port);
    if let Some(connections) = connections {
        server = server.max_connections(connections);
    }
    if let Some(handshakes) = handshakes {
        server = server.max_handshakes(handshakes);
    }
    if let Some(time) = handshake_timeout {
        server = server.handshake_timeout(time);
    }
    let served = if tls { server.tls() } else { server }.start()?;
    if let (Some(file), Some(pem)) = (ca_out, served.ca_pem()) {
        fs::write(file, pem)?;
    }
    println!("{}", served.base_url());
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn number<N: FromStr<Err = ParseIntError>>(text: &str) -> Result<N, String> {
    text.parse().map_err(|error| format!("{text} is no number that fits here: {error}"))
}
