//! What alerts are worth: how often they come, how often something follows, and how long before.

use crate::auc::count;
use crate::collected::{Collected, Fate, Firing, Row, Series};
use crate::{Question, Side};
use model::plan::Purpose;
use model::time::DAY;
use std::collections::BTreeMap;

/// An alert that fires again within so long after it was resolved has flapped, ms.
const FLAP: i64 = 7 * DAY;

/// The mean length of a month, ms: a twelfth of 365.25 days.
const MONTH: f64 = 365.25 / 12.0 * 86_400_000.0;

/// How outcomes were foretold.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Warning {
    /// Outcomes of accounts that were scored at a cut not longer before than the horizon.
    pub outcomes: usize,
    /// Those of them before which an alert was open within the horizon.
    pub warned: usize,
    /// The median time from the firing of the earliest such alert to the outcome, days.
    pub median_lead_days: Option<f64>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct RuleReport {
    /// Its name.
    pub rule: String,
    /// How often it fired for accounts that were scored at the cut before.
    pub fired: usize,
    /// The same for each month of such an account.
    pub per_account_month: f64,
    /// The share of these that the outcome followed within the horizon; none if it never fired.
    pub followed: Option<f64>,
    /// How often it fired again within a week of its resolution.
    pub flaps: usize,
    /// What it foretold.
    pub warning: Warning,
}

/// Judges the rules whose purpose is this outcome, each alone and all together: those for dangers if it is a bad one.
pub(crate) fn judge(
    collected: &Collected,
    series: &Series,
    question: &Question,
) -> (Vec<RuleReport>, Warning) {
    let purpose = match question.side {
        Side::Bad => Purpose::Risk,
        Side::Good => Purpose::Opportunity,
    };
    let mut judged: Vec<(u32, i32)> = series
        .rows
        .iter()
        .filter(|row| matches!(collected.fate(row), Fate::Outcome | Fate::None))
        .map(|row| (row.account, row.cut))
        .collect();
    judged.sort_unstable();
    let every = collected.schedule.every();
    let months = count(judged.len()) * crate::report::ms(every) / MONTH;
    let bench = Bench { collected, judged: &judged };
    let rules = series.plan.rules.iter().enumerate().filter(|(_, rule)| rule.purpose == purpose);
    let mut all: BTreeMap<u32, Vec<&Firing>> = BTreeMap::new();
    let mut reports = Vec::new();
    for (index, rule) in rules {
        let mut of_account: BTreeMap<u32, Vec<&Firing>> = BTreeMap::new();
        for firing in series.firings.iter().filter(|firing| firing.rule as usize == index) {
            of_account.entry(firing.account).or_default().push(firing);
            all.entry(firing.account).or_default().push(firing);
        }
        let counted: Vec<&Firing> =
            of_account.values().flatten().copied().filter(|firing| bench.counts(firing)).collect();
        let followed = counted.iter().filter(|firing| bench.is_followed(firing)).count();
        let again = |pair: &[&Firing]| {
            let ended = pair[0].resolved.unwrap_or(i64::MAX);
            bench.counts(pair[1]) && pair[1].fired < ended.saturating_add(FLAP)
        };
        let flaps = of_account.values().map(|of| of.windows(2).filter(|pair| again(pair)).count()).sum();
        reports.push(RuleReport {
            rule: rule.name.clone(),
            fired: counted.len(),
            per_account_month: if months > 0.0 { count(counted.len()) / months } else { 0.0 },
            followed: (!counted.is_empty()).then(|| count(followed) / count(counted.len())),
            flaps,
            warning: bench.warning(&of_account),
        });
    }
    (reports, bench.warning(&all))
}

/// What firings are held against.
struct Bench<'a> {
    collected: &'a Collected,
    /// Account and cut of each row that is judged, ascending.
    judged: &'a [(u32, i32)],
}

impl Bench<'_> {
    fn is_judged(&self, account: u32, instant: i64) -> bool {
        let cut = self.collected.schedule.last_to(instant);
        cut.is_some_and(|cut| self.judged.binary_search(&(account, cut)).is_ok())
    }

    /// Whether a firing counts: its account was scored at the cut before, and all is known of what followed that.
    fn counts(&self, firing: &Firing) -> bool {
        let is_over = firing.fired.saturating_add(self.collected.horizon) <= self.collected.end;
        is_over && self.is_judged(firing.account, firing.fired)
    }

    fn happened(&self, account: u32) -> impl Iterator<Item = i64> {
        let account = self.collected.accounts.get(account as usize);
        account.into_iter().flat_map(|account| account.happened.iter().map(|one| one.time))
    }

    fn is_followed(&self, firing: &Firing) -> bool {
        let until = firing.fired.saturating_add(self.collected.horizon);
        self.happened(firing.account).any(|time| firing.fired < time && time < until)
    }

    /// How far the outcomes of judged accounts were foretold by firings.
    fn warning(&self, firings: &BTreeMap<u32, Vec<&Firing>>) -> Warning {
        let (mut warning, mut leads) = (Warning::default(), Vec::new());
        for accounts in self.judged.chunk_by(|one, other| one.0 == other.0) {
            let account = accounts[0].0;
            for time in self.happened(account) {
                let is_ahead = |(_, cut): &(u32, i32)| {
                    let fate = Row { account, cut: *cut, segment: 0, score: 0 };
                    let cut = self.collected.schedule.instant(*cut);
                    self.collected.fate(&fate) == Fate::Outcome
                        && (cut..cut + self.collected.horizon).contains(&time)
                };
                if !accounts.iter().any(is_ahead) {
                    continue;
                }
                warning.outcomes += 1;
                let within = time.saturating_sub(self.collected.horizon);
                let open = firings.get(&account).into_iter().flatten().filter(|firing| {
                    firing.fired < time && firing.resolved.is_none_or(|resolved| resolved > within)
                });
                leads.extend(open.map(|firing| time - firing.fired).max());
            }
        }
        warning.warned = leads.len();
        warning.median_lead_days = median(&mut leads).map(|ms| ms / crate::report::ms(DAY));
        warning
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(values: &mut [i64]) -> Option<f64> {
    values.sort_unstable();
    let high = *values.get(values.len() / 2)?;
    let low = values.get((values.len() - 1) / 2).copied().unwrap_or(high);
    Some(f64::midpoint(crate::report::ms(low), crate::report::ms(high)))
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        for (values, found) in [
            (&mut [][..], None),
            (&mut [3], Some(3.0)),
            (&mut [9, 1], Some(5.0)),
            (&mut [5, 1, 9], Some(5.0)),
        ] {
            assert_eq!(median(values), found);
        }
    }
}
