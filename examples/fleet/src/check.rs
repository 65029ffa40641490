//! What the log says: who went on with what, after how long, and that nobody held a session of somebody else.

use std::collections::{BTreeMap, HashMap, HashSet};

use realtime::{
    session::Snapshot,
    types::{Item, Role},
};

use crate::store::{Line, Overview, Result, What};

/// The sessions of a worker that was told to end: none has lost a turn.
pub(crate) fn moved(log: &[Line], worker: &str, sessions: &HashSet<String>) -> Result<()> {
    let mut gaps = Vec::new();
    for session in sessions {
        let lines: Vec<_> = log.iter().filter(|line| line.session == *session).collect();
        let released = lines.iter().rposition(|line| line.worker == worker && line.what == What::Released);
        let released = released.ok_or_else(|| format!("{session} was not released"))?;
        let (at, turns) = opened(&lines[released..]).ok_or_else(|| format!("{session} does not go on"))?;
        let begun = begun(&lines[..released]);
        if turns < begun {
            return Err(format!("{session} had {begun} turns, and went on with {turns}").into());
        }
        gaps.push(at.saturating_sub(lines[released].at));
    }
    println!("SIGTERM: {} sessions moved, none has lost a turn; {}", sessions.len(), percentiles(gaps));
    Ok(())
}

/// The sessions of a worker that was killed: each goes on from its last snapshot.
pub(crate) fn killed(log: &[Line], worker: &str, sessions: &HashSet<String>, at: u64) -> Result<()> {
    let (mut gaps, mut lost) = (Vec::new(), BTreeMap::new());
    for session in sessions {
        let lines: Vec<_> = log.iter().filter(|line| line.session == *session).collect();
        let last = lines.iter().rposition(|line| line.worker == worker).unwrap_or_default();
        let (open, turns) = opened(&lines[last..]).ok_or_else(|| format!("{session} does not go on"))?;
        match begun(&lines[..=last]).checked_sub(turns) {
            Some(0) => {}
            Some(turns) => drop(lost.insert(session, turns)),
            None => return Err(format!("{session} went on with more turns than it had").into()),
        }
        gaps.push(open.saturating_sub(at));
    }
    println!("SIGKILL: {} sessions moved, {} have lost a turn; {}", sessions.len(), lost.len(), percentiles(gaps));
    for (session, turns) in lost {
        println!("  {session} lost {turns}: it was in progress");
    }
    Ok(())
}

/// The first time that the conversation goes on, and the number of turns in it.
fn opened(lines: &[&Line]) -> Option<(u64, usize)> {
    lines.iter().find_map(|line| match line.what {
        What::Open { turns } => Some((line.at, turns)),
        _ => None,
    })
}

/// The number of the turn that was begun last.
fn begun(lines: &[&Line]) -> usize {
    let turn = |line: &&Line| match line.what {
        What::Turn { number } => Some(number),
        What::Open { turns } => Some(turns),
        _ => None,
    };
    lines.iter().rev().find_map(turn).unwrap_or_default()
}

fn percentiles(mut gaps: Vec<u64>) -> String {
    gaps.sort_unstable();
    let at = |percent: usize| gaps.get((gaps.len() * percent / 100).min(gaps.len().saturating_sub(1))).copied();
    match (at(50), at(99)) {
        (Some(half), Some(most)) => format!("gap p50 {half} ms, p99 {most} ms"),
        _ => "no gaps".into(),
    }
}

/// How often a lease was taken that had expired: the one before was not given back.
pub(crate) fn expiries(log: &[Line]) -> usize {
    let mut given_back: HashMap<&str, bool> = HashMap::new();
    let mut expiries = 0;
    for line in log {
        match line.what {
            What::Taken => {
                expiries += usize::from(given_back.insert(&line.session, false) == Some(false));
            }
            What::Released => drop(given_back.insert(&line.session, true)),
            _ => {}
        }
    }
    expiries
}

/// Nobody held a session before the lease of another was over, and every conversation is whole.
pub(crate) async fn whole(store: &impl Overview, log: &[Line]) -> Result<()> {
    // For each session and lease: when it was taken, and until when somebody was certain to hold it.
    let mut leases: BTreeMap<(&str, u64), (u64, u64)> = BTreeMap::new();
    for line in log {
        let (taken, until) = leases.entry((&line.session, line.token)).or_insert((line.at, line.until));
        match line.what {
            What::Taken => *taken = line.at,
            What::Released => *until = line.at,
            _ => *until = (*until).max(line.until),
        }
    }
    let mut held: Vec<_> = leases.iter().map(|((session, _), (taken, until))| (*session, *taken, *until)).collect();
    held.sort_unstable();
    for pair in held.windows(2) {
        let [(before, _, until), (session, taken, _)] = pair else { continue };
        if before == session && until > taken {
            return Err(format!("{session} was taken at {taken}, and held by another until {until}").into());
        }
    }
    for session in store.sessions().await? {
        let json = store.load(&session).await?.ok_or_else(|| format!("{session} was never saved"))?;
        let snapshot = Snapshot::from_json(&json)?;
        let messages = snapshot.items.iter().filter_map(|saved| saved.item.as_ref()?.as_message());
        let users = messages.filter(|message| message.role == Role::User).map(|message| message.text());
        for (number, text) in (1..).zip(users) {
            if text != format!("turn {number}") {
                return Err(format!("{session}: turn {number} is {text:?}").into());
            }
        }
        if !snapshot.items.iter().all(|saved| matches!(&saved.item, Some(Item::Message(_)))) {
            return Err(format!("{session} has something else than messages").into());
        }
    }
    println!("{} leases, {} of them expired, no session was held twice", leases.len(), expiries(log));
    Ok(())
}
