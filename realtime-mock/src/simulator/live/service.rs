//! The Live sessions of a simulated service, open and stored.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use realtime_core::transport::Instant;
use serde_json::Value;

use super::room::Room;

/// Maximum number of sessions of either kind. Beyond it, the oldest is dropped.
const MOST: usize = 1_000;

/// A session as shared by its connections.
pub(in crate::simulator) type Shared = Arc<Mutex<Room>>;

/// Locks a session.
pub(in crate::simulator) fn enter(room: &Mutex<Room>) -> MutexGuard<'_, Room> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A session that was stored when it closed.
#[derive(Clone)]
pub(in crate::simulator) struct Stored {
    pub(super) id: String,
    /// The session, with its history as `input`.
    pub(in crate::simulator) session: Value,
}

/// All Live sessions.
#[derive(Default)]
pub(in crate::simulator) struct Service(Mutex<State>);

#[derive(Default)]
struct State {
    rooms: VecDeque<(String, Shared)>,
    stored: VecDeque<Stored>,
}

impl Service {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a session.
    pub(super) fn add(&self, id: &str, room: &Shared) {
        let mut state = self.state();
        if state.rooms.len() == MOST {
            state.rooms.pop_front();
        }
        state.rooms.push_back((id.into(), room.clone()));
    }

    /// Whether the session of this id is open, as far as time was told.
    pub(in crate::simulator) fn knows(&self, id: &str) -> bool {
        self.state().rooms.iter().any(|(known, _)| known == id)
    }

    /// The session of this id, if it is open as of now.
    pub(in crate::simulator) fn open(&self, id: &str, now: Instant) -> Option<Shared> {
        let room = self.state().rooms.iter().find(|(known, _)| known == id).map(|(_, room)| room.clone())?;
        self.visit(&room, now, |_| ())?;
        Some(room)
    }

    /// Brings a session to this time, and changes it if it is not over. Its connections are woken, and if it is over then,
    /// it is stored.
    pub(in crate::simulator) fn visit<R>(
        &self,
        room: &Shared,
        now: Instant,
        change: impl FnOnce(&mut Room) -> R,
    ) -> Option<R> {
        let mut room = enter(room);
        room.advance(now);
        let result = (!room.is_over()).then(|| change(&mut room));
        room.advance(now);
        let (wakers, id) = (room.take_wakers(), room.id.clone());
        let over = room.is_over().then(|| room.stored());
        drop(room);
        if let Some(stored) = over {
            self.close(&id, stored);
        }
        wakers.into_iter().for_each(std::task::Waker::wake);
        result
    }

    /// The stored session with this id.
    pub(in crate::simulator) fn stored(&self, id: &str) -> Option<Stored> {
        self.state().stored.iter().find(|stored| stored.id == id).cloned()
    }

    /// Removes a closed session, and stores it if requested.
    pub(super) fn close(&self, id: &str, stored: Option<Value>) {
        let mut state = self.state();
        let open = state.rooms.len();
        state.rooms.retain(|(known, _)| known != id);
        // A session closes once.
        if let Some(session) = stored.filter(|_| state.rooms.len() < open) {
            if state.stored.len() == MOST {
                state.stored.pop_front();
            }
            state.stored.push_back(Stored { id: id.into(), session });
        }
    }
}
