//! The end of a connection.

use super::*;
use crate::protocol::event::Event;

fn close(bench: &mut Bench) -> bool {
    let now = bench.now;
    let first = bench.machine.begin_close(CloseFrame::new(1000, ""), &bench.queue, now);
    bench.settle();
    first
}

#[test]
fn the_close_frame_goes_ahead_of_the_queue_and_what_was_not_sent_comes_back_in_order() {
    let mut bench = Bench::open(|options| options, None);
    bench.request(UPDATE);
    bench.socket().blocked = true;
    let cells = [bench.request(r#"{"type":"input_audio_buffer.clear"}"#), bench.request(UPDATE)];
    assert!(close(&mut bench));
    bench.socket().blocked = false;
    bench.settle();
    assert_eq!(bench.sent(), ["session.update", "close 1000"]);
    bench.end();
    assert_eq!(bench.ended(), "in order");
    let unsent = bench.machine.take_unsent(&bench.queue);
    let unsent: Vec<_> = unsent.iter().map(Event::kind).collect();
    assert_eq!(unsent, ["input_audio_buffer.clear", "session.update"]);
    assert_eq!(cells.map(|cell| fate(&cell)), ["unsent", "unsent"]);
}

#[test]
fn nothing_follows_the_close_frame() {
    let mut bench = Bench::open(|options| options, None);
    assert!(close(&mut bench));
    assert!(!close(&mut bench), "the first frame stands");
    assert!(bench.enqueue(UPDATE, None).is_err());
    assert_eq!(bench.sent(), ["close 1000"]);
}

#[test]
fn a_peer_that_does_not_answer_the_close_frame_is_left_at_the_deadline() {
    let mut bench = Bench::open(|options| options, None);
    close(&mut bench);
    bench.advance(secs(4));
    assert_eq!(bench.machine.phase(), Phase::Closing);
    bench.advance(secs(1));
    assert_eq!(bench.ended(), "in order");
}

#[test]
fn a_connection_that_is_closed_while_it_dials_ends_at_once() {
    let mut bench = Bench::new();
    close(&mut bench);
    assert_eq!(bench.ended(), "in order");
    assert_eq!(bench.sockets[0].stage, SocketStage::Dropped);
    assert_eq!(bench.updates(), ["Closing", "Closed"]);
}

#[test]
fn nothing_is_written_after_the_peers_close_frame_and_the_rest_is_read() {
    let mut bench = Bench::open(|options| options, None);
    bench.arrive(Message::Close(Some(CloseFrame::new(1001, "bye"))));
    let update = bench.request(UPDATE);
    assert!(bench.sent().is_empty());
    bench.receive(UPDATED);
    bench.end();
    assert_eq!(fate(&update), "unsent");
    assert!(bench.updates().contains(&"session.updated".into()));
    let Some(Err(error)) = bench.machine.end() else { panic!() };
    assert_eq!(error.close_frame().unwrap().code, 1001);
}

#[test]
fn a_peer_that_closes_and_never_ends_the_link_is_left_at_the_deadline() {
    let mut bench = Bench::open(|options| options, None);
    bench.arrive(Message::Close(None));
    bench.advance(secs(5));
    let Some(Err(error)) = bench.machine.end() else { panic!() };
    assert_eq!(error.close_frame().unwrap().code, 1005, "a frame without a code");
}

#[test]
fn a_broken_write_is_believed_once_nothing_is_left_to_read() {
    let mut bench = Bench::open(|options| options, None);
    let error = || TransportError::new(crate::transport::TransportErrorKind::Io, "broken pipe");
    let now = bench.now;
    bench.machine.on_write_failed(LinkId(0), error(), now);
    bench.receive(UPDATED);
    assert_eq!(bench.ended(), "not ended");
    bench.end();
    assert_eq!(bench.ended(), Error::from(error()).to_string());
}

#[test]
fn the_protocols_own_ending_has_a_deadline_in_every_phase() {
    for open in [true, false] {
        let mut bench = if open { Bench::open(|options| options.keepalive(None), None) } else { Bench::new() };
        let now = bench.now;
        assert!(bench.machine.begin_finish(now));
        assert!(!bench.machine.begin_finish(now), "it is begun once");
        bench.settle();
        bench.advance(secs(30));
        assert_ne!(bench.ended(), "not ended");
        assert_eq!(bench.machine.poll_timeout(), None);
    }
}

#[test]
fn everything_that_waits_is_told_the_reason_of_the_end() {
    let mut bench = Bench::open(|options| options, None);
    let sent = bench.request(UPDATE);
    bench.socket().blocked = true;
    let (writing, queued) = (bench.request(r#"{"type":"input_audio_buffer.clear"}"#), bench.request(UPDATE));
    let now = bench.now;
    bench.machine.abort(Err(ErrorKind::Panicked.into()), &bench.queue, now);
    bench.settle();
    for (cell, expected) in [(&sent, "Ambiguous"), (&writing, "Unsent"), (&queued, "Unsent")] {
        let Some(Err(error)) = cell.take() else { panic!() };
        assert_eq!(format!("{:?}", error.kind()), expected);
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, Error::from(ErrorKind::Panicked).to_string());
    }
}
