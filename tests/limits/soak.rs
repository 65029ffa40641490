//! Hours of talk at the full rate of events: memory stays flat, and no millisecond of audio is lost.
//!
//! By default half an hour of virtual time, so that it is over in seconds; `REALTIME_SOAK_MINUTES=600` makes it ten hours.

use std::{env, time::Duration};

use futures::FutureExt;
use realtime::{
    Client,
    event::{ConversationItemDelete, ServerEvent},
    live::{
        Live, Task,
        event::ServerEvent as LiveEvent,
        types::{ClientDelegation, Delegation, SessionConfig},
    },
    mock::{Pace, Simulator, VirtualClock},
    session::{Playback, Retention},
    transport::Timer,
    types::{AudioConfig, AudioInput, RealtimeSessionConfig, ServerVad},
};

use crate::{HELD, alone, mib};

/// Bytes in 20 ms of audio.
const PIECE: usize = 960;
/// Pieces in one turn of the user: two seconds of speech, and three in which the model answers.
const SPEECH: u64 = 100;
const TURN: u64 = 250;

#[test]
fn hours_of_talk() {
    let _alone = alone();
    let minutes: u64 = env::var("REALTIME_SOAK_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let clock = VirtualClock::new();
    let days = Duration::from_secs(100 * 3600);
    let simulator =
        Simulator::new().pace(Pace::LIVE).max_duration(days).answer(|_| "Yes, I am still listening to you.");
    let mut memory = Retention::default();
    memory.items = Some(50);
    let client = Client::builder(simulator.transport(&clock)).build();
    let speech: Vec<u8> =
        (0..PIECE / 2).flat_map(|sample| if sample / 30 % 2 == 0 { 9000_i16 } else { -9000 }.to_le_bytes()).collect();
    let silence = vec![0; PIECE];
    let pieces = minutes * 60 * 50;
    let (mut events, mut answers, mut early) = (0_u64, 0_u64, 0);
    clock.block_on(async {
        let connect = client.realtime().model("m").memory(memory).playback(Playback::default());
        let connection = connect.connect().await.unwrap();
        let input = AudioInput::default().turn_detection(ServerVad::default());
        let config = RealtimeSessionConfig::default().audio(AudioConfig::default().input(input));
        connection.session().update(config).unwrap().await.unwrap();
        for piece in 0..pieces {
            connection.append(if piece % TURN < SPEECH { &speech } else { &silence }).unwrap();
            clock.sleep(Duration::from_millis(20)).await;
            while let Some(Some(event)) = connection.next().now_or_never() {
                events += 1;
                match event.unwrap() {
                    ServerEvent::Error(error) => panic!("{error:?}"),
                    ServerEvent::ResponseDone(_) => answers += 1,
                    _ => {}
                }
            }
            if piece % TURN == TURN - 1 {
                // A long talk forgets its beginning, here and there.
                let state = connection.state();
                let ids: Vec<_> = state.conversation.ids().cloned().collect();
                drop(state);
                for id in ids.iter().rev().skip(20) {
                    connection.send(ConversationItemDelete::new(id)).unwrap();
                }
            }
            if piece == pieces / 4 {
                early = HELD.current_usage();
            }
        }
        connection.flush().await.unwrap();
        let late = HELD.current_usage();
        let appended = connection.state().input.appended_bytes / 48;
        let accepted = simulator.sessions()[0].audio_ms();
        println!(
            "{minutes} min: {events} events, {answers} answers, {} KiB held after a quarter, {} KiB at the end",
            early >> 10,
            late >> 10
        );
        assert_eq!(appended, pieces * 20);
        assert_eq!(accepted, appended, "milliseconds were lost");
        assert!(answers >= pieces / TURN - 1, "{answers} answers");
        assert!(mib(late.saturating_sub(early)) < 2, "it grows from {early} to {late}");
        assert_eq!(clock.now().since_origin().as_secs(), minutes * 60);
    });
}

/// An hour of Live: the state of a session that listens and speaks all the time, and delegates now and then, stays flat.
#[test]
fn an_hour_of_live() {
    let _alone = alone();
    let minutes: u64 = env::var("REALTIME_SOAK_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let clock = VirtualClock::new();
    let simulator =
        Simulator::new().max_duration(Duration::from_secs(100 * 3600)).transcribe(|_| "Are you still there?");
    let client = Client::builder(simulator.transport(&clock)).build();
    let tone: Vec<u8> =
        (0..24_000).flat_map(|sample| if sample / 30 % 2 == 0 { 9000_i16 } else { -9000 }.to_le_bytes()).collect();
    let (mut early, mut pieces) = (0, 0_u64);
    clock.block_on(async {
        let config = SessionConfig::new("gpt-live-1").delegation(Delegation::from(ClientDelegation::default()));
        let live = client.live().session(config).connect().await.unwrap();
        live.on_delegation(async |_: Task<Live>| "Yes, I am.");
        let feeder = live.session().input_audio().feeder();
        for minute in 0..minutes {
            feeder.push(&tone).unwrap();
            let until = clock.now() + Duration::from_secs(60);
            while clock.now() < until {
                if let LiveEvent::SessionOutputAudioDelta(_) = live.next().await.unwrap().unwrap() {
                    pieces += 1;
                }
            }
            if minute == minutes / 4 {
                early = HELD.current_usage();
            }
        }
        let late = HELD.current_usage();
        let state = live.state();
        println!(
            "{minutes} min: {pieces} pieces, {} KiB held after a quarter, {} KiB at the end",
            early >> 10,
            late >> 10
        );
        assert!(pieces >= minutes * 598, "{pieces} pieces");
        assert!(state.delegations().count() as u64 >= minutes - 1, "{} tasks", state.delegations().count());
        assert!(state.errors.is_empty(), "{:?}", state.errors);
        assert_eq!(feeder.status().skipped, Duration::ZERO);
        assert!(mib(late.saturating_sub(early)) < 2, "it grows from {early} to {late}");
        live.finish().await.unwrap();
    });
}
