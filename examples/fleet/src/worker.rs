//! A worker: holds as many sessions as it may, one conversation each.

use std::{sync::Arc, time::Duration};

use realtime::{
    Client, Connection, Options, Realtime,
    connection::Unread,
    session::{Media, Snapshot},
    types::{Item, Modality, RealtimeSessionConfig, ResponseConfig, Role},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Mutex, watch},
    task::JoinSet,
    time::{interval, sleep},
};

use crate::store::{LEASE, Lease, Result, Store, What};

/// How often free sessions are looked for.
const LOOK: Duration = Duration::from_millis(100);
/// Pause between two turns of a conversation.
const PAUSE: Duration = Duration::from_secs(2);
/// How long the end of a worker waits for the quiet moments of its sessions.
const DRAIN: Duration = Duration::from_secs(5);

/// Holds sessions until it is told to end by SIGTERM, and leaves each as a snapshot.
pub(crate) async fn run(store: impl Store, url: &str, name: &str, most: usize) -> Result<()> {
    let options = Options::default().unread(Unread::Discard);
    let client = realtime::client().base_url(url).api_key("sk-fleet").options(options).build();
    let (stop, stopped) = watch::channel(false);
    let mut sessions = JoinSet::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut look = interval(LOOK);
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            Some(ended) = sessions.join_next() => report(name, ended?),
            _ = look.tick(), if sessions.len() < most => {
                for session in store.free().await?.into_iter().take(most - sessions.len()) {
                    if let Some(lease) = store.take(&session, name).await? {
                        sessions.spawn(hold(store.clone(), client.clone(), lease, stopped.clone()));
                    }
                }
            }
        }
    }
    stop.send(true)?;
    while let Some(ended) = sessions.join_next().await {
        report(name, ended?);
    }
    Ok(())
}

fn report(worker: &str, ended: Result<()>) {
    if let Err(error) = ended {
        eprintln!("{worker}: {error}");
    }
}

/// Holds one session for as long as the lease can be renewed, or until all end.
async fn hold(store: impl Store, client: Client, lease: Lease, mut stopped: watch::Receiver<bool>) -> Result<()> {
    let connect = match store.load(&lease.session).await? {
        Some(json) => client.realtime().resume(Snapshot::from_json(&json)?),
        None => client.realtime().model("gpt-realtime"),
    };
    let connection = connect.connect().await?;
    if connection.state().conversation.is_empty() {
        let config = RealtimeSessionConfig::default().output_modalities([Modality::Text]);
        connection.session().update(config)?.await?;
    }
    store.log(&lease, What::Open { turns: turns(&connection) }).await?;
    let lease = Arc::new(Mutex::new(lease));
    let lost = tokio::select! {
        lost = renew(&store, &lease) => lost?,
        ended = converse(&store, &connection, &lease) => ended?,
        _ = stopped.wait_for(|stopped| *stopped) => false,
        ended = connection.drive() => return Ok(ended?),
    };
    if lost {
        // Somebody else goes on from the snapshot. Nothing more is said here, and nothing is saved.
        let lease = lease.lock().await;
        return store.log(&lease, What::Lost).await;
    }
    let drained = tokio::select! {
        drained = connection.drain_with(DRAIN, Media::None) => drained,
        lost = renew(&store, &lease) => return Err(format!("lease lost while draining: {lost:?}").into()),
    };
    let mut lease = lease.lock().await.clone();
    if store.hold(&mut lease, Some(&drained.snapshot.to_json()?)).await? {
        store.release(lease).await?;
    }
    Ok(())
}

/// Renews the lease until it is lost.
async fn renew(store: &impl Store, lease: &Mutex<Lease>) -> Result<bool> {
    loop {
        sleep(LEASE / 3).await;
        let mut lease = lease.lock().await;
        if !lease.is_valid() || !store.hold(&mut lease, None).await? {
            return Ok(true);
        }
    }
}

/// Has a conversation, and saves it in the quiet moment after each turn. Returns when the lease is lost.
async fn converse(store: &impl Store, connection: &Connection<Realtime>, lease: &Mutex<Lease>) -> Result<bool> {
    loop {
        sleep(PAUSE).await;
        let number = turns(connection) + 1;
        let item = {
            let mut lease = lease.lock().await;
            // After a pause of the process, somebody else may hold the session.
            if !lease.is_valid() || !store.hold(&mut lease, None).await? {
                return Ok(true);
            }
            // Before it is in the log: if all of this is dropped in between, the turn is in the snapshot.
            let item = connection.conversation().item().create(Item::user(format!("turn {number}")))?;
            store.log(&lease, What::Turn { number }).await?;
            item
        };
        item.await?;
        connection.response().create(ResponseConfig::default())?.await?;
        let snapshot = connection.snapshot().to_json()?;
        if !store.hold(&mut *lease.lock().await, Some(&snapshot)).await? {
            return Ok(true);
        }
    }
}

/// Number of the user's turns in the conversation.
fn turns(connection: &Connection<Realtime>) -> usize {
    let state = connection.state();
    let is_user = |item: &Item| item.as_message().is_some_and(|message| message.role == Role::User);
    state.conversation.items().filter(|item| is_user(&item.item)).count()
}
