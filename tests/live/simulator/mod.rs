//! The simulated service's Live sessions, in virtual time, with the whole client.

mod sideband;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, StreamExt, future::select};
use realtime::{
    Client, Connection, Error, ErrorKind,
    connection::{Notice, Reconnect, Update},
    live::{
        Live, LiveKind, Task,
        event::{ServerEvent, SessionDelegationCreated},
        state::{CallOutput, DelegationStatus, FixtureState, LivePhase, LiveState, Speaker},
        types::{
            Answer, AudioConfig, Choice, ChoiceOption, ClientDelegation, CloseReason, DecisionTrigger, DecisionsConfig,
            DecisionsDelegation, Delegation, DtmfKey, ForkConfig, MediaSessionConfig, Message, Predicate,
            PredicateAnswer, Question, ResponsesConfig, ResponsesDelegation, SessionConfig, Trigger, TriggerQuestions,
            UpdateConfig,
        },
    },
    mock::{Fault, FaultPlan, FaultTrigger, Faults, Reaction, Reply, Simulator, VirtualClock},
    tools::Tools,
    transport::{Timer, TransportErrorKind},
    types::AudioFormat,
};
use serde_json::{Value, json};

/// A client of the simulator, and its clock.
fn client(simulator: &Simulator) -> (Client, VirtualClock) {
    let clock = VirtualClock::new();
    (Client::builder(simulator.transport(&clock)).build(), clock)
}

/// So much of a tone, which counts as speech, in 24,000 Hz PCM.
fn tone(ms: usize) -> Vec<u8> {
    let sample = |at: usize| ((at as f64 / 24_000.0 * 440.0 * std::f64::consts::TAU).sin() * 9_000.0) as i16;
    (0..24 * ms).flat_map(|at| sample(at).to_le_bytes()).collect()
}

/// Reads events for so long.
async fn read_for<P: LiveKind>(live: &Connection<P>, clock: &VirtualClock, time: Duration) {
    let read = async { while live.next().await.is_some() {} };
    select(clock.sleep(time), read.boxed_local()).await;
}

/// Reads until the state is as wanted, or a minute is over.
async fn read_until<P: LiveKind>(live: &Connection<P>, clock: &VirtualClock, done: impl Fn(&LiveState) -> bool) {
    let read = async {
        while !done(&live.state()) {
            live.next().await.expect("the session goes on").expect("an event");
        }
    };
    let late = clock.sleep(Duration::from_secs(60));
    match select(read.boxed_local(), late).await {
        futures::future::Either::Left(_) => {}
        futures::future::Either::Right(_) => panic!("it never came to that: {:#?}", live.state()),
    }
}

fn said(state: &LiveState) -> Vec<(Speaker, String)> {
    state.turns().map(|turn| (turn.speaker, turn.text.to_string())).collect()
}

#[test]
fn what_the_user_says_is_heard_answered_and_billed_and_silence_fills_the_stream() {
    let simulator = Simulator::new().transcribe(|_| "Good morning there");
    let (client, clock) = client(&simulator);
    let audio = Arc::new(AtomicUsize::new(0));
    let talk = client.live().model("gpt-live-1").run_to_end(async |live| {
        let count = audio.clone();
        live.on(move |delta: &realtime::live::event::SessionOutputAudioDelta| {
            count.fetch_add(delta.delta.len(), Ordering::Relaxed);
        });
        let feeder = live.session().input_audio().feeder();
        feeder.push(&tone(900)).unwrap();
        read_for(live, &clock, Duration::from_secs(20)).await;
        Ok::<_, Error>(live.state())
    });
    let ran = clock.block_on(talk).unwrap();
    ran.end.unwrap();
    let state = ran.value;
    assert_eq!(state.input_transcript, "Good morning there");
    assert_eq!(state.output_transcript, "You said: Good morning there");
    assert_eq!(said(&state).len(), 2);
    // Twenty seconds of output, less what is on its way: silence fills the stream.
    let ms = audio.load(Ordering::Relaxed) / 48;
    assert!((19_700..=20_000).contains(&ms), "{ms}");
    assert_eq!(state.usage.as_ref().unwrap().to_value(), json!({ "seconds": 15 }));
}

#[test]
fn without_input_nothing_moves() {
    let (client, clock) = client(&Simulator::new());
    let talk = client.live().model("gpt-live-1").run(async |live| {
        let ack = live.session().commentary().append("Hello.")?;
        let error = ack.await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unanswered(_)), "{error:?}");
        assert_eq!(live.state().audio.output.events, 0);
        Ok::<_, Error>(())
    });
    clock.block_on(talk).unwrap();
}

#[test]
fn a_task_of_the_applications_is_answered_and_the_answer_is_spoken() {
    let simulator = Simulator::new().transcribe(|_| "Is it ready?");
    let (client, clock) = client(&simulator);
    let connect = client.live().model("gpt-live-1").delegation(ClientDelegation::default());
    let talk = connect.run(async |live| {
        live.on_delegation(async |task: Task<Live>| {
            task.thinking("Order 7 is the user's.")?.await?;
            let asked = task.state().turns().next().map(|turn| turn.text.to_string());
            Ok::<_, Error>(format!("About {asked:?}: it is ready."))
        });
        let feeder = live.session().input_audio().feeder();
        feeder.push(&tone(500)).unwrap();
        read_until(live, &clock, |state| state.output_transcript.ends_with("it is ready.")).await;
        let state = live.state();
        let task = state.delegations().next().unwrap();
        assert_eq!(state.delegation_status(task), DelegationStatus::Answered);
        assert!(state.output_transcript.starts_with("Let me check."));
        Ok::<_, Error>(())
    });
    clock.block_on(talk).unwrap();
}

#[test]
fn the_backend_calls_functions_of_the_application_and_goes_on_with_their_outputs() {
    let simulator = Simulator::new().transcribe(|_| "Weather in Porto and Faro?").answer(|turn| match turn.output() {
        None => Reply::call("weather", r#"{"city":"Porto"}"#)
            .and(Reply::call("weather", r#"{"city":"Faro"}"#))
            .interleaved(),
        Some((_, output)) => Reply::text(format!("It is {output} there.")),
    });
    let (client, clock) = client(&simulator);
    let backend = ResponsesDelegation::new(ResponsesConfig::new("gpt-5.4-mini"));
    let talk = client.live().model("gpt-live-1").delegation(backend).run(async |live| {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let list = asked.clone();
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        let tools = Tools::new().add_raw("weather", "The weather.", schema.into(), async move |place: Value| {
            list.lock().unwrap().push(place["city"].as_str().unwrap_or_default().to_owned());
            "sunny"
        });
        live.use_tools(tools)?.await?;
        let told = live.state().session().unwrap().json().to_value();
        assert_eq!(told["delegation"]["responses"]["tools"][0]["name"], "weather");
        let feeder = live.session().input_audio().feeder();
        feeder.push(&tone(500)).unwrap();
        read_until(live, &clock, |state| state.output_transcript.ends_with("It is sunny there.")).await;
        let state = live.state();
        assert_eq!(asked.lock().unwrap().len(), 2);
        assert_eq!(state.continues(), (1, 0));
        assert!(state.calls().all(|call| call.output == CallOutput::Continued) && state.calls().count() == 2);
        assert_eq!(state.responses().count(), 2);
        assert!(state.errors.is_empty(), "{:?}", state.errors);

        // Typed work has no task of its own.
        live.response().item().create(Message::user("And tomorrow?"))?;
        live.response().create()?;
        read_until(live, &clock, |state| state.responses().count() == 4).await;
        assert_eq!(live.state().responses().nth(2).unwrap().delegation_id, None);
        Ok::<_, Error>(())
    });
    clock.block_on(talk).unwrap();
}

#[test]
fn the_rules_of_the_backend_are_those_of_the_service() {
    let simulator = Simulator::new().answer(|turn| match turn.output() {
        None => Reply::call("a", "{}").and(Reply::call("b", "{}")),
        Some(_) => Reply::text("Fine."),
    });
    let (client, clock) = client(&simulator);
    let backend = ResponsesDelegation::new(ResponsesConfig::new("m"));
    let talk = client.live().model("gpt-live-1").delegation(backend).run(async |live| {
        let complaint = async |n: usize| {
            read_until(live, &clock, |state| state.errors.len() == n).await;
            live.state().errors[n - 1].error.message.clone()
        };
        live.response().create()?;
        assert_eq!(complaint(1).await, "There is nothing to respond to.");
        live.response().item().create(Message::user("Go."))?;
        live.response().create()?;
        read_until(live, &clock, |state| state.responses().count() == 1 && state.calls().count() == 2).await;
        let ids: Vec<_> = live.state().calls().map(|call| call.call_id.clone()).collect();
        let output = |id: &realtime::Id| realtime::live::types::FunctionCallOutput::new(id, "1");
        read_for(live, &clock, Duration::from_secs(1)).await;
        live.response().item().create(output(&ids[0]))?;
        live.response().create()?;
        assert_eq!(complaint(2).await, "Not all function calls have an output yet.");
        live.response().item().create(output(&ids[0]))?;
        assert!(complaint(3).await.starts_with("No function call"));
        live.session().commentary().append_to("item_x", "x")?;
        live.response().item().create(output(&ids[1]))?;
        live.response().create()?;
        read_until(live, &clock, |state| state.responses().count() == 2).await;
        assert_eq!(live.state().errors.len(), 4);
        Ok::<_, Error>(())
    });
    clock.block_on(talk).unwrap();
}

fn questions() -> Vec<Question> {
    vec![
        Predicate::new("Does the user want a person?").name("human").into(),
        Choice::new([ChoiceOption::new(true), ChoiceOption::new("sale")], "What is it about?").name("topic").into(),
    ]
}

#[test]
fn decisions_are_made_for_a_task_for_a_trigger_and_on_request() {
    let simulator = Simulator::new().transcribe(|_| "A person please").decide(|question, heard| match question {
        Question::Predicate(_) => Some(PredicateAnswer::new(if heard.contains("person") { 0.97 } else { 0.01 }).into()),
        _ => None::<Answer>,
    });
    let (client, clock) = client(&simulator);
    let decisions = DecisionsDelegation::new(DecisionsConfig::new("gpt-5.4-nano", questions()));
    let trigger = DecisionTrigger::new("session.output_transcript.delta", TriggerQuestions::new(questions()));
    let config =
        SessionConfig::new("gpt-live-1").delegation(Delegation::from(decisions)).triggers([Trigger::from(trigger)]);
    let talk = client.live().session(config).run(async |live| {
        let feeder = live.session().input_audio().feeder();
        feeder.push(&tone(500)).unwrap();
        read_until(live, &clock, |state| state.output_transcript.ends_with("check.")).await;
        let state = live.state();
        let decision = &state.decisions().next().unwrap().decision;
        assert_eq!((decision.predicate("human"), decision.choice("topic")), (Some(0.97), Some(&true.into())));
        let task = state.delegations().next().unwrap();
        assert_eq!(state.delegation_status(task), DelegationStatus::Decided);
        let triggered = state.decisions().filter(|decision| decision.trigger_id.is_some()).count();
        // "Let me check." has three words.
        assert_eq!((state.decisions().count(), triggered), (4, 3));

        let item = live.decision().item().create(Message::user("A note"))?.await?;
        let asked = live.decision().create()?.await?;
        assert_eq!(asked.event.decision.predicate("human"), Some(0.97));
        live.decision().item().delete(item.item.id())?.await?;
        let refused = live.decision().item().delete(item.item.id())?.await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Request(_)));
        // Triggers can be turned off.
        live.session().update(UpdateConfig::default().triggers(Vec::<Trigger>::new()))?.await?;
        Ok::<_, Error>(())
    });
    clock.block_on(talk).unwrap();
}

#[test]
fn a_clip_interrupts_the_voice_keeps_context_out_and_is_played_to_its_end() {
    let (client, clock) = client(&Simulator::new());
    let talk = client.live().model("gpt-live-1").run(async |live| {
        let feeder = live.session().input_audio().feeder();
        let begun = clock.now();
        let clip = live.session().output_audio().fixture().play(tone(1_000))?;
        let second = live.session().output_audio().fixture().play(tone(100))?;
        let context = live.session().commentary().append("Hello.")?;
        live.session().input_audio().mute()?.await?;
        for (refused, words) in [
            (second.await.unwrap_err(), "An audio fixture is already active."),
            (context.await.unwrap_err(), "Context cannot be appended while an audio fixture is active."),
        ] {
            let ErrorKind::Request(error) = refused.kind() else { panic!("{refused:?}") };
            assert_eq!(error.error.message, words);
        }
        clip.played().await?;
        let waited = (clock.now() - begun).as_millis();
        // The last piece leaves the mixer as soon as the input of its time is there.
        assert!((900..1_200).contains(&waited), "{waited}");
        live.session().input_audio().unmute()?.await?;
        live.session().commentary().append("Hello.")?.await?;
        let odd = live.session().output_audio().fixture().play(vec![0; 7])?.await.unwrap_err();
        let ErrorKind::Request(error) = odd.kind() else { panic!("{odd:?}") };
        assert_eq!(error.error.code.as_deref(), Some("invalid_audio"));
        let states: Vec<_> = live.state().fixtures().map(|clip| clip.state).collect();
        assert_eq!(states, [FixtureState::Played, FixtureState::Refused, FixtureState::Refused]);
        drop(feeder);
        Ok::<_, Error>(())
    });
    clock.block_on(talk).unwrap();
}

#[test]
fn only_delegation_and_triggers_change_after_the_start() {
    let (client, clock) = client(&Simulator::new());
    let connect = client.live().model("gpt-live-1").delegation(ClientDelegation::default());
    let talk = connect.run(async |live| {
        let decisions = realtime::live::types::DecisionsDelegationUpdate::default();
        let config = UpdateConfig::default().delegation(realtime::live::types::DelegationUpdate::from(decisions));
        let refused = live.session().update(config)?.await.unwrap_err();
        let ErrorKind::Request(error) = refused.kind() else { panic!("{refused:?}") };
        assert_eq!(error.error.code.as_deref(), Some("immutable_field_update"));
        assert_eq!(error.error.param.as_deref(), Some("session.delegation.type"));
        let delay = ClientDelegation::default().acknowledgement_delay_ms(300);
        let config = UpdateConfig::default().delegation(realtime::live::types::DelegationUpdate::from(delay));
        let updated = live.session().update(config)?.await?;
        assert_eq!(updated.session.json().to_value()["delegation"]["acknowledgement_delay_ms"], 300);
        for (session, code, param) in [
            (json!({"model": "other"}), "immutable_field_update", "session.model"),
            (json!({"voice": "other"}), "unknown_parameter", "session.voice"),
        ] {
            let raw = json!({"type": "session.update", "event_id": param, "session": session});
            live.send(realtime::event::Custom::new(raw.into()).unwrap())?;
            read_until(live, &clock, |state| {
                state.errors.back().is_some_and(|error| error.error.param.as_deref() == Some(param))
            })
            .await;
            assert_eq!(live.state().errors.back().unwrap().error.code.as_deref(), Some(code));
        }
        Ok::<_, Error>(())
    });
    clock.block_on(talk).unwrap();
}

#[test]
fn a_start_with_what_is_not_known_is_refused_and_leaves_no_session() {
    let (client, clock) = client(&Simulator::new().model("gpt-live-1"));
    let error = clock.block_on(client.live().model("gpt-live-9").connect()).unwrap_err();
    let ErrorKind::Refused(refused) = error.kind() else { panic!("{error:?}") };
    assert_eq!(refused.error.as_ref().unwrap().error.code.as_deref(), Some("model_not_found"));
    for id in ["live_x", "live/y"] {
        let error = clock.block_on(client.live().attach(id).connect()).unwrap_err();
        assert!(format!("{error:?}").contains("404"), "{error:?}");
        assert!(clock.block_on(client.live().fork(id).connect()).is_err());
    }
}

#[test]
fn context_that_the_end_overtakes_is_told_of_and_the_end_is_confirmed() {
    let (client, clock) = client(&Simulator::new());
    let talk = client.live().model("gpt-live-1").run_to_end(async |live| {
        let ack = live.session().instructions().append("Be brief.")?;
        live.finish().await?;
        assert!(matches!(ack.await.unwrap_err().kind(), ErrorKind::Ambiguous));
        Ok::<_, Error>(live.state())
    });
    let ran = clock.block_on(talk).unwrap();
    let state = ran.value;
    assert_eq!(state.errors.back().unwrap().error.code.as_deref(), Some("context_injection_incomplete"));
    let ending = state.ending.as_ref().unwrap();
    assert_eq!((ending.confirmed, ending.reason.clone()), (true, Some(CloseReason::CloseRequested)));
}

#[test]
fn a_session_ends_by_itself_when_its_time_is_over() {
    let simulator = Simulator::new().max_duration(Duration::from_secs(30));
    let (client, clock) = client(&simulator);
    let talk = async {
        let live = client.live().model("gpt-live-1").connect().await.unwrap();
        let _feeder = live.session().input_audio().feeder();
        while let Some(event) = live.next().await {
            event.unwrap();
        }
        live.state()
    };
    let state = clock.block_on(talk);
    assert_eq!(state.ending.as_ref().unwrap().reason, Some(CloseReason::Expired));
    assert_eq!(state.audio.output.events, 300);
}

#[test]
fn an_instruction_makes_the_voice_greet_and_the_user_interrupts_it() {
    let simulator = Simulator::new().transcribe(|_| "Stop").voice(|cue| match cue.is_instruction() {
        true => Reaction::say("One two three four five six seven eight nine ten"),
        false => Reaction::silence(),
    });
    let (client, clock) = client(&simulator);
    let talk = client.live().model("gpt-live-1").run(async |live| {
        let feeder = live.session().input_audio().feeder();
        live.session().instructions().append("Greet the caller.")?.await?;
        read_until(live, &clock, |state| state.output_transcript.ends_with("three")).await;
        feeder.push(&tone(600)).unwrap();
        read_until(live, &clock, |state| state.input_transcript == "Stop").await;
        read_for(live, &clock, Duration::from_secs(5)).await;
        assert!(!live.state().output_transcript.contains("six"), "{}", live.state().output_transcript);
        Ok::<_, Error>(())
    });
    clock.block_on(talk).unwrap();
}

#[test]
fn a_delegation_without_a_handler_waits() {
    let simulator = Simulator::new().transcribe(|_| "Hm").voice(|_| Reaction::delegate());
    let (client, clock) = client(&simulator);
    let talk = client.live().model("gpt-live-1").run(async |live| {
        let seen = Arc::new(AtomicUsize::new(0));
        let count = seen.clone();
        live.on(move |_: &SessionDelegationCreated| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let feeder = live.session().input_audio().feeder();
        feeder.push(&tone(500)).unwrap();
        read_for(live, &clock, Duration::from_secs(5)).await;
        let state = live.state();
        assert_eq!(state.delegation_status(state.delegations().next().unwrap()), DelegationStatus::Open);
        assert_eq!(seen.load(Ordering::Relaxed), 1);
        Ok::<_, Error>(())
    });
    clock.block_on(talk).unwrap();
}
