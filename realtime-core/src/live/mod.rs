//! Live: sessions that listen and speak at once, and hand work over.
//!
//! There are no turns, no responses of the voice, no items: audio flows both ways all the time, transcripts come as
//! fragments, and the voice delegates work to the application, to a Responses model or to a decision model.

pub mod event;
pub mod types;
