//! A call in virtual time, with a carrier that plays what it gets.

mod carrier;

use std::time::Duration;

use carrier::Player;
use proptest::prelude::*;
use realtime_audio::{Encoding, Format};
use realtime_core::{
    event::{Event, ServerEvent},
    transport::Instant,
    types::AudioFormat,
};
use realtime_telephony::{Bridge, BridgeEvent, Carrier, CarrierStream, Frame, Part, Refused, Settings};
use serde_json::{Value, json};

const fn at(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(ms))
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn start(carrier: Carrier) -> Frame {
    let text = match carrier {
        Carrier::Twilio => json!({"event": "start", "streamSid": "MZ", "start": {"callSid": "CA", "mediaFormat":
            {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}}),
        Carrier::Telnyx => json!({"event": "start", "stream_id": "s", "start": {"call_control_id": "c", "media_format":
            {"encoding": "PCMA", "sample_rate": 8000, "channels": 1}}}),
        Carrier::Plivo => json!({"event": "start", "start": {"streamId": "s", "callId": "c", "mediaFormat":
            {"encoding": "audio/x-l16", "sampleRate": 16000}}}),
        _ => json!({"event": "websocket:connected", "content-type": "audio/l16;rate=16000"}),
    };
    Frame::from(text.to_string())
}

fn settings(carrier: Carrier) -> Settings {
    match carrier {
        Carrier::Twilio => Settings::twilio(),
        Carrier::Telnyx => Settings::telnyx(Format::pcmu()),
        Carrier::Plivo => Settings::plivo(),
        _ => Settings::vonage(),
    }
}

const ALL: [Carrier; 4] = [Carrier::Twilio, Carrier::Telnyx, Carrier::Plivo, Carrier::Vonage];

/// A call under way.
struct Call {
    bridge: Bridge,
    player: Player,
    events: Vec<BridgeEvent>,
    now: u64,
}

impl Call {
    fn new(carrier: Carrier, output: AudioFormat, latency: u64) -> Self {
        let mut bridge = Bridge::new(settings(carrier), AudioFormat::pcm(), output);
        bridge.receive(at(0), &start(carrier)).unwrap();
        let format = bridge.stream().outbound_format().unwrap();
        Self { bridge, player: Player::new(carrier, format, latency), events: Vec::new(), now: 0 }
    }

    fn run_until(&mut self, end: u64) {
        while self.now < end {
            while self.player.under_way.front().is_some_and(|(time, _)| *time <= self.now) {
                let (_, frame) = self.player.under_way.pop_front().unwrap();
                self.bridge.receive(at(self.now), &frame).unwrap();
            }
            self.exchange();
            self.player.step();
            self.now += 1;
        }
    }

    fn exchange(&mut self) {
        while let Some(frame) = self.bridge.next_frame(at(self.now)) {
            self.player.send(self.now, frame);
        }
        self.events.extend(std::iter::from_fn(|| self.bridge.next_event()));
    }

    fn played_ms(&self) -> u64 {
        self.player.format.bytes_to_ms(self.player.played)
    }
}

fn delta(response: &str, item: &str, bytes: usize) -> ServerEvent {
    let audio = base64_turbo::STANDARD.encode(vec![0x21; bytes]);
    let event = json!({"type": "response.output_audio.delta", "response_id": response, "item_id": item,
        "output_index": 0, "content_index": 0, "delta": audio});
    ServerEvent::decode(event.to_string().as_bytes())
}

fn event(event: &Value) -> ServerEvent {
    ServerEvent::decode(event.to_string().as_bytes())
}

#[test]
fn what_the_caller_heard_of_two_queued_answers_is_exact_when_the_caller_interrupts() {
    for carrier in ALL {
        let mut call = Call::new(carrier, AudioFormat::pcm(), 15);
        // Two answers of 600 ms, at once, as the model sends them.
        for (response, item) in [("r1", "one"), ("r2", "two")] {
            for _ in 0..6 {
                call.bridge.apply(at(0), &delta(response, item, 4_800)).unwrap();
            }
            let done = json!({"type": "response.output_audio.done", "response_id": response, "item_id": item,
                "output_index": 0, "content_index": 0});
            call.bridge.apply(at(0), &event(&done)).unwrap();
        }
        call.run_until(800);
        let (one, two) = (Part::new("one", 0), Part::new("two", 0));
        let speech = json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": "u"});
        call.bridge.apply(at(800), &event(&speech)).unwrap();
        // What was under way is left out.
        call.bridge.apply(at(800), &delta("r2", "two", 4_800)).unwrap();
        call.exchange();
        let heard = |call: &Call, part| call.bridge.heard(part, at(call.now)).unwrap();
        let (first, second) = (heard(&call, &one), heard(&call, &two));
        // The end of the first is filled up to a whole message where the carrier wants that.
        assert!((ms(600)..ms(620)).contains(&first), "{carrier:?}: {first:?}");
        assert_eq!(first + second, ms(800), "{carrier:?}");
        call.run_until(1_500);
        assert_eq!(call.played_ms(), 800, "{carrier:?}");
        assert_eq!((heard(&call, &one), heard(&call, &two)), (first, second), "{carrier:?}");
        let last = call.events.iter().rev().find_map(|event| match event {
            BridgeEvent::Heard { part, ms } => Some((part.clone(), *ms)),
            _ => None,
        });
        assert_eq!(last, Some((two.clone(), u64::try_from(second.as_millis()).unwrap())), "{carrier:?}");
        // The next answer is heard whole.
        call.bridge.apply(at(1_500), &delta("r3", "three", 4_800)).unwrap();
        call.bridge.finish(at(1_500)).unwrap();
        call.run_until(2_000);
        let third = heard(&call, &Part::new("three", 0));
        assert!((ms(100)..ms(120)).contains(&third), "{carrier:?}: {third:?}");
        assert_eq!(u128::from(call.played_ms()), 800 + third.as_millis(), "{carrier:?}");
    }
}

#[test]
fn audio_is_sent_in_real_time_and_no_further_ahead_than_told() {
    for carrier in ALL {
        let mut call = Call::new(carrier, AudioFormat::Pcmu, 0);
        call.bridge =
            std::mem::replace(&mut call.bridge, Bridge::new(settings(carrier), AudioFormat::Pcmu, AudioFormat::Pcmu))
                .lead(ms(100));
        call.bridge.play(at(0), &Part::new("item", 0), &[0x21; 16_000]).unwrap();
        let mut sent = 0;
        for now in 0..2_100 {
            let due = call.bridge.deadline().is_some_and(|deadline| deadline <= at(now));
            let frames: Vec<_> = std::iter::from_fn(|| call.bridge.next_frame(at(now))).collect();
            assert!(frames.is_empty() || due || now == 0, "{carrier:?}: sent before it was due");
            sent += frames.len();
            let ahead = call.bridge.stream().played_at().since(at(now));
            assert!(ahead <= ms(140), "{carrier:?}: {ahead:?} ahead");
        }
        assert!(sent > 90, "{carrier:?}: {sent}");
        call.bridge.finish(at(2_100)).unwrap();
        while call.bridge.next_frame(at(2_100)).is_some() {}
        assert_eq!(call.bridge.deadline(), None);
        // Nothing was lost by the conversion.
        let all = call.bridge.stream().sent(&Part::new("item", 0)).unwrap();
        assert!((ms(2_000)..=ms(2_020)).contains(&all), "{carrier:?}: {all:?}");
    }
}

#[test]
fn the_caller_is_heard_in_the_sessions_format_whatever_the_carriers() {
    for carrier in ALL {
        let mut call = Call::new(carrier, AudioFormat::pcm(), 0);
        let format = call.bridge.stream().inbound_format().unwrap();
        let silence = vec![format.encoding().silence(); usize::try_from(format.ms_to_bytes(20)).unwrap()];
        for chunk in 1..=50 {
            let frame = match carrier {
                Carrier::Vonage => Frame::Binary(silence.clone().into()),
                _ => Frame::from(
                    json!({"event": "media", "media": {"track": "inbound", "chunk": chunk.to_string(), "timestamp": "0",
                        "payload": base64_turbo::STANDARD.encode(&silence)}})
                    .to_string(),
                ),
            };
            call.bridge.receive(at(chunk * 20), &frame).unwrap();
        }
        call.exchange();
        let bytes: usize =
            call.events.iter().map(|event| if let BridgeEvent::Audio(audio) = event { audio.len() } else { 0 }).sum();
        // A second at 24 kHz, but for what the conversion still holds back.
        assert!((44_000..=48_000).contains(&bytes), "{carrier:?}: {bytes}");
    }
}

#[test]
fn a_rate_at_which_a_message_is_shorter_than_a_sample_is_played_a_sample_at_a_time() {
    for carrier in ALL {
        for rate in [0, 1, 49] {
            let mut settings = settings(carrier);
            settings.outbound = Some(Format::pcm(rate));
            let mut stream = CarrierStream::new(settings);
            stream.receive(&start(carrier)).unwrap();
            let frames = stream.media(at(0), &Part::new("item", 0), &[1; 100]).unwrap();
            let rest = stream.flush(at(0)).unwrap();
            assert!(!frames.is_empty() || !rest.is_empty(), "{carrier:?} at {rate} Hz");
        }
    }
}

#[test]
fn g711_on_both_sides_passes_unchanged() {
    let mut bridge = Bridge::new(Settings::twilio(), AudioFormat::Pcmu, AudioFormat::Pcmu);
    let payload: Vec<u8> = (0..=255).collect();
    let media = json!({"event": "media", "media": {"payload": base64_turbo::STANDARD.encode(&payload)}});
    // Also what comes before the start.
    bridge.receive(at(0), &Frame::from(media.to_string())).unwrap();
    bridge.receive(at(0), &start(Carrier::Twilio)).unwrap();
    let events: Vec<_> = std::iter::from_fn(|| bridge.next_event()).collect();
    assert!(matches!(&events[..], [BridgeEvent::Started(_), BridgeEvent::Audio(audio)] if **audio == *payload));
}

#[test]
fn a_call_that_has_not_started_or_is_over_sends_nothing_and_says_so() {
    let part = Part::new("item", 0);
    let mut bridge = Bridge::new(Settings::twilio(), AudioFormat::Pcmu, AudioFormat::Pcmu);
    // What the model says before the call starts is kept.
    bridge.play(at(0), &part, &[0; 160]).unwrap();
    assert_eq!((bridge.next_frame(at(0)), bridge.dtmf("1")), (None, Err(Refused::NotStarted)));
    bridge.receive(at(5), &start(Carrier::Twilio)).unwrap();
    assert!(bridge.next_frame(at(5)).is_some());
    assert_eq!(bridge.dtmf("1"), Err(Refused::NoDtmf(Carrier::Twilio)));
    bridge.receive(at(6), &Frame::from(r#"{"event":"stop"}"#)).unwrap();
    assert_eq!(bridge.play(at(6), &part, &[0; 160]), Err(Refused::Ended));
    assert_eq!((bridge.next_frame(at(6)), bridge.deadline()), (None, None));
}

#[test]
fn pieces_without_audio_do_not_wait_without_end() {
    let part = Part::new("item", 0);
    let mut bridge = Bridge::new(Settings::twilio(), AudioFormat::Pcmu, AudioFormat::Pcmu);
    let refused = (0..2 << 20).find_map(|number| match number % 2 {
        0 => bridge.play(at(0), &part, &[]).err(),
        _ => bridge.finish(at(0)).err(),
    });
    assert_eq!(refused, Some(Refused::Full));
    // Once the call has started, there is room again.
    bridge.receive(at(5), &start(Carrier::Twilio)).unwrap();
    assert_eq!(bridge.next_frame(at(5)), None);
    bridge.play(at(5), &part, &[0; 160]).unwrap();
    assert!(bridge.next_frame(at(5)).is_some());
}

#[test]
fn a_format_that_is_not_supported_is_told_and_never_decoded_as_noise() {
    let mut bridge = Bridge::new(Settings::twilio(), AudioFormat::Pcmu, AudioFormat::Pcmu);
    let start = r#"{"event":"start","streamSid":"MZ","start":{"mediaFormat":{"encoding":"audio/opus"}}}"#;
    bridge.receive(at(0), &Frame::from(start)).unwrap();
    bridge.receive(at(1), &Frame::from(r#"{"event":"media","media":{"payload":"AAAA"}}"#)).unwrap();
    let events: Vec<_> = std::iter::from_fn(|| bridge.next_event()).collect();
    assert!(matches!(&events[..], [BridgeEvent::Started(start)] if start.format.is_err()), "{events:?}");
    assert!(matches!(bridge.play(at(1), &Part::new("item", 0), &[0; 160]), Err(Refused::Format(_))));
}

#[test]
fn a_message_with_missing_fields_is_an_error_that_names_them_and_the_call_goes_on() {
    let mut bridge = Bridge::new(Settings::twilio(), AudioFormat::Pcmu, AudioFormat::Pcmu);
    bridge.receive(at(0), &start(Carrier::Twilio)).unwrap();
    for (message, reason) in [
        ("", "it is not JSON"),
        ("[]", "it has no `event`"),
        (r#"{"event":7}"#, "it has no `event`"),
        (r#"{"event":"media"}"#, "the media have no payload"),
        (r#"{"event":"media","media":{"payload":"%%"}}"#, "the payload is not base64"),
        (r#"{"event":"mark","mark":{}}"#, "the mark has no name"),
        (r#"{"event":"dtmf"}"#, "the key is not named"),
    ] {
        let malformed = bridge.receive(at(1), &Frame::from(message)).unwrap_err();
        assert!(malformed.reason.starts_with(reason), "{message}: {malformed}");
    }
    let media = json!({"event": "media", "media": {"payload": base64_turbo::STANDARD.encode([0x21; 160])}});
    bridge.receive(at(2), &Frame::from(media.to_string())).unwrap();
    let events: Vec<_> = std::iter::from_fn(|| bridge.next_event()).collect();
    assert!(matches!(&events[..], [BridgeEvent::Started(_), BridgeEvent::Audio(audio)] if audio.len() == 160));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_the_bridge_believes_was_heard_is_what_the_carrier_played(
        carrier in 0usize..4, latency in 0u64..60,
        steps in proptest::collection::vec((0u8..4, 1u64..400), 1..14),
    ) {
        let mut call = Call::new(ALL[carrier], AudioFormat::Pcmu, latency);
        let mut parts = Vec::new();
        for (number, (step, length)) in steps.into_iter().enumerate() {
            match step {
                0 | 1 => {
                    let part = Part::new(&format!("item_{number}"), 0);
                    call.bridge.play(at(call.now), &part, &vec![0x21; usize::try_from(length * 8).unwrap()]).unwrap();
                    call.bridge.finish(at(call.now)).unwrap();
                    parts.push(part);
                }
                2 => call.bridge.interrupt(at(call.now)),
                _ => {}
            }
            let end = call.now + length;
            call.run_until(end);
        }
        let end = call.now + 6_000;
        call.run_until(end);
        let believed: Duration = parts.iter().filter_map(|part| call.bridge.heard(part, at(call.now))).sum();
        let believed = u64::try_from(believed.as_millis()).unwrap();
        // A clear reaches the carrier in the middle of a millisecond.
        prop_assert!(believed.abs_diff(call.played_ms()) <= 14, "{} and {}", believed, call.played_ms());
        prop_assert_eq!(call.player.queue.len(), 0);
    }
}

#[test]
fn big_endian_audio_is_swapped_on_its_way() {
    let settings = Settings::telnyx(Format::pcm(24_000)).to_carrier(realtime_telephony::ByteOrder::Big);
    let mut bridge = Bridge::new(settings, AudioFormat::pcm(), AudioFormat::pcm());
    bridge.receive(at(0), &start(Carrier::Telnyx)).unwrap();
    assert_eq!(bridge.stream().outbound_format().unwrap().encoding(), Encoding::PcmBe);
    let samples: Vec<u8> = (0..480i16).flat_map(|sample| (sample * 60).to_le_bytes()).collect();
    bridge.play(at(0), &Part::new("item", 0), &samples).unwrap();
    let Some(Frame::Text(text)) = bridge.next_frame(at(0)) else { panic!() };
    let json: Value = serde_json::from_str(&text).unwrap();
    let sent = base64_turbo::STANDARD.decode(json["media"]["payload"].as_str().unwrap()).unwrap();
    let swapped: Vec<u8> = samples.as_chunks::<2>().0.iter().flat_map(|[low, high]| [*high, *low]).collect();
    assert_eq!(sent, swapped);
}
