//! The clock of one source: its watermark, how far the shard has advanced it, and its living time.
//!
//! Invariants: T and A never go back; A ≤ T; what is dead or alive up to A never changes any more. Living time
//! only grows, and grows no faster than plain time. See "The living clock" in `crates/README.md`.

use crate::entry::{Run, SourceMark};
use model::plan::SourceRules;
use model::time::{DAY, MINUTE};

/// Over how long a stretch after an instant that concerns many accounts each has its own, in milliseconds.
pub const SPREAD: i64 = 15 * MINUTE;

/// No model asks for a longer max delay, or max skew, ms.
const MOST_DELAY: i64 = 30 * DAY;

/// Dead time: from `start` on the source does not live, until `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first dead instant.
    pub start: i64,
    /// The instant at which it lives again; [`i64::MAX`] while that is not known.
    pub end: i64,
    /// Living time at `start`.
    pub living: i64,
}

/// Where the source stood when other rules came into force: what had entered or left a window by then has for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    /// A then.
    pub(crate) at: i64,
    /// Max delay up to then.
    pub(crate) max_delay: i64,
    /// Max skew up to then.
    pub(crate) max_skew: i64,
}

/// How an account sees a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// It has no clock yet.
    Unbegun,
    /// It lives, or has not been dead for long.
    Live,
    /// It has been dead for longer than `stale_after`.
    Stale,
}

/// A source's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Watermarks by partition; `None` where there is none yet.
    pub(crate) marks: Vec<Option<i64>>,
    /// The watermark of the source.
    pub(crate) target: Option<i64>,
    /// How far it was advanced.
    pub(crate) at: Option<i64>,
    /// When it began.
    pub(crate) begin: Option<i64>,
    /// Runs not wholly passed, ascending, apart by more than `silent_at_most`.
    pub(crate) runs: Vec<Run>,
    /// Dead time, ascending, as far back as it is needed; the last may be open.
    pub(crate) gaps: Vec<Gap>,
    /// Where it stood under earlier rules, as long as windows were further then than they are now; mostly nowhere.
    pub(crate) stands: Vec<Stand>,
}

impl Clock {
    /// Takes in what an entry says of the source.
    pub fn observe(&mut self, mark: &SourceMark, rules: &SourceRules) {
        let count = usize::try_from(mark.partition_count).unwrap_or(usize::MAX).max(self.marks.len());
        self.marks.resize(count, None);
        for part in &mark.partitions {
            let number = usize::try_from(part.partition).unwrap_or(usize::MAX);
            if let Some(known) = self.marks.get_mut(number) {
                *known = (*known).max(part.watermark.map(|at| at.0));
            }
            for run in &part.runs {
                self.add(*run, rules);
            }
        }
        // A partition without a watermark holds the source; its T stays what it was.
        let least = self.marks.iter().copied().min().flatten();
        self.target = self.target.max(least);
    }

    fn add(&mut self, run: Run, rules: &SourceRules) {
        let floor = self.at.unwrap_or(i64::MIN);
        if run.last.0 < floor {
            return;
        }
        let mut joined = run;
        joined.first.0 = joined.first.0.max(floor);
        let close = rules.silent_at_most.unwrap_or(i64::MAX);
        self.runs.retain(|other| {
            let apart =
                other.first.0.saturating_sub(joined.last.0).max(joined.first.0.saturating_sub(other.last.0));
            let near = apart <= close;
            if near {
                joined.first = joined.first.min(other.first);
                joined.last = joined.last.max(other.last);
            }
            !near
        });
        let place = self.runs.partition_point(|other| other.first < joined.first);
        self.runs.insert(place, joined);
    }

    /// Whether its invariants hold: of one that was stored, they are not known to.
    pub(crate) fn is_sound(&self) -> bool {
        let (least, most) = (self.marks.iter().min(), self.marks.iter().max());
        let in_order = least.is_none_or(|least| *least <= self.target)
            && self.target <= most.copied().flatten()
            && self.at <= self.target
            && self.begin <= self.at;
        let runs = self.runs.iter().all(|run| run.first <= run.last)
            && self.runs.windows(2).all(|pair| pair[0].last < pair[1].first);
        let dead = |gap: &Gap| {
            let ends = gap.end == i64::MAX || (gap.start <= gap.end && Some(gap.end) <= self.at);
            ends && self.begin.is_some_and(|begin| begin <= gap.start) && Some(gap.start) <= self.at
        };
        let follows = |pair: &[Gap]| {
            let [before, after] = pair else { return false };
            before.start < after.start
                && before.end <= after.start
                && after.living == before.living + (after.start - before.end)
        };
        let is_span = |span: i64| (0..=MOST_DELAY).contains(&span);
        let stood =
            |stand: &Stand| Some(stand.at) <= self.at && is_span(stand.max_delay) && is_span(stand.max_skew);
        in_order
            && runs
            && self.gaps.iter().all(dead)
            && self.gaps.windows(2).all(follows)
            && self.stands.iter().all(stood)
    }

    /// Advances to `to`, at most T. Returns whether the clock moved.
    pub fn advance(&mut self, to: i64, rules: &SourceRules) -> bool {
        if self.at.is_some_and(|at| at >= to) {
            return false;
        }
        if self.begin.is_none() {
            self.begin = self.runs.first().map(|run| run.first.0).filter(|first| *first <= to);
        }
        if self.begin.is_some()
            && let Some(silent) = rules.silent_at_most
        {
            self.find_gaps(to, silent);
        }
        if !self.stands.is_empty() {
            // As of A so far: what lies between it and the next is looked at yet.
            self.outgrow(rules);
        }
        self.at = Some(to);
        true
    }

    /// Closes and opens gaps up to `to`, and forgets runs that can matter no more.
    fn find_gaps(&mut self, to: i64, silent: i64) {
        // What is behind A does not change any more: not even where other rules would have it die sooner.
        let floor = self.at.unwrap_or(i64::MIN);
        let mut passed = 0;
        for (place, run) in self.runs.iter().enumerate() {
            if run.first.0 > to {
                break;
            }
            passed = place;
            let death = run.last.0.saturating_add(silent);
            if let Some(open) = self.gaps.last_mut().filter(|gap| gap.end == i64::MAX) {
                if death <= floor {
                    // It is dead since.
                    continue;
                }
                open.end = run.first.0.max(floor);
                if open.end == open.start {
                    self.gaps.pop();
                }
            }
            let death = death.max(floor);
            if death < to {
                match self.gaps.last_mut() {
                    // Rules by which it lived from A on were in force for no time.
                    Some(last) if last.end == death => last.end = i64::MAX,
                    _ => {
                        let living = living_at(&self.gaps, self.begin.unwrap_or(death), death);
                        self.gaps.push(Gap { start: death, end: i64::MAX, living });
                    }
                }
            }
        }
        self.runs.drain(..passed);
    }

    /// Lets `to` be in force from A on, where `from` was: whether it lives from there is a matter of these. One that
    /// does not was dead before as well, and is so since then.
    pub fn renew(&mut self, from: &SourceRules, to: &SourceRules) {
        let close = to.silent_at_most.unwrap_or(i64::MAX);
        self.runs.dedup_by(|next, run| {
            let near = next.first.0.saturating_sub(run.last.0) <= close;
            if near {
                run.last = run.last.max(next.last);
            }
            near
        });
        let Some(at) = self.at else { return };
        let lives = |silent: i64| {
            self.runs.iter().any(|run| run.first.0 <= at && run.last.0.saturating_add(silent) > at)
        };
        if to.silent_at_most.is_none_or(lives)
            && let Some(open) = self.gaps.last_mut().filter(|gap| gap.end == i64::MAX)
        {
            open.end = at;
        }
        self.stands.push(Stand { at, max_delay: from.max_delay, max_skew: from.max_skew });
        self.outgrow(to);
    }

    /// Forgets where it stood under earlier rules once windows have come that far again.
    fn outgrow(&mut self, rules: &SourceRules) {
        let mut stands = std::mem::take(&mut self.stands);
        stands.retain(|stand| {
            let (at, reach) = (self.at.unwrap_or(stand.at), stand.max_delay + stand.max_skew);
            self.grown(stand.at, at) + rules.max_delay < stand.max_delay
                || at + rules.max_delay + rules.max_skew < stand.at + reach
        });
        stands.dedup();
        self.stands = stands;
    }

    /// How far L goes from `from` to `to`; before it begins all time is plain.
    pub(crate) fn grown(&self, from: i64, to: i64) -> i64 {
        if self.has_begun() { self.living(to) - self.living(from) } else { to - from }
    }

    /// Forgets dead time that lies more than `horizon` of living time back.
    pub fn forget(&mut self, horizon: i64) {
        let Some(at) = self.at else { return };
        let oldest = self.living(at).saturating_sub(horizon);
        let kept = self.gaps.partition_point(|gap| gap.living < oldest);
        if kept > 64 {
            // One of them stays: it ties living to plain time.
            self.gaps.drain(..kept - 1);
        }
    }

    /// T.
    #[must_use]
    pub const fn watermark(&self) -> Option<i64> {
        self.target
    }

    /// A.
    #[must_use]
    pub const fn at(&self) -> Option<i64> {
        self.at
    }

    /// L at `t`; 0 for a source that has not begun.
    #[must_use]
    pub fn living(&self, t: i64) -> i64 {
        let Some(begin) = self.begin else { return 0 };
        let at = self.at.unwrap_or(i64::MIN);
        if t > at && at >= begin {
            return living_at(&self.gaps, begin, at) + (t - at);
        }
        living_at(&self.gaps, begin, t)
    }

    /// The first instant up to A at which L is at least `living`; `None` if it is not yet.
    #[must_use]
    pub fn instant(&self, living: i64) -> Option<i64> {
        let begin = self.begin?;
        let last = self.gaps.iter().rev().find(|gap| gap.living < living);
        let instant = match last {
            Some(gap) if gap.end == i64::MAX => return None,
            Some(gap) => gap.end + (living - gap.living),
            None => match self.gaps.first() {
                Some(gap) => gap.start - (gap.living - living),
                None => begin + living,
            },
        };
        Some(instant).filter(|instant| self.at.is_some_and(|at| *instant <= at))
    }

    /// The source's state at `u` ≤ A.
    #[must_use]
    pub fn view(&self, u: i64, rules: &SourceRules) -> View {
        if !self.has_begun_by(u) {
            return View::Unbegun;
        }
        match self.dead_since(u) {
            Some(start) if u - start >= rules.stale_after => View::Stale,
            _ => View::Live,
        }
    }

    /// Since when the source is dead at `u` ≤ A; `None` while it lives.
    #[must_use]
    pub fn dead_since(&self, u: i64) -> Option<i64> {
        let next = self.gaps.partition_point(|gap| gap.start <= u);
        let gap = next.checked_sub(1).and_then(|i| self.gaps.get(i));
        gap.filter(|gap| u < gap.end).map(|gap| gap.start)
    }

    /// Whether there was an activity that counts at `u` or before.
    #[must_use]
    pub fn has_begun_by(&self, u: i64) -> bool {
        self.begin.is_some_and(|begin| begin <= u)
    }

    /// Whether there was an activity that counts.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.begin.is_some()
    }

    /// Whether the clock stands still at A, or has not begun.
    #[must_use]
    pub fn is_out(&self) -> bool {
        self.begin.is_none() || self.gaps.last().is_some_and(|gap| gap.end == i64::MAX)
    }

    /// Instants in (`from`, A] at which [`Clock::view`] changes.
    pub fn turns(&self, from: i64, rules: &SourceRules, out: &mut Vec<i64>) {
        let Some(at) = self.at else { return };
        let mut put = |z: i64| {
            if z > from && z <= at {
                out.push(z);
            }
        };
        self.begin.into_iter().for_each(&mut put);
        for gap in self.gaps.iter().rev().take_while(|gap| gap.end > from) {
            let stale = gap.start.saturating_add(rules.stale_after);
            if stale < gap.end {
                put(stale);
                put(gap.end);
            }
        }
    }
}

fn living_at(gaps: &[Gap], begin: i64, t: i64) -> i64 {
    let next = gaps.partition_point(|gap| gap.start <= t);
    match next.checked_sub(1).and_then(|i| gaps.get(i)) {
        Some(gap) => gap.living + t.saturating_sub(gap.end).max(0),
        // The first gap ties living to plain time even where earlier ones were forgotten.
        None => gaps.first().map_or(t - begin, |gap| gap.living - (gap.start - t)),
    }
}

#[cfg(test)]
mod tests;
