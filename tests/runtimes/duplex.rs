//! More than any buffer holds, both ways at once.

use std::{future::poll_fn, task::Poll};

use futures::future::{join, try_join};
use realtime::{
    Client, Connection, Error, ErrorKind,
    event::ServerEvent,
    mock::{MockTransport, conformance::RawServer},
    transport::{Duplex, Message, ReadHalf, Text, TransportError, WriteHalf},
    websocket::{Runtime, SocketTransport},
};

use crate::support::on_every_runtime;

const COUNT: usize = 400;
/// Bytes of PCM16: 200 KB as base64.
const AUDIO: usize = 150_000;

on_every_runtime! {
    nothing_is_lost_over_a_socket
    nothing_is_lost_over_a_socket_with_small_buffers
}

/// The service: sends its audio and takes the user's, at the same time.
async fn serve(peer: Duplex) -> Result<(), TransportError> {
    let Duplex { mut write, mut read, .. } = peer;
    try_join(send(&mut *write), receive(&mut *read)).await.map(drop)
}

async fn send(write: &mut dyn WriteHalf) -> Result<(), TransportError> {
    write.send(Message::Text(r#"{"type":"session.created","session":{"type":"realtime"}}"#.into())).await?;
    let delta = "AAAA".repeat(AUDIO / 3);
    for number in 0..COUNT {
        let event = format!(
            r#"{{"type":"response.output_audio.delta","event_id":"{number}","response_id":"r","item_id":"i","output_index":0,"content_index":0,"delta":"{delta}"}}"#
        );
        write.send(Message::Text(event.into())).await?;
    }
    Ok(())
}

async fn receive(read: &mut dyn ReadHalf) -> Result<(), TransportError> {
    let mut appends = 0;
    while let Some(message) = read.receive().await? {
        let length = |text: &Text| text.as_bytes().len();
        appends += usize::from(matches!(&message, Message::Text(text) if length(text) > AUDIO / 3 * 4));
    }
    assert_eq!(appends, COUNT);
    Ok(())
}

/// Whether it was done. If events wait and there is no room for more, the listener is let run before it is tried again.
async fn unless_full(result: Result<(), Error>) -> Result<bool, Error> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::InboxFull) => {
            // Pending once.
            let mut waited = false;
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            Ok(false)
        }
        result => result.map(|()| true),
    }
}

/// The application: sends and receives at the same time.
async fn talk(connection: Connection<realtime::Realtime>) -> Result<(), Error> {
    let audio = vec![0; AUDIO];
    let speak = async {
        for _ in 0..COUNT {
            while connection.append(&audio).is_err() {
                unless_full(connection.ready().await).await?;
            }
        }
        while !unless_full(connection.flush().await).await? {}
        Ok::<(), Error>(())
    };
    let listen = async {
        let mut next = 0;
        while next < COUNT {
            match connection.next().await.unwrap()? {
                ServerEvent::SessionCreated(_) => {}
                ServerEvent::ResponseOutputAudioDelta(delta) => {
                    assert_eq!((delta.event_id.as_deref(), delta.delta.len()), (Some(&*next.to_string()), AUDIO));
                    next += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        Ok(())
    };
    try_join(speak, listen).await?;
    connection.finish().await
}

async fn over_a_socket<R: Runtime>(transport: SocketTransport<R>) {
    let server = RawServer::new().unwrap();
    let authority = server.handshake().uri.authority().unwrap().to_string();
    let service = smol::spawn(async move { serve(server.accept().await).await });
    let client = Client::builder(transport).base_url(format!("http://{authority}/v1")).build();
    talk(client.realtime().model("m").connect().await.unwrap()).await.unwrap();
    service.await.unwrap();
}

async fn nothing_is_lost_over_a_socket<R: Runtime>() {
    over_a_socket(SocketTransport::<R>::new()).await;
}

async fn nothing_is_lost_over_a_socket_with_small_buffers<R: Runtime>() {
    over_a_socket(SocketTransport::<R>::new().small_buffers()).await;
}

#[test]
fn nothing_is_lost_in_memory_with_room_for_one_message() {
    let (transport, server) = MockTransport::new();
    server.capacity(1);
    server.greet_with(None::<&str>);
    let client = Client::builder(transport).build();
    server.clock().block_on(async {
        let application = async {
            talk(client.realtime().model("m").connect().await.unwrap()).await.unwrap();
        };
        let service = async { serve(server.accept().await.into_duplex()).await.unwrap() };
        join(application, service).await;
    });
}
