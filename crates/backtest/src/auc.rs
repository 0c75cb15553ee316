//! How well a score ranks: the area under the ROC curve, with an interval that knows that accounts recur.
//!
//! Within one cut the area is the probability that an account with the outcome has a lower score than one without, a tie
//! counting half (Mann and Whitney): θ = Σ ψ / (m n), ψ = 1, ½ or 0, over the m × n pairs. Over cuts it is the plain mean
//! of those cuts that have both kinds: so accounts are compared on the same day, never one of spring with one of autumn.
//!
//! The interval: each account i adds to the error of the mean what its rows add,
//! d_i = (1 / cuts) Σ [ (V10 − θ) / m for a row with the outcome, (V01 − θ) / n for one without ], V10 and V01 being the
//! shares of the other kind that the row is ranked rightly against (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988).
//! The rows of an account are summed before they are squared, as Obuchowski does for clustered data (Biometrics 53, 1997), so
//! that an account that recurs in many cuts counts as one account: var = k / (k − 1) × Σ d_i², k being the accounts with or
//! those without the outcome, whichever are fewer: their part would need this, and the other part no more. The bounds are
//! θ ± 1.96 √var, held within 0 and 1. Of two scores of the same rows the difference has the errors' differences.
//!
//! Few accounts tell little, though nothing spreads among them: below two of either kind the bounds are the whole scale, and
//! where nothing spreads they are as far apart as k equal outcomes of a coin allow, 1 − 0.025^(1/k) (Clopper and Pearson).

/// The 97.5 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// What lies beyond a bound on its side.
const TAIL: f64 = 0.025;

/// One row as it is ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The cut: only rows of one cut are compared.
    pub cut: i32,
    /// The account.
    pub account: u32,
    /// What should be the lower, the nearer the outcome.
    pub value: i32,
    /// Whether the outcome happened.
    pub outcome: bool,
}

/// A mean area, and what each account adds to its error.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The mean over cuts, 0 to 1.
    pub mean: f64,
    /// The cuts that have both kinds, and the area of each.
    pub cuts: Vec<(i32, f64)>,
    /// What each account adds, by its place; 0 for one that has no row.
    errors: Vec<f64>,
    /// How many accounts have a row with the outcome, or one without it: the fewer of both.
    accounts: usize,
}

impl Estimate {
    /// The bounds within which the true mean lies in 95 of 100 cases; the whole scale where there are not two accounts of
    /// each kind.
    #[must_use]
    pub fn interval(&self) -> (f64, f64) {
        let half = half_width(self.errors.iter().copied(), self.accounts);
        (held(self.mean - half, 0.0), held(self.mean + half, 0.0))
    }

    /// This one's mean less that of another score of the same rows, and the bounds of that.
    #[must_use]
    pub fn difference(&self, other: &Self) -> (f64, (f64, f64)) {
        let difference = self.mean - other.mean;
        let errors = self.errors.iter().zip(&other.errors).map(|(one, other)| one - other);
        let accounts = self.accounts.min(other.accounts);
        // Two that rank all alike do not differ.
        let half = if difference.abs() > 0.0 || accounts < 2 {
            half_width(errors, accounts)
        } else {
            spread(errors, accounts)
        };
        (difference, (held(difference - half, -1.0), held(difference + half, -1.0)))
    }
}

/// How far the bounds lie from a mean to which accounts add these errors, the rarer kind being so many accounts; infinite
/// below two.
fn half_width(errors: impl Iterator<Item = f64>, accounts: usize) -> f64 {
    if accounts < 2 {
        return f64::INFINITY;
    }
    let half = spread(errors, accounts);
    if half > 0.0 { half } else { 1.0 - TAIL.powf(count(accounts).recip()) }
}

/// The same by what spreads, of at least two accounts of the rarer kind.
fn spread(errors: impl Iterator<Item = f64>, accounts: usize) -> f64 {
    let accounts = count(accounts);
    Z * (accounts / (accounts - 1.0) * errors.map(|error| error * error).sum::<f64>()).sqrt()
}

const fn held(value: f64, least: f64) -> f64 {
    value.clamp(least, 1.0)
}

/// A count as it is calculated with; exact below 2^53.
#[allow(clippy::cast_precision_loss, reason = "there are fewer rows than that")]
pub(crate) const fn count(of: usize) -> f64 {
    of as f64
}

/// The mean area over cuts, of at most `accounts` accounts; sorts the cases. `None` where no cut has both kinds.
///
/// Takes n log n for n cases.
#[must_use]
pub fn mean_auc(cases: &mut [Case], accounts: usize) -> Option<Estimate> {
    cases.sort_unstable_by_key(|case| (case.cut, case.value, case.account));
    let mut cuts = Vec::new();
    let mut errors = vec![0.0; accounts];
    let mut seen = vec![[false; 2]; accounts];
    for cut in cases.chunk_by(|one, other| one.cut == other.cut) {
        let with = cut.iter().filter(|case| case.outcome).count();
        let without = cut.len() - with;
        if with == 0 || without == 0 {
            continue;
        }
        let (with, without) = (count(with), count(without));
        let area = area(cut, with, without);
        cuts.push((cut[0].cut, area));
        for (case, rightly) in ranked(cut, with, without) {
            let (error, seen) = (&mut errors[case.account as usize], &mut seen[case.account as usize]);
            *error += (rightly - area) / if case.outcome { with } else { without };
            seen[usize::from(case.outcome)] = true;
        }
    }
    if cuts.is_empty() {
        return None;
    }
    let number = count(cuts.len());
    errors.iter_mut().for_each(|error| *error /= number);
    let mean = cuts.iter().map(|(_, area)| area).sum::<f64>() / number;
    let of_kind = |outcome: usize| seen.iter().filter(|seen| seen[outcome]).count();
    let accounts = of_kind(0).min(of_kind(1));
    Some(Estimate { mean, cuts, errors, accounts })
}

/// The area of one cut, sorted by value, of so many cases of each kind.
fn area(cut: &[Case], with: f64, without: f64) -> f64 {
    // Twice the pairs that are ranked rightly: whole numbers, so the sum is exact.
    let (mut twice, mut without_before) = (0_usize, 0);
    let all_without = cut.iter().filter(|case| !case.outcome).count();
    for tied in cut.chunk_by(|one, other| one.value == other.value) {
        let with_here = tied.iter().filter(|case| case.outcome).count();
        let without_here = tied.len() - with_here;
        twice += with_here * (2 * (all_without - without_before - without_here) + without_here);
        without_before += without_here;
    }
    count(twice) / (2.0 * with * without)
}

/// Each case with the share of the other kind that it is ranked rightly against.
fn ranked(cut: &[Case], with: f64, without: f64) -> impl Iterator<Item = (&Case, f64)> {
    let (mut with_before, mut without_before) = (0.0, 0.0);
    cut.chunk_by(|one, other| one.value == other.value).flat_map(move |tied| {
        let with_here = count(tied.iter().filter(|case| case.outcome).count());
        let without_here = count(tied.len()) - with_here;
        let of_one_with = (without - without_before - without_here / 2.0) / without;
        let of_one_without = (with_before + with_here / 2.0) / with;
        with_before += with_here;
        without_before += without_here;
        tied.iter().map(move |case| (case, if case.outcome { of_one_with } else { of_one_without }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn case((cut, account, value, outcome): (i32, u32, i32, bool)) -> Case {
        Case { cut, account, value, outcome }
    }

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn one_cut_by_hand() {
        // With: 1, 3; without: 2, 3, 4. Rightly ranked: 1 against all three; 3 against 4, and half against 3: 4.5 of 6.
        let rows = [(0, 0, 1, true), (0, 1, 3, true), (0, 2, 2, false), (0, 3, 3, false), (0, 4, 4, false)];
        let found = mean_auc(&mut rows.map(case), 5).unwrap();
        assert!(close(found.mean, 0.75), "{found:?}");
        // V10 = 1, 1/2; V01 = 1/2, 3/4, 1. Errors: ±(1/4)/2; (−1/4, 0, 1/4)/3. Squares: 2/64 + 2/144.
        let half = Z * (2.0 / 1.0 * (2.0 / 64.0 + 2.0 / 144.0_f64)).sqrt();
        let (low, high) = found.interval();
        assert!(close(low, 0.75 - half) && close(high, 1.0), "{found:?}");
    }

    #[test]
    fn an_account_that_recurs_counts_once() {
        let cut = [(0, 0, 1, true), (0, 1, 3, true), (0, 2, 2, false), (0, 3, 3, false), (0, 4, 4, false)];
        let once = mean_auc(&mut cut.map(case), 5).unwrap();
        // The same cut a hundred times tells nothing new.
        let mut again: Vec<Case> =
            (0..100).flat_map(|number| cut.map(|row| Case { cut: number, ..case(row) })).collect();
        let again = mean_auc(&mut again, 5).unwrap();
        assert!(close(once.mean, again.mean) && close(once.interval().0, again.interval().0));
        // Were they other accounts each time, it would.
        let mut others: Vec<Case> = (0_u32..100)
            .flat_map(|number| {
                cut.map(|row| Case {
                    cut: i32::try_from(number).unwrap(),
                    account: row.1 + 5 * number,
                    ..case(row)
                })
            })
            .collect();
        let others = mean_auc(&mut others, 500).unwrap();
        assert!(others.interval().0 > once.interval().0 + 0.2);
    }

    #[test]
    fn few_accounts_tell_little_though_nothing_spreads() {
        // Whoever comes to it is the last of ten, in each of fifty cuts.
        let bounds = |with: u32| {
            let row = |cut, account| case((cut, account, i32::from(account >= with), account < with));
            let mut rows: Vec<Case> =
                (0..50).flat_map(|cut| (0..10).map(move |account| row(cut, account))).collect();
            mean_auc(&mut rows, 10).unwrap().interval()
        };
        assert_eq!(bounds(1), (0.0, 1.0));
        let (low, high) = bounds(2);
        assert!(low < 0.5 && close(high, 1.0), "{low}");
        let (low, _) = bounds(5);
        assert!(close(low, 0.025_f64.powf(0.2)), "{low}");
    }

    #[test]
    fn without_both_kinds_there_is_no_area() {
        assert_eq!(mean_auc(&mut [], 0), None);
        assert_eq!(mean_auc(&mut [case((0, 0, 1, true)), case((1, 1, 1, false))], 2), None);
    }

    #[test]
    fn a_score_does_not_differ_from_itself() {
        let rows = [(0, 0, 1, true), (0, 1, 2, false), (0, 2, 0, false), (1, 3, 5, true), (1, 2, 5, false)];
        let found = mean_auc(&mut rows.map(case), 4).unwrap();
        assert_eq!(found.difference(&found), (0.0, (0.0, 0.0)));
    }

    fn rows() -> impl Strategy<Value = Vec<Case>> {
        prop::collection::vec((0..4, 0_u32..12, -3..4_i32, any::<bool>()).prop_map(case), 0..60)
    }

    /// All pairs, one after the other.
    fn naive(cases: &[Case]) -> Option<(f64, Vec<f64>)> {
        let half = |with: &Case, without: &Case| match with.value.cmp(&without.value) {
            std::cmp::Ordering::Less => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 0.0,
        };
        let (mut areas, mut errors) = (Vec::new(), vec![0.0; 12]);
        for cut in 0..4 {
            let of = |outcome| cases.iter().filter(move |case| case.cut == cut && case.outcome == outcome);
            let (m, n) = (count(of(true).count()), count(of(false).count()));
            if m * n == 0.0 {
                continue;
            }
            let area =
                of(true).flat_map(|with| of(false).map(move |without| half(with, without))).sum::<f64>()
                    / (m * n);
            for with in of(true) {
                let rightly = of(false).map(|without| half(with, without)).sum::<f64>() / n;
                errors[with.account as usize] += (rightly - area) / m;
            }
            for without in of(false) {
                let rightly = of(true).map(|with| half(with, without)).sum::<f64>() / m;
                errors[without.account as usize] += (rightly - area) / n;
            }
            areas.push(area);
        }
        let cuts = count(areas.len());
        (!areas.is_empty()).then(|| {
            (areas.iter().sum::<f64>() / cuts, errors.into_iter().map(|error| error / cuts).collect())
        })
    }

    proptest! {
        #[test]
        fn it_is_what_all_pairs_come_to(rows in rows()) {
            let found = mean_auc(&mut rows.clone(), 12);
            match (found, naive(&rows)) {
                (None, None) => {}
                (Some(found), Some((mean, errors))) => {
                    prop_assert!(close(found.mean, mean));
                    prop_assert!(found.errors.iter().zip(&errors).all(|(one, other)| close(*one, *other)));
                    // Errors are about the mean.
                    prop_assert!(close(errors.iter().sum(), 0.0));
                }
                (found, naive) => prop_assert!(false, "{found:?} {naive:?}"),
            }
        }

        #[test]
        fn turned_round_it_is_the_rest(mut rows in rows()) {
            let mut turned: Vec<Case> = rows.iter().map(|case| Case { value: -case.value, ..*case }).collect();
            let (one, other) = (mean_auc(&mut rows, 12), mean_auc(&mut turned, 12));
            prop_assert_eq!(one.is_some(), other.is_some());
            if let Some((one, other)) = one.zip(other) {
                prop_assert!(close(one.mean + other.mean, 1.0));
                prop_assert!(close(one.difference(&other).0, 2.0 * one.mean - 1.0));
            }
        }
    }
}
