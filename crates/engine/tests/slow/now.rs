//! Where all sources stand at one moment, and how they move together from one entry to the next.

use model::plan::SourceSet;
use model::source::{SOURCES, Source};
use model::time::MINUTE;

use super::clock::{Clock, Reached};
use super::signal::Past;

/// A by source; `None` for one with no T.
pub(crate) type Places = [Option<i64>; SOURCES];

/// All sources at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now<'a> {
    pub(crate) clocks: &'a [Clock],
    pub(crate) a: Places,
    /// Where all sources stood when the rules in force came, and then at the end of each minute of x, through all
    /// entries so far and the present one.
    pub(crate) ends: &'a [Places],
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

    fn x_of(&self, source: Source, places: &Places) -> Option<i64> {
        Some(places[source.index()]? + self.clocks[source.index()].rules.max_delay)
    }

    /// The greatest x of all sources.
    pub(crate) fn furthest(&self, places: &Places) -> Option<i64> {
        Source::ALL.into_iter().filter_map(|source| self.x_of(source, places)).max()
    }

    /// Whether the furthest two of `sources` stand further apart than `at_most`, while all have a T.
    fn are_apart(&self, sources: SourceSet, at_most: i64, places: &Places) -> bool {
        let (mut most, mut least) = (i64::MIN, i64::MAX);
        for source in sources.iter() {
            let Some(x) = self.x_of(source, places) else { return false };
            (most, least) = (most.max(x), least.min(x));
        }
        !sources.is_empty() && most - least > at_most
    }

    /// How many ends of minutes an account sees: those that lie its spread back on the greatest x of all
    /// sources. Where they stood when the rules came all see at once.
    fn seen(&self, sigma: i64) -> usize {
        let upto = self.furthest(&self.a).map(|x| x - sigma);
        self.ends.partition_point(|places| self.furthest(places) <= upto).max(1)
    }

    /// Whether an account sees `sources` further apart than `at_most`.
    pub(crate) fn sees_apart(&self, sources: SourceSet, at_most: i64, sigma: i64) -> bool {
        let last = self.ends.get(self.seen(sigma) - 1);
        sources.len() > 1 && last.is_some_and(|places| self.are_apart(sources, at_most, places))
    }

    /// The greatest x at which an account will next see `sources` come apart or together, as far as is known.
    pub(crate) fn next_turn(&self, sources: SourceSet, at_most: i64, sigma: i64) -> Option<i64> {
        let (seen, to_come) = self.ends.split_at_checked(self.seen(sigma))?;
        let was = seen.last().is_some_and(|places| self.are_apart(sources, at_most, places));
        let turn = to_come.iter().find(|places| self.are_apart(sources, at_most, places) != was)?;
        self.furthest(turn).map(|x| x + sigma)
    }
}

/// One entry's advance. Stepping it minute by minute, as the engine does, or as a whole is the same: in the
/// minute that holds x, `clamp(x - md, A before the minute, A after it)` = `clamp(x - md, A before the entry,
/// T)`.
#[derive(Clone, Debug)]
pub(crate) struct Advance<'a> {
    /// As they were known before the entry.
    known: &'a [Clock],
    clocks: &'a [Clock],
    from: Places,
    to: Places,
    ends: &'a [Places],
}

impl<'a> Advance<'a> {
    /// From what was known before the entry to what is known after it. A first T becomes A at once.
    pub(crate) fn between(before: &'a [Clock], after: &'a [Clock]) -> Self {
        let to: Places = std::array::from_fn(|i| after[i].t);
        let from = std::array::from_fn(|i| before[i].t.or(after[i].t));
        Self { known: before, clocks: after, from, to, ends: &[] }
    }

    /// Whether a first T became A.
    pub(crate) fn begins(&self) -> bool {
        self.known.iter().zip(self.clocks).any(|(before, after)| before.t.is_none() && after.t.is_some())
    }

    /// The x and the instant at which an account sees a source otherwise though it has not moved: the entry tells of an
    /// activity at A itself.
    pub(crate) fn turns(&self, past: &Past, used: SourceSet) -> Option<(i64, i64)> {
        let (start, before) = (self.start(), Now { clocks: self.known, ..self.start() });
        let turned = used.iter().filter(|source| past.sight(&before, *source) != past.sight(&start, *source));
        let at = turned.filter_map(|source| start.source(source));
        at.map(|at| (at.x(), at.a)).min()
    }

    /// With the ends of all minutes so far, its own among them.
    pub(crate) const fn with_ends(self, ends: &'a [Places]) -> Self {
        Self { ends, ..self }
    }

    /// Where all sources stand at the end of each of its minutes.
    pub(crate) fn minute_ends(&self) -> Vec<Places> {
        let stretches = self.stretches();
        let (Some((first, _)), Some((_, last))) = (stretches.first(), stretches.last()) else {
            return vec![self.from];
        };
        let minutes = first.div_euclid(MINUTE) + 1..=(last - 1).div_euclid(MINUTE) + 1;
        minutes.map(|minute| self.at(minute * MINUTE).a).collect()
    }

    /// Before anything moves, with all of the entry known.
    pub(crate) const fn start(&self) -> Now<'a> {
        Now { clocks: self.clocks, a: self.from, ends: self.ends }
    }

    /// Once everything has moved.
    pub(crate) const fn end(&self) -> Now<'a> {
        Now { clocks: self.clocks, a: self.to, ends: self.ends }
    }

    /// At x.
    pub(crate) fn at(&self, x: i64) -> Now<'a> {
        let a = std::array::from_fn(|i| {
            let (from, to) = (self.from[i]?, self.to[i]?);
            Some((x - self.clocks[i].rules.max_delay).clamp(from, to))
        });
        Now { clocks: self.clocks, a, ends: self.ends }
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
