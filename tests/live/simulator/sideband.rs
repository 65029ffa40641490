//! Sidebands, forks, and sessions that several connections share.

use super::*;

#[test]
fn a_sideband_of_a_phone_call_sees_keys_sound_and_the_end_and_steers() {
    let simulator = Simulator::new();
    let (client, clock) = client(&simulator);
    let config = MediaSessionConfig::new("gpt-live-1").delegation(Delegation::from(ClientDelegation::default()));
    let call = simulator.phone_session(config, &clock);
    let talk = client.live().attach(call.id()).run_to_end(async |live| {
        live.on_delegation(async |_: Task<realtime::LiveSideband>| "Order 7 is ready.");
        call.ring();
        call.answer();
        live.transport().dtmf().send(DtmfKey::Five)?.await?;
        let refused = live.transport().dtmf().send("X")?.await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Request(_)));
        call.press(DtmfKey::Pound);
        call.say("Is my order ready?");
        read_until(live, &clock, |state| state.output_transcript.ends_with("is ready.")).await;
        call.hang_up();
        while live.next().await.transpose()?.is_some() {}
        Ok::<_, Error>(live.state())
    });
    let ran = clock.block_on(talk).unwrap();
    let state = ran.value;
    assert_eq!((&*state.keys.sent, &*state.keys.received), ("5", "#"));
    assert_eq!(state.ending.as_ref().unwrap().reason, Some(CloseReason::RemoteHangup));
    assert_eq!(state.phase, LivePhase::Closed);
    assert!(state.audio.reflected_input.events > 0 && state.audio.output.events > 0);
    assert_eq!(state.output_gaps_ms().count(), 0);
    assert_eq!(state.input_transcript, "Is my order ready?");
}

#[test]
fn a_sideband_that_attaches_again_is_told_the_last_three_seconds_again_and_tells_them_once() {
    let simulator = Simulator::new();
    let clock = VirtualClock::new();
    let call = simulator.phone_session(MediaSessionConfig::new("gpt-live-1"), &clock);
    let faults = Faults::new(simulator.transport(&clock), |connection| match connection {
        1 => FaultPlan::new().at(FaultTrigger::Read(30), Fault::Break(TransportErrorKind::Io)),
        _ => FaultPlan::new(),
    });
    let client = Client::builder(faults).reconnect(Reconnect::default()).build();
    let talk = client.live().attach(call.id()).run(async |live| {
        call.say("One two three four");
        let mut heard = Vec::new();
        let mut updates = live.updates();
        let (mut reconnected, mut more) = (0, false);
        while heard.len() < 9 {
            match updates.next().await.unwrap()? {
                Update::Event(ServerEvent::SessionInputTranscriptDelta(delta)) => heard.push(delta.delta.to_string()),
                Update::Notice(Notice::Reconnected(_)) => reconnected += 1,
                _ => {}
            }
            if reconnected == 1 && !more {
                more = true;
                call.say("five six seven eight nine");
            }
        }
        assert_eq!(heard.concat(), "One two three fourfive six seven eight nine");
        assert_eq!(reconnected, 1);
        assert!(live.state().duplicates > 0);
        Ok::<_, Error>(())
    });
    clock.block_on(talk).unwrap();
}

#[test]
fn a_session_of_a_browser_pauses_when_nobody_speaks_and_only_sidebands_are_told() {
    let simulator = Simulator::new();
    let (client, clock) = client(&simulator);
    let config = MediaSessionConfig::new("gpt-live-1").idle_timeout_s(10_u32);
    let call = simulator.browser_session(config, &clock);
    let talk = client.live().attach(call.id()).run(async |live| {
        read_until(live, &clock, |state| state.paused).await;
        read_for(live, &clock, Duration::from_secs(7)).await;
        call.say("Hello?");
        read_until(live, &clock, |state| !state.paused).await;
        read_until(live, &clock, |state| {
            let usage = state.usage.as_ref().map(|usage| usage.to_value()).unwrap_or_default();
            usage["paused_seconds"].as_f64().unwrap_or_default() > 0.0
                && usage["active_seconds"].as_f64().unwrap() + usage["paused_seconds"].as_f64().unwrap()
                    == usage["seconds"].as_f64().unwrap()
        })
        .await;
        let refused = live.transport().dtmf().send(DtmfKey::One)?.await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Request(_)), "a browser has no keys");
        Ok::<_, Error>(())
    });
    clock.block_on(talk).unwrap();
}

#[test]
fn a_stored_session_is_forked_with_what_was_said_and_an_open_or_unstored_one_is_not() {
    let simulator = Simulator::new().transcribe(|_| "My name is Ana");
    let (client, clock) = client(&simulator);
    let mut ids = Vec::new();
    for store in [true, false] {
        let config = SessionConfig::new("gpt-live-1")
            .store(store)
            .audio(AudioConfig::default().format(AudioFormat::Pcm { rate: 16_000 }));
        let talk = client.live().session(config).run(async |live| {
            let feeder = live.session().input_audio().feeder();
            feeder.push(&tone(600)).unwrap();
            read_until(live, &clock, |state| state.output_transcript.ends_with("Ana")).await;
            let id = live.state().session_id().cloned().unwrap();
            assert!(client.live().fork(id.as_str()).connect().await.is_err(), "it is open");
            Ok::<_, Error>(id)
        });
        ids.push(clock.block_on(talk).unwrap());
    }
    assert!(clock.block_on(client.live().fork(ids[1].as_str()).connect()).is_err(), "it was not stored");
    let fork = client.live().fork(ids[0].as_str()).config(ForkConfig::default().store(false));
    let talk = fork.run(async |live| {
        let session = live.state().session().unwrap().json().to_value();
        assert_eq!(session["input"][0]["content"][0]["text"], "My name is Ana");
        assert_eq!(session["audio"]["format"]["rate"], 24_000);
        assert_eq!(session["store"], false);
        assert_ne!(session["id"].as_str(), Some(ids[0].as_str()));
        Ok::<_, Error>(())
    });
    clock.block_on(talk).unwrap();
}

#[test]
fn a_primary_that_is_gone_ends_the_session_and_its_sidebands_are_told() {
    let (client, clock) = client(&Simulator::new());
    let talk = async {
        let live = client.live().model("gpt-live-1").connect().await.unwrap();
        let id = live.state().session_id().cloned().unwrap();
        let sideband = client.live().attach(id).connect().await.unwrap();
        drop(live.session().input_audio().append(&tone(100)));
        live.flush().await.unwrap();
        read_for(&sideband, &clock, Duration::from_secs(1)).await;
        assert_eq!(sideband.state().audio.reflected_input.bytes, 4_800);
        drop(live);
        while let Some(event) = sideband.next().await {
            event.unwrap();
        }
        sideband.state()
    };
    let state = clock.block_on(talk);
    assert_eq!(state.ending.as_ref().unwrap().reason, Some(CloseReason::ConnectionLost));
}
