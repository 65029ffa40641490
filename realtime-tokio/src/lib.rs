//! The tokio transport.
//!
//! ```no_run
//! use realtime_core::{Client, Error};
//! use realtime_tokio::TokioTransport;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
//! let client = Client::builder(TokioTransport::new()).env().build();
//! let connection = client.realtime().model("gpt-realtime").connect().await?;
//! let driver = realtime_tokio::spawn(&connection);
//! # drop(driver); Ok(()) }
//! ```

// Tests may; what users run must not.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod timer;
mod tls;
mod transport;

use realtime_core::{Connection, Error, Protocol};
use tokio::task::JoinHandle;

pub use timer::TokioTimer;
pub use transport::TokioTransport;

/// Drives the connection in a task of its own, until its end: however slowly its events are read, what is sent leaves
/// at once, pings are answered and deadlines kept.
///
/// Every method of the connection still works. Dropping the connection ends the task; dropping the handle does not.
///
/// # Panics
/// Outside a tokio runtime.
pub fn spawn<P: Protocol>(connection: &Connection<P>) -> JoinHandle<Result<(), Error>> {
    tokio::spawn(connection.driver())
}
