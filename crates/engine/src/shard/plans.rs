//! The plans that accounts of a shard may be under. Each keeps its place for ever; those that no account is under
//! any more, nor comes to again, are dropped from the front.

use crate::prepared::Prepared;
use std::collections::VecDeque;
use std::ops::{Index, IndexMut};

/// Plans by place, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    /// How many were dropped.
    dropped: usize,
    held: VecDeque<Prepared>,
}

impl Plans {
    /// None yet, of which the first so many are dropped.
    pub(super) fn after(dropped: usize) -> Self {
        Self { dropped, held: VecDeque::new() }
    }

    /// How many were dropped.
    pub(super) const fn dropped(&self) -> usize {
        self.dropped
    }

    /// How many there ever were: the place of the next.
    pub(super) fn len(&self) -> usize {
        self.dropped + self.held.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn push(&mut self, plan: Prepared) {
        self.held.push_back(plan);
    }

    /// Drops those before `place`, but never the newest.
    pub(super) fn drop_before(&mut self, place: usize) {
        while self.dropped < place && self.held.len() > 1 {
            self.held.pop_front();
            self.dropped += 1;
        }
    }

    /// The plan at a place, if there is one and it is held.
    pub(super) fn get(&self, place: usize) -> Option<&Prepared> {
        self.held.get(place.checked_sub(self.dropped)?)
    }

    /// The newest.
    pub(super) fn last(&self) -> Option<&Prepared> {
        self.held.back()
    }

    /// Those that are held, the newest last.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Prepared> + ExactSizeIterator {
        self.held.iter()
    }

    /// The same, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Prepared> {
        self.held.iter_mut()
    }
}

impl Index<usize> for Plans {
    type Output = Prepared;

    fn index(&self, place: usize) -> &Prepared {
        &self.held[place - self.dropped]
    }
}

impl IndexMut<usize> for Plans {
    fn index_mut(&mut self, place: usize) -> &mut Prepared {
        &mut self.held[place - self.dropped]
    }
}
