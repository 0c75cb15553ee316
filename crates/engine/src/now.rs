//! What an evaluation may know of time: each source at one instant, never later than its clock.

use crate::clock::{Clock, SPREAD, View};
use model::plan::{SourceRules, SourceSet};
use model::source::{SOURCES, Source};
use model::time::MINUTE;

/// One source at the instant of an evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SourceNow {
    /// The instant; `None` before the first watermark.
    pub(crate) at: Option<i64>,
    /// Living time at it.
    pub(crate) living: i64,
    /// What every account sees, where they agree.
    common: Option<View>,
}

/// All sources at one instant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Now {
    pub(crate) sources: [SourceNow; SOURCES],
    /// The greatest instant of all sources.
    pub(crate) greatest: i64,
    /// The instant on the axis on which sources advance together.
    pub(crate) x: i64,
    /// Sources that every account sees alive.
    pub(crate) live: SourceSet,
}

/// The clocks of a shard and the rules in force for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks<'a> {
    pub(crate) clocks: &'a [Clock; SOURCES],
    pub(crate) rules: &'a [SourceRules; SOURCES],
}

impl Clocks<'_> {
    /// All sources where their clocks stand.
    pub(crate) fn now(self) -> Now {
        self.at(|_, clock| clock.at())
    }

    /// All sources where `instant` puts them.
    pub(crate) fn at(self, instant: impl Fn(Source, &Clock) -> Option<i64>) -> Now {
        let mut now = Now { greatest: i64::MIN, x: i64::MIN, ..Now::default() };
        for source in Source::ALL {
            let i = source.index();
            let (clock, rules) = (&self.clocks[i], &self.rules[i]);
            let Some(at) = instant(source, clock) else { continue };
            let steady = clock.is_steady(at, rules);
            let common = steady.then(|| clock.view(at, rules));
            if common == Some(View::Live) {
                now.live = now.live.union(SourceSet::of(source));
            }
            now.sources[i] = SourceNow { at: Some(at), living: clock.living(at), common };
            now.x = now.x.max(at + rules.max_delay);
            now.greatest = now.greatest.max(at);
        }
        now
    }

    /// What an account of spread `spread` sees of a source.
    pub(crate) fn view_of(self, now: &Now, source: Source, spread: i64) -> View {
        let i = source.index();
        match now.sources[i] {
            SourceNow { common: Some(view), .. } => view,
            SourceNow { at: Some(at), .. } => self.clocks[i].view(at - spread, &self.rules[i]),
            SourceNow { at: None, .. } => View::Unbegun,
        }
    }
}

impl Clock {
    /// Whether every account sees the same at `at`, whatever its spread.
    fn is_steady(&self, at: i64, rules: &SourceRules) -> bool {
        let from = at - SPREAD;
        let quiet = |z: i64| z <= from || z > at;
        if !self.begin.is_none_or(quiet) {
            return false;
        }
        self.gaps.iter().rev().take_while(|gap| gap.end > from).all(|gap| {
            let stale = gap.start.saturating_add(rules.stale_after);
            stale >= gap.end || (quiet(stale) && quiet(gap.end))
        })
    }
}

/// When something could next change without input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// On the living clock of the signal's source.
    pub(crate) living: i64,
    /// On its plain clock.
    pub(crate) plain: i64,
    /// Whether it may come later than this says.
    pub(crate) is_early: bool,
}

impl Due {
    pub(crate) const NEVER: Self = Self { living: i64::MAX, plain: i64::MAX, is_early: false };
    /// Once the source begins: until then living time means nothing. That it begins is an occasion of its own.
    pub(crate) const WHEN_BEGUN: Self = Self { living: i64::MIN, plain: i64::MAX, is_early: false };
    pub(crate) const AT_ONCE: Self = Self { living: i64::MIN, plain: i64::MIN, is_early: false };

    pub(crate) const fn plain(plain: i64) -> Self {
        Self { plain, ..Self::NEVER }
    }

    pub(crate) const fn living(living: i64) -> Self {
        Self { living, ..Self::NEVER }
    }

    /// The same, which is the soonest that it can be.
    pub(crate) const fn early(self) -> Self {
        Self { is_early: true, ..self }
    }

    pub(crate) fn sooner(self, other: Self) -> Self {
        Self {
            living: self.living.min(other.living),
            plain: self.plain.min(other.plain),
            is_early: self.is_early || other.is_early,
        }
    }
}

/// The edges of an account's windows on one source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge<'a> {
    pub(crate) clock: &'a Clock,
    pub(crate) now: SourceNow,
    pub(crate) rules: &'a SourceRules,
    pub(crate) spread: i64,
}

impl Edge<'_> {
    /// Whether the account sees that the source has begun: a spread after it has. Before that nothing is waited for,
    /// since that it begins is an occasion of its own; whoever is restored meanwhile must not wait for more.
    pub(crate) fn sees_begun(&self) -> bool {
        self.now.at.is_some_and(|at| self.clock.has_begun_by(at - self.spread))
    }

    /// Whether a bucket that starts at `start` has entered, or had under earlier rules.
    pub(crate) fn has_entered(&self, start: i64) -> bool {
        let once =
            || self.clock.stands.iter().any(|stand| stand.at + stand.max_delay + stand.max_skew >= start);
        self.now.at.is_some_and(|at| at + self.rules.max_delay + self.rules.max_skew >= start || once())
    }

    /// When a bucket that starts at `start`, and has not, enters.
    pub(crate) const fn enters(&self, start: i64) -> Due {
        Due::plain(start - self.rules.max_delay - self.rules.max_skew)
    }

    /// Whether a bucket that ends at `end` has left a window that is `keep` wider than a bucket.
    #[inline]
    pub(crate) fn has_left(&self, end: i64, keep: i64) -> bool {
        self.passed(end).is_some_and(|passed| passed >= keep)
    }

    /// How far the window has gone on since a bucket that ends at `end` was its newest: the bucket leaves one that is
    /// so much wider than a bucket. It never goes back, though rules change. `None` before the first watermark.
    #[inline]
    pub(crate) fn passed(&self, end: i64) -> Option<i64> {
        let at = self.now.at?;
        // Before a source begins, all time is plain.
        let since = if end <= at && self.clock.has_begun() {
            self.now.living - self.clock.living(end)
        } else {
            at - end
        };
        let mut passed = since + self.rules.max_delay;
        for stand in &self.clock.stands {
            let since = if end <= stand.at { self.clock.grown(end, stand.at) } else { stand.at - end };
            passed = passed.max(since + stand.max_delay);
        }
        Some(passed - self.spread)
    }

    /// When it leaves, by living time once it has ended. Until then as if the source died now, if it has ended by
    /// that: never too late, and on the clock on which the account waits anyway. Else by plain time, which is never
    /// too late either.
    pub(crate) fn leaves(&self, end: i64, keep: i64) -> Due {
        let after = keep + self.spread - self.rules.max_delay;
        match self.now.at {
            _ if !self.sees_begun() => Due::WHEN_BEGUN,
            Some(at) if end <= at => Due::living(self.clock.living(end) + after),
            // What is early by more than the minute in which it is asked again comes to an end.
            Some(at) if end - at <= after && after > MINUTE => Due::living(self.now.living + after).early(),
            _ => Due::plain(end + after).early(),
        }
    }
}
