//! What another thread sends leaves by itself: nothing arrives meanwhile, and no deadline is set.

use std::{future::poll_fn, pin::pin, sync::mpsc, task::Poll, thread};

use futures::StreamExt;
use realtime::{
    Client,
    connection::Options,
    mock::conformance::RawServer,
    transport::{Duplex, Message},
    websocket::{Runtime, SocketTransport},
};

use crate::support::on_every_runtime;

on_every_runtime! {
    a_send_from_another_thread_reaches_the_socket
}

async fn a_send_from_another_thread_reaches_the_socket<R: Runtime>() {
    let server = RawServer::new().unwrap();
    let authority = server.handshake().uri.authority().unwrap().to_string();
    let mut arrived = smol::spawn(async move {
        let Duplex { mut write, mut read, .. } = server.accept().await;
        let created = r#"{"type":"session.created","session":{"type":"realtime"}}"#;
        write.send(Message::Text(created.into())).await.unwrap();
        let message = read.receive().await.unwrap();
        (message, write, read)
    });
    let client = Client::builder(SocketTransport::<R>::new())
        .base_url(format!("http://{authority}/v1"))
        .options(Options::default().keepalive(None))
        .build();
    let mut connection = client.realtime().model("m").connect().await.unwrap();
    connection.next().await.unwrap().unwrap();
    let sender = connection.sender();
    let (idle, told) = mpsc::channel();
    let sends = thread::spawn(move || {
        told.recv().unwrap();
        sender.append(&[0; 2])
    });
    let mut idle = Some(idle);
    let mut arrived = pin!(&mut arrived);
    let (message, ..) = poll_fn(|cx| {
        assert!(connection.poll_next_unpin(cx).is_pending());
        let arrived = arrived.as_mut().poll(cx);
        // Only now: from here on nothing but the sender moves the connection.
        if let (Poll::Pending, Some(idle)) = (&arrived, idle.take()) {
            idle.send(()).unwrap();
        }
        arrived
    })
    .await;
    assert!(matches!(message, Some(Message::Text(_))));
    sends.join().unwrap().unwrap();
}
