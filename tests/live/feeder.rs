//! Input audio at the pace of speech, in virtual time.

use std::time::Duration;

use futures::{StreamExt, future::join};
use realtime::{
    Error,
    connection::{Notice, Update},
    live::{
        Live, LiveNotice,
        event::{SessionClose, SessionInputAudioAppend, SessionStart},
        types::CloseReason,
    },
    mock::MockSession,
    transport::Timer,
};

use crate::support::{closed, service, started};

#[test]
fn what_was_pushed_at_once_arrives_in_real_time_and_silence_where_nothing_was_pushed() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<Live> = server.accept_as().await;
        session.expect::<SessionStart>().await;
        session.send(started("live_1"));
        let begun = server.clock().now();
        let mut heard = Vec::new();
        let mut arrived = Vec::new();
        while heard.len() < 48_000 {
            let append: SessionInputAudioAppend = session.expect().await;
            arrived.push(server.clock().now() - begun);
            heard.extend_from_slice(&append.audio);
        }
        // A second of audio, 25 pieces: each 40 ms after the one before.
        let expected: Vec<_> = (0..25).map(|n| Duration::from_millis(40 * n)).collect();
        assert_eq!(arrived, expected);
        assert!(heard[..24_000].iter().all(|byte| *byte == 7) && heard[24_000..].iter().all(|byte| *byte == 0));
        // Silence goes on, until the end.
        session.until::<SessionClose>().await;
        session.send(closed("live_1", CloseReason::CloseRequested));
        session.closed().await;
    };
    let talk = client.live().model("gpt-live-1").run(async |live| {
        let feeder = live.session().input_audio().feeder();
        feeder.push(&[7; 24_000]).unwrap();
        assert_eq!(feeder.status().queued, Duration::from_millis(500));
        feeder.drained().await?;
        let read = Box::pin(async { while live.next().await.is_some() {} });
        futures::future::select(server.clock().sleep(Duration::from_secs(1)), read).await;
        let status = feeder.status();
        assert_eq!((status.sent, status.skipped), (Duration::from_millis(500), Duration::ZERO));
        assert!(status.silence >= Duration::from_millis(500));
        Ok::<_, Error>(())
    });
    let (result, ()) = server.clock().block_on(join(talk, script));
    result.unwrap();
}

#[test]
fn a_feeder_that_nobody_drove_says_how_far_it_fell_behind_and_loses_no_audio() {
    let (client, server) = service();
    let script = async {
        let session: MockSession<Live> = server.accept_as().await;
        session.expect::<SessionStart>().await;
        session.send(started("live_1"));
        let mut given = 0;
        while given < 9_600 {
            let append: SessionInputAudioAppend = session.expect().await;
            given += append.audio.iter().filter(|byte| **byte == 7).count();
        }
        session.until::<SessionClose>().await;
        session.send(closed("live_1", CloseReason::CloseRequested));
        session.closed().await;
        given
    };
    let talk = client.live().model("gpt-live-1").run(async |live| {
        let feeder = live.session().input_audio().feeder();
        feeder.push(&[7; 9_600]).unwrap();
        // The application does something else for five seconds.
        server.clock().sleep(Duration::from_secs(5)).await;
        let mut updates = live.updates();
        let by = loop {
            if let Some(Update::Notice(Notice::Protocol(LiveNotice::FellBehind { by }))) =
                updates.next().await.transpose()?
            {
                break by;
            }
        };
        assert_eq!((by, feeder.status().skipped), (Duration::from_secs(5), Duration::from_secs(5)));
        feeder.drained().await?;
        assert_eq!(feeder.clear(), Duration::ZERO);
        Ok::<_, Error>(())
    });
    let (result, given) = server.clock().block_on(join(talk, script));
    result.unwrap();
    assert_eq!(given, 9_600);
}
