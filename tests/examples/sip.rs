//! `examples/sip.rs`, and a service that rings.

use realtime::{
    Client,
    mock::{CallState, Reply, Simulator, SystemClock},
    tokio::TokioTransport,
    transport::{Timer, Transport},
    webhooks::Webhooks,
};
use tokio::net::TcpListener;

#[expect(dead_code, reason = "the example's own `main` is not run here")]
#[path = "../../examples/sip.rs"]
mod example;

#[tokio::test]
async fn a_call_is_accepted_steered_and_referred() {
    let simulator = Simulator::new().key("sk-project-key").answer(|turn| match turn.output() {
        None => Reply::call("refer", r#"{"about":"a table for twelve"}"#),
        Some((_, output)) => Reply::text(output),
    });
    let served = simulator.serve().unwrap();
    let client = realtime::client().base_url(served.base_url()).api_key("sk-project-key").build();
    let webhooks = Webhooks::new("the endpoint's secret").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhook", listener.local_addr().unwrap());
    let app = axum::serve(listener, example::app(client, webhooks.clone()));
    let app = tokio::spawn(async move { app.await });

    let unix = SystemClock::new().unix().unwrap();
    let http = TokioTransport::new().http().unwrap();
    let forged = Webhooks::new("another secret").unwrap();
    let refused = simulator.incoming_call(&url, &forged, unix, &[]).unwrap();
    assert_eq!(http.send(refused.delivery).await.unwrap().status(), 400);
    let call = simulator.incoming_call(&url, &webhooks, unix, &[("From", "<sip:+1@example.com>")]).unwrap();
    assert_eq!(http.send(call.delivery).await.unwrap().status(), 200);
    let state = |id: &str| simulator.calls().into_iter().find(|call| call.id == id).unwrap().state;
    while !matches!(state(&call.id), CallState::Referred(_)) {
        tokio::task::yield_now().await;
    }
    assert_eq!(state(&call.id), CallState::Referred(example::COLLEAGUE.into()));
    assert_eq!(state(&refused.id), CallState::Ringing);
    let [session] = &simulator.sessions()[..] else { panic!("one session joins the call") };
    assert_eq!(session.config()["instructions"], "Answer the telephone. Be brief.");
    app.abort();
    drop(Client::builder(TokioTransport::new()));
}
