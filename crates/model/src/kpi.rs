//! KPIs: plan against actual, of many accounts together. Checked, and not yet computed: the fold sees one account at a
//! time.

use crate::block::{Block, KEEP, Keys, Spot, not_computed};
use crate::goal::Goals;
use crate::plan::Goal;
use crate::problem::{Report, quoted};
use crate::signal::Signals;

pub(crate) const KEYS: Keys = Keys { known: &["plan", "per", "by", "share_of"], later: &[] };
/// Of what time the plan is.
pub(crate) const PER: [(&str, ()); 3] = [("month", ()), ("quarter", ()), ("year", ())];
/// Whose figure it is.
pub(crate) const BY: [(&str, ()); 4] = [("company", ()), ("team", ()), ("csm", ()), ("segment", ())];
/// What it may be a share of, where not of the number of accounts.
pub(crate) const SHARE_OF: [(&str, ()); 1] = [("arr", ())];
/// The most KPIs: few are looked at.
pub(crate) const MOST: usize = 7;
/// The owner of a goal that counts towards no single person.
const COMPANY: &str = "company";

/// Reads the block `kpis`.
pub(crate) fn read(spot: &Spot<'_>, goals: &Goals, signals: &mut Signals<'_>, report: &mut Report) {
    let Some(block) = Block::open(spot, report) else { return };
    for (key, spot) in block.named(MOST, report) {
        kpi(&key.text, &spot, goals, signals, report);
        spot.note(report, not_computed(&format!("the KPI `{}`", key.text)), KEEP);
    }
}

fn kpi(name: &str, spot: &Spot<'_>, goals: &Goals, signals: &mut Signals<'_>, report: &mut Report) {
    let Some(block) = Block::with(spot, &KEYS, report) else { return };
    let signal = signals.named(name);
    let unit = signal.and_then(|index| signals.list.get(index)).map(|signal| signal.unit);
    let share_of = block.get("share_of");
    if let Some(plan) = block.need("plan", "90%", report) {
        match (&share_of, unit) {
            (Some(_), _) => {
                plan.share(report);
            }
            (None, Some(unit)) => {
                plan.value(unit, report);
            }
            (None, None) => {
                plan.quantity(report);
            }
        }
    }
    block.need("per", "quarter", report).and_then(|per| per.choice(&PER, report));
    share_of.and_then(|share_of| share_of.choice(&SHARE_OF, report));
    let company = signal.and_then(|signal| goal_of(signal, goals)).filter(|goal| goal.owner == COMPANY);
    let by = block.need("by", "[company, segment]", report).and_then(|by| by.words(report));
    for (spot, by) in by.unwrap_or_default() {
        spot.choice(&BY, report);
        if let Some(goal) = company.filter(|_| by == "csm") {
            let message = format!(
                "{} is a measure of the goal `{}`, whose owner is the company, so it counts towards no CSM",
                quoted(name),
                goal.name
            );
            spot.problem(
                report,
                message,
                "write `company` in place of `csm`, or give the goal another owner",
            );
        }
    }
}

/// The goal that a signal is a measure of.
fn goal_of(signal: usize, goals: &Goals) -> Option<&Goal> {
    let measure = goals.measures.iter().find(|measure| measure.signal == signal)?;
    goals.goals.get(measure.goal)
}
