//! Which runtime the default is, in one process that has several.

use futures::future;
use realtime::{
    Client, Connection, Error, Realtime,
    transport::{Transport, TransportErrorKind},
    websocket::{Runtime, SocketTransport},
};

use crate::support::{on_every_runtime, server::Server, tell, transport_error};

on_every_runtime! {
    runtimes_are_mixed
}

fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn tokio_is_chosen_where_it_is_running() {
    let default = || format!("{:?}", realtime::default_transport());
    let within = tokio().block_on(async { default() });
    assert!(within.contains("TokioTransport"), "{within}");
    let outside = default();
    assert!(outside.contains("SmolTransport"), "{outside}");
    // A thread of tokio's is within it too.
    let blocking = tokio().block_on(async { tokio::task::spawn_blocking(default).await.unwrap() });
    assert!(blocking.contains("TokioTransport"), "{blocking}");
}

/// The program of a README: the same words, whatever the runtime.
async fn program(server: &Server) -> Result<(), Error> {
    let client = realtime::client().base_url(server.url("http", "localhost")).build();
    let connection = client.realtime().model("m").connect().await?;
    realtime::spawn(&connection);
    connection.append(&[0; 4800]).unwrap();
    connection.flush().await?;
    connection.finish().await
}

#[test]
fn one_program_runs_on_two_runtimes_of_one_process() {
    let server = Server::plain();
    tokio().block_on(program(&server)).unwrap();
    futures::executor::block_on(program(&server)).unwrap();
    assert_eq!(server.connections(), 2);
}

/// Each within the executor of another.
async fn runtimes_are_mixed<R: Runtime>() {
    let server = Server::plain();
    let mut connections = vec![open(SocketTransport::<R>::new(), &server).await];
    connections.push(open(realtime::smol::SmolTransport::new(), &server).await);
    connections.push(open(realtime::async_std::AsyncStdTransport::new(), &server).await);
    future::try_join_all(connections.iter().map(Connection::finish)).await.unwrap();
}

async fn open(transport: impl Transport, server: &Server) -> Connection<Realtime> {
    client(transport, server).realtime().model("m").connect().await.unwrap()
}

fn client(transport: impl Transport, server: &Server) -> Client {
    Client::builder(transport).base_url(server.url("http", "localhost")).build()
}

/// A connection that was opened on tokio is driven elsewhere: its alarms are set from there too.
#[test]
fn a_connection_of_tokios_is_driven_from_another_thread() {
    let server = Server::plain();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let connection = runtime.block_on(async { open(realtime::tokio::TokioTransport::new(), &server).await });
    let driven = std::thread::spawn(move || {
        futures::executor::block_on(async {
            connection.append(&[0; 4800]).unwrap();
            connection.flush().await?;
            connection.finish().await
        })
    });
    driven.join().unwrap().unwrap();
}

#[test]
fn without_a_runtime_tokios_transport_is_an_error() {
    let server = Server::plain();
    let client = client(realtime::tokio::TokioTransport::new(), &server);
    let error = futures::executor::block_on(client.realtime().model("m").connect()).unwrap_err();
    assert_eq!(transport_error(&error).kind(), TransportErrorKind::Connect);
    assert!(tell(&error).contains("Tokio"), "{}", tell(&error));
    // The same client serves where there is one.
    tokio().block_on(async { client.realtime().model("m").run(async |_| Ok::<(), Error>(())).await }).unwrap();
}
