//! Faults and cassettes around the simulated service's Live sessions.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use realtime::{
    Client, Connection, Error,
    connection::{Notice, Reconnect, Update},
    live::{Live, types::SessionConfig},
    mock::{Cassette, Fault, FaultPlan, FaultTrigger, Faults, Recorder, Simulator, Tape, VirtualClock},
    transport::{Transport, TransportErrorKind},
};

/// A few words, and two seconds of what comes of them.
async fn converse(transport: impl Transport, clock: &VirtualClock) -> Result<String, Error> {
    let client = Client::builder(transport).api_key("sk-0123456789abcdef").build();
    client
        .live()
        .model("gpt-live-1")
        .run(async |live: &Connection<Live>| {
            live.session().input_audio().append(&[0; 48_000])?;
            live.session().commentary().append("Good morning.")?.await?;
            let read = async { while live.next().await.is_some() {} };
            futures::future::select(clock.sleep(Duration::from_secs(2)), read.boxed_local()).await;
            Ok(live.state().output_transcript.clone())
        })
        .await
}

#[test]
fn a_session_is_recorded_without_its_secrets_and_played_again() {
    let (clock, tape) = (VirtualClock::new(), Tape::new());
    let recorder = Recorder::new(Simulator::new().transport(&clock), tape.clone());
    let said = clock.block_on(converse(recorder, &clock)).unwrap();
    assert_eq!(said, "Good morning.");
    let cassette = tape.cassette().unwrap();
    let mut text = Vec::new();
    cassette.write(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("sk-0123456789abcdef"));
    let cassette: Cassette = text.parse().unwrap();
    let clock = VirtualClock::new();
    let replay = cassette.replay().paced(true).transport(&clock);
    assert_eq!(clock.block_on(converse(replay.clone(), &clock)).unwrap(), said);
    assert_eq!(replay.mismatch(), None);
}

#[test]
fn a_primary_whose_link_breaks_goes_on_in_another_session_that_knows_what_was_said() {
    for forked in [false, true] {
        let simulator = Simulator::new();
        let clock = VirtualClock::new();
        let faults = Faults::new(simulator.transport(&clock), |connection| match connection {
            1 => FaultPlan::new().at(FaultTrigger::After(Duration::from_secs(5)), Fault::Break(TransportErrorKind::Io)),
            _ => FaultPlan::new(),
        });
        let client = Client::builder(faults).reconnect(Reconnect::default()).build();
        let config = SessionConfig::new("gpt-live-1").store(forked);
        let after = if forked { realtime::live::AfterLoss::Fork } else { realtime::live::AfterLoss::Begin };
        let talk = client.live().session(config).after_loss(after).run_to_end(async |live| {
            let first = live.state().session_id().cloned();
            let _feeder = live.session().input_audio().feeder();
            live.session().commentary().append("Good morning.")?.await?;
            let mut updates = live.updates();
            loop {
                if let Update::Notice(Notice::Reconnected(_)) = updates.next().await.expect("it goes on")? {
                    break;
                }
            }
            live.session().commentary().append("Again.")?.await?;
            let state = live.state();
            assert_ne!(state.session_id(), first.as_ref());
            let told = state.session().unwrap().json().to_value();
            assert_eq!(told["input"][0]["content"][0]["text"], "Good morning.", "{told}");
            Ok::<_, Error>(())
        });
        let ran = clock.block_on(talk).unwrap();
        ran.end.unwrap();
        assert_eq!(simulator.sessions().len(), 2);
        let path = simulator.sessions()[1].handshake().uri.path().to_owned();
        assert_eq!(path.ends_with("/fork"), forked, "{path}");
    }
}

#[test]
fn an_end_that_the_link_swallows_is_unconfirmed() {
    let simulator = Simulator::new();
    let clock = VirtualClock::new();
    let faults = Faults::new(simulator.transport(&clock), |_| {
        FaultPlan::new().at(FaultTrigger::After(Duration::from_millis(300)), Fault::Break(TransportErrorKind::Io))
    });
    let client = Client::builder(faults).build();
    let talk = client.live().model("gpt-live-1").run_to_end(async |live| {
        clock.sleep(Duration::from_millis(200)).await;
        Ok::<_, Error>(live.finish().await)
    });
    let ran = clock.block_on(talk).unwrap();
    let error = ran.value.unwrap_err();
    assert!(matches!(error.kind(), realtime::ErrorKind::Unconfirmed), "{error:?}");
}
