//! The simulator over a real WebSocket, and the client that it is there for.

use realtime::{
    Client, ErrorKind,
    mock::{Pace, Simulator},
    tokio::TokioTransport,
    types::{Item, Modality, ResponseConfig},
};

#[tokio::test]
async fn a_conversation_over_loopback() {
    let simulator = Simulator::new().pace(Pace::INSTANT).key("sk-right");
    let served = simulator.serve().unwrap();
    let base = served.base_url();
    let client = |key: &str| Client::builder(TokioTransport::new()).base_url(&base).api_key(key).build();
    let connection = client("sk-right").realtime().model("gpt-realtime").connect().await.unwrap();
    connection.conversation().item().create(Item::user("Hello")).unwrap().await.unwrap();
    let text = ResponseConfig::default().output_modalities([Modality::Text]);
    connection.response().create(text).unwrap().await.unwrap();
    connection.finish().await.unwrap();
    let error = client("sk-wrong").realtime().model("gpt-realtime").connect().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(_)), "{error:?}");
    let session = &simulator.sessions()[0];
    assert_eq!(session.handshake().uri.query(), Some("model=gpt-realtime"));
    let [Item::Message(hello), Item::Message(answer)] = &session.items()[..] else { panic!() };
    assert_eq!((hello.text(), answer.text()), ("Hello".into(), "You said: Hello".into()));
    drop(served);
    assert!(client("sk-right").realtime().model("gpt-realtime").connect().await.is_err());
}
