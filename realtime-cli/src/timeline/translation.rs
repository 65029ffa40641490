//! The picture of a translation.

use realtime::{
    event::{Event, translation::ServerEvent},
    types::AudioFormat,
};
use serde_json::json;

use super::{Lane, Loudspeaker, Picture};
use crate::frames::{Recorded, Recording, Sender};

pub(super) fn picture(recording: &Recording) -> Picture {
    let (mut picture, mut loudspeaker) = (Picture::of(recording), Loudspeaker::default());
    let format = AudioFormat::pcm();
    let (mut heard, mut said, mut bytes) = (String::new(), String::new(), 0);
    for (at, entry) in &recording.entries {
        let Recorded::Event(Sender::Server, raw) = entry else { continue };
        match ServerEvent::decode(raw) {
            ServerEvent::SessionInputTranscriptDelta(text) => {
                picture.continue_text(Lane::Heard, *at, "input", &text.delta);
                heard += &text.delta;
            }
            ServerEvent::SessionOutputTranscriptDelta(text) => {
                picture.continue_text(Lane::Said, *at, "output", &text.delta);
                said += &text.delta;
            }
            ServerEvent::SessionOutputAudioDelta(audio) => {
                bytes += audio.delta.len();
                let ms = format.bytes_to_ms(audio.delta.len() as u64).unwrap_or(0);
                loudspeaker.play(&mut picture, *at, ms, "output");
            }
            ServerEvent::Error(error) => picture.mark(Lane::Notes, *at, "error", error.error.to_string()),
            _ => {}
        }
    }
    picture.state = json!({ "input_transcript": heard, "output_transcript": said, "output_audio_bytes": bytes });
    picture
}
