//! Every wait has a bound, and every queue a limit.

use super::*;
use crate::connection::options::{AudioPolicy, Keepalive, Unread};

#[test]
fn a_silent_link_is_pinged_and_then_given_up() {
    let mut bench = Bench::open(|options| options, None);
    bench.advance(secs(14));
    assert!(bench.sent().is_empty());
    bench.advance(secs(1));
    assert_eq!(bench.sent(), ["ping"]);
    bench.advance(secs(9));
    assert_eq!(bench.ended(), "not ended");
    bench.advance(secs(1));
    let Some(Err(error)) = bench.machine.end() else { panic!() };
    assert!(matches!(error.kind(), ErrorKind::Timeout(Deadline::Keepalive)));
}

#[test]
fn any_message_is_a_sign_of_life() {
    for message in [Message::Pong(bytes::Bytes::new()), Message::Text(UPDATED.into())] {
        let mut bench = Bench::open(|options| options, None);
        bench.advance(secs(20));
        assert_eq!(bench.sent(), ["ping"]);
        bench.arrive(message);
        bench.advance(secs(14));
        assert_eq!((bench.sent().len(), bench.ended()), (1, "not ended".into()));
        bench.advance(secs(1));
        assert_eq!(bench.sent(), ["ping", "ping"], "15 s after the last sign of life");
    }
}

#[test]
fn nothing_is_concluded_from_a_silence_in_which_nobody_read() {
    let mut bench = Bench::open(|options| options, None);
    bench.advance(secs(15));
    bench.reads = false;
    bench.now = at(1000);
    bench.turn();
    assert_eq!(bench.ended(), "not ended");
    bench.reads = true;
    bench.arrive(Message::Pong(bytes::Bytes::new()));
    assert_eq!(bench.ended(), "not ended");
}

#[test]
fn a_link_that_cannot_ping_is_never_pinged_nor_given_up() {
    let mut bench = Bench::new();
    bench.dialed(Ok(LinkInfo { can_ping: false }));
    bench.receive(CREATED);
    bench.advance(secs(10_000));
    assert!(bench.sent().is_empty());
    assert_eq!(bench.ended(), "not ended");
}

#[test]
fn keepalive_is_judged_by_its_options() {
    let keepalive = Keepalive::new(secs(2), secs(3));
    let mut bench = Bench::open(move |options| options.keepalive(keepalive), None);
    bench.advance(secs(2));
    assert_eq!(bench.sent(), ["ping"]);
    bench.advance(secs(3));
    assert_ne!(bench.ended(), "not ended");
}

#[test]
fn a_message_that_the_socket_does_not_take_in_time_ends_the_link() {
    let mut bench = Bench::open(|options| options.keepalive(None).request_timeout(None), None);
    bench.request(UPDATE);
    bench.socket().blocked = true;
    bench.request(r#"{"type":"input_audio_buffer.clear"}"#);
    assert_eq!(bench.machine.poll_timeout(), Some(at(30)));
    bench.advance(secs(29));
    assert_eq!(bench.ended(), "not ended");
    bench.advance(secs(1));
    let Some(Err(error)) = bench.machine.end() else { panic!() };
    assert!(matches!(error.kind(), ErrorKind::Timeout(Deadline::Write)));
}

#[test]
fn a_stall_that_ends_in_time_is_forgotten() {
    let mut bench = Bench::open(|options| options.keepalive(None).request_timeout(None), None);
    bench.request(UPDATE);
    bench.socket().blocked = true;
    bench.request(r#"{"type":"input_audio_buffer.clear"}"#);
    bench.advance(secs(29));
    bench.socket().blocked = false;
    bench.settle();
    bench.advance(secs(100));
    assert_eq!((bench.ended(), bench.machine.poll_timeout()), ("not ended".into(), None));
}

#[test]
fn a_request_without_an_answer_is_given_up_alone() {
    let mut bench = Bench::open(|options| options.keepalive(None), None);
    let update = bench.request(UPDATE);
    bench.advance(secs(29));
    assert_eq!(fate(&update), "open");
    bench.advance(secs(1));
    assert_eq!((fate(&update), bench.ended()), ("unanswered", "not ended".into()));
}

#[test]
fn nothing_is_given_up_before_what_has_arrived_is_read() {
    let mut bench = Bench::open(|options| options.keepalive(None), None);
    let update = bench.request(UPDATE);
    bench.socket().incoming.push_back(Some(Message::Text(UPDATED.into())));
    bench.reads = false;
    bench.now = at(1000);
    bench.turn();
    bench.reads = true;
    bench.turn();
    assert_eq!(fate(&update), "granted");
}

#[test]
fn a_message_that_is_too_large_ends_the_link() {
    let mut bench = Bench::open(|options| options.max_inbound(100), None);
    bench.receive(&format!(r#"{{"type":"x","padding":"{}"}}"#, "-".repeat(100)));
    let Some(Err(error)) = bench.machine.end() else { panic!() };
    assert!(matches!(error.kind(), ErrorKind::TooLarge { limit: 100, .. }));
}

#[test]
fn a_full_inbox_pauses_reading_until_there_is_room() {
    let mut bench = Bench::open(|options| options.inbox_bytes(5_000), None);
    for _ in 0..100 {
        bench.socket().incoming.push_back(Some(Message::Text(UPDATED.into())));
    }
    bench.settle();
    assert!(bench.machine.is_parked() && bench.machine.inbox.is_full());
    let mut read = 0;
    while bench.machine.is_parked() {
        read += bench.updates().len();
        bench.machine.unpark(&bench.queue);
        bench.settle();
    }
    assert_eq!(read + bench.updates().len(), 100);
}

#[test]
fn events_that_nobody_wants_are_discarded_but_for_a_reader() {
    let mut bench = Bench::open(|options| options.unread(Unread::Discard), None);
    bench.receive(UPDATED);
    assert_eq!(bench.updates(), ["session.updated"], "a reader waited for it");
    bench.reader = false;
    bench.receive(UPDATED);
    assert!(bench.updates().is_empty());
}

#[test]
fn a_full_outbox_refuses_and_takes_again_once_something_is_written() {
    let mut bench = Bench::open(|options| options.queue_bytes(100), None);
    bench.socket().blocked = true;
    bench.request(UPDATE);
    let refused = loop {
        if let Err(refused) = bench.enqueue(UPDATE, None) {
            break refused.kind();
        }
    };
    assert_eq!(refused, crate::error::SendErrorKind::Full);
    bench.socket().blocked = false;
    bench.settle();
    assert!(bench.enqueue(UPDATE, None).is_ok());
}

#[test]
fn stale_audio_is_dropped_and_reported_and_what_a_commit_uses_is_kept() {
    let policy = AudioPolicy::default().max_age(secs(2));
    let mut bench = Bench::with(move |options| options.audio(policy), None);
    let append = |bench: &mut Bench| bench.config.append(&bench.queue, &[0; 4800], Some(bench.now)).unwrap();
    append(&mut bench);
    bench.enqueue(r#"{"type":"input_audio_buffer.commit"}"#, None).unwrap();
    append(&mut bench);
    append(&mut bench);
    bench.now = at(3);
    append(&mut bench);
    bench.connect();
    assert_eq!(bench.sent(), ["input_audio_buffer.append", "input_audio_buffer.commit", "input_audio_buffer.append"]);
    assert!(bench.updates().contains(&"dropped 200 ms".into()));
}

#[test]
fn a_text_that_is_not_utf8_is_for_the_transport_to_judge() {
    use crate::protocol::event::{Event, Recognition};

    let mut bench = Bench::open(|options| options, None);
    let id = bench.socket().id;
    let raw = &b"{\"type\":\"session.updated\",\"x\":\"\xff\"}"[..];
    let before = bench.machine.state().clone();
    let taken = bench.on_message(id, Received::Text(raw));
    assert!(matches!(&taken, Err(Message::Text(text)) if text.as_bytes() == raw));
    assert!(Arc::ptr_eq(bench.machine.state(), &before), "it has no effect");
    assert!(bench.updates().is_empty());
    // A transport that does not take it back has given a text that is not one.
    let given = Received::Message(taken.unwrap_err());
    assert_eq!(bench.on_message(id, given), Ok(()));
    let event = bench.machine.inbox.pop_event(&mut None).unwrap();
    assert!(matches!(event.recognition(), Recognition::Invalid(reason) if reason.starts_with("not UTF-8")));
    assert_eq!(bench.ended(), "not ended");
}
