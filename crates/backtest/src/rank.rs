//! What the accounts at the bottom of a ranking come to: hits among the first so many, of each cut.
//!
//! Where accounts are tied across a boundary, it counts what comes of them on average over all orders of the tied: as many
//! of the outcomes among them as the share of them that is taken. So no order of ids has a say.

use crate::auc::{Case, count};

/// Cases in the order in which they would be looked at: by cut, and within it the worst first.
#[derive(Debug)]
pub struct Ranked<'c>(&'c [Case]);

impl<'c> Ranked<'c> {
    /// Takes cases; sorts them.
    pub fn new(cases: &'c mut [Case]) -> Self {
        cases.sort_unstable_by_key(|case| (case.cut, case.value, case.account));
        Self(cases)
    }

    fn cuts(&self) -> impl Iterator<Item = &'c [Case]> {
        self.0.chunk_by(|one, other| one.cut == other.cut)
    }

    /// Of all cases: how many, and how many have the outcome.
    #[must_use]
    pub fn totals(&self) -> (usize, usize) {
        (self.0.len(), self.0.iter().filter(|case| case.outcome).count())
    }

    /// Of the worst `share` of each cut, at least one account: how many are taken over all cuts, and how many of them have
    /// the outcome.
    #[must_use]
    pub fn top(&self, share: f64) -> (f64, f64) {
        let mut sum = (0.0, 0.0);
        for cut in self.cuts() {
            let taken = (share * count(cut.len())).ceil().max(1.0);
            sum = (sum.0 + taken, sum.1 + hits(cut, 0.0, taken));
        }
        sum
    }

    /// Of tenth `tenth` of each cut, 0 being the worst: as [`Ranked::top`].
    #[must_use]
    pub fn tenth(&self, tenth: u8) -> (f64, f64) {
        let mut sum = (0.0, 0.0);
        for cut in self.cuts() {
            let bound = |tenth: u8| count(cut.len()) * f64::from(tenth) / 10.0;
            let (from, to) = (bound(tenth), bound(tenth + 1));
            sum = (sum.0 + to - from, sum.1 + hits(cut, from, to));
        }
        sum
    }
}

/// How many with the outcome stand at ranks `from` to `to` of one cut, on average over the orders of the tied.
fn hits(cut: &[Case], from: f64, to: f64) -> f64 {
    let (mut before, mut hits) = (0.0, 0.0);
    for tied in cut.chunk_by(|one, other| one.value == other.value) {
        let size = count(tied.len());
        let taken = ((before + size).min(to) - f64::max(before, from)).max(0.0);
        hits += taken / size * count(tied.iter().filter(|case| case.outcome).count());
        before += size;
        if before >= to {
            break;
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(values: &[(i32, bool)]) -> Vec<Case> {
        let case = |(account, (value, outcome)): (usize, &(i32, bool))| Case {
            cut: 0,
            account: u32::try_from(account).unwrap(),
            value: *value,
            outcome: *outcome,
        };
        values.iter().enumerate().map(case).collect()
    }

    fn near(one: (f64, f64), other: (f64, f64)) -> bool {
        (one.0 - other.0).abs() < 1e-9 && (one.1 - other.1).abs() < 1e-9
    }

    #[test]
    fn the_worst_come_first() {
        let mut cases = cases(&[(5, false), (1, true), (4, true), (2, false)]);
        let ranked = Ranked::new(&mut cases);
        assert_eq!(ranked.totals(), (4, 2));
        assert!(near(ranked.top(0.01), (1.0, 1.0)));
        assert!(near(ranked.top(0.5), (2.0, 1.0)));
        assert!(near(ranked.top(1.0), (4.0, 2.0)));
        // The first tenth of four accounts is two fifths of the worst.
        assert!(near(ranked.tenth(0), (0.4, 0.4)));
        // The ranks from 1.2 to 1.6 are the second account alone.
        assert!(near(ranked.tenth(3), (0.4, 0.0)));
    }

    #[test]
    fn of_tied_accounts_a_share_is_taken() {
        let mut cases = cases(&[(1, true), (1, false), (1, false), (1, false)]);
        let ranked = Ranked::new(&mut cases);
        assert!(near(ranked.top(0.01), (1.0, 0.25)));
        assert!((0..10).all(|tenth| near(ranked.tenth(tenth), (0.4, 0.1))));
    }
}
