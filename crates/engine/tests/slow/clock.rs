//! "Watermarks" and "The living clock": what is known of one source after some entries, from those entries
//! alone.

use engine::entry::{SourceMark, Watermarks};
use model::plan::SourceRules;
use model::source::Source;

/// What entries tell that concerns the clock of a source.
#[derive(Clone, Copy, Debug)]
pub(crate) enum News<'a> {
    /// A model: from A on these rules are in force.
    Rules(SourceRules),
    Watermarks(&'a Watermarks),
}

/// The stretch of a source's time in which some rules were in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Era {
    /// A when it was over.
    pub(crate) until: i64,
    pub(crate) rules: SourceRules,
}

/// One source after some entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    pub(crate) source: Source,
    /// Those in force.
    pub(crate) rules: SourceRules,
    /// Rules that were in force before, from the first T on.
    pub(crate) eras: Vec<Era>,
    /// T: no activity older than this is still to come. After an entry it is A too.
    pub(crate) t: Option<i64>,
    /// b: the source's first activity.
    first: Option<i64>,
    /// Dead time: between these (both exclusive) the source does not live. The last one has no end.
    pub(crate) gaps: Vec<(i64, i64)>,
    /// Dead time before each gap.
    dead_before: Vec<i64>,
}

impl Clock {
    /// Goes through all entries so far, in their order.
    pub(crate) fn after<'a>(source: Source, told: impl Iterator<Item = News<'a>>) -> Self {
        let mut partitions: Vec<Option<i64>> = Vec::new();
        let mut rules = SourceRules::default();
        let mut eras = Vec::new();
        let mut runs: Vec<(i64, i64)> = Vec::new();
        let mut lives: Vec<(i64, i64)> = Vec::new();
        let mut t: Option<i64> = None;
        for news in told {
            match news {
                News::Rules(next) => {
                    runs = united(runs, rules.silent_at_most);
                    if let Some(until) = t {
                        let from = eras.last().map_or(i64::MIN, |era: &Era| era.until);
                        lives.extend(lives_of(&runs, rules.silent_at_most, from, until));
                        eras.push(Era { until, rules });
                    }
                    rules = next;
                }
                News::Watermarks(told) => {
                    for mark in told.sources.iter().filter(|mark| mark.source == source) {
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
                }
            }
        }
        runs = united(runs, rules.silent_at_most);
        let from = eras.last().map_or(i64::MIN, |era| era.until);
        lives.extend(lives_of(&runs, rules.silent_at_most, from, i64::MAX));
        let gaps = between(lives);
        let dead_before =
            (0..gaps.len()).map(|gap| gaps[..gap].iter().map(|gap| gap.1 - gap.0).sum()).collect();
        Self { source, rules, eras, t, first: runs.first().map(|run| run.0), gaps, dead_before }
    }

    /// b: the source's first activity.
    pub(crate) const fn first(&self) -> Option<i64> {
        self.first
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

/// Runs as one where they lie no further apart than these rules let a source be silent.
fn united(mut runs: Vec<(i64, i64)>, silent_at_most: Option<i64>) -> Vec<(i64, i64)> {
    runs.sort_unstable();
    let mut out: Vec<(i64, i64)> = Vec::new();
    for (first, last) in runs {
        match out.last_mut() {
            Some(run) if silent_at_most.is_none_or(|silent| first - run.1 <= silent) => {
                run.1 = run.1.max(last)
            }
            _ => out.push((first, last)),
        }
    }
    out
}

/// When it lives between the two ends of an era, by its rules and the runs told until it was over.
fn lives_of(runs: &[(i64, i64)], silent_at_most: Option<i64>, from: i64, until: i64) -> Vec<(i64, i64)> {
    let lives: Vec<(i64, i64)> = match silent_at_most {
        None => runs.first().map(|run| (run.0, i64::MAX)).into_iter().collect(),
        Some(silent) => runs.iter().map(|run| (run.0, run.1 + silent)).collect(),
    };
    let within = lives.into_iter().map(|(start, end)| (start.max(from), end.min(until)));
    within.filter(|(start, end)| start < end).collect()
}

/// What lies between the stretches in which it lives, and after the last.
fn between(mut lives: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    lives.sort_unstable();
    let mut gaps = Vec::new();
    let Some(mut lives_to) = lives.first().map(|first| first.0) else { return gaps };
    for (start, end) in lives {
        if start > lives_to {
            gaps.push((lives_to, start));
        }
        lives_to = lives_to.max(end);
    }
    if lives_to < i64::MAX {
        gaps.push((lives_to, i64::MAX));
    }
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
