//! "Watermarks" and "The living clock": what is known of one source after some entries, from those entries
//! alone.

use engine::entry::{SourceMark, Watermarks};
use model::plan::SourceRules;
use model::source::Source;

/// One source after some entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    pub(crate) source: Source,
    pub(crate) rules: SourceRules,
    /// T: no activity older than this is still to come. After an entry it is A too.
    pub(crate) t: Option<i64>,
    /// The runs of activity as they were taken in, in the order of their starts.
    pub(crate) runs: Vec<(i64, i64)>,
    /// Dead time: between these (both exclusive) the source does not live. The last one has no end.
    pub(crate) gaps: Vec<(i64, i64)>,
    /// Dead time before each gap.
    dead_before: Vec<i64>,
}

impl Clock {
    /// Goes through all watermark entries so far, in their order.
    pub(crate) fn after<'a>(
        source: Source,
        rules: SourceRules,
        told: impl Iterator<Item = &'a Watermarks>,
    ) -> Self {
        let mut partitions: Vec<Option<i64>> = Vec::new();
        let mut runs: Vec<(i64, i64)> = Vec::new();
        let mut t: Option<i64> = None;
        for mark in told.flat_map(|told| &told.sources).filter(|mark| mark.source == source) {
            runs.extend(runs_of(mark, t));
            let known = partitions.len().max(mark.partition_count as usize);
            partitions.resize(known, None);
            for told in &mark.partitions {
                if let Some(watermark) = partitions.get_mut(told.partition as usize) {
                    *watermark = (*watermark).max(told.watermark.map(|at| at.0));
                }
            }
            // `None` is less than any watermark: while a partition has none, there is no new T.
            t = t.max(partitions.iter().copied().min().flatten());
        }
        runs.sort_unstable();
        let gaps = gaps_of(&runs, rules.silent_at_most);
        let dead_before =
            (0..gaps.len()).map(|gap| gaps[..gap].iter().map(|gap| gap.1 - gap.0).sum()).collect();
        Self { source, rules, t, runs, gaps, dead_before }
    }

    /// b: the source's first activity.
    pub(crate) fn first(&self) -> Option<i64> {
        self.runs.first().map(|run| run.0)
    }

    /// How the source stands once advanced to `a`.
    pub(crate) const fn at(&self, a: i64) -> Reached<'_> {
        Reached { clock: self, a }
    }
}

/// The runs of one mark, cut to what is not older than A; before an entry A is T.
fn runs_of(mark: &SourceMark, a: Option<i64>) -> impl Iterator<Item = (i64, i64)> {
    let least = a.unwrap_or(i64::MIN);
    mark.partitions
        .iter()
        .flat_map(|partition| &partition.runs)
        .filter(move |run| run.last.0 >= least)
        .map(move |run| (run.first.0.max(least), run.last.0))
}

/// What lies between the runs once each is made longer by `silent_at_most`.
fn gaps_of(runs: &[(i64, i64)], silent_at_most: Option<i64>) -> Vec<(i64, i64)> {
    let (Some(first), Some(silent_at_most)) = (runs.first(), silent_at_most) else {
        return Vec::new();
    };
    let mut gaps = Vec::new();
    let mut lives_to = first.1 + silent_at_most;
    for (first, last) in runs {
        if *first > lives_to {
            gaps.push((lives_to, *first));
        }
        lives_to = lives_to.max(last + silent_at_most);
    }
    gaps.push((lives_to, i64::MAX));
    gaps
}

/// How one source stands at A.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached<'a> {
    pub(crate) clock: &'a Clock,
    pub(crate) a: i64,
}

impl Reached<'_> {
    /// L(t): living time from the first activity b to t; plain time before b and beyond A.
    ///
    /// A source that has not begun has no b; only differences matter, so any b beyond all t will do.
    pub(crate) fn living(self, t: i64) -> i64 {
        let Some(b) = self.clock.first() else { return t };
        if t < b {
            return t - b;
        }
        if t > self.a {
            return self.living(self.a) + t - self.a;
        }
        // Gaps stand in order and all after b: those that began before t count, the last of them up to t.
        let begun = self.clock.gaps.partition_point(|gap| gap.0 < t);
        let dead = begun.checked_sub(1).map_or(0, |last| {
            let (from, to) = self.clock.gaps[last];
            self.clock.dead_before[last] + to.min(t) - from
        });
        t - b - dead
    }

    /// since(e): living time since the end of a bucket, or plain time until it.
    pub(crate) fn since(self, e: i64) -> i64 {
        if e <= self.a { self.living(self.a) - self.living(e) } else { self.a - e }
    }

    /// The reading that rules count growth on: it stands at 0 until the source begins.
    pub(crate) fn reading(self) -> i64 {
        if self.clock.first().is_some_and(|b| b <= self.a) { self.living(self.a) } else { 0 }
    }

    /// x: where it stands on the axis on which sources advance together.
    pub(crate) const fn x(self) -> i64 {
        self.a + self.clock.rules.max_delay
    }
}
