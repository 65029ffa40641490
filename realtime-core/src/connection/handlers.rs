//! Functions called with the events that are handed to the application.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    protocol::{Protocol, event::EventOf},
    transport::Text,
};

/// Names a handler, for [`Connection::off`](crate::Connection::off).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HandlerId(u64);

type Call<P> = Arc<dyn Fn(&<P as Protocol>::ServerEvent, Option<&Text>) + Send + Sync>;

pub(super) struct Handlers<P: Protocol> {
    next: u64,
    // Shared, so that the functions run outside the lock: they may add and remove handlers.
    list: Arc<Vec<Handler<P>>>,
}

struct Handler<P: Protocol> {
    id: HandlerId,
    once: bool,
    /// Whether the handler accepts this event.
    wants: fn(&P::ServerEvent) -> bool,
    call: Call<P>,
}

impl<P: Protocol> Clone for Handler<P> {
    fn clone(&self) -> Self {
        Self { id: self.id, once: self.once, wants: self.wants, call: self.call.clone() }
    }
}

impl<P: Protocol> Default for Handlers<P> {
    fn default() -> Self {
        Self { next: 0, list: Arc::default() }
    }
}

impl<P: Protocol> Handlers<P> {
    pub(super) fn on<E: EventOf<P::ServerEvent>>(
        &mut self,
        once: bool,
        handler: impl Fn(&E) + Send + Sync + 'static,
    ) -> HandlerId {
        let call = move |event: &P::ServerEvent, _: Option<&Text>| {
            if let Some(event) = E::get(event) {
                handler(event);
            }
        };
        self.add(once, |event| E::get(event).is_some(), Arc::new(call))
    }

    pub(super) fn tap(&mut self, tap: impl Fn(&P::ServerEvent, &Text) + Send + Sync + 'static) -> HandlerId {
        let call = move |event: &P::ServerEvent, raw: Option<&Text>| {
            if let Some(raw) = raw {
                tap(event, raw);
            }
        };
        self.add(false, |_| true, Arc::new(call))
    }

    fn add(&mut self, once: bool, wants: fn(&P::ServerEvent) -> bool, call: Call<P>) -> HandlerId {
        let id = HandlerId(self.next);
        self.next += 1;
        Arc::make_mut(&mut self.list).push(Handler { id, once, wants, call });
        id
    }

    pub(super) fn off(&mut self, id: HandlerId) -> bool {
        let present = self.list.iter().any(|handler| handler.id == id);
        if present {
            Arc::make_mut(&mut self.list).retain(|handler| handler.id != id);
        }
        present
    }
}

/// Calls every handler that accepts the event, in the order in which they were added.
pub(super) fn dispatch<P: Protocol>(handlers: &Mutex<Handlers<P>>, event: &P::ServerEvent, raw: Option<&Text>) {
    let list = {
        let handlers = lock(handlers);
        if handlers.list.is_empty() {
            return;
        }
        handlers.list.clone()
    };
    for handler in list.iter().filter(|handler| (handler.wants)(event)) {
        // Whoever removes it calls it, so that it is called only once.
        if !handler.once || lock(handlers).off(handler.id) {
            (handler.call)(event, raw);
        }
    }
}

pub(super) fn lock<P: Protocol>(handlers: &Mutex<Handlers<P>>) -> MutexGuard<'_, Handlers<P>> {
    handlers.lock().unwrap_or_else(PoisonError::into_inner)
}
