//! The voice: what it hears and says in each step of the timeline.

use std::{collections::VecDeque, time::Duration};

use base64_turbo::STANDARD;
use realtime_core::{Audio, transport::Instant, types::AudioFormat};
use serde_json::{Value, json};

use super::{
    super::{Utterance, reply::words, session::hearing::is_silent, voice::speak},
    config,
    cue::Cue,
    decisions::Asked,
    room::{Audience, Media, Room},
    sound::{self, PIECE, PIECE_MS},
};

/// Silence that ends the user's turn.
const SILENCE_MS: u64 = 500;
/// Duration of a word, and the grid of transcripts.
const WORD_MS: u64 = 200;
/// Interval of usage reports.
const REPORT_MS: u64 = 15_000;
/// Maximum number of bytes of an utterance that are kept, from its end.
const MOST_UTTERANCE: usize = 8 << 20;
/// Maximum number of queued words.
const MOST_WORDS: usize = 4_096;

/// The voice of a session.
pub(super) struct Voice {
    /// The user's current speech: its start on the timeline, and its audio.
    speech: Option<Speech>,
    utterances: u64,
    /// The queued words. A word lasts two steps of the timeline.
    words: VecDeque<String>,
    saying: Option<u64>,
    /// The clip being played: its requester, and the remaining audio.
    clip: Option<Clip>,
    /// Start of the current silence, for sessions that pause.
    quiet_since: Instant,
    paused: bool,
    /// When the last step of the timeline ended.
    last_end: Instant,
}

struct Speech {
    start_ms: u64,
    audio: Vec<u8>,
    quiet_ms: u64,
}

struct Clip {
    client_event_id: Option<String>,
    audio: Audio,
    at: usize,
}

impl Voice {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            speech: None,
            utterances: 0,
            words: VecDeque::new(),
            saying: None,
            clip: None,
            quiet_since: now,
            paused: false,
            last_end: now,
        }
    }

    /// Stops speaking.
    fn stop(&mut self) {
        self.words.clear();
        self.saying = None;
    }

    pub(super) fn plays_a_clip(&self) -> bool {
        self.clip.is_some()
    }
}

impl Room {
    /// Adds input audio, in the session's encoding. It is consumed in real time.
    pub(super) fn hear(&mut self, audio: &[u8]) {
        self.input.extend(audio);
        self.await_piece();
    }

    /// Schedules the next step once its input is complete, at the end of the last step or later.
    fn await_piece(&mut self) {
        let bytes = self.piece_bytes();
        if self.media == Media::Socket && self.next_piece.is_none() && self.input.len() >= bytes {
            self.next_piece = Some(self.voice.last_end.max(self.now));
        }
    }

    fn piece_bytes(&self) -> usize {
        let bytes = self.format().ms_to_bytes(PIECE_MS).unwrap_or_default();
        usize::try_from(bytes).unwrap_or(PIECE).max(1)
    }

    /// Performs a step of the timeline: hears, speaks, and acknowledges context.
    pub(super) fn next_piece(&mut self) {
        let Some(due) = self.next_piece.take() else { return };
        let format = self.format();
        let audio = match self.media {
            Media::Socket => {
                let bytes = self.piece_bytes().min(self.input.len());
                self.input.drain(..bytes).collect()
            }
            Media::WebRtc | Media::Sip => vec![0; PIECE],
        };
        let pcm = if self.media == Media::Socket { sound::decode(&audio, &format) } else { audio.clone() };
        if self.is_watched() {
            // Input from before muting.
            let reflected = json!({ "type": "session.input_audio.append", "audio": encode(&pcm) });
            self.tell_audio(None, Some(reflected.to_string()));
        }
        if !self.voice.paused {
            let deaf = self.muted || self.voice.plays_a_clip();
            self.listen_to(&audio, &format, deaf);
            self.speak_on(&format);
        } else {
            self.paused_ms += PIECE_MS;
        }
        self.timeline_ms += PIECE_MS;
        self.acknowledge();
        if self.timeline_ms.is_multiple_of(REPORT_MS) {
            self.report_usage();
        }
        self.voice.last_end = due + Duration::from_millis(PIECE_MS);
        match self.media {
            Media::Socket => self.await_piece(),
            Media::WebRtc | Media::Sip => {
                self.pause_if_quiet();
                self.next_piece = Some(due + Duration::from_millis(PIECE_MS));
            }
        }
    }

    fn listen_to(&mut self, audio: &[u8], format: &AudioFormat, deaf: bool) {
        let silent = deaf || is_silent(audio, format);
        let start_ms = self.timeline_ms;
        match &mut self.voice.speech {
            None if silent => {}
            None => {
                // The model stops when the user begins to speak.
                self.voice.stop();
                self.voice.speech = Some(Speech { start_ms, audio: audio.to_vec(), quiet_ms: 0 });
            }
            Some(speech) => {
                speech.audio.extend_from_slice(audio);
                if speech.audio.len() > MOST_UTTERANCE {
                    let half = speech.audio.len() / 2;
                    speech.audio.drain(..half - half % 2);
                }
                speech.quiet_ms = if silent { speech.quiet_ms + PIECE_MS } else { 0 };
                if speech.quiet_ms >= SILENCE_MS
                    && let Some(speech) = self.voice.speech.take()
                {
                    self.understand(speech, format);
                }
            }
        }
    }

    fn understand(&mut self, Speech { start_ms, audio, .. }: Speech, format: &AudioFormat) {
        let ms = format.bytes_to_ms(audio.len() as u64).unwrap_or_default();
        let utterance = Utterance { number: self.voice.utterances, audio: audio.into(), format: format.clone(), ms };
        self.voice.utterances += 1;
        let heard = (self.settings.transcribe)(&utterance).words();
        self.heard_words(&heard, start_ms - start_ms % WORD_MS);
    }

    /// Handles a turn of the user that started at this position.
    pub(super) fn heard_words(&mut self, heard: &str, start_ms: u64) {
        self.heard = heard.trim().into();
        for (at, word) in words(&self.heard.clone()).into_iter().enumerate() {
            self.transcript("session.input_transcript.delta", &word, start_ms + at as u64 * WORD_MS);
        }
        let text = self.heard.clone();
        self.remember("user", &text);
        self.react(&text, false);
    }

    /// Performs the scripted reaction.
    pub(super) fn react(&mut self, text: &str, instruction: bool) {
        let cue = Cue { text, instruction, config: &self.config };
        let reaction = (self.settings.voice)(&cue);
        self.say(&reaction.say);
        if reaction.delegate {
            self.delegate();
        }
    }

    /// Queues words after the current ones.
    pub(super) fn say(&mut self, text: &str) {
        let new = words(text.trim()).into_iter().enumerate().map(|(at, word)| {
            // All but the first word of an utterance have a leading space.
            if at == 0 { word.trim_start().to_owned() } else { word }
        });
        let room = MOST_WORDS.saturating_sub(self.voice.words.len());
        self.voice.words.extend(new.take(room));
    }

    /// Says the next 100 ms: a clip, a word, or silence.
    fn speak_on(&mut self, format: &AudioFormat) {
        let mut pcm = vec![0; PIECE];
        if let Some(clip) = &mut self.voice.clip {
            let piece = clip.audio.get(clip.at..).unwrap_or_default();
            let length = piece.len().min(PIECE);
            pcm[..length].copy_from_slice(&piece[..length]);
            clip.at += length;
            if let Some(clip) = self.voice.clip.take_if(|clip| clip.at >= clip.audio.len()) {
                let id = clip.client_event_id.as_deref();
                self.emit(Audience::All, "session.output_audio.fixture.played", id, json!({}));
            }
        } else if self.voice.saying.is_some() || self.timeline_ms.is_multiple_of(WORD_MS) {
            let begins = self.voice.saying.take().is_none();
            if begins && let Some(word) = self.voice.words.pop_front() {
                self.remember("assistant", &word);
                self.transcript("session.output_transcript.delta", &word, self.timeline_ms);
                self.voice.saying = Some(self.timeline_ms);
                pcm = speak(PIECE_MS, &AudioFormat::pcm()).to_vec();
            } else if !begins {
                pcm = speak(PIECE_MS, &AudioFormat::pcm()).to_vec();
            }
        }
        pcm.resize(PIECE, 0);
        let (start, end) = (self.timeline_ms, self.timeline_ms + PIECE_MS);
        // As the service writes it: in this order, without spaces and ids.
        let delta = encode(&sound::encode(&pcm, format));
        let primary = format!(r#"{{"type":"session.output_audio.delta","delta":"{delta}"}}"#);
        let sidebands = self.is_watched().then(|| {
            let delta = encode(&pcm);
            json!({ "type": "session.output_audio.delta", "delta": delta, "start_ms": start, "end_ms": end })
                .to_string()
        });
        self.tell_audio(Some(primary), sidebands);
    }

    fn transcript(&mut self, kind: &'static str, word: &str, start_ms: u64) {
        let members = json!({ "delta": word, "start_ms": start_ms, "end_ms": start_ms + WORD_MS });
        let Value::Object(members) = members else { return };
        let id = self.emit_id(kind, members);
        self.trigger(kind, &id);
    }

    /// Begins to play a validated clip.
    pub(super) fn play(&mut self, audio: Audio, client_event_id: Option<&str>) {
        self.voice.stop();
        self.voice.speech = None;
        self.voice.clip = Some(Clip { client_event_id: client_event_id.map(Into::into), audio, at: 0 });
        self.emit(Audience::All, "session.output_audio.fixture.playing", client_event_id, json!({}));
    }

    /// Acknowledges context whose end the timeline has reached, and acts on it.
    fn acknowledge(&mut self) {
        while let Some(pending) = self.pending.pop_front_if(|pending| pending.end_ms <= self.timeline_ms) {
            let kind = format!("session.{}.appended", pending.kind);
            let interval = json!({ "start_ms": pending.start_ms, "end_ms": pending.end_ms });
            self.emit(Audience::All, &kind, pending.client_event_id.as_deref(), interval);
            match pending.kind {
                "commentary" => self.say(&pending.content),
                "instructions" => self.react(&pending.content, true),
                _ => {}
            }
        }
    }

    /// Delegates work as the session configures.
    fn delegate(&mut self) {
        let id = self.ids.make("item");
        let target = config::target(&self.config).to_owned();
        let mut delegation = json!({ "id": id, "type": "delegation", "target": target });
        let response = (target == "responses").then(|| self.ids.make("resp"));
        if let Some(response) = &response {
            delegation["response_id"] = response.as_str().into();
        }
        self.emit(
            Audience::All,
            "session.delegation.created",
            None,
            json!({ "delegation": delegation, "offset_ms": self.timeline_ms }),
        );
        self.delegations.insert(id.clone());
        match &*target {
            "responses" => {
                let text = self.heard.clone();
                self.backend.hear(&text);
                self.run_backend(Some(id), response);
            }
            "decisions" => {
                let decisions = self.config["delegation"]["decisions"].clone();
                let asked = Asked { delegation: Some(id), ..Asked::default() };
                self.decide(&decisions["questions"], &decisions["model"], asked);
            }
            _ => {}
        }
    }

    /// Pauses inference after the configured duration of silence.
    fn pause_if_quiet(&mut self) {
        let Some(seconds) = self.config["idle_timeout_s"].as_u64() else { return };
        let speaks = self.voice.speech.is_some() || !self.voice.words.is_empty() || self.voice.saying.is_some();
        if speaks {
            self.voice.quiet_since = self.now;
        } else if !self.voice.paused && self.now - self.voice.quiet_since >= Duration::from_secs(seconds) {
            self.voice.paused = true;
            self.emit(Audience::Sidebands, "session.paused", None, json!({}));
        }
    }

    /// Resumes inference when somebody speaks.
    pub(super) fn resume(&mut self) {
        self.voice.quiet_since = self.now;
        if std::mem::replace(&mut self.voice.paused, false) {
            self.emit(Audience::Sidebands, "session.resumed", None, json!({}));
        }
    }
}

fn encode(audio: &[u8]) -> String {
    STANDARD.encode(audio)
}
