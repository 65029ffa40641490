//! A model of one's own behind the session's rules: what it is given, and what becomes of what it says.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use realtime::{
    Audio,
    mock::{Responder, ResponderTurn, ResponsePart, Simulator, Utterance, VirtualClock},
    transport::{Message, Transport, TransportErrorKind},
    types::{Failure, Usage},
};
use serde_json::{Value, json};

use crate::{
    Wire,
    client::{deltas, handshake, kinds, one, silence, voice},
};

type Parts = BoxStream<'static, Result<ResponsePart, Failure>>;
type Shared<T> = Arc<Mutex<T>>;

/// A model made of functions.
struct Model<R, H> {
    respond: R,
    hear: H,
}

#[async_trait]
impl<R, H> Responder for Model<R, H>
where
    R: Fn(ResponderTurn) -> Parts + Send + Sync + 'static,
    H: Fn(Utterance) -> futures::future::BoxFuture<'static, Result<String, Failure>> + Send + Sync + 'static,
{
    async fn transcribe(&self, utterance: Utterance) -> Result<String, Failure> {
        (self.hear)(utterance).await
    }

    fn respond(&self, turn: ResponderTurn) -> Parts {
        (self.respond)(turn)
    }
}

fn model(respond: impl Fn(ResponderTurn) -> Parts + Send + Sync + 'static) -> Simulator {
    Simulator::new().responder(Model { respond, hear: |_| async { Ok("What I said.".into()) }.boxed() })
}

fn parts(parts: impl IntoIterator<Item = ResponsePart>) -> Parts {
    stream::iter(parts.into_iter().map(Ok).collect::<Vec<_>>()).boxed()
}

fn text(text: impl Into<String>) -> ResponsePart {
    ResponsePart::Text(text.into())
}

/// Counts those that exist.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream that says a word and then nothing, and whether it still exists.
fn stuck(count: &Arc<AtomicUsize>) -> Parts {
    let alive = Alive::new(count);
    let silence = stream::pending().inspect(move |_: &Result<ResponsePart, Failure>| _ = &alive);
    parts([text("Well")]).chain(silence).boxed()
}

#[test]
fn a_written_turn_is_answered_part_by_part() {
    let seen = Shared::<Vec<ResponderTurn>>::default();
    let turns = seen.clone();
    let mut wire = Wire::open(model(move |turn| {
        turns.lock().unwrap().push(turn);
        let usage = Usage::default().input_tokens(7).output_tokens(3).total_tokens(10);
        parts([
            text("Hello"),
            text(""),
            text(", you."),
            ResponsePart::Call { name: "wave".into(), arguments: r#"{"how":"gladly"}"#.into() },
            text("Bye."),
            ResponsePart::Usage(usage),
        ])
    }));
    wire.update(json!({ "output_modalities": ["text"], "instructions": "Be kind.", "tools": [
        { "type": "function", "name": "wave", "parameters": { "type": "object", "properties": {} } },
    ] }));
    wire.say("Good morning");
    let frames = wire.respond(json!({ "metadata": { "topic": "greeting" }, "max_output_tokens": 50 }));
    assert_eq!(
        kinds(&frames),
        [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.output_item.added",
            "conversation.item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
            "rate_limits.updated",
        ]
    );
    assert_eq!(deltas(&frames, "response.output_text.delta"), "Hello, you.Bye.");
    let response = &one(&frames, "response.done")["response"];
    assert_eq!((&response["status"], &response["usage"]["total_tokens"]), (&json!("completed"), &json!(10)));
    let call = &one(&frames, "response.function_call_arguments.done");
    assert_eq!((&call["name"], &call["arguments"]), (&json!("wave"), &json!(r#"{"how":"gladly"}"#)));
    let turns = seen.lock().unwrap();
    let [turn] = &turns[..] else { panic!("{turns:?}") };
    assert_eq!((turn.number(), turn.text(), turn.items().len(), turn.audio()), (0, "Good morning", 1, None));
    assert_eq!((turn.instructions(), turn.tools().len(), turn.is_spoken()), ("Be kind.", 1, false));
    assert_eq!((turn.metadata("topic"), turn.is_out_of_band()), (Some("greeting"), false));
    assert_eq!((turn.max_output_tokens(), turn.voice()), (Some(50), "marin"));
}

#[test]
fn a_spoken_turn_is_heard_first_and_answered_in_whole_samples() {
    let (clock_seen, heard) = (Shared::<Vec<(u64, usize)>>::default(), Shared::<Vec<String>>::default());
    let (utterances, texts) = (clock_seen.clone(), heard.clone());
    let respond = move |turn: ResponderTurn| {
        let (audio, format) = turn.audio().expect("what was said");
        // 300 ms before it, and 200 ms of silence after it.
        assert_eq!(format.bytes_to_ms(audio.len() as u64), Some(1500));
        texts.lock().unwrap().push(turn.text().into());
        // 500 ms in odd pieces, and half a sample that nobody can play.
        let audio = voice(500);
        let pieces: Vec<_> = audio.chunks(777).map(|piece| ResponsePart::Audio(piece.into())).collect();
        parts([text("Hm.")].into_iter().chain(pieces).chain([ResponsePart::Audio(Audio::from(&[7_u8][..]))]))
    };
    let hear = move |utterance: Utterance| {
        utterances.lock().unwrap().push((utterance.number, utterance.audio.len()));
        async { Ok("What time is it?".to_owned()) }.boxed()
    };
    let mut wire = Wire::open(Simulator::new().responder(Model { respond, hear }));
    wire.update(json!({ "audio": { "input": { "transcription": { "model": "any" } } } }));
    wire.append(&[silence(300), voice(1000), silence(600)].concat());
    let frames = wire.until("rate_limits.updated");
    let order = kinds(&frames);
    let place =
        |kind: &str| order.iter().position(|one| *one == kind).unwrap_or_else(|| panic!("no {kind}: {order:?}"));
    assert!(place("input_audio_buffer.committed") < place("conversation.item.input_audio_transcription.completed"));
    assert!(place("conversation.item.input_audio_transcription.completed") < place("response.output_item.added"));
    let transcript = &one(&frames, "conversation.item.input_audio_transcription.completed")["transcript"];
    assert_eq!(
        (transcript, &heard.lock().unwrap()[..]),
        (&json!("What time is it?"), &["What time is it?".into()][..])
    );
    let sound: Vec<Audio> = frames
        .iter()
        .filter(|frame| frame["type"] == "response.output_audio.delta")
        .map(|frame| serde_json::from_value(frame["delta"].clone()).unwrap())
        .collect();
    assert!(sound.iter().all(|audio| audio.len() % 2 == 0 && audio.len() <= 9600));
    assert_eq!(sound.iter().flat_map(|audio| audio.to_vec()).collect::<Vec<_>>(), voice(500));
    assert_eq!(clock_seen.lock().unwrap()[0].0, 0);
}

#[test]
fn a_written_answer_has_no_audio() {
    let mut wire = Wire::open(model(|_| parts([ResponsePart::Audio(voice(200).into()), text("Yes.")])));
    let frames = wire.respond(json!({ "output_modalities": ["text"] }));
    assert!(!kinds(&frames).iter().any(|kind| kind.contains("audio")));
    assert_eq!(deltas(&frames, "response.output_text.delta"), "Yes.");
}

#[test]
fn an_answer_that_is_cancelled_interrupted_or_left_is_dropped() {
    for how in ["cancel", "speech", "leave"] {
        let alive = Arc::new(AtomicUsize::new(0));
        let count = alive.clone();
        let mut wire = Wire::open(model(move |turn| if turn.number() == 0 { stuck(&count) } else { parts([]) }));
        wire.send(json!({ "type": "response.create" }));
        wire.until("response.output_audio_transcript.delta");
        wire.during(10);
        assert_eq!(alive.load(Ordering::Relaxed), 1, "{how}");
        match how {
            "cancel" => wire.send(json!({ "type": "response.cancel" })),
            "speech" => wire.append(&voice(300)),
            _ => {
                drop(wire);
                assert_eq!(alive.load(Ordering::Relaxed), 0, "{how}");
                continue;
            }
        }
        let frames = wire.until("response.done");
        let response = &frames.last().unwrap()["response"];
        assert_eq!(
            (&response["status"], &response["output"][0]["status"]),
            (&json!("cancelled"), &json!("incomplete"))
        );
        wire.during(1);
        assert_eq!(alive.load(Ordering::Relaxed), 0, "{how}");
        // The session goes on.
        wire.update(json!({ "audio": { "input": { "turn_detection": null } } }));
        assert_eq!(one(&wire.respond(json!({})), "response.done")["response"]["status"], "completed");
    }
}

#[test]
fn an_error_a_panic_and_silence_fail_the_response_alone() {
    let alive = Arc::new(AtomicUsize::new(0));
    let count = alive.clone();
    let mut wire = Wire::open(model(move |turn| match turn.number() {
        0 => stream::iter([Ok(text("I")), Err(Failure::default().code("no_gpu").message("None left."))]).boxed(),
        1 => panic!("as the test wants it"),
        2 => parts([text("I")]).chain(stream::once(async { panic!("as the test wants it") })).boxed(),
        3 => stuck(&count),
        _ => parts([text("At last.")]),
    }));
    let began = realtime::transport::Timer::now(&wire.clock);
    let codes = ["no_gpu", "internal_error", "internal_error", "response_timeout"];
    for code in codes {
        let frames = wire.respond(json!({ "output_modalities": ["text"] }));
        let response = &one(&frames, "response.done")["response"];
        assert_eq!(
            (&response["status"], &response["status_details"]["error"]["code"]),
            (&json!("failed"), &json!(code))
        );
        assert!(!response.to_string().contains("as the test wants it"));
    }
    assert_eq!(realtime::transport::Timer::now(&wire.clock) - began, Duration::from_secs(30));
    assert_eq!(alive.load(Ordering::Relaxed), 0);
    assert_eq!(
        deltas(&wire.respond(json!({ "output_modalities": ["text"] })), "response.output_text.delta"),
        "At last."
    );
}

#[test]
fn speech_that_is_not_recognized_is_told_and_answered_all_the_same() {
    for hangs in [false, true] {
        let hear = move |_| {
            async move {
                if hangs {
                    std::future::pending::<()>().await;
                }
                Err(Failure::default().code("audio_unintelligible"))
            }
            .boxed()
        };
        let respond = |turn: ResponderTurn| parts([text(format!("[{}]", turn.text()))]);
        let mut wire =
            Wire::open(Simulator::new().responder(Model { respond, hear }).responder_timeout(Duration::from_secs(5)));
        wire.update(
            json!({ "output_modalities": ["text"], "audio": { "input": { "transcription": { "model": "any" } } } }),
        );
        wire.append(&[voice(500), silence(600)].concat());
        let frames = wire.until("rate_limits.updated");
        let code = &one(&frames, "conversation.item.input_audio_transcription.failed")["error"]["code"];
        assert_eq!(code, if hangs { "transcription_timeout" } else { "audio_unintelligible" });
        assert_eq!(deltas(&frames, "response.output_text.delta"), "[]");
    }
}

#[test]
fn a_stream_is_asked_for_no_more_than_the_client_takes() {
    let clock = VirtualClock::new();
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    let simulator = model(move |_| {
        let count = count.clone();
        // Without an end.
        stream::repeat_with(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(ResponsePart::Audio(voice(1000).into()))
        })
        .boxed()
    });
    let mut duplex = clock.block_on(simulator.transport(&clock).connect(handshake("?model=m"))).unwrap();
    clock.block_on(duplex.write.send(Message::Text(r#"{"type":"response.create"}"#.into()))).unwrap();
    let mut deltas = 0;
    let done = loop {
        let Ok(Some(Message::Text(text))) = clock.block_on(duplex.read.receive()) else { continue };
        let frame: Value = serde_json::from_slice(text.as_bytes()).unwrap();
        if frame["type"] == "response.output_audio.delta" {
            deltas += 1;
            // Five deltas of 200 ms in each second: one second is made ahead at most.
            assert!(made.load(Ordering::Relaxed) <= deltas / 5 + 1);
        }
        if frame["type"] == "response.done" {
            break frame;
        }
    };
    // 64 MiB, and then no more.
    assert_eq!(done["response"]["status_details"]["error"]["code"], "response_too_large");
    assert_eq!(made.load(Ordering::Relaxed), (64 << 20) / (48_000 + 64) + 1);
}

#[test]
fn a_stream_of_nothing_keeps_nobody_waiting() {
    let clock = VirtualClock::new();
    let simulator = model(|_| stream::repeat_with(|| Ok(text(""))).boxed());
    let mut duplex = clock.block_on(simulator.transport(&clock).connect(handshake("?model=m"))).unwrap();
    clock.block_on(duplex.write.send(Message::Text(r#"{"type":"response.create"}"#.into()))).unwrap();
    // A poll ends, whatever the stream says: `session.created`, `response.created`, and then nothing.
    for expected in [true, true, false] {
        assert_eq!(duplex.read.receive().now_or_never().is_some(), expected);
    }
    let Ok(Some(Message::Text(done))) = clock.block_on(duplex.read.receive()) else { panic!("no end") };
    assert!(done.to_str().unwrap().contains("response_too_large"));
}

#[test]
fn responses_and_transcripts_at_a_time_are_limited() {
    let (alive, hearing) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, listeners) = (alive.clone(), hearing.clone());
    let hear = move |_| {
        let alive = Alive::new(&listeners);
        async move {
            let _alive = alive;
            std::future::pending().await
        }
        .boxed()
    };
    let respond = move |_| stuck(&count);
    let mut wire = Wire::open(Simulator::new().responder(Model { respond, hear }));
    wire.update(json!({ "output_modalities": ["text"], "audio": { "input": { "turn_detection": null } } }));
    let aside = json!({ "type": "response.create", "response": { "conversation": "none", "input": [] } });
    for _ in 0..16 {
        wire.send(aside.clone());
        wire.until("response.output_text.delta");
    }
    assert_eq!(wire.refused(aside)["code"], "too_many_active_responses");
    assert_eq!(alive.load(Ordering::Relaxed), 16);
    // Eight turns, of which four are being transcribed; then the client has to wait.
    for _ in 0..8 {
        wire.append(&voice(100));
        wire.send(json!({ "type": "input_audio_buffer.commit" }));
        wire.until("conversation.item.done");
    }
    wire.during(1);
    assert_eq!(hearing.load(Ordering::Relaxed), 4);
    let cancel = || Message::Text(r#"{"type":"input_audio_buffer.clear"}"#.into());
    assert!(!wire.try_send(cancel()));
    // Until the first four have taken too long.
    let frames = wire.during(30_001);
    assert_eq!(frames.iter().filter(|frame| frame["type"] == "response.done").count(), 16);
    assert!(wire.try_send(cancel()));
    drop(wire);
    assert_eq!((alive.load(Ordering::Relaxed), hearing.load(Ordering::Relaxed)), (0, 0));
}

#[test]
fn a_transcription_session_is_transcribed_and_other_protocols_are_refused() {
    let simulator = model(|_| parts([]));
    let mut wire = Wire::connect(simulator.clone(), handshake("?intent=transcription"));
    wire.until("session.created");
    wire.send(json!({ "type": "session.update", "session": {
        "type": "transcription", "audio": { "input": { "transcription": { "model": "any" } } },
    } }));
    wire.append(&[voice(500), silence(900)].concat());
    let frames = wire.until("conversation.item.input_audio_transcription.completed");
    assert_eq!(frames.last().unwrap()["transcript"], "What I said.");
    let clock = VirtualClock::new();
    for path in ["realtime/translations?model=m", "live/sessions"] {
        let handshake = realtime::endpoint::Handshake::new(format!("wss://api.example/v1/{path}").parse().unwrap());
        let refused = clock.block_on(simulator.transport(&clock).connect(handshake)).unwrap_err();
        assert!(matches!(refused.kind(), TransportErrorKind::Rejected { status } if status == 404), "{path}");
    }
}
