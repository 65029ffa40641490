//! One message that is made of as many values as fit: what it becomes is a small multiple of its size.

use std::sync::MutexGuard;

use futures::FutureExt;
use realtime::{
    Client, Options, Realtime, RealtimeSettings,
    event::{Event, Reading, Recognition, ServerEvent},
    mock::MockTransport,
    session::{Changes, RealtimeState, Setup, State},
    transport::Instant,
};

use crate::{HELD, alone, mib};

/// Bytes of each message: enough that what is constant does not count.
const SIZE: usize = 4 << 20;

/// How many times its own size a message may take at its worst, while it is read and applied.
const MOST: usize = 16;

/// A message with as many of the elements as fit between the two.
fn full_of(head: &str, element: impl Fn(usize) -> String, tail: &str) -> String {
    let mut text = head.to_owned();
    let mut number = 0;
    while text.len() + tail.len() < SIZE {
        if number > 0 {
            text.push(',');
        }
        text.push_str(&element(number));
        number += 1;
    }
    text + tail
}

/// The most that is held while a session reads the message, as a multiple of the message.
fn worst(_alone: &MutexGuard<'_, ()>, frame: &str) -> (usize, ServerEvent, Reading) {
    let mut state = RealtimeState::default();
    State::<Realtime>::configure(&mut state, &RealtimeSettings::default(), &Setup::default());
    let mut changes = Changes::default();
    let before = HELD.current_usage();
    HELD.reset_peak_usage();
    let mut event = ServerEvent::read(frame.as_bytes(), &mut changes.reading);
    state.received(&mut event, Instant::default(), &mut changes);
    let peak = HELD.peak_usage().saturating_sub(before);
    (peak.div_ceil(frame.len()), event, changes.reading)
}

#[test]
fn a_message_takes_a_small_multiple_of_its_size_whatever_it_is_full_of() {
    let alone = alone();
    let plain = |element: &'static str| move |_: usize| element.to_owned();
    let done = r#"{"type":"response.done","response":{"id":"r","output":["#;
    let item = r#"{"type":"conversation.item.added","item":{"id":"i","type":"message","role":"user","content":["#;
    let session = r#"{"type":"session.created","session":{"type":"realtime","#;
    let transcription =
        r#"{"type":"conversation.item.input_audio_transcription.completed","item_id":"i","transcript":"","#;
    let mut told = String::new();
    for (what, frame) in [
        ("output of numbers", full_of(done, plain("1"), "]}}")),
        ("output of nulls", full_of(done, plain("null"), "]}}")),
        ("output of objects", full_of(done, plain("{}"), "]}}")),
        ("output of lists", full_of(done, plain("[]"), "]}}")),
        ("output of ids", full_of(done, |number| format!(r#"{{"id":"{number}"}}"#), "]}}")),
        ("output of messages", full_of(done, |number| format!(r#"{{"id":"{number}","type":"message"}}"#), "]}}")),
        ("output of calls", full_of(done, plain(r#"{"type":"function_call"}"#), "]}}")),
        ("parts", full_of(item, plain("{}"), "]}}")),
        ("parts of null", full_of(item, plain("null"), "]}}")),
        ("parts of text", full_of(item, plain(r#""""#), "]}}")),
        (
            "metadata",
            full_of(
                r#"{"type":"response.created","response":{"id":"r","metadata":{"#,
                |number| format!(r#""{number}":"""#),
                "}}}",
            ),
        ),
        ("tools", full_of(&format!(r#"{session}"tools":["#), plain("{}"), "]}}")),
        ("words", full_of(&format!(r#"{session}"include":["#), plain(r#""""#), "]}}")),
        (
            "keywords",
            full_of(
                &format!(r#"{session}"audio":{{"input":{{"transcription":{{"keywords":["#),
                plain(r#""a""#),
                "]}}}}}",
            ),
        ),
        ("limits", full_of(r#"{"type":"rate_limits.updated","rate_limits":["#, plain("{}"), "]}")),
        ("tokens", full_of(&format!(r#"{transcription}"logprobs":["#), plain(r#"{"token":"","logprob":0}"#), "]}")),
        (
            "bytes",
            full_of(&format!(r#"{transcription}"logprobs":[{{"token":"","logprob":0,"bytes":["#), plain("1"), "]}]}"),
        ),
        (
            "listed tools",
            full_of(
                r#"{"type":"conversation.item.added","item":{"id":"i","type":"mcp_list_tools","tools":["#,
                plain(r#"{"name":""}"#),
                "]}}",
            ),
        ),
        (
            "members",
            full_of(r#"{"type":"response.done","response":{"id":"r","#, |number| format!(r#""{number}":1"#), "}}"),
        ),
        (
            "members of one name",
            full_of(r#"{"type":"response.done","response":{"id":"r","#, plain(r#""output":[{}]"#), "}}"),
        ),
        ("an unknown event", full_of(r#"{"type":"new","x":["#, plain("{}"), "]}")),
        (
            "an unknown item",
            full_of(r#"{"type":"conversation.item.added","item":{"id":"i","type":"new","x":["#, plain("{}"), "]}}"),
        ),
        ("an id", format!(r#"{{"type":"response.created","response":{{"id":"{}"}}}}"#, "i".repeat(SIZE))),
        ("a status", format!(r#"{{"type":"response.done","response":{{"id":"r","status":"{}"}}}}"#, "s".repeat(SIZE))),
        ("words of an error", format!(r#"{{"type":"error","error":"{}"}}"#, "e".repeat(SIZE))),
        (
            "audio",
            format!(
                r#"{{"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":"{}"}}"#,
                "-_-_".repeat(SIZE / 4)
            ),
        ),
    ] {
        let (times, event, _) = worst(&alone, &frame);
        told.push_str(&format!("{what}: {times}\n"));
        assert!(matches!(event.recognition(), Recognition::Known | Recognition::Unknown), "{what}");
        assert!(times <= MOST, "{what}: {times} times its size\n{told}");
    }
    println!("{told}");
}

#[test]
fn what_is_too_much_is_left_out_and_told() {
    let alone = alone();
    let frame = full_of(
        r#"{"type":"response.done","response":{"id":"r","status":"failed","output":["#,
        |_| "{}".to_owned(),
        "]}}",
    );
    let (_, event, reading) = worst(&alone, &frame);
    let ServerEvent::ResponseDone(done) = event else { panic!() };
    assert_eq!(done.response.status.unwrap().as_str(), "failed");
    assert!(reading.weight > SIZE);
    let told = &reading.left_out[0];
    assert_eq!(&*told.path, "response.output");
    assert!(told.reason.contains("too many"), "{}", told.reason);
    // What a server may well say is read as a whole.
    let item = |number: usize| {
        format!(
            r#"{{"id":"item_{number}","object":"realtime.item","type":"message","status":"completed","role":"assistant","content":[]}}"#
        )
    };
    let frame = full_of(r#"{"type":"response.done","response":{"id":"r","output":["#, item, "]}}");
    let (_, event, reading) = worst(&alone, &frame);
    let ServerEvent::ResponseDone(done) = event else { panic!() };
    assert_eq!((reading.left_out.len(), done.response.output.unwrap().len() > 30_000), (0, true));
}

#[test]
fn ids_as_long_as_books_are_no_ids() {
    let _alone = alone();
    let mut state = RealtimeState::default();
    State::<Realtime>::configure(&mut state, &RealtimeSettings::default(), &Setup::default());
    let before = HELD.current_usage();
    for number in 0..300 {
        let id = format!("{number}{}", "x".repeat(300 << 10));
        for frame in [
            format!(r#"{{"type":"response.created","response":{{"id":"{id}"}}}}"#),
            format!(r#"{{"type":"conversation.item.added","item":{{"id":"{id}","type":"message","role":"user"}}}}"#),
            format!(r#"{{"type":"input_audio_buffer.speech_started","item_id":"{id}"}}"#),
            format!(
                r#"{{"type":"conversation.item.done","item":{{"id":"i{number}","type":"message","role":"{id}"}}}}"#
            ),
        ] {
            let mut changes = Changes::default();
            let mut event = ServerEvent::read(frame.as_bytes(), &mut changes.reading);
            assert_eq!(event.recognition(), Recognition::Known);
            state.received(&mut event, Instant::default(), &mut changes);
        }
    }
    let held = HELD.current_usage().saturating_sub(before);
    assert!(mib(held) < 2, "{} MiB are held", mib(held));
}

#[test]
fn the_inbox_counts_what_an_event_has_become() {
    let _alone = alone();
    let (transport, server) = MockTransport::new();
    let client = Client::builder(transport).build();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let session = server.try_accept_as::<Realtime>().unwrap();
    let parts = "{},".repeat(10_000);
    let frame = format!(
        r#"{{"type":"conversation.item.retrieved","item":{{"type":"message","role":"user","content":[{parts}{{}}]}}}}"#
    );
    let limit = Options::default().inbox_bytes;
    let many = limit / frame.len();
    for _ in 0..many {
        session.send_raw(frame.as_str());
    }
    let before = HELD.current_usage();
    // Nobody reads: the connection takes what fits into its inbox, and the rest waits outside.
    for _ in 0..1_000 {
        let _ = connection.drive().now_or_never();
    }
    let held = HELD.current_usage().saturating_sub(before);
    assert!(held < 4 * limit, "{} MiB are held for an inbox of {}", mib(held), mib(limit));
}
