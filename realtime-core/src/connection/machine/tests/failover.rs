//! Another place, in the order of the machine's inputs. The choice itself is tested beside its table.

use super::*;
use crate::connection::fallback::{FailoverReason, Fallback};

fn policy() -> Reconnect {
    Reconnect::default().max_attempts(3).fallback(Fallback::new().model("b")).fallback(Fallback::new().model("c"))
}

/// The place of the attempt that is under way.
fn place(bench: &mut Bench) -> Option<usize> {
    bench.socket().again.as_ref().and_then(|again| again.fallback)
}

/// The place of the next attempt, and the wait for it. None if there is no other.
fn next(bench: &mut Bench) -> Option<(Option<usize>, u128)> {
    let from = bench.now;
    if bench.dialing().is_empty() {
        let due = bench.machine.poll_timeout()?;
        bench.advance(due - bench.now);
    }
    assert_eq!(bench.dialing().len(), 1);
    Some((place(bench), (bench.now - from).as_millis()))
}

fn failed_response(kind: &str) -> String {
    format!(
        r#"{{"type":"response.done","response":{{"id":"r1","status":"failed","status_details":{{"type":"failed","error":{{"type":"{kind}","message":"no"}}}}}}}}"#
    )
}

#[test]
fn a_first_attempt_that_fails_is_made_elsewhere_at_once_and_the_last_reason_ends_it() {
    let mut bench = Bench::reconnecting(policy());
    assert_eq!(place(&mut bench), None);
    for (fallback, waits) in [(Some(0), 0..=0), (Some(1), 0..=0), (None, 375..=500)] {
        bench.dialed(Err(broken()));
        let (found, wait) = next(&mut bench).unwrap();
        assert!(found == fallback && waits.contains(&wait), "{found:?} after {wait} ms");
    }
    bench.dialed(Err(broken()));
    assert_eq!((bench.ended(), bench.machine.poll_timeout()), (broken().to_string(), None));
}

#[test]
fn a_first_attempt_that_nothing_else_serves_ends_it_as_without_fallbacks() {
    let mut bench = Bench::reconnecting(Reconnect::default().fallback(Fallback::new().on([FailoverReason::Quota])));
    bench.dialed(Err(broken()));
    assert_eq!(bench.ended(), broken().to_string());
}

#[test]
fn a_session_that_is_joined_has_no_other_place() {
    let mut bench = Bench::of(Options::default(), Some(policy()), true);
    bench.dialed(Err(broken()));
    assert_eq!(bench.ended(), broken().to_string());
}

#[test]
fn only_want_of_quota_and_a_limit_make_a_failed_response_a_reason_to_leave() {
    for (kind, leaves) in [
        ("insufficient_quota", true),
        ("rate_limit_exceeded", true),
        ("server_error", false),
        ("invalid_request_error", false),
    ] {
        let mut bench = Bench::open(|options| options, Some(policy()));
        bench.receive(r#"{"type":"response.created","response":{"id":"r1","status":"in_progress"}}"#);
        bench.receive(&failed_response(kind));
        let updates = bench.updates();
        assert_eq!(updates.contains(&"response.done".to_owned()), !leaves, "{kind}: {updates:?}");
        assert_eq!(bench.machine.phase() == Phase::Reconnecting, leaves, "{kind}");
        if leaves {
            bench.advance(Duration::ZERO);
            assert_eq!(place(&mut bench), Some(0));
            bench.connect();
            bench.receive(CREATED);
            assert!(bench.updates().contains(&"reconnected, planned: false".to_owned()));
        }
    }
    // Once the connection is to end, the response is told.
    let mut bench = Bench::open(|options| options, Some(policy()));
    let now = bench.now;
    assert!(bench.machine.begin_finish(now));
    bench.receive(&failed_response("insufficient_quota"));
    assert!(bench.updates().contains(&"response.done".to_owned()));
}

#[test]
fn the_budget_counts_the_attempts_of_all_places() {
    let mut bench = Bench::open(|options| options.keepalive(None), Some(policy()));
    bench.end();
    let mut places = Vec::new();
    while let Some((place, _)) = next(&mut bench) {
        places.push(place);
        bench.dialed(Err(broken()));
    }
    assert_eq!(places, [None, Some(0), Some(1)]);
}
