//! When playback of each response began.

use std::{collections::VecDeque, time::Duration};

use crate::{transport::Instant, wire::Id};

/// Maximum number of responses whose beginning is remembered.
const MOST_STARTS: usize = 64;

/// The responses that were added last, and when their playback began.
#[derive(Debug, Default)]
pub(in super::super) struct Starts(VecDeque<Start>);

#[derive(Debug)]
struct Start {
    response_id: Id,
    /// When the user had stopped to speak, if the response answers that.
    asked: Option<Instant>,
    at: Option<Instant>,
    is_reported: bool,
}

impl Start {
    fn waited(&self) -> Option<Duration> {
        Some(self.at? - self.asked?)
    }
}

impl Starts {
    /// When playback of a response began.
    pub(in super::super) fn at(&self, response_id: &str) -> Option<Instant> {
        self.0.iter().rfind(|start| start.response_id == *response_id)?.at
    }

    /// How long the user waited for what began to play and was not reported.
    pub(in super::super) fn unreported(&self) -> impl Iterator<Item = Duration> {
        self.0.iter().filter(|start| !start.is_reported).filter_map(Start::waited)
    }

    /// Reports how long the user waited for what began to play since the last report.
    pub(in super::super) fn report(&mut self) -> Vec<Duration> {
        let begun = self.0.iter_mut().filter(|start| !start.is_reported && start.at.is_some());
        begun
            .filter_map(|start| {
                start.is_reported = true;
                start.waited()
            })
            .collect()
    }

    /// Remembers a response of which the first part is added.
    pub(super) fn prepare(&mut self, response_id: &Id, asked: Option<Instant>) {
        if self.0.iter().any(|start| start.response_id == *response_id) {
            return;
        }
        if self.0.len() == MOST_STARTS {
            self.0.pop_front();
        }
        self.0.push_back(Start { response_id: response_id.clone(), asked, at: None, is_reported: false });
    }

    /// A part of a response begins to play. The first one counts.
    pub(super) fn begin(&mut self, response_id: &Id, at: Instant) {
        if let Some(start) = self.0.iter_mut().rfind(|start| start.response_id == *response_id) {
            start.at.get_or_insert(at);
        }
    }
}
