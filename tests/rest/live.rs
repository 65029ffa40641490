//! Live sessions that the REST API creates, accepts, ends, forks: sidebands attach to the very same sessions.

use std::time::SystemTime;

use realtime::{
    Client, Connection, Error,
    live::{
        LiveSideband,
        state::{CallState as PhoneState, LivePhase, LiveState, Speaker},
        types::{AcceptConfig, CloseReason, MediaForkConfig, MediaSessionConfig},
    },
    mock::{CallState, Simulator, VirtualClock},
    rest::{RequestError, live_sessions},
    transport::Timer,
    webhooks::{WebhookData, Webhooks},
};

use crate::client;

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n";

async fn attach(client: &Client, id: &str) -> Result<Connection<LiveSideband>, Error> {
    client.live().attach(id).connect().await
}

/// Reads until the state is as asked for.
async fn until(live: &Connection<LiveSideband>, done: impl Fn(&LiveState) -> bool) {
    while !done(&live.state()) {
        live.next().await.expect("it goes on").unwrap();
    }
}

/// Reads to the end of the session.
async fn to_the_end(live: &Connection<LiveSideband>) -> Option<CloseReason> {
    while let Some(event) = live.next().await {
        event.unwrap();
    }
    let state = live.state();
    state.ending.as_ref().and_then(|ending| ending.reason.clone())
}

fn state(simulator: &Simulator, id: &str) -> CallState {
    simulator.calls().into_iter().find(|call| call.id == id).unwrap().state
}

fn refusal(error: RequestError) -> (u16, String) {
    let answer = error.answer().unwrap_or_else(|| panic!("{error:?}"));
    (answer.status().as_u16(), answer.code().unwrap_or_default().to_owned())
}

#[test]
fn a_session_of_a_browser_is_created_attached_to_hung_up_downloaded_and_forked() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new();
    let client = client(&simulator, &clock);
    clock.block_on(async {
        let session = MediaSessionConfig::new("gpt-live-1").instructions("Be brief.").store(true);
        let create = live_sessions::Create::new(session, live_sessions::Transport::webrtc(OFFER));
        let created = client.rest().send(&create).await.unwrap();
        assert!(created.transport.sdp().unwrap().contains("m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n"));
        let id = created.session.id;

        // The sideband sees what the browser's user says, and steers.
        let live = attach(&client, &id).await.unwrap();
        simulator.held_session(&id, &clock).unwrap().say("Good morning.");
        until(&live, |state| state.turns().any(|turn| turn.speaker == Speaker::User)).await;
        assert_eq!(live.state().session().unwrap().instructions.as_deref(), Some("Be brief."));
        live.session().commentary().append("You are welcome.").unwrap().await.unwrap();

        // What is open has no recording yet, and cannot be forked.
        let content = live_sessions::Content::new(&*id);
        let fork = live_sessions::Fork::new(&*id, live_sessions::Transport::webrtc(OFFER));
        let open = (409, "session_not_closed".to_owned());
        assert_eq!(refusal(client.rest().send(&content).await.unwrap_err()), open);
        assert_eq!(refusal(client.rest().send(&fork).await.unwrap_err()), open);

        client.rest().send(&live_sessions::HangUp::new(&*id)).await.unwrap();
        assert_eq!(to_the_end(&live).await, Some(CloseReason::CloseRequested));
        assert_eq!(state(&simulator, &id), CallState::HungUp);
        assert!(attach(&client, &id).await.is_err(), "it is over");
        let gone = (404, "session_not_found".to_owned());
        assert_eq!(refusal(client.rest().send(&live_sessions::HangUp::new(&*id)).await.unwrap_err()), gone);

        assert!(client.rest().send(&content).await.unwrap().starts_with(b"RIFF"));
        let forked = client.rest().send(&fork.session(MediaForkConfig::default().store(false))).await.unwrap();
        assert_ne!(forked.session.id, id);
        let live = attach(&client, &forked.session.id).await.unwrap();
        until(&live, |state| state.session().is_some()).await;
        let told = live.state().session().unwrap().json().to_value();
        assert_eq!(told["input"][0]["content"][0]["text"], "Good morning.", "{told}");
        assert_eq!((&told["instructions"], &told["store"]), (&"Be brief.".into(), &false.into()));
        // A sideband that ends the session ends the one that was created.
        live.session().close().unwrap();
        assert_eq!(to_the_end(&live).await, Some(CloseReason::CloseRequested));
        assert_eq!(state(&simulator, &forked.session.id), CallState::HungUp);
    });
}

#[test]
fn an_outgoing_call_is_answered_referred_and_told_to_its_sideband() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new();
    let client = client(&simulator, &clock);
    clock.block_on(async {
        let auth = live_sessions::Digest::new("user", "password");
        let trunk = live_sessions::SipTrunk::new("sips:trunk.example.com", "+14155550100", auth);
        let transport = live_sessions::Transport::sip("+14155550123", trunk);
        let create = live_sessions::Create::new(MediaSessionConfig::new("gpt-live-1"), transport);
        let id = client.rest().send(&create).await.unwrap().session.id;
        let live = attach(&client, &id).await.unwrap();
        until(&live, |state| state.call == Some(PhoneState::Answered)).await;
        simulator.held_session(&id, &clock).unwrap().press("5");
        until(&live, |state| !state.keys.received.is_empty()).await;
        client.rest().send(&live_sessions::Refer::new(&*id, "tel:+14155550199")).await.unwrap();
        assert_eq!(to_the_end(&live).await, Some(CloseReason::CloseRequested));
        assert_eq!(state(&simulator, &id), CallState::Referred("tel:+14155550199".into()));
    });
}

#[test]
fn an_incoming_call_is_accepted_once_and_then_attached_to() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new().model("gpt-live-1");
    let client = client(&simulator, &clock);
    let webhooks = Webhooks::new("whsec_a2l0LXNlY3JldC1vZi10aGlydHktdHdvLWJ5dGVzISE=").unwrap();
    let ring = || {
        let unix = clock.unix().unwrap();
        let from = ("From", "<sip:+14155550100@carrier.example>");
        let call = simulator.incoming_live_call("http://app.example/webhook", &webhooks, unix, &[from]).unwrap();
        let (head, body) = call.delivery.into_parts();
        let event = webhooks.receive(&head.headers, &body, SystemTime::UNIX_EPOCH + unix).unwrap();
        let WebhookData::LiveTransportIncoming(incoming) = event.data else { panic!("{event:?}") };
        assert_eq!((&*incoming.session_id, incoming.transport.as_deref()), (&*call.id, Some("sip")));
        call.id
    };
    clock.block_on(async {
        let id = ring();
        // It is no session before it is accepted.
        assert!(attach(&client, &id).await.is_err());
        let other = live_sessions::Accept::new(&id, AcceptConfig::new("gpt-live-9"));
        assert_eq!(refusal(client.rest().send(&other).await.unwrap_err()), (400, "model_not_found".to_owned()));
        let accept = live_sessions::Accept::new(&id, AcceptConfig::new("gpt-live-1").instructions("Answer."));
        client.rest().send(&accept).await.unwrap();
        let live = attach(&client, &id).await.unwrap();
        until(&live, |state| state.session().is_some()).await;
        assert_eq!(live.state().session().unwrap().instructions.as_deref(), Some("Answer."));
        let decided = (409, "decision_already_made".to_owned());
        assert_eq!(refusal(client.rest().send(&accept).await.unwrap_err()), decided);
        assert_eq!(refusal(client.rest().send(&live_sessions::Reject::new(&id, 486)).await.unwrap_err()), decided);
        // The caller hangs up.
        simulator.held_session(&id, &clock).unwrap().hang_up();
        assert_eq!(to_the_end(&live).await, Some(CloseReason::RemoteHangup));
        assert_eq!(live.state().phase, LivePhase::Closed);

        let id = ring();
        client.rest().send(&live_sessions::Reject::new(&id, 486)).await.unwrap();
        assert_eq!(state(&simulator, &id), CallState::Rejected(486));
        assert_eq!(
            refusal(
                client
                    .rest()
                    .send(&live_sessions::Accept::new(&id, AcceptConfig::new("gpt-live-1")))
                    .await
                    .unwrap_err()
            ),
            decided
        );
    });
}

#[test]
fn what_cannot_be_created_is_refused_with_the_member_at_fault() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new();
    let client = client(&simulator, &clock);
    clock.block_on(async {
        let session = MediaSessionConfig::new("gpt-live-1");
        let webrtc = live_sessions::Transport::webrtc;
        for (create, param) in [
            (live_sessions::Create::new(session.clone(), webrtc("<html>")), "sdp"),
            (
                live_sessions::Create::new(session.clone(), Box::new(live_sessions::Sip::default())),
                "transport.destination",
            ),
            (live_sessions::Create::new(session.idle_timeout_s(0_u32), webrtc(OFFER)), "session.idle_timeout_s"),
        ] {
            let error = client.rest().send(&create).await.unwrap_err();
            let answer = error.answer().unwrap();
            assert_eq!((answer.status().as_u16(), answer.param()), (400, Some(param)), "{error}");
        }
        assert_eq!(simulator.calls(), []);
    });
}
