//! From a socket to typed events with audio as bytes. The processor's time for an event, against a reader of the same
//! runtime that drops its frames.

use std::{
    cell::RefCell,
    net::Ipv4Addr,
    thread::sleep,
    time::{Duration, Instant},
};

use adk_realtime::{BoxedSession, RealtimeConfig, RealtimeModel, openai::OpenAIRealtimeModel};
use futures::{AsyncRead, AsyncWrite, SinkExt, StreamExt, future::LocalBoxFuture};
use realtime_async_std::AsyncStdTransport;
use realtime_benches::{
    cpu::{Turn, contest},
    events_only::EventsOnly,
    floor::Floor,
    frames,
    memory::{Memory, Pace},
    peers::{async_openai, oai_rt_rs},
    rounds::{self, Target, figure, finish, line, title},
    server::{COMMIT, GO, Server, framed, keep_apart, serve_if_asked},
};
use realtime_core::{
    Client, Connection, Json, Protocol, Realtime,
    endpoint::Target as Place,
    event::{ClientEvent, Custom, Event, ServerEvent},
    transport::Transport,
};
use realtime_smol::SmolTransport;
use realtime_tokio::{ByteStream, TokioTransport};
use tokio::{
    net::{TcpSocket, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Message,
        protocol::{Role, WebSocketConfig},
    },
};
use tokio_util::compat::{FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};

const ROUNDS: usize = 9;

/// How much is asked for at once, and how often in a turn.
const MIXES: usize = 4;
const EVENTS: usize = MIXES * 112;
const BLASTS: usize = 10;

/// Time for a blast to arrive, before it is read: a reader that is slower than the sender would be charged for the
/// sender's work, which the kernel then does in the reader's name.
const BLAST: Duration = Duration::from_millis(10);

/// Room for a whole blast.
const RECEIVE_BUFFER: u32 = 4 << 20;

fn main() {
    serve_if_asked();
    title("end to end");
    keep_apart();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    plain(&runtime);
    tls(&runtime);
    one_by_one(&runtime);
    together(&runtime);
    others(&runtime);
    ping_pong(&runtime);
    finish();
}

fn go<P: Protocol<ClientEvent = ClientEvent>>(connection: &Connection<P>) {
    connection.send(Custom::new(Json::parse(GO).unwrap()).unwrap()).unwrap();
}

async fn connect<P: Protocol>(transport: impl Transport, base: String) -> Connection<P> {
    let client = Client::builder(transport).base_url(base).build();
    let connection = client.protocol::<P>().target(Place::Model("m".into())).connect().await.unwrap();
    connection.next().await.unwrap().unwrap();
    connection
}

/// One turn of a connection's. What is asked for has so much time to arrive; a stream in memory need not be asked.
async fn receive<P: Protocol<ClientEvent = ClientEvent>>(connection: &Connection<P>, time: Option<Duration>) -> usize {
    for _ in 0..BLASTS {
        if let Some(time) = time {
            go(connection);
            connection.flush().await.unwrap();
            sleep(time);
        }
        for _ in 0..EVENTS {
            std::hint::black_box(connection.next().await.unwrap().unwrap());
        }
    }
    BLASTS * EVENTS
}

/// Through a connection.
fn ours<'a, P: Protocol<ClientEvent = ClientEvent>>(runtime: &'a Runtime, connection: Connection<P>) -> Turn<'a> {
    turn(runtime, connection, Some(BLAST))
}

fn turn<P: Protocol<ClientEvent = ClientEvent>>(
    runtime: &Runtime,
    connection: Connection<P>,
    time: Option<Duration>,
) -> Turn<'_> {
    Box::new(move || runtime.block_on(receive(&connection, time)))
}

/// Asks as a connection's turn does.
async fn ask<S>(socket: &mut WebSocketStream<S>, time: Option<Duration>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    if let Some(time) = time {
        socket.send(Message::text(GO)).await.unwrap();
        sleep(time);
    }
}

/// Over a socket of tungstenite's; what is made of a frame is dropped.
fn reader<'a, S, T>(runtime: &'a Runtime, socket: WebSocketStream<S>, make: impl Fn(&str) -> T + 'a) -> Turn<'a>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'a,
{
    read(runtime, socket, Some(BLAST), make)
}

fn read<'a, S, T>(
    runtime: &'a Runtime,
    mut socket: WebSocketStream<S>,
    time: Option<Duration>,
    make: impl Fn(&str) -> T + 'a,
) -> Turn<'a>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'a,
{
    Box::new(move || {
        runtime.block_on(async {
            for _ in 0..BLASTS {
                ask(&mut socket, time).await;
                for _ in 0..EVENTS {
                    let Message::Text(text) = socket.next().await.unwrap().unwrap() else { panic!() };
                    drop(std::hint::black_box(make(&text)));
                }
            }
            BLASTS * EVENTS
        })
    })
}

/// Over the stream of a socket of tungstenite's, past tungstenite.
fn floor<'a, S>(runtime: &'a Runtime, mut socket: WebSocketStream<S>, time: Option<Duration>, least: Least) -> Turn<'a>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'a,
{
    let mut floor = Floor::default();
    Box::new(move || {
        runtime.block_on(async {
            for _ in 0..BLASTS {
                ask(&mut socket, time).await;
                least.read(&mut floor, &mut socket.get_mut().compat()).await;
            }
            BLASTS * EVENTS
        })
    })
}

/// What no client can do without: reading, and making sound of frames.
#[derive(Clone, Copy)]
enum Least {
    Frames,
    /// So many bytes.
    Bytes(usize),
}

impl Least {
    async fn read(self, floor: &mut Floor, stream: &mut (impl AsyncRead + Unpin)) {
        match self {
            Self::Frames => floor.frames(stream, EVENTS).await,
            Self::Bytes(bytes) => floor.bytes(stream, bytes).await,
        }
    }
}

/// The bytes of a blast.
fn blast() -> Least {
    Least::Bytes(MIXES * frames::answer().iter().map(|frame| framed(frame.as_bytes()).len()).sum::<usize>())
}

async fn raw<S>(stream: S, url: &str, config: WebSocketConfig) -> WebSocketStream<S>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut socket = client_async_with_config(url, stream, Some(config)).await.unwrap().0;
    socket.next().await.unwrap().unwrap();
    socket
}

async fn dial(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(RECEIVE_BUFFER).unwrap();
    let stream = socket.connect((Ipv4Addr::LOCALHOST, server.port).into()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A transport over such a socket.
async fn over(server: &Server) -> TokioTransport {
    TokioTransport::once(ByteStream::new(dial(server).await.compat()))
}

fn buffer(bytes: usize) -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(bytes)
}

fn adk<'a>(runtime: &'a Runtime, session: BoxedSession) -> Turn<'a> {
    Box::new(move || {
        runtime.block_on(async {
            for _ in 0..BLASTS {
                session.create_response().await.unwrap();
                sleep(BLAST);
                for _ in 0..EVENTS {
                    drop(std::hint::black_box(session.next_event().await.unwrap().unwrap()));
                }
            }
            BLASTS * EVENTS
        })
    })
}

fn decoder(frame: &str) -> ServerEvent {
    ServerEvent::decode(frame.as_bytes())
}

fn get(results: &[(&'static str, f64)], name: &str) -> f64 {
    results.iter().find(|(known, _)| *known == name).unwrap().1
}

/// A line that must not be longer than so many times the other's.
fn at_most(what: &str, results: &[(&'static str, f64)], ours: &str, peer: &str, target: Target) {
    let (ours, peer) = (get(results, ours), get(results, peer));
    line(what, ours / peer, "ns", ours, peer, target);
}

/// The same, where no figure is asked for.
fn of(what: &str, results: &[(&'static str, f64)], ours: &str, peer: &str) {
    at_most(what, results, ours, peer, Target::None);
}

fn at_least(what: &str, results: &[(&'static str, f64)], ours: &str, peer: &str, target: f64) {
    let (ours, peer) = (get(results, ours), get(results, peer));
    line(what, peer / ours, "ns", ours, peer, Target::at_least(target));
}

fn plain(runtime: &Runtime) {
    let server = Server::blasting(MIXES, false);
    let (url, base) = (server.url(), || server.base());
    let large = async || over(&server).await.read_buffer(64 << 10);
    let contenders = runtime.block_on(async {
        let spawned = connect::<Realtime>(over(&server).await, base()).await;
        // Dropping its handle leaves it running.
        drop(realtime_tokio::spawn(&spawned));
        let session = OpenAIRealtimeModel::new("key", "m").with_base_url(url.split('?').next().unwrap());
        let session = session.connect(RealtimeConfig::default()).await.unwrap();
        session.next_event().await.unwrap().unwrap();
        vec![
            ("raw", reader(runtime, raw(dial(&server).await, &url, buffer(128 << 10)).await, |_| ())),
            ("raw 16 KiB", reader(runtime, raw(dial(&server).await, &url, buffer(16 << 10)).await, |_| ())),
            ("ours, events only", ours(runtime, connect::<EventsOnly>(over(&server).await, base()).await)),
            ("ours", ours(runtime, connect::<Realtime>(over(&server).await, base()).await)),
            ("ours, 64 KiB, events only", ours(runtime, connect::<EventsOnly>(large().await, base()).await)),
            ("ours, 64 KiB", ours(runtime, connect::<Realtime>(large().await, base()).await)),
            ("ours, spawned", ours(runtime, spawned)),
            ("decoder", reader(runtime, raw(dial(&server).await, &url, buffer(16 << 10)).await, decoder)),
            (
                "floor",
                floor(runtime, raw(dial(&server).await, &url, buffer(16 << 10)).await, Some(BLAST), Least::Frames),
            ),
            ("bytes", floor(runtime, raw(dial(&server).await, &url, buffer(16 << 10)).await, Some(BLAST), blast())),
            ("async-openai", reader(runtime, raw(dial(&server).await, &url, buffer(16 << 10)).await, async_openai)),
            ("oai-rt-rs", reader(runtime, raw(dial(&server).await, &url, buffer(16 << 10)).await, oai_rt_rs)),
            ("adk-realtime", adk(runtime, session)),
        ]
    });
    let results = contest(ROUNDS, contenders);
    let limit = |wide: f64, narrow: f64| Target::AtMost(wide, narrow);
    at_most("blast, events only, of raw", &results, "ours, events only", "raw", limit(1.45, 1.45));
    at_most("blast, session tracked, of raw", &results, "ours", "raw", limit(1.55, 1.55));
    of("blast, the floor, of raw", &results, "floor", "raw");
    of("blast, reading alone, of raw", &results, "bytes", "raw");
    of("blast, events only, of raw with 16 KiB", &results, "ours, events only", "raw 16 KiB");
    at_most("blast, 64 KiB, events only, of raw", &results, "ours, 64 KiB, events only", "raw", limit(1.6, 1.6));
    of("blast, 64 KiB, session tracked, of raw", &results, "ours, 64 KiB", "raw");
    at_most("blast, spawned, of raw", &results, "ours, spawned", "raw", limit(3.0, 3.0));
    of("blast, our decoder on a raw 16 KiB reader, of raw", &results, "decoder", "raw");
    of("blast, events only, of tungstenite's reader + our decoder", &results, "ours, events only", "decoder");
    of("blast, session tracked, of tungstenite's reader + our decoder", &results, "ours", "decoder");
    of("blast, async-openai's types, of that reader alone", &results, "async-openai", "raw 16 KiB");
    of("blast, oai-rt-rs' types, of that reader alone", &results, "oai-rt-rs", "raw 16 KiB");
    at_least("blast vs async-openai's types", &results, "ours", "async-openai", 3.0);
    at_least("blast vs oai-rt-rs' types", &results, "ours", "oai-rt-rs", 4.0);
    at_least("blast vs adk-realtime's client", &results, "ours", "adk-realtime", 4.0);
}

fn tls(runtime: &Runtime) {
    let server = Server::blasting(MIXES, true);
    let url = server.url();
    let transport = async || over(&server).await.tls(server.tls());
    let contenders = runtime.block_on(async {
        let connector = TlsConnector::from(server.client_config());
        let stream =
            async || connector.connect(ServerName::try_from("localhost").unwrap(), dial(&server).await).await.unwrap();
        vec![
            ("raw", reader(runtime, raw(stream().await, &url, buffer(128 << 10)).await, |_| ())),
            ("floor", floor(runtime, raw(stream().await, &url, buffer(16 << 10)).await, Some(BLAST), Least::Frames)),
            ("bytes", floor(runtime, raw(stream().await, &url, buffer(16 << 10)).await, Some(BLAST), blast())),
            ("ours, events only", ours(runtime, connect::<EventsOnly>(transport().await, server.base()).await)),
            ("ours", ours(runtime, connect::<Realtime>(transport().await, server.base()).await)),
        ]
    });
    let results = contest(ROUNDS, contenders);
    at_most("blast over TLS, events only, of raw", &results, "ours, events only", "raw", Target::at_most(1.3));
    of("blast over TLS, session tracked, of raw", &results, "ours", "raw");
    of("blast over TLS, the floor, of raw", &results, "floor", "raw");
    of("blast over TLS, reading alone, of raw", &results, "bytes", "raw");
}

/// Readers and connections over a stream in memory. What is made of a frame is dropped.
fn in_memory(runtime: &Runtime, pace: Pace) -> Vec<(&'static str, f64)> {
    let contenders = runtime.block_on(async {
        let socket = |bytes: usize| {
            WebSocketStream::from_raw_socket(Memory::upgraded(pace).compat(), Role::Client, Some(buffer(bytes)))
        };
        let transport = || TokioTransport::once(ByteStream::new(Memory::server(pace)));
        let base = || "http://memory/v1".to_owned();
        vec![
            ("raw", read(runtime, socket(128 << 10).await, None, |_| ())),
            ("raw 16 KiB", read(runtime, socket(16 << 10).await, None, |_| ())),
            ("ours, events only", turn(runtime, connect::<EventsOnly>(transport(), base()).await, None)),
            ("ours", turn(runtime, connect::<Realtime>(transport(), base()).await, None)),
            ("decoder", read(runtime, socket(16 << 10).await, None, decoder)),
            ("floor", floor(runtime, socket(16 << 10).await, None, Least::Frames)),
            ("async-openai", read(runtime, socket(128 << 10).await, None, async_openai)),
            ("oai-rt-rs", read(runtime, socket(128 << 10).await, None, oai_rt_rs)),
        ]
    });
    contest(ROUNDS, contenders)
}

fn one_by_one(runtime: &Runtime) {
    let results = in_memory(runtime, Pace::OneByOne);
    at_most("one frame a wake-up, events only, of raw", &results, "ours, events only", "raw", Target::at_most(0.4));
    of("one frame a wake-up, session tracked, of raw", &results, "ours", "raw");
    of("one frame a wake-up, the floor, of raw", &results, "floor", "raw");
    of("one frame a wake-up, of raw with 16 KiB", &results, "ours, events only", "raw 16 KiB");
    of("one frame a wake-up, our decoder on a raw 16 KiB", &results, "decoder", "raw");
    at_least("one frame a wake-up vs async-openai", &results, "ours", "async-openai", 3.0);
    at_least("one frame a wake-up vs oai-rt-rs", &results, "ours", "oai-rt-rs", 4.0);
}

/// Without a socket: what the connection costs beside tungstenite's reader and our decoder.
fn together(runtime: &Runtime) {
    let results = in_memory(runtime, Pace::Together);
    let what = "in memory, events only, of tungstenite's reader + our decoder";
    at_most(what, &results, "ours, events only", "decoder", Target::at_most(0.85));
    let what = "in memory, session tracked, of tungstenite's reader + our decoder";
    at_most(what, &results, "ours", "decoder", Target::at_most(0.95));
    of("in memory, the floor, of tungstenite's reader + our decoder", &results, "floor", "decoder");
}

type Block = fn(LocalBoxFuture<'_, usize>) -> usize;

/// The other runtimes, each against its own reader. All on one server.
fn others(runtime: &Runtime) {
    let server = Server::blasting(MIXES, false);
    let url = server.url();
    let smol: Block = |future| smol::block_on(future);
    let async_std: Block = |future| async_std::task::block_on(future);
    let socket = || runtime.block_on(dial(&server)).into_std().unwrap();
    let stream = || smol::Async::new(socket()).unwrap();
    let (smol_turns, async_std_turns) = (
        smol::block_on(async {
            let transport = SmolTransport::once(ByteStream::new(stream()));
            other(smol, &stream, &url, connect(transport, server.base()).await).await
        }),
        async_std::task::block_on(async {
            let stream = || async_std::net::TcpStream::from(socket());
            let transport = AsyncStdTransport::once(ByteStream::new(stream()));
            other(async_std, &stream, &url, connect(transport, server.base()).await).await
        }),
    );
    for (name, turns) in [("smol", smol_turns), ("async-std", async_std_turns)] {
        let results = contest(ROUNDS, turns);
        let line = |what: &str| format!("blast on {name}, {what}");
        at_most(&line("events only, of its raw"), &results, "ours", "raw", Target::at_most(1.9));
        of(&line("events only, of its raw, polled before"), &results, "ours", "raw, polled");
        of(&line("the floor, of its raw"), &results, "floor", "raw");
        of(&line("reading alone, of its raw"), &results, "bytes", "raw");
    }
}

/// Another runtime's turns. `raw, polled` waits for the socket before the blast arrives, as a connection does: the
/// runtime then has to tell it.
async fn other<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    block: Block,
    stream: &impl Fn() -> S,
    url: &str,
    connection: Connection<EventsOnly>,
) -> Vec<(&'static str, Turn<'static>)> {
    let socket = async || {
        let mut socket = async_tungstenite::client_async(url, stream()).await.unwrap().0;
        socket.next().await.unwrap().unwrap();
        socket
    };
    vec![
        ("raw", other_raw(block, socket().await, false)),
        ("raw, polled", other_raw(block, socket().await, true)),
        ("ours", other_ours(block, connection)),
        ("floor", other_floor(block, socket().await, Least::Frames)),
        ("bytes", other_floor(block, socket().await, blast())),
    ]
}

fn other_raw<S>(block: Block, mut socket: async_tungstenite::WebSocketStream<S>, polled: bool) -> Turn<'static>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    Box::new(move || {
        block(Box::pin(async {
            for _ in 0..BLASTS {
                socket.send(Message::text(GO)).await.unwrap();
                let early = polled && futures::poll!(socket.next()).is_ready();
                sleep(BLAST);
                for _ in usize::from(early)..EVENTS {
                    drop(std::hint::black_box(socket.next().await.unwrap().unwrap()));
                }
            }
            BLASTS * EVENTS
        }))
    })
}

fn other_floor<S>(block: Block, mut socket: async_tungstenite::WebSocketStream<S>, least: Least) -> Turn<'static>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let mut floor = Floor::default();
    Box::new(move || {
        block(Box::pin(async {
            for _ in 0..BLASTS {
                socket.send(Message::text(GO)).await.unwrap();
                sleep(BLAST);
                least.read(&mut floor, socket.get_mut()).await;
            }
            BLASTS * EVENTS
        }))
    })
}

fn other_ours(block: Block, connection: Connection<EventsOnly>) -> Turn<'static> {
    Box::new(move || block(Box::pin(receive(&connection, Some(BLAST)))))
}

/// How long an answer takes, in the middle.
fn ping_pong(runtime: &Runtime) {
    const TIMES: usize = 300;
    let server = Server::answering(false);
    let url = server.url();
    let (socket, connection) = runtime.block_on(async {
        let socket = raw(dial(&server).await, &url, buffer(128 << 10)).await;
        (socket, connect::<Realtime>(TokioTransport::new(), server.base()).await)
    });
    let socket = RefCell::new(socket);
    let event = |text: &str| Custom::new(Json::parse(text).unwrap()).unwrap();
    let (commit, create) = (event(COMMIT), event(GO));
    // A guard over an await is fine here: nobody else runs.
    #[expect(clippy::await_holding_refcell_ref)]
    let raw = async |both: bool| {
        let mut socket = socket.borrow_mut();
        if both {
            socket.send(Message::text(COMMIT)).await.unwrap();
        }
        socket.send(Message::text(GO)).await.unwrap();
        socket.next().await.unwrap().unwrap();
    };
    let ours = async |both: bool| {
        if both {
            connection.send(commit.clone()).unwrap();
        }
        connection.send(create.clone()).unwrap();
        connection.next().await.unwrap().unwrap();
    };
    let mut medians = [[Vec::new(), Vec::new()], [Vec::new(), Vec::new()]];
    for _ in 0..ROUNDS {
        for (both, medians) in [false, true].into_iter().zip(&mut medians) {
            let mut times = [Vec::new(), Vec::new()];
            runtime.block_on(async {
                for _ in 0..TIMES {
                    let begin = Instant::now();
                    raw(both).await;
                    times[0].push(begin.elapsed().as_nanos() as f64);
                    let begin = Instant::now();
                    ours(both).await;
                    times[1].push(begin.elapsed().as_nanos() as f64);
                }
            });
            for (medians, times) in medians.iter_mut().zip(times) {
                medians.push(rounds::median(times));
            }
        }
    }
    let [[ping_raw, ping_ours], [pair_raw, pair_ours]] = medians.map(|pair| pair.map(rounds::median));
    line("ping-pong p50, of raw", ping_ours / ping_raw, "ns", ping_ours, ping_raw, Target::at_most(1.10));
    line("commit + create p50, of raw", pair_ours / pair_raw, "ns", pair_ours, pair_raw, Target::None);
    figure("commit + create p50", pair_ours / 1e6, "ms", Target::at_most(0.2));
}
