//! From the first attempt to a session that is open.

use super::*;

#[test]
fn the_first_action_dials_and_its_answer_opens_the_link() {
    let mut bench = Bench::new();
    assert_eq!(bench.dialing(), [LinkId(0)]);
    assert_eq!(bench.machine.phase(), Phase::Connecting);
    bench.connect();
    assert_eq!(bench.machine.phase(), Phase::Opening);
    bench.receive(CREATED);
    assert_eq!(bench.updates(), ["Opening", "Open", "session.created"]);
}

#[test]
fn what_is_queued_is_written_right_after_the_upgrade() {
    let mut bench = Bench::new();
    let update = bench.request(UPDATE);
    assert!(bench.sockets[0].written.is_empty());
    bench.connect();
    assert_eq!(bench.sent(), ["session.update"]);
    bench.receive(CREATED);
    bench.receive(UPDATED);
    assert_eq!(fate(&update), "granted");
}

#[test]
fn an_attempt_that_takes_too_long_is_given_up() {
    let mut bench = Bench::new();
    assert_eq!(bench.machine.poll_timeout(), Some(at(15)));
    bench.advance(secs(15));
    assert!(matches!(
        bench.machine.end(),
        Some(Err(error)) if matches!(error.kind(), ErrorKind::Timeout(Deadline::Connect))
    ));
    assert_eq!(bench.sockets[0].stage, SocketStage::Dropped);
}

#[test]
fn a_session_that_is_not_opened_in_time_names_what_came_instead() {
    let mut bench = Bench::new();
    bench.advance(secs(3));
    bench.connect();
    bench.receive(r#"{"type":"gateway.hello"}"#);
    bench.receive(r#"{"type":"ping"}"#);
    bench.advance(secs(14));
    assert_eq!(bench.ended(), "not ended");
    bench.advance(secs(1));
    let Some(Err(error)) = bench.machine.end() else { panic!() };
    let ErrorKind::Unanswered(unanswered) = error.kind() else { panic!("{error:?}") };
    assert_eq!(unanswered.waited, secs(15));
    assert_eq!(unanswered.came, ["gateway.hello".into()]);
}

#[test]
fn a_first_attempt_without_a_link_is_not_repeated() {
    let mut bench = Bench::reconnecting(Reconnect::default());
    bench.dialed(Err(broken()));
    assert!(bench.dialing().is_empty());
    assert_ne!(bench.ended(), "not ended");
    assert_eq!(bench.machine.poll_timeout(), None);
}

#[test]
fn a_refusal_before_the_session_opens_is_told_in_the_servers_words() {
    let mut bench = Bench::new();
    bench.connect();
    bench.receive(r#"{"type":"error","error":{"type":"invalid_request_error","message":"no such model"}}"#);
    bench.close_by_peer(4000);
    let Some(Err(error)) = bench.machine.end() else { panic!() };
    assert!(matches!(error.kind(), ErrorKind::Refused(_)));
    assert_eq!(error.server().unwrap().error.message, "no such model");
}

#[test]
fn a_session_that_is_joined_is_open_with_its_link() {
    let mut bench = Bench::of(Options::default(), None, true);
    bench.connect();
    assert_eq!(bench.machine.phase(), Phase::Open);
    // Nothing is waited for but the silence.
    assert_eq!(bench.machine.poll_timeout(), Some(at(15)));
}

#[test]
fn a_late_answer_to_an_attempt_that_was_given_up_does_nothing() {
    let mut bench = Bench::new();
    bench.advance(secs(15));
    let (ended, wall) = (bench.ended(), bench.wall());
    bench.machine.on_dialed(LinkId(0), Ok(LinkInfo { can_ping: true }), &bench.queue, wall);
    bench.settle();
    assert_eq!((bench.ended(), bench.machine.phase()), (ended, Phase::Closed));
}
