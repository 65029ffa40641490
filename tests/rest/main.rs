//! REST requests, from the client to the simulator that answers them: in memory on the virtual clock, and over sockets.

mod http;
mod live;
mod secrets;
mod sip;

use realtime::{
    Client,
    mock::{Simulator, VirtualClock},
};

/// A client of a simulator in memory.
fn client(simulator: &Simulator, clock: &VirtualClock) -> Client {
    Client::builder(simulator.transport(clock)).api_key("sk-project-key").build()
}
