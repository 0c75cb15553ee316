//! When accounts are scored: cuts at equal distances.

use model::time::DAY;

/// Monday, 1970-01-05: where cuts are counted from unless a first one is given.
const MONDAY: i64 = 4 * DAY;

/// Cuts at equal distances. Each has a number; only its instant means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    origin: i64,
    from: i64,
    to: i64,
    every: i64,
}

impl Schedule {
    /// Cuts every `every` ms (at least 1), the first at `from` if that is given, otherwise such that one lies on
    /// 1970-01-05T00:00:00Z, a Monday; none after `to`.
    #[must_use]
    pub fn new(from: Option<i64>, to: Option<i64>, every: i64) -> Self {
        Self {
            origin: from.unwrap_or(MONDAY),
            from: from.unwrap_or(i64::MIN),
            to: to.unwrap_or(i64::MAX),
            every: every.max(1),
        }
    }

    /// The time between two cuts, ms.
    #[must_use]
    pub const fn every(&self) -> i64 {
        self.every
    }

    /// The instant of a cut, ms since the epoch.
    #[must_use]
    pub fn instant(&self, number: i32) -> i64 {
        self.origin.saturating_add(i64::from(number).saturating_mul(self.every))
    }

    /// The first cut that does not lie before `instant`; `None` if there is none.
    #[must_use]
    pub fn first_from(&self, instant: i64) -> Option<i32> {
        let behind = instant.max(self.from).saturating_sub(self.origin);
        let number = behind.div_euclid(self.every) + i64::from(behind.rem_euclid(self.every) > 0);
        self.held(i32::try_from(number).ok()?)
    }

    /// The last cut that does not lie after `instant`, whether the schedule still has it or not.
    #[must_use]
    pub fn last_to(&self, instant: i64) -> Option<i32> {
        i32::try_from(instant.saturating_sub(self.origin).div_euclid(self.every)).ok()
    }

    /// The cut after another; `None` after the last.
    #[must_use]
    pub fn after(&self, number: i32) -> Option<i32> {
        self.held(number.checked_add(1)?)
    }

    fn held(&self, number: i32) -> Option<i32> {
        Some(number).filter(|number| self.instant(*number) <= self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_first_cut_they_lie_on_mondays() {
        let weekly = Schedule::new(None, None, 7 * DAY);
        // 2013-03-08 was a Friday.
        let friday = 15_772 * DAY;
        assert_eq!(weekly.first_from(friday).map(|cut| weekly.instant(cut)), Some(friday + 3 * DAY));
        assert_eq!(weekly.last_to(friday).map(|cut| weekly.instant(cut)), Some(friday - 4 * DAY));
        assert_eq!(weekly.first_from(friday + 3 * DAY), weekly.last_to(friday + 3 * DAY));
    }

    #[test]
    fn there_is_none_before_the_first_and_none_after_the_last() {
        let daily = Schedule::new(Some(5 * DAY + 1), Some(7 * DAY), DAY);
        let first = daily.first_from(0);
        assert_eq!(first.map(|cut| daily.instant(cut)), Some(5 * DAY + 1));
        let second = first.and_then(|cut| daily.after(cut));
        assert_eq!(second.map(|cut| daily.instant(cut)), Some(6 * DAY + 1));
        assert_eq!(second.and_then(|cut| daily.after(cut)), None);
        assert_eq!(daily.first_from(7 * DAY), None);
    }
}
