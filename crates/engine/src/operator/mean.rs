//! A mean in which what is older counts less: buckets of days, as for a plain mean, that are weighed when it is read.
//!
//! Ages count from the newest day that holds an activity, so as time goes on all weights would shrink alike and the mean
//! stays what it was: it changes only as buckets enter and leave. Cost: each activity reads once over the days of the
//! window that hold one.

use super::bucket::{Keep, held, is_held, totals};

/// What the window comes to, in millionths; `weights` as in `model::plan::Operator::DecayedMean`.
pub(crate) fn decayed(part: &[u32], weights: &[u64], min_base: u32) -> Option<i64> {
    let count = totals(part, Keep::Sums).0.count;
    let (newest, ..) = held(part).next_back().filter(|_| count >= min_base)?;
    let (mut whole, mut weight) = (0_i128, 0_i128);
    for (day, count, sum) in held(part) {
        if is_held(sum) {
            // A sum at the end of its range is not known.
            return None;
        }
        // Not before 1970 less some millions of years: the difference fits.
        let age = usize::try_from(i64::from(newest) - i64::from(day)).unwrap_or(usize::MAX);
        let halvings = u32::try_from(age / weights.len()).unwrap_or(u32::MAX);
        let each = i128::from(weights[age % weights.len()].checked_shr(halvings).unwrap_or(0));
        whole += each * i128::from(sum);
        weight += each * i128::from(count);
    }
    // Half up; the newest day weighs 2^32, so there is something to divide by.
    i64::try_from((2 * whole + weight).div_euclid(2 * weight)).ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::Alone;
    use crate::activity::Value::Number;
    use model::number::{self, SCALE};
    use model::source::Field::Value;
    use model::time::{DAY, HOUR};

    fn told(definition: &str, days: &[(i64, i64)]) -> Alone {
        let mut alone = Alone::new(definition);
        for (day, value) in days {
            alone.tell(day * DAY + HOUR, &[(Value, Number(number::Number(value * SCALE)))]);
        }
        alone
    }

    #[test]
    fn what_is_a_half_life_older_counts_half() {
        const DECAYED: &str = "{ mean: value, from: feature-usage, half_life: 2d, min_base: 2 }";
        for (days, at, mean) in [
            (&[(0, 3)][..], 1, None),
            (&[(0, 3), (0, 6)], 1, Some(4_500_000)),
            // (2 × 6 + 3) / 3
            (&[(0, 3), (2, 6)], 2, Some(5_000_000)),
            (&[(2, 6), (0, 3)], 2, Some(5_000_000)),
            // Time alone changes nothing.
            (&[(0, 3), (2, 6)], 15, Some(5_000_000)),
            // (4 × 0 + 2 × 5 + 1 × 5 + 1 × 9) / 8
            (&[(4, 0), (2, 5), (0, 5), (0, 9)], 4, Some(3_000_000)),
            // 2^-0.5 / (1 + 2^-0.5)
            (&[(0, 1), (1, 0)], 1, Some(414_214)),
            // The first day has left 8 half-lives: max delay before the end of its sixteenth day.
            (&[(0, 3), (2, 6), (2, 8)], 16, Some(7_000_000)),
        ] {
            assert_eq!(told(DECAYED, days).at(at * DAY + 2 * HOUR), mean, "{days:?}");
        }
    }

    #[test]
    fn without_a_value_there_is_no_mean() {
        let mut alone = told("{ mean: value, from: feature-usage, half_life: 2d, over: 3d }", &[]);
        alone.tell(HOUR, &[]);
        assert_eq!(alone.at(2 * HOUR), None);
        alone.tell(HOUR, &[(Value, Number(number::Number(-SCALE)))]);
        assert_eq!(alone.at(2 * HOUR), Some(-SCALE));
        assert_eq!(alone.at(5 * DAY), None);
    }

    #[test]
    fn a_decayed_mean_changes_only_as_buckets_enter_and_leave() {
        let days = [(0, 3), (1, 8), (1, 2), (3, 9), (6, 1), (7, 5)];
        let alone = told("{ mean: value, from: feature-usage, half_life: 3d, over: 5d }", &days);
        assert!(alone.walk(HOUR, 15 * DAY, HOUR / 2) >= 5);
    }
}
