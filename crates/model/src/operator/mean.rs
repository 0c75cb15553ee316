//! `mean: FIELD, from: SOURCE`: the mean of a number over a window, plain, or such that what is older counts less.

use super::{Draft, field_feed, min_base, rolling};
use crate::block::{Block, Spot};
use crate::plan::{Bucket, Fold, Operator, Unit, Window};
use crate::problem::Report;
use crate::quantity::shown;
use crate::source::{FieldType, Source};
use crate::time::DAY;
use crate::window::{self, WIDEST};

pub(super) const KEYS: &[&str] = &["mean", "from", "over", "half_life", "where", "min_base"];

/// Over how many half-lives a mean is taken unless the model says otherwise: what is older would weigh less than 1/256.
const HALF_LIVES: i64 = 8;

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let taken = field_feed(block, "mean", &[FieldType::Number], Source::Feedback, report);
    let Some(spot) = block.get("half_life") else {
        return rolling(block, taken.map(|(field, feed)| (Fold::Mean(field), feed)), Unit::Number, report);
    };
    let half_life = whole_days(&spot, report);
    let window = match block.get("over") {
        Some(spot) => window::over(block, report).filter(|window| is_daily(*window, &spot, report)),
        None => half_life.map(|half_life| {
            let width = half_life.saturating_mul(HALF_LIVES).min(WIDEST);
            Window { width, bucket: Bucket::Day }
        }),
    };
    let min_base = min_base(block, report);
    let (field, feed) = taken?;
    let weights = weights(half_life? / DAY);
    let operator = Operator::DecayedMean { feed, field, window: window?, min_base: min_base?, weights };
    Some(Draft::Whole(operator, Unit::Number))
}

fn whole_days(spot: &Spot<'_>, report: &mut Report) -> Option<i64> {
    let half_life = spot.span(DAY, WIDEST, report)?;
    if half_life % DAY != 0 {
        let fix = format!("write it like `{}`", shown(Unit::Span, half_life / DAY * DAY));
        spot.problem(report, "a half-life is a whole number of days", fix);
        return None;
    }
    Some(half_life)
}

fn is_daily(window: Window, over: &Spot<'_>, report: &mut Report) -> bool {
    if window.bucket == Bucket::Hour {
        let message = "a mean with a half-life is taken over a window of at least 3d";
        over.problem(report, message, "write it like `7d`, or leave it out");
    }
    window.bucket == Bucket::Day
}

/// 2^(-day / half-life) for each day of a half-life of so many days, rounded to parts of 2^32.
///
/// By the binary digits of the exponent, in parts of 2^62: each that is set multiplies by a root of a root of a half.
/// Integers only, so that it is the same everywhere.
fn weights(half_life: i64) -> Vec<u64> {
    const BITS: u32 = 62;
    const KEPT: u32 = 32;
    let days = u128::try_from(half_life).unwrap_or(1).max(1);
    let weight = |day: u128| {
        let (mut weight, mut root, mut rest) = (1_u128 << BITS, 1_u128 << (BITS - 1), day);
        for _ in 0..BITS {
            root = (root << BITS).isqrt();
            rest *= 2;
            if rest >= days {
                rest -= days;
                weight = (weight * root) >> BITS;
            }
        }
        let cut = BITS - KEPT;
        u64::try_from((weight + (1 << (cut - 1))) >> cut).unwrap_or(u64::MAX)
    };
    (0..days).map(weight).collect()
}

/// A sum and a number of activities a bucket.
pub(super) const fn bytes(buckets: u64) -> u64 {
    24 + 12 * buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_powers_of_a_half() {
        assert_eq!(weights(1), [1 << 32]);
        // 2^31.5 = 3 037 000 499.98
        assert_eq!(weights(2), [1 << 32, 3_037_000_500]);
        for half_life in 1..=400_u32 {
            let weights = weights(i64::from(half_life));
            assert_eq!(weights.len(), half_life as usize);
            for (day, weight) in (0_u32..).zip(weights) {
                let exact = (32.0 - f64::from(day) / f64::from(half_life)).exp2();
                // Half a part for the rounding; what is left is that of the float.
                #[allow(clippy::cast_precision_loss, reason = "33 bits")]
                let off = (weight as f64 - exact).abs();
                assert!(off <= 0.500_01, "{half_life}, {day}: {weight}, {exact}");
            }
        }
    }
}
