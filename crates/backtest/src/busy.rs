//! When anything was told of anyone.

use crate::schedule::Schedule;
use std::collections::BTreeMap;

/// Event times of all activities, as far as the cuts need them: the first and the last between any two cuts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Busy(BTreeMap<i32, (i64, i64)>);

impl Busy {
    /// Notes an activity.
    pub(crate) fn note(&mut self, schedule: &Schedule, time: i64) {
        let Some(cut) = schedule.last_to(time) else { return };
        let between = self.0.entry(cut).or_insert((time, time));
        *between = (between.0.min(time), between.1.max(time));
    }

    /// Whether anything happened to anyone within `horizon` ms before a cut, and within `horizon` ms from it on.
    pub(crate) fn is_around(&self, schedule: &Schedule, cut: i32, horizon: i64) -> bool {
        let instant = schedule.instant(cut);
        let before = self.0.range(..cut).next_back().map(|(_, (_, last))| *last);
        let after = self.0.range(cut..).next().map(|(_, (first, _))| *first);
        before.is_some_and(|last| last >= instant.saturating_sub(horizon))
            && after.is_some_and(|first| first < instant.saturating_add(horizon))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::time::DAY;

    #[test]
    fn a_cut_stands_in_time_that_is_told_of_on_both_sides() {
        let schedule = Schedule::new(Some(0), None, 10 * DAY);
        let mut busy = Busy::default();
        for time in [25 * DAY, 21 * DAY, 40 * DAY] {
            busy.note(&schedule, time);
        }
        let around = |cut: i32, horizon: i64| busy.is_around(&schedule, cut, horizon);
        // The third cut lies at day 30: five days after the one, ten before the other, which is no longer within ten.
        assert!(!around(3, 10 * DAY) && around(3, 10 * DAY + 1) && !around(3, 5 * DAY - 1));
        // Before day 20 there is nothing, and after day 40 nothing but what lies at the cut itself.
        assert!(!around(2, 100 * DAY) && around(4, 15 * DAY) && !around(5, 100 * DAY));
    }
}
