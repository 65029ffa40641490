//! Functions called with the events that are handed to the application.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    protocol::{Protocol, event::EventOf},
    transport::Text,
};

/// Names a handler, for [`Connection::off`](crate::Connection::off).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HandlerId(u64);

type Call<P> = Arc<dyn Fn(&<P as Protocol>::ServerEvent, Option<&Text>) + Send + Sync>;

pub(super) struct Handlers<P: Protocol> {
    /// Whether there ever was one. Without any, an event costs no lock.
    any: AtomicBool,
    list: Mutex<List<P>>,
}

struct List<P: Protocol> {
    next: u64,
    // Shared, so that the functions run outside the lock: they may add and remove handlers.
    handlers: Arc<Vec<Handler<P>>>,
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
        Self { any: AtomicBool::new(false), list: Mutex::new(List { next: 0, handlers: Arc::default() }) }
    }
}

impl<P: Protocol> Handlers<P> {
    pub(super) fn on<E: EventOf<P::ServerEvent>>(
        &self,
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

    pub(super) fn tap(&self, tap: impl Fn(&P::ServerEvent, &Text) + Send + Sync + 'static) -> HandlerId {
        let call = move |event: &P::ServerEvent, raw: Option<&Text>| {
            if let Some(raw) = raw {
                tap(event, raw);
            }
        };
        self.add(false, |_| true, Arc::new(call))
    }

    fn add(&self, once: bool, wants: fn(&P::ServerEvent) -> bool, call: Call<P>) -> HandlerId {
        let mut list = self.list();
        let id = HandlerId(list.next);
        list.next += 1;
        Arc::make_mut(&mut list.handlers).push(Handler { id, once, wants, call });
        self.any.store(true, Ordering::Release);
        id
    }

    pub(super) fn off(&self, id: HandlerId) -> bool {
        let mut list = self.list();
        let present = list.handlers.iter().any(|handler| handler.id == id);
        if present {
            Arc::make_mut(&mut list.handlers).retain(|handler| handler.id != id);
        }
        present
    }

    /// Calls every handler that accepts the event, in the order in which they were added.
    #[inline]
    pub(super) fn dispatch(&self, event: &P::ServerEvent, raw: Option<&Text>) {
        if self.any.load(Ordering::Acquire) {
            self.call(event, raw);
        }
    }

    fn call(&self, event: &P::ServerEvent, raw: Option<&Text>) {
        let handlers = self.list().handlers.clone();
        for handler in handlers.iter().filter(|handler| (handler.wants)(event)) {
            // Whoever removes it calls it, so that it is called only once.
            if !handler.once || self.off(handler.id) {
                (handler.call)(event, raw);
            }
        }
    }

    fn list(&self) -> MutexGuard<'_, List<P>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
