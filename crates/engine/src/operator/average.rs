//! A rolling value in per cent of its own average over the windows directly before.
//!
//! The windows do not overlap, so numbers of activities, days and sums add up to the total before the window. How many
//! windows that is of the oldest bucket tells; what its window holds is taken off where that is left out. Identities are
//! kept in `stretches`.

use super::bucket::{self, Keep, Total, bounds};
use super::days;
use crate::now::{Due, Edge};
use model::number::{SCALE, scale_round};
use model::plan::Window;

/// How many windows back the bucket that ends at `end` is: 0 in the window itself, or before the first watermark.
pub(crate) fn windows_back(end: i64, window: Window, edge: &Edge<'_>) -> i64 {
    edge.passed(end).map_or(0, |passed| (passed + window.bucket.width()).div_euclid(window.width).max(0))
}

/// The windows before, of which the oldest bucket that is held tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    /// Of how many of them the average is taken.
    pub(crate) averaged: i64,
    /// What the one that is left out holds.
    pub(crate) left_out: Total,
    /// The oldest bucket, and how many windows back it is.
    oldest: i32,
    back: i64,
    /// The first bucket that comes next into the window that is left out.
    next: Option<i32>,
}

impl Past {
    /// That of buckets or days that are sorted; `None` if there are none. Of at most so many windows.
    pub(crate) fn of(
        part: &[u32],
        keep: Option<Keep>,
        (window, windows): (Window, u8),
        edge: &Edge<'_>,
    ) -> Option<Self> {
        let back = |bucket: i32| windows_back(bounds(bucket, window.bucket.width()).1, window, edge);
        let oldest = keep.map_or_else(|| days::oldest(part), |keep| bucket::oldest(part, keep))?;
        let furthest = back(oldest);
        let averaged = averaged(furthest, windows);
        let (left_out, next) = match keep {
            _ if averaged == furthest => (Total::default(), None),
            Some(keep) => bucket::front(part, keep, |bucket| back(bucket) >= furthest),
            None => days::front(part, |day| back(day) >= furthest),
        };
        Some(Self { averaged, left_out, oldest, back: furthest, next })
    }

    /// When a bucket next comes into another window, where that matters.
    pub(crate) fn moves(self, window: Window, edge: &Edge<'_>) -> Due {
        let width = window.bucket.width();
        let end = |bucket: i32| bounds(bucket, width).1;
        let into = |next: i32| edge.leaves(end(next), self.back * window.width - width);
        moves_back(end(self.oldest), window, edge).sooner(self.next.map_or(Due::NEVER, into))
    }
}

/// When the bucket that ends at `end` comes to be one window further back.
pub(crate) fn moves_back(end: i64, window: Window, edge: &Edge<'_>) -> Due {
    let back = windows_back(end, window, edge);
    edge.leaves(end, (1 + back) * window.width - window.bucket.width())
}

/// Of how many windows the average is taken where the oldest activity is so many of at most `windows` windows back. That
/// of the oldest is left out, since the account may have come in its midst; not where it is the only one, nor the
/// last that is kept: then it mostly was there before.
pub(crate) const fn averaged(back: i64, windows: u8) -> i64 {
    if 1 < back && back < windows as i64 { back - 1 } else { back }
}

/// `now` in per cent of a `windows`-th of `before`, half up; unknown if that is not above zero.
pub(crate) fn per_cent_of_average(now: i64, before: i64, windows: i64) -> Option<i64> {
    (before > 0 && windows > 0).then(|| scale_round(now, 100 * SCALE * windows, before))
}

#[cfg(test)]
mod tests {
    use super::super::tests::Alone;
    use crate::activity::Value::{Key, Number};
    use model::number;
    use model::number::SCALE;
    use model::source::Field::{Count, User};
    use model::time::{DAY, HOUR};

    /// The trend of a signal over 3 days against its average over the 9 days before.
    fn told(signal: &str, activities: &[(i64, u64)]) -> Alone {
        let of = format!("{{ trend: base, against: own-average, over: 9d }}, base: {{ {signal}, over: 3d }}");
        let mut alone = Alone::new(&of);
        for (day, number) in activities {
            let count = Number(number::Number::whole(number.cast_signed()));
            alone.tell(day * DAY + HOUR, &[(User, Key(*number)), (Count, count)]);
        }
        alone
    }

    #[test]
    fn a_window_is_compared_with_the_average_of_those_before() {
        // Day 12: the window is days 10 to 12; before it are days 7 to 9, 4 to 6 and 1 to 3.
        for (activities, count, days, distinct, sum) in [
            (&[][..], None, None, None, None),
            (&[(12, 1)], None, None, None, None),
            (&[(9, 1)], Some(0), Some(0), Some(0), Some(0)),
            // One window of history: 2 to 1.
            (&[(9, 1), (12, 1), (12, 2)], Some(200), Some(100), Some(200), Some(300)),
            // The oldest that holds something is two back and left out: 2 to 1.
            (&[(9, 1), (5, 1), (5, 2), (12, 3), (11, 3)], Some(200), Some(200), Some(100), Some(600)),
            // Nothing is left to compare with.
            (&[(5, 1), (12, 1)], None, None, None, None),
            // Three back is as far as it looks: 2 to an average of 4 thirds.
            (&[(9, 1), (5, 1), (5, 2), (2, 1), (12, 3), (11, 3)], Some(150), Some(200), Some(75), Some(360)),
            // Three back, and nothing between.
            (&[(1, 4), (10, 4)], Some(300), Some(300), Some(300), Some(300)),
            // Day 0 has left them all.
            (&[(0, 9), (7, 3), (7, 3), (8, 3), (10, 3)], Some(33), Some(50), Some(100), Some(33)),
        ] {
            for (signal, value) in [
                ("count: feature-usage", count),
                ("count_days: feature-usage", days),
                ("distinct: user, from: feature-usage", distinct),
                ("sum: count, from: feature-usage", sum),
            ] {
                let found = told(signal, activities).at(12 * DAY + 2 * HOUR);
                let rounded = found.map(|found| (found + SCALE / 2) / SCALE);
                assert_eq!(rounded, value, "{signal} {activities:?}");
            }
        }
    }

    #[test]
    fn who_came_lately_and_is_steady_is_near_its_average() {
        for signal in [
            "count: feature-usage",
            "count_days: feature-usage",
            "distinct: user, from: feature-usage",
            "sum: count, from: feature-usage",
        ] {
            let of =
                format!("{{ trend: base, against: own-average, over: 35d }}, base: {{ {signal}, over: 7d }}");
            let mut alone = Alone::new(&of);
            for hour in 12..28 * 24 {
                let count = Number(number::Number::whole(1));
                alone.tell(hour * HOUR, &[(User, Key(hour.unsigned_abs() % 4)), (Count, count)]);
                let value = alone.at(hour * HOUR).map(|value| value / SCALE);
                // Once a whole window is there to compare with; of the day that goes on, what has passed of it.
                if hour >= 15 * 24 {
                    assert!((85..=100).contains(&value.unwrap()), "{signal} at hour {hour}: {value:?}");
                }
            }
        }
    }

    #[test]
    fn a_trend_against_the_average_changes_only_as_it_is_due() {
        let all = [
            (-8, 2),
            (-6, 1),
            (0, 1),
            (1, 2),
            (2, 1),
            (4, 3),
            (4, 1),
            (8, 2),
            (9, 1),
            (9, 2),
            (13, 7),
            (30, 1),
            (31, 1),
        ];
        for signal in [
            "count: feature-usage",
            "count_days: feature-usage",
            "distinct: user, from: feature-usage",
            "sum: count, from: feature-usage",
        ] {
            assert!(told(signal, &all).walk(HOUR, 60 * DAY, HOUR / 2) >= 12, "{signal}");
        }
    }
}
