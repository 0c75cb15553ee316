//! Sets of sources, a bit each.

use crate::source::Source;

/// A set of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SourceSet(pub u16);

impl SourceSet {
    /// The set of one.
    #[must_use]
    pub const fn of(source: Source) -> Self {
        Self(1 << source as u16)
    }

    /// Whether `source` is in it.
    #[must_use]
    pub const fn contains(self, source: Source) -> bool {
        self.0 & (1 << source as u16) != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both sets have.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What it has and the other has not.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The set without one.
    #[must_use]
    pub const fn without(self, source: Source) -> Self {
        Self(self.0 & !Self::of(source).0)
    }

    /// Whether every source of it is in `other`.
    #[must_use]
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// How many sources are in it.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether no source is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its sources in their fixed order.
    pub fn iter(self) -> impl Iterator<Item = Source> {
        Source::ALL.into_iter().filter(move |source| self.contains(*source))
    }
}
