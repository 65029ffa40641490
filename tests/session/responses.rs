use std::time::Duration;

use futures::{FutureExt, StreamExt, TryStreamExt, future::join};
use realtime::{
    Client, Connection, Error, ErrorKind, Options, Overlap, Realtime, RealtimeSettings,
    connection::{CheckError, Notice, Update},
    event::{ConversationItemCreate, Event, ResponseCancel, ResponseCreate, ServerEvent},
    mock::{MockSession, SimulatedTurn, Simulator, VirtualClock},
    types::{ConversationChoice, Modality, RealtimeSessionConfig, ResponseConfig, ResponseStatus},
};
use serde_json::json;

use crate::{open, open_with};

/// The service's frames for one answer in writing.
fn begin(session: &MockSession, id: &str, metadata: serde_json::Value, out_of_band: bool) {
    let conversation = if out_of_band { json!(null) } else { json!("conv_1") };
    let response = json!({
        "id": id, "status": "in_progress", "conversation_id": conversation, "metadata": metadata, "output": [],
    });
    session.send_raw(json!({ "type": "response.created", "response": response }).to_string());
}

fn text(session: &MockSession, id: &str, delta: &str) {
    let delta = json!({
        "type": "response.output_text.delta", "response_id": id, "item_id": format!("item_{id}"),
        "output_index": 0, "content_index": 0, "delta": delta,
    });
    session.send_raw(delta.to_string());
}

fn end(session: &MockSession, id: &str, status: &str, metadata: serde_json::Value, out_of_band: bool) {
    let conversation = if out_of_band { json!(null) } else { json!("conv_1") };
    let response = json!({
        "id": id, "status": status, "conversation_id": conversation, "metadata": metadata, "output": [],
    });
    session.send_raw(json!({ "type": "response.done", "response": response }).to_string());
}

/// What the request wants handed back.
fn metadata(create: &ResponseCreate) -> serde_json::Value {
    let metadata = create.response.as_ref().and_then(|config| config.metadata.as_set());
    json!(metadata)
}

#[test]
fn a_response_is_streamed_and_awaited_without_next() {
    let (connection, session, server) = open(Options::default());
    let (said, ()) = server.clock().block_on(join(
        async {
            let mut response = connection.respond("hello").await.unwrap();
            let said: String = response.text().try_collect().await.unwrap();
            assert_eq!(response.id().unwrap(), "resp_1");
            assert_eq!(response.await.unwrap().status, Some(ResponseStatus::Completed));
            said
        },
        async {
            let item = session.expect::<ConversationItemCreate>().await;
            assert_eq!(item.item.as_message().unwrap().text(), "hello");
            let create = session.expect::<ResponseCreate>().await;
            begin(&session, "resp_1", metadata(&create), false);
            text(&session, "resp_1", "Hi ");
            text(&session, "resp_1", "there.");
            end(&session, "resp_1", "completed", metadata(&create), false);
        },
    ));
    assert_eq!(said, "Hi there.");
    // The events wait for whoever wants them.
    let mut kinds = Vec::new();
    while let Some(Some(Ok(event))) = connection.next().now_or_never() {
        kinds.push(event.kind().to_string());
    }
    let delta = "response.output_text.delta";
    assert_eq!(kinds, ["session.created", "response.created", delta, delta, "response.done"]);
}

#[test]
fn our_mark_is_hidden_and_the_users_metadata_is_not() {
    let (connection, session, server) = open(Options::default());
    let config = ResponseConfig::default().metadata(std::collections::BTreeMap::from([("topic".into(), "x".into())]));
    server.clock().block_on(join(
        async {
            let done = connection.response().create(config).unwrap().await.unwrap();
            assert_eq!(json!(done.metadata), json!({ "topic": "x" }));
        },
        async {
            let create = session.expect::<ResponseCreate>().await;
            assert_eq!(create.response.as_ref().unwrap().metadata.as_set().unwrap().len(), 2);
            begin(&session, "resp_1", metadata(&create), false);
            end(&session, "resp_1", "completed", metadata(&create), false);
        },
    ));
    while let Some(Some(Ok(event))) = connection.next().now_or_never() {
        if let ServerEvent::ResponseCreated(created) = event {
            assert_eq!(json!(created.response.metadata), json!({ "topic": "x" }));
        }
    }
}

#[test]
fn a_second_response_waits_for_the_first_and_a_third_is_refused() {
    let (connection, session, server) =
        open_with(Options::default(), RealtimeSettings::default().overlap(Overlap::One));
    server.clock().block_on(join(
        async {
            let first = connection.response().create(ResponseConfig::default()).unwrap();
            let second = connection.response().create(ResponseConfig::default()).unwrap();
            let third = connection.response().create(ResponseConfig::default()).unwrap_err();
            assert_eq!(third.kind(), CheckError::ResponseActive.into());
            // It is true whatever is in progress, and says what to set.
            assert_eq!(
                third.to_string(),
                "a response is in progress or requested, and `Connect::overlap` does not allow another to wait: await it, \
                 cancel it, or set `Overlap::Queue`"
            );
            connection.send(ResponseCancel::default().response_id("overtakes")).unwrap();
            let (first, second) = join(first, second).await;
            assert_eq!((first.unwrap().id.unwrap(), second.unwrap().id.unwrap()), ("resp_1".into(), "resp_2".into()));
        },
        async {
            let create = session.expect::<ResponseCreate>().await;
            // What follows a request that waits overtakes it.
            session.expect::<ResponseCancel>().await;
            begin(&session, "resp_1", metadata(&create), false);
            assert!(session.next().now_or_never().is_none());
            end(&session, "resp_1", "completed", metadata(&create), false);
            let create = session.expect::<ResponseCreate>().await;
            begin(&session, "resp_2", metadata(&create), false);
            end(&session, "resp_2", "completed", metadata(&create), false);
        },
    ));
}

#[test]
fn out_of_band_responses_run_in_parallel() {
    let mut settings = RealtimeSettings::default();
    settings.overlap = Overlap::Refuse;
    let (connection, session, server) = open_with(Options::default(), settings);
    let aside = || ResponseConfig::default().conversation(ConversationChoice::None);
    server.clock().block_on(join(
        async {
            let main = connection.response().create(ResponseConfig::default()).unwrap();
            let a = connection.response().create(aside()).unwrap();
            let b = connection.response().create(aside()).unwrap();
            let refused = connection.response().create(ResponseConfig::default()).unwrap_err();
            assert_eq!(refused.kind(), CheckError::ResponseActive.into());
            let (main, (a, b)) = join(main, join(a, b)).await;
            let id = |response: Result<realtime::types::Response, _>| response.unwrap().id.unwrap().to_string();
            assert_eq!([id(main), id(a), id(b)], ["resp_main", "resp_a", "resp_b"]);
        },
        async {
            let main = session.expect::<ResponseCreate>().await;
            let a = session.expect::<ResponseCreate>().await;
            let b = session.expect::<ResponseCreate>().await;
            // In another order than they were asked for.
            begin(&session, "resp_b", metadata(&b), true);
            begin(&session, "resp_main", metadata(&main), false);
            begin(&session, "resp_a", metadata(&a), true);
            end(&session, "resp_a", "completed", metadata(&a), true);
            end(&session, "resp_b", "completed", metadata(&b), true);
            end(&session, "resp_main", "completed", metadata(&main), false);
        },
    ));
}

#[test]
fn an_error_for_our_event_id_frees_the_scheduler() {
    let (connection, session, server) = open(Options::default());
    server.clock().block_on(join(
        async {
            let first = connection.response().create(ResponseConfig::default()).unwrap();
            let second = connection.response().create(ResponseConfig::default()).unwrap();
            let error = first.await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Request(error) if error.error.message == "no"), "{error}");
            second.await.unwrap();
        },
        async {
            let first = session.expect::<ResponseCreate>().await;
            let error = json!({ "message": "no", "event_id": first.event_id });
            session.send_raw(json!({ "type": "error", "error": error }).to_string());
            let second = session.expect::<ResponseCreate>().await;
            begin(&session, "resp_2", metadata(&second), false);
            end(&session, "resp_2", "failed", metadata(&second), false);
        },
    ));
}

#[test]
fn the_servers_own_response_answers_no_request_of_ours() {
    let (connection, session, server) = open(Options::default());
    let detecting = json!({
        "type": "session.updated",
        "session": { "type": "realtime", "audio": { "input": { "turn_detection": { "type": "server_vad" } } } },
    });
    session.send_raw(detecting.to_string());
    session.send_raw(r#"{"type":"input_audio_buffer.committed","item_id":"item_1","previous_item_id":null}"#);
    server.clock().block_on(async {
        while connection.state().input.committed == 0 {
            connection.next().await.unwrap().unwrap();
        }
        // The server is about to answer by itself, so ours waits.
        let ours = connection.response().create(ResponseConfig::default()).unwrap();
        join(async { assert_eq!(ours.await.unwrap().id.unwrap(), "resp_ours") }, async {
            assert!(session.next().now_or_never().is_none());
            begin(&session, "resp_servers", json!(null), false);
            end(&session, "resp_servers", "completed", json!(null), false);
            let create = session.expect::<ResponseCreate>().await;
            begin(&session, "resp_ours", metadata(&create), false);
            end(&session, "resp_ours", "completed", metadata(&create), false);
        })
        .await;
    });
}

#[test]
fn a_response_that_the_server_never_begins_by_itself_is_not_waited_for() {
    let (connection, session, server) = open(Options::default());
    let detecting = json!({
        "type": "session.updated",
        "session": { "type": "realtime", "audio": { "input": { "turn_detection": { "type": "semantic_vad" } } } },
    });
    session.send_raw(detecting.to_string());
    session.send_raw(r#"{"type":"input_audio_buffer.committed","item_id":"item_1"}"#);
    let clock = server.clock().clone();
    clock.block_on(async {
        while connection.state().input.committed == 0 {
            connection.next().await.unwrap().unwrap();
        }
        let ours = connection.response().create(ResponseConfig::default()).unwrap();
        join(async { assert_eq!(ours.await.unwrap().id.unwrap(), "resp_ours") }, async {
            let create = session.expect::<ResponseCreate>().await;
            begin(&session, "resp_ours", metadata(&create), false);
            end(&session, "resp_ours", "completed", metadata(&create), false);
        })
        .await;
    });
}

#[test]
fn any_number_of_responses_wait_for_their_turn_by_default() {
    let (connection, session, server) = open(Options::default());
    server.clock().block_on(join(
        async {
            let create = || connection.response().create(ResponseConfig::default()).unwrap();
            let [first, second, third] = [create(), create(), create()];
            let (first, (second, third)) = join(first, join(second, third)).await;
            let ids = [first, second, third].map(|response| response.unwrap().id.unwrap().to_string());
            assert_eq!(ids, ["resp_1", "resp_2", "resp_3"]);
        },
        async {
            for id in ["resp_1", "resp_2", "resp_3"] {
                let create = session.expect::<ResponseCreate>().await;
                begin(&session, id, metadata(&create), false);
                server.clock().sleep(Duration::from_millis(1)).await;
                assert!(session.next().now_or_never().is_none());
                end(&session, id, "completed", metadata(&create), false);
            }
        },
    ));
}

/// Four answers of 400 words, read by their handles: 5 MB of events each.
async fn long_answers(options: Options, clock: &VirtualClock) -> (Connection<Realtime>, Result<usize, Error>) {
    let words = vec!["word"; 400].join(" ");
    let simulator = Simulator::new().answer(move |_: &SimulatedTurn<'_>| words.clone());
    let client = Client::builder(simulator.transport(clock)).options(options).build();
    let connection = client.realtime().model("m").connect().await.unwrap();
    let read = async {
        let mut said = 0;
        for _ in 0..4 {
            let mut response = connection.respond("Go on.").await?;
            said += response.transcript().try_collect::<String>().await?.split_whitespace().count();
            response.await?;
        }
        Ok(said)
    };
    let said = read.await;
    (connection, said)
}

#[test]
fn who_uses_handles_alone_need_set_nothing_and_what_waits_for_nobody_stays_bounded() {
    for options in [Options::default(), Options::default().inbox_bytes(1 << 20)] {
        let clock = VirtualClock::new();
        let limit = options.inbox_bytes;
        let (connection, said) = clock.block_on(long_answers(options, &clock));
        assert_eq!(said.unwrap(), 1600);
        // The first who asks is told how many have gone, and gets the latest.
        let mut updates = connection.updates();
        let mut next = || updates.next().now_or_never().flatten().map(Result::unwrap);
        let Some(Update::Notice(Notice::Skipped { events })) = next() else { panic!("not told") };
        let mut waited = 0;
        let mut last = None;
        while let Some(update) = next() {
            if let Update::Event(event) = update {
                waited += event.encode().as_bytes().len();
                last = Some(event);
            }
        }
        assert!(events > 100 && waited <= limit + limit / 4, "{events} were dropped, {waited} bytes have waited");
        assert!(matches!(last, Some(ServerEvent::RateLimitsUpdated(_) | ServerEvent::ResponseDone(_))), "{last:?}");
    }
}

#[test]
fn once_events_are_read_a_full_inbox_loses_none_and_names_the_option() {
    let clock = VirtualClock::new();
    let options = Options::default().inbox_bytes(1 << 20);
    let words = vec!["word"; 400].join(" ");
    let simulator = Simulator::new().answer(move |_: &SimulatedTurn<'_>| words.clone());
    let client = Client::builder(simulator.transport(&clock)).options(options).build();
    clock.block_on(async {
        let connection = client.realtime().model("m").connect().await.unwrap();
        let mut events = Vec::new();
        let mut read = |connection: &Connection<Realtime>| {
            while let Some(event) = connection.next().now_or_never() {
                events.push(event.unwrap().unwrap());
            }
        };
        read(&connection);
        let mut response = connection.respond("Go on.").await.unwrap();
        let error = response.transcript().try_collect::<String>().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InboxFull), "{error}");
        assert!(error.to_string().contains("set `Options::unread` to `Unread::Discard`"), "{error}");
        let done = loop {
            match (&mut response).await {
                Ok(done) => break done,
                Err(error) => assert!(matches!(error.kind(), ErrorKind::InboxFull), "{error}"),
            }
            read(&connection);
        };
        assert_eq!(done.status, Some(ResponseStatus::Completed));
        read(&connection);
        let words: String = events
            .iter()
            .filter_map(|event| match event {
                ServerEvent::ResponseOutputAudioTranscriptDelta(delta) => Some(delta.delta.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(words.split_whitespace().count(), 400);
    });
}

#[test]
fn text_is_of_what_is_written_and_transcript_of_what_is_spoken() {
    for (modality, text, transcript) in [(Modality::Text, "Good morning.", ""), (Modality::Audio, "", "Good morning.")]
    {
        let clock = VirtualClock::new();
        let simulator = Simulator::new().answer(|_: &SimulatedTurn<'_>| "Good morning.");
        let client = Client::builder(simulator.transport(&clock)).build();
        let said = clock.block_on(client.realtime().model("m").run(async |connection| {
            drop(connection.session().update(RealtimeSessionConfig::default().output_modalities([modality]))?);
            let mut response = connection.respond("Hello.").await?;
            let text = response.text().try_collect::<String>().await?;
            let mut response = connection.respond("Hello.").await?;
            let transcript = response.transcript().try_collect::<String>().await?;
            Ok::<_, Error>((text, transcript))
        }));
        assert_eq!(said.unwrap(), (text.to_owned(), transcript.to_owned()));
    }
}
