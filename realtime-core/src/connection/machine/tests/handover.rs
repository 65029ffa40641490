//! A session that is replaced before its end.

use super::*;

/// 60 minutes of life, and a handover 2 minutes before their end.
const DUE: Duration = Duration::from_secs(58 * 60);

fn bench() -> Bench {
    Bench::open(|options| options.keepalive(None), Some(Reconnect::default()))
}

/// One whose standby is being dialled.
fn due() -> Bench {
    let mut bench = bench();
    bench.advance(DUE);
    assert_eq!(bench.dialing(), [LinkId(1)]);
    bench
}

#[test]
fn a_standby_is_opened_before_the_session_ends() {
    let mut bench = bench();
    bench.advance(DUE - secs(1));
    assert!(bench.dialing().is_empty());
    bench.advance(secs(1));
    assert_eq!(bench.dialing(), [LinkId(1)]);
    assert_eq!(bench.socket().again.as_ref().unwrap().number, 0);
    assert_eq!(bench.machine.phase(), Phase::Open);
}

#[test]
fn the_end_that_the_server_announces_decides() {
    let mut bench = Bench::with(|options| options.keepalive(None), Some(Reconnect::default()));
    bench.connect();
    let end = (UNIX + secs(600)).as_secs();
    bench.receive(&format!(
        r#"{{"type":"session.created","event_id":"e1","session":{{"type":"realtime","expires_at":{end}}}}}"#
    ));
    bench.advance(secs(479));
    assert!(bench.dialing().is_empty());
    bench.advance(secs(1));
    assert_eq!(bench.dialing(), [LinkId(1)]);
}

#[test]
fn an_announced_end_that_leaves_no_time_is_clock_skew() {
    for left in [0, 240] {
        let mut bench = Bench::with(|options| options.keepalive(None), Some(Reconnect::default()));
        bench.connect();
        let end = (UNIX + secs(left)).as_secs();
        bench.receive(&format!(
            r#"{{"type":"session.created","event_id":"e1","session":{{"type":"realtime","expires_at":{end}}}}}"#
        ));
        bench.advance(DUE - secs(1));
        assert!(bench.dialing().is_empty(), "{left}");
        bench.advance(secs(1));
        assert_eq!(bench.dialing(), [LinkId(1)]);
    }
}

#[test]
fn the_links_change_places_and_the_old_one_is_closed_in_order() {
    let mut bench = due();
    bench.connect();
    bench.receive(CREATED);
    bench.settle();
    assert_eq!(bench.machine.generation(), 1);
    assert!(bench.updates().contains(&"reconnected, planned: true".into()));
    assert_eq!(kinds(&bench.sockets[0].written), ["close 1000"]);
    assert_eq!(bench.machine.links(), [Some(LinkId(1)), Some(LinkId(0)), None]);
    bench.request(UPDATE);
    assert_eq!(bench.sent(), ["session.update"]);
    // The old peer's end is the end of the old link, and of nothing else.
    bench.sockets[0].incoming.push_back(None);
    bench.settle();
    assert_eq!(bench.sockets[0].stage, SocketStage::Dropped);
    assert_eq!(bench.machine.phase(), Phase::Open);
}

#[test]
fn an_old_link_whose_peer_does_not_close_is_dropped_at_the_deadline() {
    let mut bench = due();
    bench.connect();
    bench.receive(CREATED);
    bench.advance(secs(4));
    assert_eq!(bench.sockets[0].stage, SocketStage::Up);
    bench.advance(secs(1));
    assert_eq!(bench.sockets[0].stage, SocketStage::Dropped);
}

/// One whose conversation is being moved: it waits for the acknowledgement of an item.
fn moving() -> Bench {
    let mut bench = bench();
    let item = r#"{"id":"i1","type":"message","role":"user","content":[{"type":"input_text","text":"Hm."}]}"#;
    bench.request(&format!(r#"{{"type":"conversation.item.create","item":{item}}}"#));
    bench.receive(&format!(
        r#"{{"type":"conversation.item.added","event_id":"e3","previous_item_id":null,"item":{item}}}"#
    ));
    bench.advance(DUE);
    bench.connect();
    bench.receive(CREATED);
    assert_eq!(bench.sent(), ["conversation.item.create"]);
    bench
}

#[test]
fn nothing_is_written_to_the_old_session_while_the_conversation_moves() {
    let mut bench = moving();
    let before = bench.sockets[0].written.len();
    bench.request(UPDATE);
    assert_eq!((bench.sockets[0].written.len(), bench.sent().len()), (before, 1));
    bench.receive(
        r#"{"type":"conversation.item.added","event_id":"e3","previous_item_id":null,"item":{"id":"i1","type":"message","role":"user","content":[{"type":"input_text","text":"Hm."}]}}"#,
    );
    assert_eq!(bench.sent(), ["conversation.item.create", "session.update"]);
}

#[test]
fn a_handover_is_abandoned_when_the_old_session_speaks() {
    let mut bench = moving();
    bench.updates();
    bench.request(UPDATE);
    bench.receive_in_use(
        r#"{"type":"input_audio_buffer.speech_started","event_id":"e9","audio_start_ms":0,"item_id":"i2"}"#,
    );
    assert_eq!(bench.sockets[1].stage, SocketStage::Dropped);
    assert_eq!(bench.updates(), ["input_audio_buffer.speech_started"]);
    assert_eq!(
        kinds(&bench.sockets[0].written).last().unwrap(),
        "session.update",
        "what waited goes to the old session"
    );
}

#[test]
fn a_standby_that_is_lost_is_tried_again_later() {
    let mut bench = due();
    bench.connect();
    bench.end();
    assert_eq!((bench.sockets[1].stage, bench.machine.phase()), (SocketStage::Dropped, Phase::Open));
    bench.advance(secs(7));
    assert!(bench.dialing().is_empty());
    bench.advance(secs(1));
    assert_eq!(bench.dialing(), [LinkId(2)]);
}

#[test]
fn a_standby_that_does_not_open_in_time_is_given_up() {
    let mut bench = due();
    bench.advance(secs(29));
    assert_eq!(bench.dialing(), [LinkId(1)]);
    bench.advance(secs(1));
    assert_eq!(bench.sockets[1].stage, SocketStage::Dropped);
}

#[test]
fn a_handover_that_the_application_aborts_is_not_tried_again() {
    let mut bench = due();
    bench.dialed(Err(Error::aborted(&broken())));
    bench.advance(secs(3600));
    assert!(bench.dialing().is_empty());
}

#[test]
fn the_standby_goes_with_the_connection() {
    let mut bench = due();
    bench.connect();
    let now = bench.now;
    bench.machine.begin_close(CloseFrame::new(1000, ""), &bench.queue, now);
    bench.settle();
    assert_eq!(bench.sockets[1].stage, SocketStage::Dropped);
}
