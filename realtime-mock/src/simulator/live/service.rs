//! The Live sessions of a simulated service: those that are open, and those that were stored.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::room::Room;

/// Sessions of either sort that are remembered: of more the oldest is forgotten.
const MOST: usize = 1_000;

/// What connections of one session share.
pub(super) type Shared = Arc<Mutex<Room>>;

/// Looks into a session.
pub(super) fn enter(room: &Mutex<Room>) -> MutexGuard<'_, Room> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A session that was stored when it closed.
#[derive(Clone)]
pub(in crate::simulator) struct Stored {
    pub(super) id: String,
    /// The session, with what was said in it as its `input`.
    pub(super) session: Value,
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

    /// A session has begun.
    pub(super) fn add(&self, id: &str, room: &Shared) {
        let mut state = self.state();
        if state.rooms.len() == MOST {
            state.rooms.pop_front();
        }
        state.rooms.push_back((id.into(), room.clone()));
    }

    /// The open session of this id.
    pub(in crate::simulator) fn find(&self, id: &str) -> Option<Shared> {
        self.state().rooms.iter().find(|(known, _)| known == id).map(|(_, room)| room.clone())
    }

    /// The stored session of this id.
    pub(in crate::simulator) fn stored(&self, id: &str) -> Option<Stored> {
        self.state().stored.iter().find(|stored| stored.id == id).cloned()
    }

    /// A session has closed, and may have been stored.
    pub(super) fn close(&self, id: &str, stored: Option<Value>) {
        let mut state = self.state();
        let open = state.rooms.len();
        state.rooms.retain(|(known, _)| known != id);
        // It closes once.
        if let Some(session) = stored.filter(|_| state.rooms.len() < open) {
            if state.stored.len() == MOST {
                state.stored.pop_front();
            }
            state.stored.push_back(Stored { id: id.into(), session });
        }
    }
}
