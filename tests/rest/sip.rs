//! Telephone calls that the service tells of: a webhook, a decision, a session that is steered, and its end.

use std::time::{Duration, SystemTime};

use realtime::{
    Client,
    mock::{CallState, Simulator, VirtualClock},
    rest::calls,
    transport::Timer,
    types::RealtimeSessionConfig,
    webhooks::{WebhookData, WebhookError, Webhooks},
};

use crate::client;

const SECRET: &str = "whsec_a2l0LXNlY3JldC1vZi10aGlydHktdHdvLWJ5dGVzISE=";

/// A call that rings, and its id as the application reads it out of the webhook.
fn ring(simulator: &Simulator, clock: &VirtualClock) -> String {
    let webhooks = Webhooks::new(SECRET).unwrap();
    let unix = clock.unix().unwrap();
    let from = ("From", "<sip:+14155550100@carrier.example>");
    let call = simulator.incoming_call("http://app.example/webhook", &webhooks, unix, &[from]).unwrap();
    let (head, body) = call.delivery.into_parts();
    let now = SystemTime::UNIX_EPOCH + unix;
    let event = webhooks.receive(&head.headers, &body, now).unwrap();
    let WebhookData::CallIncoming(incoming) = event.data else { panic!("{event:?}") };
    assert_eq!(incoming.sip_headers.get("from"), Some("<sip:+14155550100@carrier.example>"));
    assert_eq!(*incoming.call_id, *call.id);
    // Somebody else's secret, and later.
    let other = Webhooks::new("another secret").unwrap().receive(&head.headers, &body, now);
    assert!(matches!(other, Err(WebhookError::Signature)));
    let late = webhooks.receive(&head.headers, &body, now + Duration::from_secs(301));
    assert!(matches!(late, Err(WebhookError::TooOld)));
    call.id
}

fn state(simulator: &Simulator, id: &str) -> CallState {
    simulator.calls().into_iter().find(|call| call.id == id).unwrap().state
}

async fn accepted(client: &Client, id: &str) -> realtime::Connection<realtime::Realtime> {
    let session = RealtimeSessionConfig::default().instructions("Answer the telephone.");
    client.rest().send(&calls::Accept::new(id, session)).await.unwrap();
    client.realtime().call(id).connect().await.unwrap()
}

#[test]
fn an_accepted_call_is_joined_by_its_id_and_ends_when_it_is_hung_up_or_referred() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new();
    let client = client(&simulator, &clock);
    clock.block_on(async {
        let id = ring(&simulator, &clock);
        let connection = accepted(&client, &id).await;
        assert_eq!(simulator.sessions().last().unwrap().config()["instructions"], "Answer the telephone.");
        client.rest().send(&calls::HangUp::new(&id)).await.unwrap();
        assert_eq!(state(&simulator, &id), CallState::HungUp);
        while let Some(event) = connection.next().await {
            event.unwrap();
        }

        let id = ring(&simulator, &clock);
        let connection = accepted(&client, &id).await;
        client.rest().send(&calls::Refer::new(&id, "tel:+14155550199")).await.unwrap();
        assert_eq!(state(&simulator, &id), CallState::Referred("tel:+14155550199".into()));
        while let Some(event) = connection.next().await {
            event.unwrap();
        }
    });
}

#[test]
fn a_rejected_call_cannot_be_accepted_and_a_call_is_decided_on_once() {
    let clock = VirtualClock::new();
    let simulator = Simulator::new();
    let client = client(&simulator, &clock);
    clock.block_on(async {
        let id = ring(&simulator, &clock);
        client.rest().send(&calls::Reject::new(&id).status_code(486)).await.unwrap();
        assert_eq!(state(&simulator, &id), CallState::Rejected(486));
        for error in [
            client.rest().send(&calls::Accept::new(&id, RealtimeSessionConfig::default())).await.unwrap_err(),
            client.rest().send(&calls::HangUp::new(&id)).await.unwrap_err(),
            client.rest().send(&calls::HangUp::new("rtc_unknown")).await.unwrap_err(),
        ] {
            let answer = error.answer().unwrap();
            assert_eq!((answer.status().as_u16(), answer.code()), (404, Some("call_not_found")));
        }
    });
}

#[test]
fn a_call_from_a_browser_is_created_from_its_offer_alone_or_in_a_form() {
    let offer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n";
    let clock = VirtualClock::new();
    let simulator = Simulator::new();
    let client = client(&simulator, &clock);
    clock.block_on(async {
        let config = RealtimeSessionConfig::default().model("gpt-realtime").instructions("Be brief.");
        for (create, instructions) in
            [(calls::Create::new(offer), None), (calls::Create::new(offer).session(config), Some("Be brief."))]
        {
            let call = client.rest().send(&create).await.unwrap();
            assert!(call.sdp.contains("m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n"), "{}", call.sdp);
            let id = call.call_id.unwrap();
            let known = simulator.calls().into_iter().find(|call| call.id == id).unwrap();
            assert_eq!(known.session["instructions"].as_str(), instructions);
            client.realtime().call(&id).connect().await.unwrap();
            client.rest().send(&calls::HangUp::new(&id)).await.unwrap();
        }
    });
}
