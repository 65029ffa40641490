//! Short-lived keys: created, used, refused.

use std::time::Duration;

use realtime::{
    Client, Error, ErrorKind,
    auth::Credential,
    mock::{Simulator, VirtualClock},
    rest::{RestErrorKind, calls, client_secrets},
    types::{
        AudioConfig, AudioOutput, Item, Modality, RealtimeSessionConfig, ResponseConfig, SessionInfo, Transcription,
        TranscriptionSessionConfig,
    },
};

use crate::client;

fn with(simulator: &Simulator, clock: &VirtualClock, key: &str) -> Client {
    Client::builder(simulator.transport(clock)).credentials(Credential::ephemeral(key)).build()
}

fn code(error: &Error) -> Option<u16> {
    let ErrorKind::Refused(refused) = error.kind() else { return None };
    refused.close.as_ref().map(|close| close.code)
}

#[test]
fn a_key_opens_the_session_that_it_was_created_for() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new().key("sk-project-key");
    clock.block_on(async {
        let session = RealtimeSessionConfig::default()
            .model("gpt-realtime")
            .instructions("Be brief.")
            .output_modalities([Modality::Text]);
        let secret = client(&simulator, &clock).rest().client_secret(session).await.unwrap();
        assert!(secret.value.expose().starts_with("ek_"));
        assert!(matches!(&secret.session, Some(SessionInfo::Realtime(session)) if
            session.instructions.as_deref() == Some("Be brief.")));

        let browser = with(&simulator, &clock, secret.value.expose());
        let connection = browser.realtime().without_model().connect().await.unwrap();
        assert_eq!(simulator.sessions()[0].config()["instructions"], "Be brief.");
        drop(connection.conversation().item().create(Item::user("Hello")).unwrap());
        let response = connection.response().create(ResponseConfig::default()).unwrap().await.unwrap();
        assert_eq!(response.output_modalities, Some(vec![Modality::Text]));
        // A session goes on when its key expires; another one is not opened.
        clock.sleep(Duration::from_secs(600)).await;
        connection.flush().await.unwrap();
        let error = browser.realtime().without_model().connect().await.unwrap_err();
        assert_eq!(code(&error), Some(3000), "{error:?}");
        assert!(error.to_string().contains("expired"), "{error}");
        // Neither does it create a call any more.
        let error = browser.rest().send(&calls::Create::new("v=0\r\n")).await.unwrap_err();
        let answer = error.answer().unwrap();
        assert_eq!((answer.status().as_u16(), answer.code()), (401, Some("invalid_api_key")), "{error}");
        assert!(answer.message().unwrap().contains("expired"), "{error}");
    });
}

#[test]
fn a_key_opens_as_many_sessions_as_it_may() {
    let clock = VirtualClock::new();
    for (simulator, uses) in [(Simulator::new(), 20), (Simulator::new().secret_uses(1), 1)] {
        clock.block_on(async {
            let secret =
                client(&simulator, &clock).rest().client_secret(RealtimeSessionConfig::default()).await.unwrap();
            let browser = with(&simulator, &clock, secret.value.expose());
            let mut opened = 0;
            let error = loop {
                match browser.realtime().model("gpt-realtime").connect().await {
                    Ok(_) if opened == 19 => break None,
                    Ok(_) => opened += 1,
                    Err(error) => break Some(error),
                }
            };
            match error {
                None => assert_eq!(uses, 20),
                Some(error) => {
                    assert_eq!((opened, code(&error)), (uses, Some(3000)), "{error:?}");
                    assert!(error.to_string().contains("used already"), "{error}");
                    let error = browser.rest().send(&calls::Create::new("v=0\r\n")).await.unwrap_err();
                    let answer = error.answer().unwrap();
                    assert_eq!((answer.status().as_u16(), answer.code()), (401, Some("invalid_api_key")), "{error}");
                }
            }
        });
    }
}

#[test]
fn a_key_is_of_one_type_and_cannot_create_others() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new();
    clock.block_on(async {
        let rest = client(&simulator, &clock).rest();
        let session = client_secrets::TranslationSession::new("gpt-realtime-translate");
        let translation = rest.send(&client_secrets::CreateTranslation::new(session).expires_in(60)).await.unwrap();
        let interpreter = with(&simulator, &clock, translation.value.expose());
        interpreter.translation().model("gpt-realtime-translate").connect().await.unwrap();
        let error = interpreter.realtime().model("gpt-realtime").connect().await.unwrap_err();
        assert_eq!(code(&error), Some(3000), "{error:?}");

        let error = interpreter.rest().client_secret(RealtimeSessionConfig::default()).await.unwrap_err();
        let answer = error.answer().unwrap();
        assert_eq!((answer.status().as_u16(), answer.code()), (401, Some("invalid_api_key")), "{error}");
        assert!(answer.request_id().is_some_and(|id| id.starts_with("req_")));

        // What it transcribes with is said by the key, not by the client.
        let config = TranscriptionSessionConfig::default().transcription(Transcription::by("gpt-4o-transcribe"));
        let transcription = rest.client_secret(config).await.unwrap();
        let dictation = with(&simulator, &clock, transcription.value.expose());
        dictation.realtime().without_model().connect().await.unwrap();
        assert_eq!(simulator.sessions().last().unwrap().config()["type"], "transcription");
    });
}

#[test]
fn what_cannot_be_created_is_refused_with_the_member_at_fault() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new().key("sk-project-key").model("gpt-realtime");
    clock.block_on(async {
        let rest = client(&simulator, &clock).rest();
        let fast = AudioConfig::default().output(AudioOutput::default().speed(9.0));
        for (create, param) in [
            (client_secrets::Create::default().expires_in(9), "expires_after.seconds"),
            (client_secrets::Create::default().expires_in(7_201), "expires_after.seconds"),
            (RealtimeSessionConfig::default().model("gpt-other").into(), "session.model"),
            (RealtimeSessionConfig::default().audio(fast).into(), "session.audio.output.speed"),
        ] {
            let error = rest.client_secret(create).await.unwrap_err();
            let answer = error.answer().unwrap();
            assert_eq!((answer.kind(), answer.status().as_u16()), (RestErrorKind::Refused, 400));
            assert_eq!(answer.param(), Some(param), "{error}");
        }
        let stranger = Client::builder(simulator.transport(&clock)).api_key("sk-stranger").build();
        let error = stranger.rest().client_secret(client_secrets::Create::default()).await.unwrap_err();
        assert_eq!(error.answer().unwrap().status().as_u16(), 401);
    });
}
