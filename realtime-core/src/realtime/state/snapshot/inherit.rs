//! From a snapshot to the session state that continues it.

use std::sync::Arc;

use super::{
    super::{RealtimeState, calls::PendingCalls},
    Snapshot,
};

impl RealtimeState {
    /// Continues the conversation of a snapshot: it is known at once, and restored once a session is open.
    pub(crate) fn inherit(&mut self, snapshot: Arc<Snapshot>) {
        self.info = snapshot.confirmed.clone().map(Arc::new);
        self.totals = snapshot.totals.clone();
        self.intent.inherit(snapshot.intended.clone());
        self.conversation.resume(snapshot.conversation_id.clone(), &snapshot.items);
        for saved in &snapshot.items {
            if let Some(item) = &saved.sent {
                self.creations.keep(&saved.id, item);
            }
        }
        if let Some(ledger) = &mut self.ledger {
            ledger.recall(&snapshot.heard);
        }
        let calls = PendingCalls::resume(&snapshot.calls, snapshot.follow_ups);
        self.inherited_calls = Some(Arc::new(calls));
        self.inherited = Some(snapshot);
    }
}
