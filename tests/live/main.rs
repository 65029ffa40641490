//! Live in virtual time: connections, delegation, the feeder, and the simulator.

mod connections;
mod delegation;
mod drops;
mod endings;
mod feeder;
mod later;
mod losses;
mod simulator;
mod support;
mod travel;
