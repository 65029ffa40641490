//! The steps of a response.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use realtime_core::types::AudioFormat;

use super::running::{Out, Running};
use crate::simulator::{
    Pace,
    reply::{Output, Reply, bits},
    voice::Speech,
};

/// Duration of an audio delta, in milliseconds.
pub(super) const PIECE: u64 = 200;

pub(super) struct Step {
    /// Duration of the step.
    pub(super) after: Duration,
    /// Index of the output.
    pub(super) output: usize,
    pub(super) act: Act,
}

pub(super) enum Act {
    /// Start of the item.
    Open,
    /// Start of its part.
    Part,
    /// A delta of its text or transcript.
    Text(String),
    /// A delta of its audio.
    Sound(Bytes),
    /// A delta of its arguments.
    Arguments(String),
    /// Start of the MCP tool.
    Run,
    /// End of the MCP tool.
    Ran,
    /// End of the item.
    Close,
}

impl Running {
    /// Plans the calls approved since the previous response.
    pub(super) fn plan_approved(&mut self, calls: Vec<Out>, pace: &Pace) {
        for out in calls {
            let steps = called(self.outputs.len(), out.arguments(), pace, true);
            self.outputs.push(out);
            self.steps.extend(steps);
        }
    }

    /// Plans the outputs of an answer. `item` creates the item of each.
    pub(super) fn plan(&mut self, answer: Reply, pace: &Pace, item: &mut dyn FnMut(&Output) -> Out) {
        let mut calls: Vec<VecDeque<Step>> = Vec::new();
        let mut asked = false;
        for output in answer.output {
            if asked && matches!(output, Output::Message { .. }) {
                // Output about the call has to wait for the call.
                continue;
            }
            let index = self.outputs.len();
            let out = item(&output);
            let steps = match output {
                Output::Message { pieces, .. } if !self.spoken => written(index, pieces, pace),
                Output::Message { pieces, audio } => {
                    let speech = match audio {
                        Some(audio) => Speech::Given(audio.into_bytes()),
                        None => Speech::of(&pieces.concat(), self.speed, &self.format),
                    };
                    spoken(index, pieces, &speech, &self.format, pace)
                }
                Output::Call { arguments, .. } => {
                    let steps = called(index, &arguments, pace, false);
                    if answer.interleaved {
                        self.outputs.push(out);
                        calls.push(steps);
                        continue;
                    }
                    steps
                }
                // Its arguments are complete from the start.
                Output::Mcp { .. } if out.item["type"] == "mcp_approval_request" => {
                    asked = true;
                    [(Act::Open, Duration::ZERO), (Act::Close, Duration::ZERO)].map(step(index)).into()
                }
                Output::Mcp { arguments, .. } => called(index, &arguments, pace, true),
            };
            self.outputs.push(out);
            self.steps.extend(steps);
        }
        while !calls.is_empty() {
            self.steps.extend(calls.iter_mut().filter_map(VecDeque::pop_front));
            calls.retain(|steps| !steps.is_empty());
        }
        self.ending = answer.ending;
    }
}

fn step(output: usize) -> impl Fn((Act, Duration)) -> Step {
    move |(act, after)| Step { after, output, act }
}

fn written(output: usize, pieces: Vec<String>, pace: &Pace) -> VecDeque<Step> {
    let mut steps = vec![(Act::Open, Duration::ZERO), (Act::Part, Duration::ZERO)];
    steps.extend(pieces.into_iter().map(|piece| (Act::Text(piece), pace.text)));
    steps.push((Act::Close, Duration::ZERO));
    steps.into_iter().map(step(output)).collect()
}

/// Each word precedes the audio delta that contains it.
fn spoken(output: usize, pieces: Vec<String>, speech: &Speech, format: &AudioFormat, pace: &Pace) -> VecDeque<Step> {
    let mut steps = vec![(Act::Open, Duration::ZERO), (Act::Part, Duration::ZERO)];
    // At least one sample, so that the loop ends.
    let size = format.ms_to_bytes(PIECE).unwrap_or(9_600).max(2) as usize;
    let (letters, bytes) = (pieces.iter().map(String::len).sum::<usize>().max(1), speech.len());
    let (mut pieces, mut said, mut heard) = (pieces.into_iter().peekable(), 0, 0);
    loop {
        let sound = speech.piece(heard, size);
        heard += sound.len();
        // Products of lengths, far below the limits of 128 bits.
        while let Some(piece) =
            pieces.next_if(|_| heard == bytes || (said as u128 * bytes as u128) < heard as u128 * letters as u128)
        {
            said += piece.len();
            steps.push((Act::Text(piece), Duration::ZERO));
        }
        if sound.is_empty() {
            break;
        }
        let ms = format.bytes_to_ms(sound.len() as u64).unwrap_or(PIECE);
        steps.push((Act::Sound(sound), pace.of_audio(ms)));
    }
    steps.push((Act::Close, Duration::ZERO));
    steps.into_iter().map(step(output)).collect()
}

pub(super) fn called(output: usize, arguments: &str, pace: &Pace, runs: bool) -> VecDeque<Step> {
    let mut steps = vec![(Act::Open, Duration::ZERO)];
    steps.extend(bits(arguments).into_iter().map(|bit| (Act::Arguments(bit), pace.text)));
    if runs {
        steps.extend([(Act::Run, Duration::ZERO), (Act::Ran, pace.first)]);
    }
    steps.push((Act::Close, Duration::ZERO));
    steps.into_iter().map(step(output)).collect()
}
