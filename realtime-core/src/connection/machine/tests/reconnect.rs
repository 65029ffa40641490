//! A link that is lost, and the one after it.

use super::*;

/// Without randomness in the way: half of the jitter is taken at most.
fn policy() -> Reconnect {
    Reconnect::default().initial_backoff(secs(4)).max_backoff(secs(16)).max_attempts(3)
}

#[test]
fn the_backoff_is_a_deadline_and_the_attempt_is_made_when_it_comes() {
    let mut bench = Bench::open(|options| options, Some(policy()));
    bench.end();
    assert_eq!(bench.machine.phase(), Phase::Reconnecting);
    assert!(bench.dialing().is_empty(), "nothing is dialled before its time");
    let due = bench.machine.poll_timeout().unwrap();
    assert!(due >= at(3) && due <= at(4), "{due:?}");
    bench.advance(due - bench.now);
    assert_eq!(bench.dialing(), [LinkId(1)]);
    let again = bench.socket().again.clone().unwrap();
    assert_eq!((again.number, Instant::default() + again.after), (1, due));
    // From here it is the attempt that has a deadline.
    assert_eq!(bench.machine.poll_timeout(), Some(due + secs(15)));
}

#[test]
fn attempts_wait_longer_each_time_and_end_with_the_last_reason() {
    let mut bench = Bench::open(|options| options, Some(policy()));
    bench.end();
    let mut waits = Vec::new();
    while let Some(due) = bench.machine.poll_timeout() {
        waits.push((due - bench.now).as_secs_f64());
        bench.advance(due - bench.now);
        bench.dialed(Err(broken()));
    }
    let ranges = [3.0..=4.0, 6.0..=8.0, 12.0..=16.0];
    assert!(waits.len() == 3 && waits.iter().zip(&ranges).all(|(wait, range)| range.contains(wait)), "{waits:?}");
    assert_eq!(bench.ended(), broken().to_string());
}

#[test]
fn only_a_session_that_lived_refills_the_budget_of_attempts() {
    for (lived, attempts) in [(59, [1, 2]), (60, [1, 1])] {
        let mut bench = Bench::open(|options| options.keepalive(None), Some(policy()));
        let mut numbers = Vec::new();
        for _ in 0..2 {
            bench.end();
            let due = bench.machine.poll_timeout().unwrap();
            bench.advance(due - bench.now);
            numbers.push(bench.socket().again.as_ref().unwrap().number);
            bench.connect();
            bench.receive(CREATED);
            bench.advance(secs(lived));
        }
        assert_eq!(numbers, attempts, "after {lived} s");
    }
}

#[test]
fn the_reason_decides_whether_another_link_is_opened() {
    let complaint = r#"{"type":"error","error":{"type":"invalid_request_error","message":"no"}}"#;
    for (code, phase) in [
        (1000, Phase::Closed),
        (1001, Phase::Reconnecting),
        (1006, Phase::Reconnecting),
        (1011, Phase::Reconnecting),
        (1012, Phase::Reconnecting),
        (1002, Phase::Closed),
        (1008, Phase::Closed),
        (4000, Phase::Closed),
    ] {
        let mut bench = Bench::open(|options| options, Some(policy()));
        bench.close_by_peer(code);
        assert_eq!(bench.machine.phase(), phase, "{code}");
    }
    // A code that asks to come again is followed also before any session was open, a complaint is not.
    for (words, phase) in [(None, Phase::Reconnecting), (Some(complaint), Phase::Closed)] {
        let mut bench = Bench::reconnecting(policy());
        bench.connect();
        words.into_iter().for_each(|words| bench.receive(words));
        bench.close_by_peer(1012);
        assert_eq!(bench.machine.phase(), phase);
    }
}

#[test]
fn code_1000_is_an_end_in_order_only_if_nothing_was_unanswered() {
    let mut bench = Bench::open(|options| options, None);
    let update = bench.request(UPDATE);
    bench.close_by_peer(1000);
    assert_eq!(fate(&update), "ambiguous");
    assert!(matches!(bench.machine.end(), Some(Err(error)) if matches!(error.kind(), ErrorKind::Closed(Some(_)))));
}

#[test]
fn what_was_sent_is_ambiguous_and_what_was_queued_goes_to_the_next_link_behind_the_replay() {
    let mut bench = Bench::open(|options| options, Some(policy()));
    let item = r#"{"type":"conversation.item.create","item":{"id":"i1","type":"message","role":"user","content":[{"type":"input_text","text":"Hm."}]}}"#;
    bench.request(item);
    bench.receive(
        r#"{"type":"conversation.item.added","event_id":"e3","previous_item_id":null,"item":{"id":"i1","type":"message","role":"user","content":[{"type":"input_text","text":"Hm."}]}}"#,
    );
    let sent = bench.request(r#"{"type":"input_audio_buffer.clear"}"#);
    bench.end();
    let queued = bench.request(UPDATE);
    let due = bench.machine.poll_timeout().unwrap();
    bench.advance(due - bench.now);
    bench.connect();
    assert!(bench.sent().is_empty(), "nothing is sent before the other session is open");
    bench.receive(CREATED);
    assert_eq!(fate(&sent), "ambiguous");
    assert_eq!(bench.sent(), ["conversation.item.create", "session.update"]);
    bench.receive(UPDATED);
    assert_eq!(fate(&queued), "granted");
    let updates = bench.updates();
    assert!(updates.contains(&"reconnected, planned: false".into()), "{updates:?}");
}

#[test]
fn late_inputs_of_a_link_that_is_gone_do_nothing() {
    let mut bench = Bench::open(|options| options, Some(policy()));
    bench.end();
    bench.updates();
    let (now, gone) = (bench.now, LinkId(0));
    let updated = Received::Message(Message::Text(UPDATED.into()));
    assert_eq!(bench.on_message(gone, updated), Ok(()));
    bench.machine.on_read_end(gone, None, &bench.queue, now);
    bench.machine.on_write_failed(gone, TransportError::new(crate::transport::TransportErrorKind::Io, "x"), now);
    assert!(!bench.machine.wants_read(gone, true, &bench.queue, now) && !bench.machine.wants_write(gone, true, now));
    assert!(bench.machine.poll_transmit(gone, &bench.queue, now).is_none());
    bench.settle();
    assert_eq!(bench.machine.phase(), Phase::Reconnecting);
    assert!(bench.updates().is_empty());
}

#[test]
fn nothing_is_retried_once_the_connection_is_to_end() {
    for finishing in [true, false] {
        let mut bench = Bench::open(|options| options, Some(policy()));
        let now = bench.now;
        if finishing {
            assert!(bench.machine.begin_finish(now));
        } else {
            assert!(bench.machine.begin_close(CloseFrame::new(1000, ""), &bench.queue, now));
        }
        bench.end();
        assert_eq!(bench.machine.phase(), Phase::Closed);
        assert_eq!(bench.machine.poll_timeout(), None);
    }
}

#[test]
fn a_connection_that_is_closed_while_it_waits_to_retry_ends_at_once() {
    let mut bench = Bench::open(|options| options, Some(policy()));
    bench.end();
    let now = bench.now;
    bench.machine.begin_close(CloseFrame::new(1000, ""), &bench.queue, now);
    bench.settle();
    assert_eq!(bench.ended(), "in order");
    assert_eq!(bench.machine.poll_timeout(), None);
}

#[test]
fn a_session_that_is_joined_again_restores_nothing() {
    let mut bench = Bench::of(Options::default(), Some(policy()), true);
    bench.connect();
    let sent = bench.request(UPDATE);
    bench.end();
    let due = bench.machine.poll_timeout().unwrap();
    bench.advance(due - bench.now);
    bench.connect();
    assert_eq!((bench.machine.phase(), fate(&sent)), (Phase::Open, "ambiguous"));
    assert!(bench.sent().is_empty());
    assert_eq!(bench.machine.generation(), 0);
}
