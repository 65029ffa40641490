//! Ends that come early, twice, or from the other side.

use std::time::Duration;

use futures::future::{join, join3};
use realtime::{
    Client, ErrorKind,
    connection::SendErrorKind,
    live::{Live, event::SessionStart, types::CloseReason},
    mock::{MockServer, MockSession, Simulator, VirtualClock},
    transport::CloseFrame,
};

use crate::support::{closed, service, started};

#[test]
fn a_session_that_ends_before_it_has_begun_is_an_error_that_says_how() {
    type End = fn(&MockSession<Live>);
    type Kind = fn(&ErrorKind) -> bool;
    let ends: [(End, Kind); 4] = [
        (|session| session.close(1000, ""), |kind| matches!(kind, ErrorKind::Refused(_))),
        (
            |session| session.close(1013, "try again later"),
            |kind| matches!(kind, ErrorKind::Closed(Some(frame)) if frame.code == 1013),
        ),
        (MockSession::drop_link, |kind| matches!(kind, ErrorKind::Transport(_))),
        // The socket stays open: the wait ends by itself, and the error tells what came.
        (
            |session| session.send(closed("live_1", CloseReason::Expired)),
            |kind| matches!(kind, ErrorKind::Unanswered(unanswered) if *unanswered.came == ["session.closed".into()]),
        ),
    ];
    for (number, (end, is_kind)) in ends.into_iter().enumerate() {
        let (client, server) = service();
        let script = async {
            let session: MockSession<Live> = server.accept_as().await;
            session.expect::<SessionStart>().await;
            end(&session);
            session.closed().await;
        };
        let (connected, _) = server.clock().block_on(join(client.live().model("gpt-live-1").connect(), script));
        let error = connected.unwrap_err();
        assert!(is_kind(error.kind()), "{number}: {error:?}");
    }
}

#[test]
fn ending_twice_is_ending_once() {
    let clock = VirtualClock::new();
    let client = Client::builder(Simulator::new().transport(&clock)).build();
    clock.block_on(async {
        let live = client.live().model("gpt-live-1").connect().await.unwrap();
        live.session().close().unwrap();
        let (one, other, third) = join3(live.finish(), live.finish(), live.finish()).await;
        assert!(one.is_ok() && other.is_ok() && third.is_ok());
        live.finish().await.unwrap();
        assert_eq!(live.state().ending.as_ref().unwrap().reason, Some(CloseReason::CloseRequested));
        assert_eq!(live.close(CloseFrame::new(1000, "")).await, []);
        // Nothing is sent any more, and each says so.
        let refused = live.session().input_audio().append(&[0; 480]).unwrap_err();
        assert!(matches!(refused.kind(), SendErrorKind::Closed), "{refused:?}");
        let refused = live.session().commentary().append("Too late.").unwrap_err();
        assert!(matches!(refused.kind(), SendErrorKind::Closed), "{refused:?}");
        let feeder = live.session().input_audio().feeder();
        feeder.push(&[0; 480]).unwrap();
        clock.sleep(Duration::from_secs(1)).await;
        assert!(live.next().await.is_none_or(|event| event.is_ok()));
    });
}

async fn begin(server: &MockServer) -> MockSession<Live> {
    let session: MockSession<Live> = server.accept_as().await;
    session.expect::<SessionStart>().await;
    session.send(started("live_1"));
    session
}

#[test]
fn an_end_from_the_other_side_settles_what_waits() {
    for confirmed in [true, false] {
        let (client, server) = service();
        let script = async {
            let session = begin(&server).await;
            server.clock().sleep(Duration::from_millis(100)).await;
            if confirmed {
                session.send(closed("live_1", CloseReason::Content));
            }
            session.close(1000, "");
            session.closed().await;
        };
        let talk = async {
            let live = client.live().model("gpt-live-1").connect().await.unwrap();
            let muted = live.session().input_audio().mute().unwrap();
            let clip = live.session().output_audio().fixture().play(vec![0; 4_800]).unwrap();
            let (muted, played) = join(muted, clip.played()).await;
            assert!(matches!(muted.unwrap_err().kind(), ErrorKind::Ambiguous));
            assert!(matches!(played.unwrap_err().kind(), ErrorKind::Ambiguous));
            let reason = live.state().ending.as_ref().unwrap().reason.clone();
            assert_eq!(reason, confirmed.then_some(CloseReason::Content));
            assert_eq!(live.finish().await.is_ok(), confirmed);
        };
        server.clock().block_on(join(talk, script));
    }
}
