//! A whole call over a socket, against the simulated service, in virtual time.

mod carrier;

use std::{
    convert::Infallible,
    ops::ControlFlow,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use carrier::Player;
use futures::{
    Sink, Stream,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    future::{self, Either},
};
use realtime_audio::Format;
use realtime_core::{
    Client, Id,
    connection::Reconnect,
    event::ServerEvent,
    session::Playback,
    tools::Tools,
    transport::{Timer, TransportErrorKind},
    types::{AudioFormat, Modality, RealtimeSessionConfig, ServerVad},
};
use realtime_mock::{Fault, FaultPlan, FaultTrigger, Faults, Pace, Reply, Simulator, VirtualClock};
use realtime_telephony::{Bridge, BridgeEvent, CallEnd, CallUpdate, Carrier, Frame, Settings};
use serde_json::{Value, json};

/// One end of a socket in memory.
struct Socket {
    read: UnboundedReceiver<Frame>,
    write: UnboundedSender<Frame>,
}

impl Stream for Socket {
    type Item = Result<Frame, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.read).poll_next(cx).map(|frame| frame.map(Ok))
    }
}

impl Sink<Frame> for Socket {
    type Error = Infallible;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), Infallible> {
        let _ = self.write.unbounded_send(frame);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.write.close_channel();
        Poll::Ready(Ok(()))
    }
}

/// A caller: speaks at these times (from, to), in milliseconds, may press a key, and hangs up at the end, if nobody has
/// before. What was played until each moment is written down.
async fn caller(
    clock: &VirtualClock,
    to: UnboundedSender<Frame>,
    mut from: UnboundedReceiver<Frame>,
    speech: &[(u64, u64)],
    key: Option<u64>,
    end: u64,
) -> Vec<u64> {
    let mut player = Player::new(Carrier::Twilio, Format::pcmu(), 10);
    let mut played = Vec::new();
    let _ = to.unbounded_send(Frame::from(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#));
    let start = json!({"event": "start", "streamSid": "MZ1", "start": {"callSid": "CA1", "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}});
    let _ = to.unbounded_send(Frame::from(start.to_string()));
    for now in 0..end {
        loop {
            match from.try_recv() {
                Ok(frame) => player.send(now, frame),
                Err(error) if error.is_closed() => return played,
                Err(_) => break,
            }
        }
        if key == Some(now) {
            let key = json!({"event": "dtmf", "streamSid": "MZ1", "dtmf": {"track": "inbound_track", "digit": "#"}});
            let _ = to.unbounded_send(Frame::from(key.to_string()));
        }
        if now % 20 == 0 {
            let speaks = speech.iter().any(|(from, to)| (from..to).contains(&&now));
            // Loud, and silent.
            let frame: Vec<u8> = (0..160u8)
                .map(|at| {
                    if !speaks {
                        0xff
                    } else if at % 16 < 8 {
                        0x10
                    } else {
                        0x90
                    }
                })
                .collect();
            let media = json!({"event": "media", "streamSid": "MZ1", "media": {"track": "inbound",
                "chunk": (now / 20 + 1).to_string(), "timestamp": now.to_string(),
                "payload": base64_turbo::STANDARD.encode(frame)}});
            let _ = to.unbounded_send(Frame::from(media.to_string()));
        }
        player.step();
        while player.under_way.front().is_some_and(|(time, _)| *time <= now) {
            if let Some((_, frame)) = player.under_way.pop_front() {
                let _ = to.unbounded_send(frame);
            }
        }
        played.push(player.format.bytes_to_ms(player.played));
        clock.sleep(Duration::from_millis(1)).await;
    }
    let _ = to.unbounded_send(Frame::from(r#"{"event":"stop","streamSid":"MZ1","stop":{"callSid":"CA1"}}"#));
    played
}

#[test]
fn a_caller_who_interrupts_is_answered_and_the_session_knows_what_was_heard() {
    let clock = VirtualClock::new();
    // As fast as the service is: whole answers long before they are heard.
    let simulator = Simulator::new().pace(Pace::LIVE.audio(30.0)).answer(|turn| match turn.number() {
        0 => {
            Reply::text("We are open from nine in the morning until ten at night, on every day of the week but Monday.")
        }
        _ => Reply::text("Until ten."),
    });
    let client = Client::builder(simulator.transport(&clock)).build();
    let (updates, truncated, end, played, answers) = clock.block_on(async {
        let connect = client.realtime().model("gpt-realtime").playback(Playback::default());
        let connection = connect.connect().await.unwrap();
        let config = RealtimeSessionConfig::default()
            .output_modalities([Modality::Audio])
            .input_format(AudioFormat::Pcmu)
            .output_format(AudioFormat::Pcmu)
            .turn_detection(ServerVad::default().silence_duration_ms(300));
        connection.session().update(config).unwrap().await.unwrap();
        let ((to, read), (write, from)) = (unbounded(), unbounded());
        let bridge = Bridge::new(Settings::twilio(), AudioFormat::Pcmu, AudioFormat::Pcmu);
        let (mut updates, mut truncated, mut answers) = (Vec::new(), Vec::new(), 0);
        let call = bridge.run(Socket { read, write }, &connection, &clock, |update| {
            match &update {
                CallUpdate::Session(ServerEvent::ConversationItemTruncated(event)) => {
                    truncated.push((event.audio_end_ms, clock.now().since_origin().as_millis()));
                }
                CallUpdate::Session(ServerEvent::ResponseDone(_)) => answers += 1,
                CallUpdate::Session(_) => {}
                other => updates.push(format!("{other:?}")),
            }
            ControlFlow::Continue(())
        });
        // A question for a second, and an interruption while the answer plays.
        let caller = caller(&clock, to, from, &[(200, 1_200), (3_500, 4_300)], None, 8_000);
        let (end, played) = match future::select(Box::pin(call), Box::pin(caller)).await {
            Either::Left((end, _)) => panic!("the call ended first: {end:?}"),
            Either::Right((played, call)) => (call.await.unwrap(), played),
        };
        (updates, truncated, end, played, answers)
    });
    assert_eq!(end, CallEnd::Stopped { reason: None });
    assert_eq!(updates.len(), 2, "{updates:?}");
    assert!(answers >= 2, "{answers} answers");
    let [(Some(heard), _)] = &truncated[..] else { panic!("truncated {truncated:?}") };
    // Played when the second question began: nothing of the second answer is heard before that.
    let stood_still = played.windows(200).position(|window| window[0] > 0 && window[0] == window[199]).unwrap();
    let really = played[stood_still];
    assert!(really > 500, "{really} ms");
    // To the frame: the bridge tells at every frame of the caller's.
    assert!(heard.abs_diff(really) <= 20, "{heard} ms heard, {really} ms played");
    // And the second answer is heard after that.
    assert!(played.last().unwrap() > &(really + 200), "{:?}", played.last());
}

/// How long each item of the model's audio is, and how much of it the ledger says was heard, in milliseconds.
type Ledger = Vec<(Id, u64, u64)>;

/// A call with all that can happen on one. How it ended, what the caller had heard at each moment, the ledger, and the
/// outputs of the tool as the model was told them.
fn eventful(key: Option<u64>, end: u64) -> (CallEnd, Vec<u64>, Ledger, Vec<String>) {
    let clock = VirtualClock::new();
    let (turns, outputs) = (AtomicU32::new(0), Arc::new(Mutex::new(Vec::new())));
    let told = outputs.clone();
    let simulator = Simulator::new().pace(Pace::LIVE.audio(30.0)).answer(move |turn| {
        if let Some((_, output)) = turn.output() {
            told.lock().unwrap().push(output);
        }
        match turns.fetch_add(1, Ordering::Relaxed) {
            0 => Reply::call("opening_hours", "{}"),
            // Two answers at once: both wait to be played.
            1 => Reply::text("I cannot find the book with the opening hours at this moment.")
                .and(Reply::text("But I believe that we are open from noon until ten at night, every day but Monday.")),
            2 => Reply::text("Then I shall reserve a table for two persons at eight, in the name of Smith."),
            _ => Reply::text("You are welcome, and good night to you and to all of your family and your friends."),
        }
    });
    // The link breaks while an answer is being heard.
    let faults = Faults::new(simulator.transport(&clock), |connection| match connection {
        1 => {
            let when = FaultTrigger::After(Duration::from_millis(11_000));
            FaultPlan::new().at(when, Fault::Break(TransportErrorKind::Io))
        }
        _ => FaultPlan::new(),
    });
    let client = Client::builder(faults).reconnect(Reconnect::default()).build();
    let (end, played, ledger) = clock.block_on(async {
        let connect = client.realtime().model("gpt-realtime").playback(Playback::default());
        let connection = connect.connect().await.unwrap();
        let config = RealtimeSessionConfig::default()
            .output_modalities([Modality::Audio])
            .input_format(AudioFormat::Pcmu)
            .output_format(AudioFormat::Pcmu)
            .turn_detection(ServerVad::default().silence_duration_ms(300));
        connection.session().update(config).unwrap().await.unwrap();
        let lost = async |_: Value| Err::<String, _>("the book is lost");
        connection
            .use_tools(Tools::new().add_raw("opening_hours", "", json!({"type": "object"}).into(), lost))
            .unwrap();
        let ((to, read), (write, from)) = (unbounded(), unbounded());
        let bridge = Bridge::new(Settings::twilio(), AudioFormat::Pcmu, AudioFormat::Pcmu);
        let mut received: Vec<(Id, u64)> = Vec::new();
        let call = bridge.run(Socket { read, write }, &connection, &clock, |update| match update {
            CallUpdate::Session(ServerEvent::ResponseOutputAudioDelta(delta)) => {
                // 8 bytes a millisecond.
                let ms = delta.delta.len() as u64 / 8;
                match received.iter_mut().find(|(item, _)| *item == delta.item_id) {
                    Some((_, all)) => *all += ms,
                    None => received.push((delta.item_id.clone(), ms)),
                }
                ControlFlow::Continue(())
            }
            CallUpdate::Carrier(BridgeEvent::Dtmf(_)) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        // Asks; interrupts the two answers; says thanks after the break.
        let speech = [(200, 1_200), (5_500, 6_300), (16_000, 16_600)];
        let (ended, played) = future::join(call, caller(&clock, to, from, &speech, key, end)).await;
        let player = connection.player().unwrap();
        let heard = |(item, ms): (Id, u64)| {
            let heard = player.heard(&item).map_or(ms, |cut| cut.ms);
            (item, ms, heard)
        };
        (ended.unwrap(), played, received.into_iter().map(heard).collect::<Vec<_>>())
    });
    let outputs = outputs.lock().unwrap().clone();
    (end, played, ledger, outputs)
}

#[test]
fn what_the_caller_heard_is_what_the_ledger_says_through_a_failing_tool_an_interruption_a_break_and_the_end() {
    let by_caller = CallEnd::Stopped { reason: None };
    for (key, end, expected) in [(None, 19_000, by_caller), (Some(18_500), 30_000, CallEnd::HungUp)] {
        let (ended, played, ledger, outputs) = eventful(key, end);
        assert_eq!(ended, expected);
        assert!(outputs[0].contains("the book is lost"), "the model was told of the tool's failure: {outputs:?}");
        let [first, second, third, last] = &ledger[..] else { panic!("{ledger:?}") };
        // The first answer was heard to where the caller interrupted, the second, which waited, not at all; the third in
        // spite of the break; the last to where somebody hung up.
        assert!(first.2 > 0 && first.2 < first.1, "{ledger:?}");
        assert!(second.1 > 0 && second.2 == 0, "{ledger:?}");
        assert_eq!(third.1, third.2, "{ledger:?}");
        assert!(last.2 > 0 && last.2 < last.1, "{ledger:?}");
        let heard: u64 = ledger.iter().map(|(_, _, heard)| heard).sum();
        let really = *played.last().unwrap();
        // A frame of 20 ms, of which there are two moments: the interruption and the end.
        assert!(heard.abs_diff(really) <= 40, "{heard} ms heard, {really} ms played: {ledger:?}");
    }
}

#[test]
fn an_application_hangs_up_and_a_closed_socket_or_session_ends_the_call() {
    let clock = VirtualClock::new();
    let client = Client::builder(Simulator::new().transport(&clock)).build();
    clock.block_on(async {
        let connect = client.realtime().model("gpt-realtime").playback(Playback::default());
        let connection = connect.connect().await.unwrap();
        let bridge = || Bridge::new(Settings::twilio(), AudioFormat::Pcmu, AudioFormat::Pcmu);
        for (frames, hangs_up, expected) in [
            (&[r#"{"event":"dtmf","dtmf":{"digit":"1"}}"#][..], true, CallEnd::HungUp),
            (&["not JSON"], true, CallEnd::HungUp),
            (&["not JSON"], false, CallEnd::Closed),
            (&[r#"{"event":"stop"}"#], false, CallEnd::Stopped { reason: None }),
        ] {
            let ((to, read), (write, mut from)) = (unbounded(), unbounded());
            frames.iter().for_each(|frame| to.unbounded_send(Frame::from(*frame)).unwrap());
            drop(to);
            let on = |update| match update {
                CallUpdate::Carrier(_) | CallUpdate::Malformed(_) if hangs_up => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            };
            let end = bridge().run(Socket { read, write }, &connection, &clock, on).await.unwrap();
            assert_eq!(end, expected);
            assert!(from.try_recv().is_err(), "nothing was sent, and the socket is closed");
        }
        drop(connection.close(realtime_core::transport::CloseFrame::new(1000, "")).await);
    });
}
