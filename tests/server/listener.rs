//! A port, on every runtime: whole clients, limits, draining.

use std::time::Duration;

use futures::{StreamExt, future::join, stream::FuturesUnordered};
use realtime::{
    Client, Realtime,
    endpoint::Handshake,
    event::ClientEvent,
    server::{Acceptor, Incoming, Listen, Listener, ServerTls},
    transport::{CloseFrame, Duplex, Message, Transport, TransportError, TransportErrorKind},
    websocket::{SocketTransport, Tls},
};

use crate::support::{authority::Authority, on_every_runtime, tell};

on_every_runtime! {
    a_whole_client_is_served
    a_whole_client_is_served_over_tls
    draining_lets_sessions_end_and_closes_the_rest
    one_client_too_many_is_told_when_to_come_back
    silent_clients_keep_nobody_waiting
}

const CREATED: &str = r#"{"type":"session.created","event_id":"e","session":{"type":"realtime","id":"s"}}"#;

async fn listener<R: Listen>() -> Listener {
    Listener::bind::<R>(([127, 0, 0, 1], 0).into(), Acceptor::on::<R>()).await.unwrap()
}

/// Opens the client's session, and grants its updates.
async fn session(incoming: Incoming) {
    let mut connection = incoming.accept().await.unwrap().open::<Realtime>();
    connection.sender().send_text(CREATED).unwrap();
    while let Some(Ok(received)) = connection.next().await {
        if let ClientEvent::SessionUpdate(_) = received.event {
            connection.sender().send_text(CREATED.replace("created", "updated")).unwrap();
        }
    }
}

/// Serves every client, until the listener is drained and they are gone.
async fn serve(listener: &mut Listener) {
    let mut clients = FuturesUnordered::new();
    loop {
        let incoming = if clients.is_empty() {
            listener.next().await
        } else {
            let next = std::pin::pin!(listener.next());
            match futures::future::select(next, clients.select_next_some()).await {
                futures::future::Either::Left((incoming, _)) => incoming,
                futures::future::Either::Right(((), _)) => continue,
            }
        };
        match incoming {
            Some(Ok(incoming)) => clients.push(session(incoming)),
            Some(Err(_)) => {}
            None => break,
        }
    }
    while clients.next().await.is_some() {}
}

async fn converse(client: &Client) {
    let connection = client.realtime().model("m").connect().await.unwrap_or_else(|error| panic!("{}", tell(&error)));
    connection.session().update(realtime::types::RealtimeSessionConfig::default()).unwrap().await.unwrap();
    connection.close(CloseFrame::new(1000, "")).await;
}

async fn a_whole_client_is_served<R: Listen>() {
    let mut listener = listener::<R>().await;
    let (address, handle) = (listener.address().unwrap(), listener.handle());
    let client = Client::builder(SocketTransport::<R>::new()).base_url(format!("http://{address}/v1")).build();
    let ask = async {
        converse(&client).await;
        assert_eq!(handle.drain(Duration::from_secs(60)).await, 0);
    };
    join(serve(&mut listener), ask).await;
}

async fn a_whole_client_is_served_over_tls<R: Listen>() {
    let authority = Authority::new();
    let mut listener = listener::<R>().await.tls(ServerTls::rustls(authority.server(&["localhost"])));
    let (port, handle) = (listener.address().unwrap().port(), listener.handle());
    let transport = SocketTransport::<R>::new().tls(Tls::new().ca_pem(authority.pem()).only_given());
    let client = Client::builder(transport).base_url(format!("https://localhost:{port}/v1")).build();
    let ask = async {
        converse(&client).await;
        assert_eq!(handle.drain(Duration::from_secs(60)).await, 0);
    };
    join(serve(&mut listener), ask).await;
}

async fn dial<R: Listen>(port: u16) -> Result<Duplex, TransportError> {
    SocketTransport::<R>::new().connect(Handshake::new(format!("ws://127.0.0.1:{port}/").parse().unwrap())).await
}

/// Reads the greeting, and then until the server closes.
async fn closed(mut duplex: Duplex) -> Option<CloseFrame> {
    loop {
        match duplex.read.receive().await {
            Ok(Some(Message::Close(frame))) => return frame,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return None,
        }
    }
}

async fn draining_lets_sessions_end_and_closes_the_rest<R: Listen>() {
    let mut listener = listener::<R>().await;
    let (port, handle) = (listener.address().unwrap().port(), listener.handle());
    let ask = async {
        let (mut short, long) = (dial::<R>(port).await.unwrap(), dial::<R>(port).await.unwrap());
        while handle.connections() < 2 {
            short.read.receive().await.unwrap();
        }
        short.write.send(Message::Close(Some(CloseFrame::new(1000, "")))).await.unwrap();
        let (left, (), close) =
            futures::join!(handle.drain(Duration::from_millis(50)), async { drop(closed(short).await) }, closed(long));
        assert_eq!((left, close), (0, Some(CloseFrame::new(1001, "the server is shutting down"))));
        assert!(handle.is_draining());
    };
    join(serve(&mut listener), ask).await;
    drop(listener);
    assert!(dial::<R>(port).await.is_err(), "the port is closed");
}

async fn one_client_too_many_is_told_when_to_come_back<R: Listen>() {
    let mut listener = listener::<R>().await.max_connections(1);
    let (port, handle) = (listener.address().unwrap().port(), listener.handle());
    let ask = async {
        let first = dial::<R>(port).await.unwrap();
        let refused = dial::<R>(port).await.unwrap_err();
        let TransportErrorKind::Rejected { status } = refused.kind() else { panic!("{refused:?}") };
        assert_eq!((status.as_u16(), &refused.headers().unwrap()["retry-after"]), (503, &"1".parse().unwrap()));
        assert!(String::from_utf8_lossy(refused.body().unwrap()).contains("too_many_connections"));
        drop(first);
        // Once its place is free, it is given away.
        let second = loop {
            if let Ok(second) = dial::<R>(port).await {
                break second;
            }
        };
        drop(second);
        handle.drain(Duration::from_secs(60)).await;
    };
    join(serve(&mut listener), ask).await;
}

async fn silent_clients_keep_nobody_waiting<R: Listen>() {
    let mut listener = listener::<R>().await.max_handshakes(3);
    let (port, handle) = (listener.address().unwrap().port(), listener.handle());
    let ask = async {
        let mut silent = Vec::new();
        for _ in 0..20 {
            silent.push(R::dial("127.0.0.1", port).await.unwrap());
        }
        drop(dial::<R>(port).await.unwrap());
        // The oldest was given up, and told so.
        let mut answer = String::new();
        futures::AsyncReadExt::read_to_string(&mut silent[0], &mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("too_many_handshakes"), "{answer}");
        drop(silent);
        handle.drain(Duration::from_secs(60)).await;
    };
    join(serve(&mut listener), ask).await;
}
