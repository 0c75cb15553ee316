//! The way down: the scores of those to whom it happened, over the time before, beside those to whom it never did.

use crate::collected::{Collected, Fate, Series};
use std::collections::BTreeMap;

/// How far back it looks, in steps from cut to cut.
const STEPS: usize = 12;

/// Quantiles of scores, hundredths of a point: of a tenth, a quarter, the half, three quarters and nine tenths.
pub type Quantiles = [u16; 5];

const SHARES: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.9];

/// The scores so long before.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Week {
    /// So many steps from cut to cut, or up to one more, before it happened.
    pub steps_before: usize,
    /// How many rows of accounts to whom it happened.
    pub rows: usize,
    /// The scores of those to whom it happened.
    pub with: Quantiles,
    /// The scores, at the same cuts and in the same proportions of cuts, of those to whom it never happened in the data; none
    /// where there is no such account.
    pub without: Option<Quantiles>,
}

/// Looks back over the time before each outcome, the nearest first; leaves out where there is nothing.
pub(crate) fn look_back(collected: &Collected, series: &Series) -> Vec<Week> {
    let mut with: Vec<Vec<(u16, f64)>> = vec![Vec::new(); STEPS];
    let mut cuts: Vec<BTreeMap<i32, u32>> = vec![BTreeMap::new(); STEPS];
    let mut without: BTreeMap<i32, Vec<u16>> = BTreeMap::new();
    for row in &series.rows {
        let Some(account) = collected.accounts.get(row.account as usize) else { continue };
        if account.happened.is_empty() {
            without.entry(row.cut).or_default().push(row.score);
            continue;
        }
        let cut = collected.schedule.instant(row.cut);
        let next = account.happened.iter().find(|one| one.time >= cut);
        let steps = next.map(|one| (one.time - cut) / collected.schedule.every());
        let Some(steps) = steps.and_then(|steps| usize::try_from(steps).ok()).filter(|steps| *steps < STEPS)
        else {
            continue;
        };
        if collected.fate(row) != Fate::Untold {
            with[steps].push((row.score, 1.0));
            *cuts[steps].entry(row.cut).or_default() += 1;
        }
    }
    let mut weeks = Vec::new();
    for (steps, (mut with, cuts)) in with.into_iter().zip(cuts).enumerate() {
        let Some(of_with) = quantiles(&mut with) else { continue };
        let mut beside = Vec::new();
        for (cut, number) in cuts {
            let scores = without.get(&cut).map_or(&[][..], |scores| scores);
            let weight = f64::from(number) / crate::auc::count(scores.len().max(1));
            beside.extend(scores.iter().map(|score| (*score, weight)));
        }
        weeks.push(Week {
            steps_before: steps,
            rows: with.len(),
            with: of_with,
            without: quantiles(&mut beside),
        });
    }
    weeks
}

/// The least score at or below which so much of the weight lies; `None` without scores.
fn quantiles(scores: &mut [(u16, f64)]) -> Option<Quantiles> {
    scores.sort_unstable_by_key(|(score, _)| *score);
    let (last, _) = *scores.last()?;
    let whole: f64 = scores.iter().map(|(_, weight)| weight).sum();
    let mut found = [last; 5];
    for (quantile, share) in found.iter_mut().zip(SHARES) {
        let (mut sum, wanted) = (0.0, share * whole);
        let reaches = |(_, weight): &&(u16, f64)| {
            sum += weight;
            // What is lost in adding up does not move a quantile.
            sum >= wanted * (1.0 - 1e-12)
        };
        if let Some((score, _)) = scores.iter().find(reaches) {
            *quantile = *score;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_by_hand() {
        let mut even: Vec<(u16, f64)> = (1..=10).rev().map(|score| (score, 0.5)).collect();
        assert_eq!(quantiles(&mut even), Some([1, 3, 5, 8, 9]));
        assert_eq!(quantiles(&mut [(7, 1.0)]), Some([7; 5]));
        assert_eq!(quantiles(&mut [(1, 1.0), (2, 99.0)]), Some([2; 5]));
        assert_eq!(quantiles(&mut []), None);
    }
}
