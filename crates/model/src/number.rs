//! Exact decimal numbers: millionths in an `i64`. No result depends on a platform's math library.

use std::fmt;

/// How many parts one whole has.
pub const SCALE: i64 = 1_000_000;

/// The greatest magnitude a number in an activity or a model may have, in wholes.
pub const LIMIT: i64 = 1_000_000_000;

/// A decimal number in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub i64);

impl Number {
    /// A whole number of at most [`LIMIT`]; a greater one is held at it.
    #[must_use]
    pub const fn whole(value: i64) -> Self {
        let held = if value > LIMIT {
            LIMIT
        } else if value < -LIMIT {
            -LIMIT
        } else {
            value
        };
        Self(held * SCALE)
    }

    /// Reads `-12.5`, `3`, `1e3`; digits below the millionth are cut off.
    ///
    /// Returns `None` for what is not a JSON number, or whose magnitude is above [`LIMIT`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (digits, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        // The place of the first digit after the point is 10^-1; digits above 10^9 must be zero.
        let mut micros: i128 = 0;
        let point = i64::try_from(whole.len()).ok()?;
        for (place, digit) in (0_i64..).zip(whole.bytes().chain(fraction.bytes())) {
            let power = point - 1 - place + i64::from(exponent) + 6;
            let digit = i128::from(digit - b'0');
            if digit == 0 || power < 0 {
                continue;
            }
            if power > 16 {
                return None;
            }
            micros += digit * 10_i128.pow(u32::try_from(power).ok()?);
        }
        let micros = i64::try_from(micros).ok().filter(|m| *m <= LIMIT * SCALE)?;
        Some(Self(if negative { -micros } else { micros }))
    }
}

/// The shortest decimal text.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0, 6)
    }
}

/// Writes `value` / 10^`places` as the shortest decimal text.
///
/// # Errors
/// Those of the formatter.
pub fn write_decimal(f: &mut impl fmt::Write, value: i64, places: u32) -> fmt::Result {
    let scale = 10_u64.pow(places);
    let magnitude = value.unsigned_abs();
    if value < 0 {
        f.write_char('-')?;
    }
    write!(f, "{}", magnitude / scale)?;
    let mut fraction = magnitude % scale;
    if fraction == 0 {
        return Ok(());
    }
    let mut width = places as usize;
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        width -= 1;
    }
    write!(f, ".{fraction:0width$}")
}

/// `value` × `part` / `whole`, rounded half up (towards positive infinity); `whole` must be positive.
#[must_use]
pub fn scale_round(value: i64, part: i64, whole: i64) -> i64 {
    let whole = whole.max(1);
    if let (Some(product), Some(double)) = (value.checked_mul(part), whole.checked_mul(2))
        && let Some(sum) = product.checked_mul(2).and_then(|twice| twice.checked_add(whole))
    {
        return sum.div_euclid(double);
    }
    let whole = i128::from(whole);
    let product = i128::from(value) * i128::from(part) * 2 + whole;
    i64::try_from(product.div_euclid(whole * 2)).unwrap_or(if product < 0 { i64::MIN } else { i64::MAX })
}

/// Integer shares of `total` in proportion to `weights`, by the largest remainder; ties go to the earlier.
///
/// The shares sum to `total`, unless all weights are zero: then all shares are zero.
pub fn shares(total: u32, weights: &[u32], out: &mut Vec<u32>) {
    out.clear();
    let sum: u64 = weights.iter().map(|w| u64::from(*w)).sum();
    if sum == 0 {
        out.resize(weights.len(), 0);
        return;
    }
    let mut left = total;
    for weight in weights {
        let share = u64::from(total) * u64::from(*weight) / sum;
        let share = u32::try_from(share).unwrap_or(total);
        left -= share;
        out.push(share);
    }
    // Fewer are left than there are weights, so one pass over the remainders a unit is enough.
    let mut taken = vec![false; if left > 0 { weights.len() } else { 0 }];
    for _ in 0..left {
        let best = (0..weights.len())
            .filter(|i| !taken[*i])
            .max_by_key(|i| (u64::from(total) * u64::from(weights[*i]) % sum, std::cmp::Reverse(*i)));
        if let Some(best) = best {
            taken[best] = true;
            out[best] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly() {
        for (text, micros) in [
            ("0", 0),
            ("-0", 0),
            ("12.5", 12_500_000),
            ("-0.000001", -1),
            ("0.0000019", 1),
            ("1e3", 1_000_000_000),
            ("1.5E-3", 1_500),
            ("1000000000", LIMIT * SCALE),
            ("0.00000000000000000001e20", SCALE),
        ] {
            assert_eq!(Number::parse(text), Some(Number(micros)), "{text}");
        }
        let long = "9".repeat(400);
        for text in ["", "-", "+1", ".5", "5.", "1e", "0x1", "01", "1000000001", "1e300", "NaN", &long] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_written_shortest() {
        for (micros, text) in [(0, "0"), (-1, "-0.000001"), (12_500_000, "12.5"), (1_000_000, "1")] {
            assert_eq!(Number(micros).to_string(), text);
        }
    }

    #[test]
    fn shares_sum_to_the_total_by_the_largest_remainder() {
        let mut out = Vec::new();
        shares(10_000, &[45, 25, 25], &mut out);
        assert_eq!(out, [4_737, 2_632, 2_631]);
        shares(4_737, &[35, 25, 10, 10, 20], &mut out);
        assert_eq!(out, [1_658, 1_184, 474, 474, 947]);
        shares(10_000, &[0, 0], &mut out);
        assert_eq!(out, [0, 0]);
    }
}
