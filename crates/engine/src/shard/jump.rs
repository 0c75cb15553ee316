//! Minutes in which nothing can happen are passed at once.
//!
//! After a minute of an advance, the minutes that follow are jumped over up to the first in which anything may be
//! due: a calendar, a wave, a run that begins, a source that starts or stops to move. What stands in a calendar too early
//! ends a jump as well. Invariant: no effect depends on whether time was walked or jumped.

use super::Shard;
use crate::clock::{Clock, SPREAD};
use crate::entry::Position;
use crate::now::Now;
use model::plan::SourceRules;
use model::source::{SOURCES, Source};
use model::time::MINUTE;
use std::cmp::Reverse;

/// The minute of the common axis in which a source of this max delay gets to `instant`.
fn minute_of(instant: i64, max_delay: i64) -> i64 {
    instant.saturating_add(max_delay).saturating_sub(1).div_euclid(MINUTE)
}

impl Shard {
    /// Lets a step end at `position`, if it comes by it: until then no jump goes beyond. A shard that is to take up
    /// what was stored at a position must be able to stop at it.
    pub const fn halt_at(&mut self, position: Position) {
        self.halt = position;
    }

    /// Jumps on from `position`, whose minute was walked by a step that began at `from`. Returns where it ends.
    pub(super) fn jump(&mut self, from: Position, position: Position) -> Position {
        let minute = position.minute;
        let Some(until) = self.next_event(minute) else { return position };
        let halt = Some(self.halt).filter(|halt| from < *halt);
        let ahead = self.ahead.peek().map(|Reverse((position, _))| *position);
        let mut last = self.together(minute, until) - 1;
        for stop in halt.into_iter().chain(ahead) {
            if (stop.offset, stop.entry) == (position.offset, position.entry) {
                last = last.min(stop.minute);
            }
        }
        if last <= minute {
            return position;
        }
        self.move_sources(last);
        Position { minute: last, ..position }
    }

    /// The first minute after `minute` in which something may be due; `None` if no source is to move in the next.
    fn next_event(&self, minute: i64) -> Option<i64> {
        let edge = (minute + 1) * MINUTE;
        let recent = self.now.greatest.saturating_sub(SPREAD);
        // Waves on the greatest T: nothing comes of them until a source gets there.
        let waves = self.ready_at.is_some_and(|ready| ready >= recent)
            || self.switches.iter().any(|(from, _)| *from >= recent);
        let (mut first, mut any) = (i64::MAX, false);
        for source in Source::ALL {
            let i = source.index();
            let (clock, rules) = (&self.clocks[i], &self.rules[i]);
            let Some(at) = clock.at() else { continue };
            let target = clock.watermark().unwrap_or(at);
            // Between these instants the same sources move, so that what they are apart only grows or only shrinks.
            for stand in [at, target].map(|instant| instant.saturating_add(rules.max_delay)) {
                if stand > edge {
                    first = first.min(stand.div_euclid(MINUTE));
                }
            }
            let moves = target > at && at + rules.max_delay == edge;
            let living = self.calendars[2 * i].first();
            let mut plain = self.calendars[2 * i + 1].first();
            if source == Source::Command {
                let expires = self.expiries.first().map(|(expires, _)| *expires);
                plain = plain.into_iter().chain(expires).min();
            }
            if moves {
                any = true;
                let greatest = self.calendars[2 * SOURCES].first();
                let due = [
                    clock.next_turn(at, rules, self.used.contains(source)),
                    living.and_then(|living| clock.next_living(at, living, rules)),
                    plain,
                    greatest.filter(|greatest| *greatest > self.now.greatest),
                    waves.then_some(self.now.greatest),
                ];
                let due = due.into_iter().flatten().map(|due| minute_of(due, rules.max_delay));
                first = due.min().unwrap_or(i64::MAX).min(first);
            } else if living.is_some_and(|living| living <= clock.living(at))
                || plain.is_some_and(|plain| plain <= at)
            {
                return None;
            }
        }
        let overdue =
            self.calendars[2 * SOURCES].first().is_some_and(|greatest| greatest <= self.now.greatest);
        (any && !overdue && first > minute + 1).then_some(first)
    }

    /// The first minute after `minute`, at most `until`, at whose beginning sources that rules need close together
    /// have come apart or together, or did so of late.
    fn together(&self, minute: i64, until: i64) -> i64 {
        let mut first = until;
        for lag in self.plans.iter().flat_map(|prepared| &prepared.lags) {
            let (turned, apart) = lag.turns.back().copied().unwrap_or((i64::MIN, false));
            if turned >= self.now.x.saturating_sub(SPREAD) {
                return minute + 1;
            }
            let stays = |at: i64| lag.is_apart_now(&self.at_beginning_of(at), &self.rules) == apart;
            let (mut low, mut high) = (minute + 1, first);
            if stays(high) {
                continue;
            }
            while high - low > 1 {
                let middle = low.midpoint(high);
                if stays(middle) { low = middle } else { high = middle }
            }
            first = low;
        }
        first
    }

    /// Where the sources stand at the beginning of a minute, none of which but those that move now has moved.
    fn at_beginning_of(&self, minute: i64) -> Now {
        let mut now = Now::default();
        for source in Source::ALL {
            let i = source.index();
            let reached = minute * MINUTE - self.rules[i].max_delay;
            let clock = &self.clocks[i];
            now.sources[i].at = clock.at().map(|at| at.max(clock.watermark().unwrap_or(at).min(reached)));
        }
        now
    }
}

impl Clock {
    /// An instant not after the next one, from A at `at` on, at which a run begins or what accounts see of the source
    /// changes; at once where one changed of late.
    fn next_turn(&self, at: i64, rules: &SourceRules, is_used: bool) -> Option<i64> {
        let mut turns = Vec::new();
        self.turns(at - SPREAD, rules, &mut turns);
        if is_used && !turns.is_empty() {
            return Some(at);
        }
        // What an entry tells of A itself is taken in as the source moves on.
        let begins = self.runs.iter().map(|run| run.first.0).find(|first| *first >= at);
        let dies = self.gaps.last().filter(|gap| gap.end == i64::MAX).map(|gap| gap.start);
        let stale = dies.or_else(|| self.death(at, rules)).map(|dead| dead.saturating_add(rules.stale_after));
        let stale = stale.filter(|stale| *stale > at);
        begins.into_iter().chain(stale).min()
    }

    /// An instant not after the one at which L gets to `living`; `None` if it does not, or only after another turn.
    fn next_living(&self, at: i64, living: i64, rules: &SourceRules) -> Option<i64> {
        let now = self.living(at);
        if living <= now {
            return Some(at);
        }
        if self.is_out() {
            return None;
        }
        let instant = at.saturating_add(living.saturating_sub(now));
        Some(instant).filter(|instant| self.death(at, rules).is_none_or(|death| *instant <= death))
    }

    /// When a source that lives at A dies, should no other run begin.
    fn death(&self, at: i64, rules: &SourceRules) -> Option<i64> {
        self.begin?;
        let run = self.runs.iter().rev().find(|run| run.first.0 <= at)?;
        Some(run.last.0.saturating_add(rules.silent_at_most?).max(at))
    }
}
