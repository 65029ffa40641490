use std::collections::BTreeMap;

use realtime_core::transport::Instant;

/// Schedule of work in progress by its next step: the earliest first, ties in order of creation.
pub(super) struct Agenda<T> {
    entries: BTreeMap<(Instant, Number), T>,
    /// Work whose next step is not scheduled, because it waits for the application.
    parked: BTreeMap<Number, T>,
    next: u64,
}

/// Sequence number, in order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(u64);

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), parked: BTreeMap::new(), next: 0 }
    }
}

impl<T> Agenda<T> {
    /// Adds new work.
    pub(super) fn begin(&mut self, due: Instant, entry: T) {
        self.entries.insert((due, Number(self.next)), entry);
        self.next += 1;
    }

    /// Puts back work that continues.
    pub(super) fn resume(&mut self, due: Instant, number: Number, entry: T) {
        self.entries.insert((due, number), entry);
    }

    /// Puts back work whose next step is not scheduled yet.
    pub(super) fn park(&mut self, number: Number, entry: T) {
        self.parked.insert(number, entry);
    }

    /// Adds new work whose first step is not scheduled yet.
    pub(super) fn begin_parked(&mut self, entry: T) {
        self.parked.insert(Number(self.next), entry);
        self.next += 1;
    }

    /// Removes work whose next step is not scheduled.
    pub(super) fn unpark(&mut self, wanted: impl Fn(&T) -> bool) -> Option<(Number, T)> {
        let number = self.parked.iter().find(|(_, entry)| wanted(entry)).map(|(number, _)| *number)?;
        Some((number, self.parked.remove(&number)?))
    }

    /// The work whose next step is not scheduled.
    pub(super) fn parked(&mut self) -> impl Iterator<Item = &mut T> {
        self.parked.values_mut()
    }

    /// Amount of work in progress.
    pub(super) fn len(&self) -> usize {
        self.entries.len() + self.parked.len()
    }

    /// When the next step is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.entries.first_key_value().map(|((due, _), _)| *due)
    }

    /// Removes the next work item, and returns it with the time at which it was due.
    pub(super) fn pop(&mut self) -> Option<(Instant, Number, T)> {
        self.entries.pop_first().map(|((due, number), entry)| (due, number, entry))
    }

    /// Finds a work item.
    pub(super) fn find(&self, wanted: impl Fn(&T) -> bool) -> Option<&T> {
        self.entries.values().chain(self.parked.values()).find(|entry| wanted(entry))
    }

    /// Removes a work item.
    pub(super) fn take(&mut self, wanted: impl Fn(&T) -> bool) -> Option<T> {
        let key = self.entries.iter().find(|(_, entry)| wanted(entry)).map(|(key, _)| *key);
        match key {
            Some(key) => self.entries.remove(&key),
            None => self.unpark(wanted).map(|(_, entry)| entry),
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.parked.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_earliest_comes_first_and_then_the_oldest() {
        let at = |ms| Instant::from_origin(Duration::from_millis(ms));
        let mut agenda = Agenda::default();
        agenda.begin(at(2), "first");
        agenda.begin(at(1), "second");
        agenda.begin(at(2), "third");
        assert_eq!((agenda.due(), agenda.find(|entry| entry.ends_with('d'))), (Some(at(1)), Some(&"second")));
        let Some((due, number, second)) = agenda.pop() else { panic!() };
        assert_eq!((due, second), (at(1), "second"));
        // Keeps its place among those due at the same time.
        agenda.resume(at(2), number, second);
        let order: Vec<_> = std::iter::from_fn(|| agenda.pop()).map(|(_, _, entry)| entry).collect();
        assert_eq!(order, ["first", "second", "third"]);
        agenda.begin(at(1), "fourth");
        assert_eq!((agenda.take(|entry| *entry == "fourth"), agenda.due()), (Some("fourth"), None));
    }
}
