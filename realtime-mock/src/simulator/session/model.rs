//! Responses and transcripts of a [`Responder`](crate::Responder): what it is asked, and what becomes of what it says.

use std::time::Duration;

use bytes::Bytes;
use realtime_core::types::{AudioFormat, Failure};
use serde_json::Value;

use super::{
    Fault,
    agenda::Number,
    context::Context,
    conversation::{Clip, StoredItem},
    plan::{Act, PIECE, Step, called},
    running::Running,
    talk::Talk,
};
use crate::simulator::{
    Pace, ResponderTurn, ResponsePart, SimulatedTranscript, Utterance,
    reply::{Ending, Output},
};

/// Maximum number of responses at a time.
const MOST_RESPONSES: usize = 16;
/// Number of turns that are transcribed or wait for it beyond which the client is kept from sending.
const MOST_TURNS: usize = 8;
/// Maximum size of a response in bytes.
const MOST_OUTPUT: usize = 64 << 20;
/// What each part counts beside its content.
const PART: usize = 64;

/// What a session asks its responder.
pub(in crate::simulator) enum Ask {
    /// What was said, for the item with this id.
    Transcribe(String, Utterance),
    /// The parts of the response with this id.
    Respond(String, ResponderTurn),
}

/// Whether the next part of a response, or a transcript, is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::simulator) enum Demand {
    Now,
    /// Once the client has taken what came before.
    Later,
    /// Never again.
    Gone,
}

/// A response that is made by a responder.
pub(super) struct Source {
    number: u64,
    /// The request's own input, if it has any.
    input: Option<Vec<StoredItem>>,
    asked: bool,
    /// The message that is open.
    message: Option<usize>,
    /// The rest of a sample.
    rest: Vec<u8>,
    bytes: usize,
}

impl Source {
    pub(super) fn new(number: u64, input: Option<Vec<StoredItem>>) -> Self {
        Self { number, input, asked: false, message: None, rest: Vec::new(), bytes: 0 }
    }
}

/// A turn that is being transcribed.
pub(super) struct Unheard {
    item: String,
    ms: u64,
}

impl Talk {
    /// Checks that a responder has room for another response.
    pub(super) fn check_room(&self) -> Result<(), Fault> {
        if self.settings.responder.is_some() && self.responses.len() >= MOST_RESPONSES {
            let message = format!("A session has at most {MOST_RESPONSES} responses at a time.");
            return Err(Fault::new("too_many_active_responses", message));
        }
        Ok(())
    }

    /// Whether so much waits to be transcribed that the client has to wait too.
    pub(super) fn is_behind(&self) -> bool {
        self.unheard.len() >= MOST_TURNS
    }

    /// Commits a turn, and asks what was said.
    pub(super) fn ask_transcript(&mut self, id: String, audio: Vec<u8>, format: AudioFormat) {
        let utterance = self.utterance(&audio, &format);
        self.commit_item(&id, Some(Clip::new(0, format, audio)));
        self.unheard.push(Unheard { item: id.clone(), ms: utterance.ms });
        self.asks.push_back(Ask::Transcribe(id, utterance));
    }

    /// Begins a response that waits for its first part.
    pub(super) fn ask_response(&mut self, running: Running) {
        self.responses.begin_parked(running);
        self.ask_ready();
    }

    /// Asks for the responses whose turn is complete: a response to the conversation waits for the transcripts.
    fn ask_ready(&mut self) {
        let heard = self.unheard.is_empty();
        for running in self.responses.parked() {
            let Some(source) = running.source.as_mut().filter(|source| !source.asked) else { continue };
            if source.input.is_none() && !heard {
                continue;
            }
            source.asked = true;
            let input = source.input.take();
            let context = match &input {
                Some(items) => Context::of(items),
                None => Context { conversation: Some(&self.conversation), then: &[] },
            };
            let turn = ResponderTurn::new(
                source.number,
                context,
                running.config.clone(),
                running.metadata.clone(),
                running.format.clone(),
                !running.in_conversation,
            );
            self.asks.push_back(Ask::Respond(running.id.clone(), turn));
        }
    }

    /// Whether this response wants its next part, or this item its transcript.
    pub(super) fn demand(&mut self, id: &str) -> Demand {
        if self.unheard.iter().any(|unheard| unheard.item == id) || self.responses.parked().any(|one| one.id == id) {
            return Demand::Now;
        }
        match self.responses.find(|running| running.id == id && running.source.is_some()) {
            Some(_) => Demand::Later,
            None => Demand::Gone,
        }
    }

    /// Takes in what was said in a turn.
    pub(super) fn heard(&mut self, item: &str, heard: Result<String, Failure>) {
        let Some(at) = self.unheard.iter().position(|unheard| unheard.item == item) else { return };
        let Unheard { item, ms } = self.unheard.remove(at);
        let transcript = match heard {
            Ok(text) => SimulatedTranscript::text(text),
            Err(failure) => SimulatedTranscript::default().failing(failure),
        };
        let words = transcript.words();
        self.conversation.change(&item, |entry| entry.heard = Some(words));
        self.transcribe(&item, transcript.after(Duration::ZERO), ms);
        self.ask_ready();
    }

    /// Takes in the next part of a response, or its end.
    pub(super) fn part(&mut self, id: &str, part: Option<Result<ResponsePart, Failure>>) {
        let Some((number, mut running)) = self.responses.unpark(|running| running.id == id) else { return };
        match part {
            Some(Ok(part)) => self.plan_part(number, running, part),
            Some(Err(failure)) => self.fail(number, running, failure),
            None => {
                running.close_message();
                running.source = None;
                self.responses.resume(self.wire.now, number, running);
            }
        }
    }

    fn plan_part(&mut self, number: Number, mut running: Running, part: ResponsePart) {
        let length = match &part {
            ResponsePart::Text(text) => text.len(),
            ResponsePart::Audio(audio) => audio.len(),
            ResponsePart::Call { name, arguments } => name.len() + arguments.len(),
            ResponsePart::Usage(_) => 0,
        };
        if let Some(source) = &mut running.source {
            source.bytes = source.bytes.saturating_add(length.saturating_add(PART));
            if source.bytes > MOST_OUTPUT {
                let message = format!("The model's response has more than {MOST_OUTPUT} bytes.");
                return self.fail(number, running, failure("response_too_large", message));
            }
        }
        match part {
            ResponsePart::Text(text) if text.is_empty() => {}
            ResponsePart::Text(text) => self.plan_in_message(&mut running, [Act::Text(text)]),
            ResponsePart::Audio(_) if !running.spoken => {}
            ResponsePart::Audio(audio) => {
                let pieces = running.pieces(audio.into_bytes());
                if !pieces.is_empty() {
                    self.plan_in_message(&mut running, pieces.into_iter().map(Act::Sound));
                }
            }
            ResponsePart::Call { name, arguments } => {
                running.close_message();
                let out = self.out(&Output::Call { name, arguments: String::new() }, &Value::Null);
                running.steps.extend(called(running.outputs.len(), &arguments, &Pace::INSTANT, false));
                running.outputs.push(out);
            }
            ResponsePart::Usage(usage) => running.usage = serde_json::to_value(usage).ok(),
        }
        if running.steps.is_empty() {
            self.responses.park(number, running);
        } else {
            self.responses.resume(self.wire.now, number, running);
        }
    }

    /// Plans acts in the open message, or in a new one.
    fn plan_in_message(&mut self, running: &mut Running, acts: impl IntoIterator<Item = Act>) {
        let open = running.source.as_ref().and_then(|source| source.message);
        let output = open.unwrap_or_else(|| {
            let output = running.outputs.len();
            let out = self.out(&Output::Message { pieces: Vec::new(), audio: None }, &Value::Null);
            running.outputs.push(out);
            running.steps.extend([Act::Open, Act::Part].map(step(output)));
            if let Some(source) = &mut running.source {
                source.message = Some(output);
            }
            output
        });
        running.steps.extend(acts.into_iter().map(step(output)));
    }

    /// Ends a response that the responder does not complete.
    fn fail(&mut self, number: Number, mut running: Running, failure: Failure) {
        running.source = None;
        running.ending = Ending::Failed(Box::new(failure));
        self.responses.resume(self.wire.now, number, running);
    }
}

impl Running {
    /// Ends the open message. Further text begins another one.
    fn close_message(&mut self) {
        if let Some(source) = &mut self.source {
            source.rest.clear();
            if let Some(output) = source.message.take() {
                self.steps.push_back(step(output)(Act::Close));
            }
        }
    }

    /// Splits audio into deltas of whole samples, and keeps the rest of a sample for the next part.
    fn pieces(&mut self, mut audio: Bytes) -> Vec<Bytes> {
        let Some(source) = &mut self.source else { return Vec::new() };
        if !source.rest.is_empty() {
            source.rest.extend_from_slice(&audio);
            audio = std::mem::take(&mut source.rest).into();
        }
        let sample = self.format.bytes_per_sample().unwrap_or(2).max(1) as usize;
        source.rest = audio.split_off(audio.len() - audio.len() % sample).to_vec();
        // A whole number of samples in every format, and at least one.
        let most = self.format.ms_to_bytes(PIECE).unwrap_or(9_600).max(2) as usize;
        (0..audio.len()).step_by(most).map(|from| audio.slice(from..audio.len().min(from + most))).collect()
    }
}

fn step(output: usize) -> impl Fn(Act) -> Step {
    move |act| Step { after: Duration::ZERO, output, act }
}

/// A failure of the model, as the client is told.
pub(in crate::simulator) fn failure(code: &str, message: impl Into<String>) -> Failure {
    Failure::default().kind("server_error").code(code).message(message)
}
