//! Where all sources stand at one moment, and how they move together from one entry to the next.

use model::plan::SourceSet;
use model::source::{SOURCES, Source};

use super::clock::{Clock, Reached};

/// A by source; `None` for one with no T.
pub(crate) type Places = [Option<i64>; SOURCES];

/// All sources at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now<'a> {
    pub(crate) clocks: &'a [Clock],
    pub(crate) a: Places,
}

impl<'a> Now<'a> {
    pub(crate) fn source(&self, source: Source) -> Option<Reached<'a>> {
        let a = self.a[source.index()]?;
        Some(self.clocks[source.index()].at(a))
    }

    /// G: the greatest A of all sources.
    pub(crate) fn greatest(&self) -> Option<i64> {
        self.a.iter().copied().max().flatten()
    }

    /// How far apart the furthest two of `sources` stand on the common axis.
    pub(crate) fn apart(&self, sources: SourceSet) -> i64 {
        let places: Vec<i64> =
            sources.iter().filter_map(|source| self.source(source)).map(Reached::x).collect();
        match (places.iter().max(), places.iter().min()) {
            (Some(ahead), Some(behind)) => ahead - behind,
            _ => 0,
        }
    }
}

/// One entry's advance. Stepping it minute by minute, as the engine does, or as a whole is the same: in the minute that
/// holds x, `clamp(x - md, A before the minute, A after it)` = `clamp(x - md, A before the entry, T)`.
#[derive(Clone, Debug)]
pub(crate) struct Advance<'a> {
    clocks: &'a [Clock],
    from: Places,
    to: Places,
}

impl<'a> Advance<'a> {
    /// From what was known before the entry to what is known after it. A first T becomes A at once.
    pub(crate) fn between(before: &[Clock], after: &'a [Clock]) -> Self {
        let to: Places = std::array::from_fn(|i| after[i].t);
        let from = std::array::from_fn(|i| before[i].t.or(after[i].t));
        Self { clocks: after, from, to }
    }

    /// Before anything moves, with all of the entry known.
    pub(crate) const fn start(&self) -> Now<'a> {
        Now { clocks: self.clocks, a: self.from }
    }

    /// Once everything has moved.
    pub(crate) const fn end(&self) -> Now<'a> {
        Now { clocks: self.clocks, a: self.to }
    }

    /// At x.
    pub(crate) fn at(&self, x: i64) -> Now<'a> {
        let a = std::array::from_fn(|i| {
            let (from, to) = (self.from[i]?, self.to[i]?);
            Some((x - self.clocks[i].rules.max_delay).clamp(from, to))
        });
        Now { clocks: self.clocks, a }
    }

    /// Stretches of x, each (after, up to), in which every source either stands or moves with x.
    pub(crate) fn stretches(&self) -> Vec<(i64, i64)> {
        let moving = (0..SOURCES).filter(|i| self.from[*i] < self.to[*i]);
        let x = |i: usize, a: Option<i64>| a.map(|a| a + self.clocks[i].rules.max_delay);
        let mut ends: Vec<i64> =
            moving.flat_map(|i| [x(i, self.from[i]), x(i, self.to[i])]).flatten().collect();
        ends.sort_unstable();
        ends.dedup();
        ends.windows(2).map(|pair| (pair[0], pair[1])).collect()
    }

    /// Whether a source moves into x, rather than standing there.
    pub(crate) fn moves(&self, source: Source, x: i64) -> bool {
        self.at(x).a[source.index()] != self.at(x - 1).a[source.index()]
    }
}
