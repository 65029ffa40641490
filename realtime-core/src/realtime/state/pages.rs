//! A list of which a copy costs the same however long it is.

use std::sync::Arc;

/// Elements in a page, and pages in a folder.
const EACH: usize = 64;

/// A list in pages of 64 elements, and 64 pages a folder.
///
/// Copies share the pages. A shared page is copied, with the folder that it is in, when one of its elements is changed:
/// so a change costs at most 128 elements and the list of folders, of which there are 64 for a quarter of a million
/// elements.
#[derive(Clone, Debug)]
pub(super) struct Pages<T> {
    folders: Vec<Arc<Folder<T>>>,
    len: usize,
}

type Folder<T> = Vec<Arc<Vec<T>>>;

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { folders: Vec::new(), len: 0 }
    }
}

/// Where an element stands: in which folder, page and place.
fn place(at: usize) -> (usize, usize, usize) {
    (at / (EACH * EACH), at / EACH % EACH, at % EACH)
}

impl<T: Clone> Pages<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn get(&self, at: usize) -> Option<&T> {
        let (folder, page, at) = place(at);
        self.folders.get(folder)?.get(page)?.get(at)
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let (folder, page, at) = place(at);
        let folder = Arc::make_mut(self.folders.get_mut(folder)?);
        Arc::make_mut(folder.get_mut(page)?).get_mut(at)
    }

    pub(super) fn push(&mut self, element: T) {
        let (folder, page, _) = place(self.len);
        if folder == self.folders.len() {
            self.folders.push(Arc::default());
        }
        if let Some(folder) = self.folders.last_mut().map(Arc::make_mut) {
            if page == folder.len() {
                folder.push(Arc::default());
            }
            if let Some(page) = folder.last_mut().map(Arc::make_mut) {
                page.push(element);
                self.len += 1;
            }
        }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let folder = Arc::make_mut(self.folders.last_mut()?);
        let page = Arc::make_mut(folder.last_mut()?);
        let element = page.pop()?;
        self.len -= 1;
        if page.is_empty() {
            folder.pop();
            if folder.is_empty() {
                self.folders.pop();
            }
        }
        Some(element)
    }

    /// Puts an element in a place, and moves those behind it: for places near the end.
    pub(super) fn insert(&mut self, at: usize, element: T) {
        let at = at.min(self.len);
        let mut carried = element;
        for at in at..self.len {
            if let Some(here) = self.get_mut(at) {
                std::mem::swap(here, &mut carried);
            }
        }
        self.push(carried);
    }

    /// Takes an element out of its place, and moves those behind it: for places near the end.
    pub(super) fn remove(&mut self, at: usize) -> Option<T> {
        if at >= self.len {
            return None;
        }
        let mut carried = self.pop()?;
        for at in (at..self.len).rev() {
            if let Some(here) = self.get_mut(at) {
                std::mem::swap(here, &mut carried);
            }
        }
        Some(carried)
    }

    /// Where the last element stands for which this holds.
    pub(super) fn last_position(&self, holds: impl FnMut(&T) -> bool) -> Option<usize> {
        let from_end = self.iter().rev().position(holds)?;
        Some(self.len - 1 - from_end)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.folders.iter().flat_map(|folder| folder.iter()).flat_map(|page| page.iter())
    }
}

impl<T: Clone> FromIterator<T> for Pages<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut elements = elements.into_iter().peekable();
        let mut pages = Self::default();
        while elements.peek().is_some() {
            let mut folder = Folder::new();
            while folder.len() < EACH && elements.peek().is_some() {
                let page: Vec<T> = elements.by_ref().take(EACH).collect();
                pages.len += page.len();
                folder.push(Arc::new(page));
            }
            pages.folders.push(Arc::new(folder));
        }
        pages
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push,
        Pop,
        Insert(usize),
        Remove(usize),
        Change(usize),
        Copy,
    }

    fn step() -> impl Strategy<Value = Step> {
        // Mostly near the end, as in a conversation.
        prop_oneof![
            6 => Just(Step::Push),
            1 => Just(Step::Pop),
            1 => (0..usize::MAX).prop_map(Step::Insert),
            1 => (0..usize::MAX).prop_map(Step::Remove),
            1 => (0..usize::MAX).prop_map(Step::Change),
            1 => Just(Step::Copy),
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_list_and_copies_keep_what_they_are(begin in 0..5_000_usize, steps in prop::collection::vec(step(), 0..200)) {
            let mut pages: Pages<usize> = (0..begin).collect();
            let mut list: Vec<usize> = (0..begin).collect();
            let mut copies = Vec::new();
            for (number, step) in (1_000_000..).zip(steps) {
                match step {
                    Step::Push => {
                        pages.push(number);
                        list.push(number);
                    }
                    Step::Pop => prop_assert_eq!(pages.pop(), list.pop()),
                    Step::Insert(at) => {
                        let at = at % (list.len() + 1);
                        pages.insert(at, number);
                        list.insert(at, number);
                    }
                    Step::Remove(at) if !list.is_empty() => {
                        let at = at % list.len();
                        prop_assert_eq!(pages.remove(at), Some(list.remove(at)));
                    }
                    Step::Change(at) if !list.is_empty() => {
                        let at = at % list.len();
                        *pages.get_mut(at).unwrap() = number;
                        list[at] = number;
                    }
                    Step::Copy if copies.len() < 4 => copies.push((pages.clone(), list.clone())),
                    Step::Remove(_) | Step::Change(_) | Step::Copy => {}
                }
            }
            copies.push((pages, list));
            for (pages, list) in copies {
                prop_assert_eq!(pages.len(), list.len());
                prop_assert!(pages.iter().eq(&list));
                prop_assert!(pages.iter().rev().eq(list.iter().rev()));
                prop_assert_eq!((pages.get(list.len()), pages.is_empty()), (None, list.is_empty()));
            }
        }
    }
}
