//! What could not be read of an event, and how much it may take.

use std::{fmt, mem};

use serde_json::value::RawValue;

use super::{Lenient, sort};

/// A member of an event that could not be read. The event is delivered without it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Omission {
    /// Path of the member: `response.output[3].content`.
    pub path: Box<str>,
    /// Why it could not be read. Does not repeat the text of the frame, which may contain anything.
    pub reason: Box<str>,
}

/// Maximum number of omissions recorded per event. The last one includes the number of further ones.
const MOST: usize = 16;

/// Maximum memory of list elements, in bytes per byte of the frame. The protocol's own lists need a fraction of it.
const GROWTH: usize = 6;

/// Additional memory allowed for a frame of any size.
const ALLOWANCE: usize = 64 << 10;

/// Approximate overhead per element: its allocation.
const EACH: usize = 32;

/// Omissions recorded so far, and the current path.
pub(crate) struct Notes {
    path: Vec<Step>,
    left_out: Vec<Omission>,
    more: usize,
    /// Name of the first required member that is missing.
    missing: Option<&'static str>,
    /// Bytes that list elements may still use.
    room: usize,
    taken: usize,
}

#[derive(Clone, Copy)]
pub(super) enum Step {
    Member(&'static str),
    At(usize),
}

impl Notes {
    pub(crate) fn new(frame: usize) -> Self {
        let room = frame.saturating_mul(GROWTH).saturating_add(ALLOWANCE);
        Self { path: Vec::new(), left_out: Vec::new(), more: 0, missing: None, room, taken: 0 }
    }

    /// The omissions.
    pub(crate) fn finish(mut self) -> Vec<Omission> {
        if let Some(last) = self.left_out.last_mut().filter(|_| self.more > 0) {
            last.reason = format!("{}; and {} more", last.reason, self.more).into();
        }
        self.left_out
    }

    /// Bytes used by list elements.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    pub(crate) fn missing(&self) -> Option<&'static str> {
        self.missing
    }

    /// A member is missing that cannot be done without.
    pub(super) fn miss(&mut self, name: &'static str) {
        self.missing.get_or_insert(name);
    }

    /// Whether nothing was left out.
    pub(crate) fn is_empty(&self) -> bool {
        self.left_out.is_empty() && self.missing.is_none()
    }

    /// Records that the value at the current path is left out.
    pub(super) fn leave_out(&mut self, reason: impl fmt::Display) {
        if self.left_out.len() == MOST {
            self.more += 1;
            return;
        }
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Member(name) if path.is_empty() => path.push_str(name),
                Step::Member(name) => path.extend([".", name]),
                Step::At(index) => path.push_str(&format!("[{index}]")),
            }
        }
        self.left_out.push(Omission { path: path.into(), reason: reason.to_string().into() });
    }

    /// Reads a value below the current path. Records an omission if it cannot be read.
    pub(super) fn read_at<T: Lenient>(&mut self, step: Step, value: &RawValue) -> Option<T> {
        self.path.push(step);
        let before = (self.count(), self.missing);
        let read = T::read(value, self);
        if read.is_none() {
            self.leave_out_value(before, value, T::EXPECTED);
        }
        self.path.pop();
        read
    }

    /// Number of omissions.
    fn count(&self) -> usize {
        self.left_out.len() + self.more
    }

    /// Records that the value at the current path is left out, unless it was recorded why while the value was read.
    /// `before` is what had been recorded until then.
    fn leave_out_value(
        &mut self,
        (count, missing): (usize, Option<&'static str>),
        value: &RawValue,
        expected: &'static str,
    ) {
        // A missing member inside something optional does not invalidate the event.
        let found = mem::replace(&mut self.missing, missing);
        if let (Some(name), None) = (found, missing) {
            self.leave_out(format_args!("missing field `{name}`"));
        } else if count == self.count() {
            self.leave_out(format_args!("{} where {expected} was expected", sort(value)));
        }
    }

    /// Reserves memory for a list element.
    pub(super) fn take_room<T>(&mut self) -> bool {
        let size = size_of::<T>() + EACH;
        let fits = self.taken.saturating_add(size) <= self.room;
        if fits {
            self.taken += size;
        }
        fits
    }
}
