//! The picture of a Live session.

use std::time::Duration;

use realtime::{
    Live, LiveFork, LiveSideband, LiveState, Protocol,
    event::Event,
    live::{event::ServerEvent, state::Speaker},
    session::{Changes, LinkEnd, Setup, State},
    transport::Instant,
    types::AudioFormat,
};
use serde_json::json;

use super::{Lane, Loudspeaker, Picture};
use crate::frames::{Recorded, Recording, Sender};

pub(super) fn picture(recording: &Recording) -> Picture {
    let url = recording.entries.iter().find_map(|(_, entry)| match entry {
        Recorded::Opened(_, url) => url.as_deref(),
        _ => None,
    });
    match url.unwrap_or_default() {
        url if url.contains("/attach") => draw::<LiveSideband>(recording),
        url if url.contains("/fork") => draw::<LiveFork>(recording),
        _ => draw::<Live>(recording),
    }
}

fn draw<P>(recording: &Recording) -> Picture
where
    P: Protocol<State = LiveState, ServerEvent = ServerEvent>,
    LiveState: State<P>,
{
    let (mut picture, mut loudspeaker) = (Picture::of(recording), Loudspeaker::default());
    let mut state = LiveState::default();
    State::<P>::configure(&mut state, &P::Settings::default(), &Setup::default().kept_errors(None));
    let format = AudioFormat::pcm();
    for (seq, (at, entry)) in (1..).zip(&recording.entries) {
        let now = Instant::from_origin(Duration::from_millis(*at));
        match entry {
            Recorded::Opened(..) => state.link_is_up(None, now),
            Recorded::Ended(_) => state.link_is_gone(LinkEnd::Server, None, now),
            Recorded::Event(Sender::Client, raw) => {
                State::<P>::sent(&mut state, seq, &P::ClientEvent::decode(raw), now);
            }
            Recorded::Event(Sender::Server, raw) => {
                let mut event = ServerEvent::decode(raw);
                State::<P>::received(&mut state, &mut event, now, &mut Changes::default());
                show(&mut picture, &mut loudspeaker, &format, *at, &event);
            }
        }
    }
    for (number, turn) in state.turns().enumerate() {
        let is_user = turn.speaker == Speaker::User;
        let (lane, id) = (if is_user { Lane::Heard } else { Lane::Said }, format!("turn {}", number + 1));
        picture.add(lane, (turn.start_ms, turn.end_ms), &id, turn.text.trim());
        if is_user {
            picture.add(Lane::Speech, (turn.start_ms, turn.end_ms), &id, "");
        }
    }
    picture.state = json!({
        "session_id": state.session_id(),
        "turns": state.turns().map(|turn| json!({
            "speaker": if turn.speaker == Speaker::User { "user" } else { "assistant" },
            "text": turn.text,
            "start_ms": turn.start_ms,
            "end_ms": turn.end_ms,
        })).collect::<Vec<_>>(),
        "usage": state.usage,
        "errors": state.errors.len(),
        "unknown": state.unknown,
    });
    picture
}

fn show(picture: &mut Picture, loudspeaker: &mut Loudspeaker, format: &AudioFormat, at: u64, event: &ServerEvent) {
    match event {
        // The voice is a stream without an end, silence included: only what sounds is drawn.
        ServerEvent::SessionOutputAudioDelta(audio) if audio.delta.iter().any(|&byte| byte != 0) => {
            let ms = format.bytes_to_ms(audio.delta.len() as u64).unwrap_or(0);
            loudspeaker.play(picture, at, ms, "voice");
        }
        ServerEvent::SessionDelegationCreated(created) => {
            picture.add(Lane::Tools, (at, at), &created.delegation.id, "delegation");
        }
        ServerEvent::Error(error) => picture.mark(Lane::Notes, at, "error", error.error.to_string()),
        ServerEvent::SessionPaused(_) => picture.mark(Lane::Notes, at, "link", "paused"),
        ServerEvent::SessionResumed(_) => picture.mark(Lane::Notes, at, "link", "resumed"),
        ServerEvent::SessionClosed(closed) => {
            picture.mark(Lane::Notes, at, "link", format!("session closed: {}", closed.reason));
        }
        _ => {}
    }
}
