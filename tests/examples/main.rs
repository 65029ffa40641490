//! The examples that serve something, with somebody who uses them: a caller, a browser, the service's webhooks. And one
//! that speaks, with a server that answers before it has finished.

// Each example brings the module that examples share.
#![allow(clippy::duplicate_mod)]

mod browser;
mod echo_model;
mod gateway;
mod phone;
mod sip;
mod voice;
