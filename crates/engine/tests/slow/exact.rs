//! The arithmetic of the specification, in `i128`, with no line of the engine's.

use model::plan::Curve;

/// `part / whole` rounded half up, which is towards positive infinity: floor(part / whole + 1/2).
pub(crate) fn half_up(part: i128, whole: i128) -> i64 {
    assert!(whole > 0, "a quotient of {part} by {whole}");
    i64::try_from((2 * part + whole).div_euclid(2 * whole)).unwrap()
}

/// Whole shares of `total` in proportion to `weights`: each gets the floor of its exact share, and what is
/// left goes, one each, to those that lost most by that; of equals to the earlier. All zero if all weights
/// are.
pub(crate) fn shares(total: u32, weights: &[u32]) -> Vec<u32> {
    let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let exact = |i: usize| u64::from(total) * u64::from(weights[i]);
    let mut out: Vec<u64> = (0..weights.len()).map(|i| exact(i) / sum).collect();
    let mut losers: Vec<usize> = (0..weights.len()).collect();
    losers.sort_by_key(|i| (u64::MAX - exact(*i) % sum, *i));
    let left = usize::try_from(u64::from(total) - out.iter().sum::<u64>()).unwrap();
    for loser in losers.into_iter().take(left) {
        out[loser] += 1;
    }
    out.into_iter().map(|share| u32::try_from(share).unwrap()).collect()
}

/// Hundredths of a point at `value`: linear between the curve's points, flat beyond them.
pub(crate) fn points(curve: &Curve, value: i64) -> u32 {
    let points = &curve.0;
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        if x0 <= value && value < x1 {
            // y0 + (value - x0) * (y1 - y0) / (x1 - x0), over one denominator.
            let run = i128::from(x1 - x0);
            let rise = i128::from(y1) - i128::from(y0);
            let exact = i128::from(y0) * run + i128::from(value - x0) * rise;
            return u32::try_from(half_up(exact, run)).unwrap();
        }
    }
    match (points.first(), points.last()) {
        (Some((x, y)), _) if value < *x => *y,
        (_, Some((_, y))) => *y,
        _ => 0,
    }
}
