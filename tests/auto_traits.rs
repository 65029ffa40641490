//! What can be sent to other threads, and spawned.

use realtime::{
    Ack, Client, Connection, Error, Live, LiveSideband, Options, Player, Realtime, ResponseHandle, SendError, Sender,
    Translation,
    connection::{Driver, Updates},
    event::{ServerEvent, SessionUpdated},
    mock::MockTransport,
    transport::{Transport, TransportError},
};

fn is_sent<T: Send + Sync + Unpin + 'static>() {}
fn is_unpin_and_sent<T: Send + Sync + Unpin>() {}
fn future_is_sent<F: Future + Send>(future: F) -> F {
    future
}

#[test]
fn every_handle_goes_anywhere() {
    is_sent::<Connection<Realtime>>();
    is_sent::<Connection<Translation>>();
    is_sent::<Connection<Live>>();
    is_sent::<Connection<LiveSideband>>();
    is_sent::<Sender<Realtime>>();
    is_sent::<Ack<Realtime, SessionUpdated>>();
    is_sent::<ResponseHandle>();
    is_sent::<Driver<Realtime>>();
    is_sent::<Player>();
    is_sent::<Client>();
    is_sent::<Error>();
    is_sent::<SendError<Realtime>>();
    is_sent::<TransportError>();
    is_unpin_and_sent::<Updates<'_, Realtime>>();
    is_unpin_and_sent::<Box<dyn Transport>>();
}

/// An application that is a struct of its own.
struct Application {
    client: Client,
}

impl Application {
    async fn greet(&self, connection: &Connection<Realtime>) -> Result<(), Error> {
        drop(connection.respond("hello").await?);
        connection.flush().await
    }

    async fn main(&self) -> Result<(), Error> {
        let local = String::from("a local");
        let run = self.client.realtime().model("m").options(Options::default()).run(async |connection| {
            self.greet(connection).await?;
            assert_eq!(local, "a local");
            let created = connection.next().await.transpose()?;
            assert!(matches!(created, Some(ServerEvent::SessionCreated(_))));
            tokio::select! {
                flushed = connection.flush() => flushed,
                ready = connection.ready() => ready,
            }
        });
        future_is_sent(run).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scoped_form_can_be_spawned() {
    let (transport, server) = MockTransport::new();
    let application = Application { client: Client::builder(transport).build() };
    let serve = tokio::spawn(async move {
        let session = server.accept().await;
        session.closed().await
    });
    tokio::spawn(async move { application.main().await }).await.unwrap().unwrap();
    assert_eq!(serve.await.unwrap().map(|frame| frame.code), Some(1000));
}
