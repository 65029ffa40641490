//! The simulator behaves like the service: the frames of its sessions, against those of recorded ones.

mod audio;
mod client;
mod compare;
mod cost;
mod errors;
mod hostile;
mod items;
mod limits;
mod mcp;
mod openings;
mod responder;
mod responses;
mod served;
mod transcripts;
mod translation;

use client::Wire;
