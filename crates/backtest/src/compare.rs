//! Two models beside each other, on the scores that both gave.

use crate::Question;
use crate::auc::{Case, mean_auc};
use crate::collected::{Collected, Fate, Row, Series};
use crate::report::{Interval, ranked_by};
use serde::Serialize;

/// Two models on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Rows that both scored and that are judged.
    pub rows: usize,
    /// Rows that only one of them scored.
    pub apart: usize,
    /// The mean area of the first.
    pub auc: Interval,
    /// That of the second.
    pub other: Interval,
    /// The first's less the second's.
    pub difference: Interval,
}

/// The first two models of what was collected, on the rows that both scored; `None` where there are not two, or no cut has
/// both fates.
#[must_use]
pub fn compare(collected: &Collected, question: &Question) -> Option<Comparison> {
    let [first, second, ..] = &collected.series[..] else { return None };
    let sorted = |series: &Series| {
        let mut rows: Vec<Row> = series.rows.clone();
        rows.sort_unstable_by_key(|row| (row.cut, row.account));
        rows
    };
    let (firsts, seconds) = (sorted(first), sorted(second));
    let key = |row: &Row| (row.cut, row.account);
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for row in &firsts {
        let Ok(place) = seconds.binary_search_by_key(&key(row), key) else { continue };
        let outcome = match collected.fate(row) {
            Fate::Outcome => true,
            Fate::None => false,
            Fate::Censored | Fate::Idle | Fate::Untold => continue,
        };
        let case = |row: &Row| Case {
            cut: row.cut,
            account: row.account,
            value: ranked_by(question.side, row.score),
            outcome,
        };
        ones.push(case(row));
        others.extend(seconds.get(place).map(case));
    }
    let is_judged = |row: &&Row| matches!(collected.fate(row), Fate::Outcome | Fate::None);
    let all = firsts.iter().filter(is_judged).count() + seconds.iter().filter(is_judged).count();
    let accounts = collected.accounts.len();
    let (rows, apart) = (ones.len(), all - 2 * ones.len());
    let (one, other) = mean_auc(&mut ones, accounts).zip(mean_auc(&mut others, accounts))?;
    let (value, (low, high)) = one.difference(&other);
    Some(Comparison {
        rows,
        apart,
        auc: Interval::of(&one),
        other: Interval::of(&other),
        difference: Interval { value, low, high },
    })
}
