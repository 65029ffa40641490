//! Whole connections on every runtime: all of what is sent arrives, whichever runtime drives.

mod choice;
mod duplex;
mod sending;
mod streams;
#[path = "../support/mod.rs"]
mod support;
