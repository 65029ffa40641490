//! Connections opened ahead: what is handed out works, and is handed out once.

#[path = "support/seeds.rs"]
mod seeds;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{
    StreamExt,
    future::{BoxFuture, Either, join, select},
    pin_mut,
    stream::FuturesUnordered,
};
use http::{HeaderMap, StatusCode};
use realtime::{
    Client, Connection, Error, Realtime,
    connection::{Keepalive, Phase},
    event::SessionUpdate,
    mock::{MockServer, MockSession, MockTransport, VirtualClock},
    pool::Pool,
    transport::{CloseFrame, Instant, Timer, TransportError, TransportErrorKind},
    types::RealtimeSessionConfig,
};
use serde_json::json;

use seeds::{Dice, seeds};

const TAKES: u64 = 10_000;
const AGE: Duration = Duration::from_secs(60);
const MODELS: [&str; 3] = ["a", "b", "c"];

/// What the server knows of a session.
struct Known {
    session: Arc<MockSession>,
    model: String,
    begun: Instant,
    /// When it was broken, and whether silently.
    broken: Option<(Instant, bool)>,
}

type Sessions = Mutex<HashMap<String, Known>>;

fn id(connection: &Connection<Realtime>) -> String {
    connection.state().info().and_then(|info| info.id().cloned()).expect("it is open").to_string()
}

fn pool(client: Client) -> Pool<String, Realtime> {
    Pool::builder(client, |client, model: &String| client.realtime().model(model)).size(3).max_age(AGE).build()
}

/// Opens the sessions that are asked for, and reads them, so that pings are answered.
async fn serve(server: &MockServer, sessions: &Sessions) {
    let clock = server.clock();
    let mut reading = FuturesUnordered::new();
    loop {
        let accepted = {
            let accept = server.accept_as::<Realtime>();
            pin_mut!(accept);
            let read = async {
                while reading.next().await.is_some() {}
                std::future::pending::<()>().await
            };
            pin_mut!(read);
            match select(accept, read).await {
                Either::Left((session, _)) => Arc::new(session),
                Either::Right(_) => unreachable!("it never ends"),
            }
        };
        let mut sessions = sessions.lock().unwrap();
        let id = format!("sess_{}", sessions.len());
        let created = json!({ "type": "session.created", "session": { "type": "realtime", "id": id } });
        accepted.send_raw(created.to_string());
        let uri = accepted.handshake().uri.to_string();
        let model = uri.rsplit('=').next().unwrap().to_owned();
        let session = accepted.clone();
        reading.push(async move { while session.next().await.is_some() {} });
        sessions.insert(id, Known { session: accepted, model, begun: clock.now(), broken: None });
    }
}

/// Breaks sessions and attempts to connect.
async fn break_things(server: &MockServer, sessions: &Sessions, mut dice: Dice) {
    loop {
        server.clock().sleep(Duration::from_millis(100 + dice.below(3000))).await;
        match dice.below(8) {
            0 => server.fail_next(TransportError::new(TransportErrorKind::Connect, "no route")),
            1 => server.refuse_next(StatusCode::SERVICE_UNAVAILABLE, HeaderMap::new(), "busy"),
            2 => server.delay_next(Duration::from_secs(3)),
            kind => {
                let now = server.clock().now();
                let mut sessions = sessions.lock().unwrap();
                let mut alive: Vec<_> = sessions.values_mut().filter(|known| known.broken.is_none()).collect();
                alive.sort_by_key(|known| known.begun);
                // The latest are in the pool.
                let from = alive.len().saturating_sub(12);
                let at = from + dice.below((alive.len() - from).max(1) as u64) as usize;
                let Some(known) = alive.get_mut(at) else { continue };
                known.broken = Some((now, kind == 3));
                match kind {
                    3 => known.session.half_open(true),
                    4 | 5 => known.session.close(1011, ""),
                    _ => known.session.drop_link(),
                }
            }
        }
    }
}

#[test]
fn what_is_taken_works_and_is_taken_once() {
    let clock = VirtualClock::new();
    let (transport, server) = MockTransport::on(&clock);
    server.greet_with(None::<String>);
    let pool = pool(Client::builder(transport).build());
    let sessions = Sessions::default();
    let (mut dice, mut seen, mut ready, mut opened, mut failed) = (Dice(7), HashSet::new(), 0, 0, 0);
    let patience = Keepalive::default();
    let silent = patience.idle + patience.grace + Duration::from_secs(1);
    let take = async {
        for model in MODELS {
            pool.warm(model.into());
        }
        for _ in 0..seeds(TAKES) {
            clock.sleep(Duration::from_millis(dice.below(1500))).await;
            let model = MODELS[dice.below(3) as usize].to_owned();
            let (connection, was_ready) = match pool.take_ready(&model) {
                Some(connection) => (connection, true),
                None => match pool.take(&model).await {
                    Ok(connection) => (connection, false),
                    Err(error) => {
                        assert!(error.is_retryable(), "{error:?}");
                        failed += 1;
                        continue;
                    }
                },
            };
            (ready, opened) = (ready + u32::from(was_ready), opened + u32::from(!was_ready));
            let id = id(&connection);
            assert!(seen.insert(id.clone()), "{id} was handed out twice");
            {
                let sessions = sessions.lock().unwrap();
                let (known, now) = (&sessions[&id], clock.now());
                assert_eq!(known.model, model, "{id}");
                if was_ready {
                    assert_eq!(connection.phase(), Phase::Open, "{id}");
                    assert!(now - known.begun < AGE, "{id} is too old");
                    match known.broken {
                        None => {}
                        Some((at, true)) => assert!(now - at <= silent, "{id} has been dead since {at:?}"),
                        Some((at, false)) => panic!("{id} was broken at {at:?}, and it is {now:?}"),
                    }
                }
            }
            for model in MODELS {
                let status = pool.status(&model.to_owned()).unwrap();
                assert!(status.ready + status.opening <= 3, "{status:?}");
            }
            match dice.below(3) {
                0 => drop(connection),
                1 => drop(connection.close(CloseFrame::new(1000, "")).await),
                _ => drop(connection.send(SessionUpdate::new(RealtimeSessionConfig::default()))),
            }
        }
    };
    clock.block_on(async {
        let others = join(pool.run(), join(serve(&server, &sessions), break_things(&server, &sessions, Dice(3))));
        pin_mut!(take, others);
        let ended = select(take, others).await;
        assert!(matches!(ended, Either::Left(_)));
    });
    println!("{ready} were ready, {opened} were opened when asked for, {failed} attempts failed");
    assert!(u64::from(ready) > seeds(TAKES) / 2, "{ready}");
    // Nothing is left of it.
    drop(pool);
    drop(sessions);
    assert_eq!(clock.pending(), 0);
}

/// Runs the pool and a server that grants everything beside a script.
fn beside(pool: &Pool<String, Realtime>, server: &MockServer, script: impl Future<Output = ()>) {
    let sessions = Sessions::default();
    server.greet_with(None::<String>);
    server.clock().block_on(async {
        let others = join(pool.run(), serve(server, &sessions));
        pin_mut!(script, others);
        assert!(matches!(select(script, others).await, Either::Left(_)));
    });
}

#[test]
fn a_failing_endpoint_is_asked_less_and_less_often_and_says_why() {
    let clock = VirtualClock::new();
    let (transport, server) = MockTransport::on(&clock);
    let pool = pool(Client::builder(transport).build());
    for _ in 0..12 {
        server.refuse_next(StatusCode::UNAUTHORIZED, HeaderMap::new(), "no");
    }
    let model = "a".to_owned();
    assert!(pool.status(&model).is_none() && pool.take_ready(&model).is_none());
    pool.warm(model.clone());
    beside(&pool, &server, async {
        clock.sleep(Duration::from_millis(100)).await;
        let status = pool.status(&model).unwrap();
        assert_eq!((status.ready, status.opening), (0, 0));
        assert!(!status.error.unwrap().is_retryable());
        // The first three attempts are made at once, the next after two seconds, and the next after sixteen.
        clock.sleep(Duration::from_millis(1800)).await;
        assert_eq!(pool.status(&model).unwrap().opening, 0);
        clock.sleep(Duration::from_secs(120)).await;
        let status = pool.status(&model).unwrap();
        assert_eq!((status.ready, status.error.is_none()), (3, true));
        pool.cool(&model);
        assert!(pool.status(&model).is_none());
    });
}

#[test]
fn a_connection_is_prepared_before_it_is_ready() {
    fn configure(connection: &Connection<Realtime>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            connection.session().update(RealtimeSessionConfig::default().instructions("Be brief."))?.await?;
            Ok(())
        })
    }

    let clock = VirtualClock::new();
    let (transport, server) = MockTransport::on(&clock);
    let client = Client::builder(transport).build();
    let pool =
        Pool::builder(client, |client, model: &String| client.realtime().model(model)).prepare(configure).build();
    let model = "a".to_owned();
    pool.warm(model.clone());
    clock.block_on(async {
        let script = async {
            let mut sessions = Vec::new();
            for _ in 0..2 {
                let session: MockSession = server.accept().await;
                session.expect::<SessionUpdate>().await;
                assert_eq!(pool.status(&model).unwrap().ready, sessions.len());
                session.send_raw(r#"{"type":"session.updated","session":{}}"#);
                sessions.push(session);
                clock.sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(pool.status(&model).unwrap().ready, 2);
        };
        let run = pool.run();
        pin_mut!(script, run);
        assert!(matches!(select(script, run).await, Either::Left(_)));
    });
}
