//! A whole call over a socket, against the simulated service, in virtual time.

mod carrier;

use std::{
    convert::Infallible,
    ops::ControlFlow,
    pin::Pin,
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
    Client, Options,
    event::ServerEvent,
    session::Playback,
    transport::Timer,
    types::{AudioFormat, Modality, RealtimeSessionConfig, ServerVad},
};
use realtime_mock::{Pace, Reply, Simulator, VirtualClock};
use realtime_telephony::{Bridge, CallEnd, CallUpdate, Carrier, Frame, Settings};
use serde_json::json;

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

/// A caller: speaks at these times (from, to), in milliseconds, and hangs up at the end. What was played until each
/// moment is written down.
async fn caller(
    clock: &VirtualClock,
    to: UnboundedSender<Frame>,
    mut from: UnboundedReceiver<Frame>,
    speech: &[(u64, u64)],
    end: u64,
) -> Vec<u64> {
    let mut player = Player::new(Carrier::Twilio, Format::pcmu(), 10);
    let mut played = Vec::new();
    let _ = to.unbounded_send(Frame::from(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#));
    let start = json!({"event": "start", "streamSid": "MZ1", "start": {"callSid": "CA1", "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}});
    let _ = to.unbounded_send(Frame::from(start.to_string()));
    for now in 0..end {
        while let Ok(frame) = from.try_recv() {
            player.send(now, frame);
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
        let options = Options::default().playback(Playback::default());
        let connection = client.realtime().model("gpt-realtime").options(options).connect().await.unwrap();
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
        let caller = caller(&clock, to, from, &[(200, 1_200), (3_500, 4_300)], 8_000);
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
    assert!(heard.abs_diff(really) <= 25, "{heard} ms heard, {really} ms played");
    // And the second answer is heard after that.
    assert!(played.last().unwrap() > &(really + 200), "{:?}", played.last());
}

#[test]
fn an_application_hangs_up_and_a_closed_socket_or_session_ends_the_call() {
    let clock = VirtualClock::new();
    let client = Client::builder(Simulator::new().transport(&clock)).build();
    clock.block_on(async {
        let options = Options::default().playback(Playback::default());
        let connection = client.realtime().model("gpt-realtime").options(options).connect().await.unwrap();
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
