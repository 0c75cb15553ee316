//! From readings to a score: exact integer arithmetic, in which contributions add up by construction.

use crate::effect::CapLine;
use model::number::{scale_round, shares};
use model::plan::{Condition, Plan, WHOLE};

/// What a condition may ask of an account.
pub(crate) trait Facts {
    /// The value of a signal; `None` while it is unknown.
    fn signal(&self, signal: usize) -> Option<i64>;
    /// The score in hundredths of a point; `None` while it is unknown.
    fn score(&self) -> Option<u32>;
    /// A text of the account.
    fn attribute(&self, attribute: model::plan::Attribute) -> Option<&str>;
}

/// Whether a condition holds.
pub(crate) fn holds(condition: &Condition, facts: &impl Facts) -> bool {
    match condition {
        Condition::All(parts) => parts.iter().all(|part| holds(part, facts)),
        Condition::Any(parts) => parts.iter().any(|part| holds(part, facts)),
        Condition::Signal { signal, tests } => {
            facts.signal(*signal).is_some_and(|value| tests.iter().all(|test| test.passes(value)))
        }
        Condition::Score { tests } => {
            facts.score().is_some_and(|score| tests.iter().all(|test| test.passes(i64::from(score))))
        }
        Condition::Attribute { attribute, any_of } => {
            facts.attribute(*attribute).is_some_and(|text| any_of.iter().any(|accepted| accepted == text))
        }
    }
}

/// The effective weights of the measures, given how well each is known. They sum to [`WHOLE`], or are all zero.
pub(crate) fn weights(plan: &Plan, known: impl Fn(usize) -> bool, out: &mut Vec<u32>) {
    let counts = |i: usize| plan.measures[i].in_score && known(i);
    let mut goals = vec![0; plan.goals.len()];
    for (i, measure) in plan.measures.iter().enumerate() {
        if counts(i) && measure.weight > 0 {
            goals[measure.goal] = plan.goals[measure.goal].weight;
        }
    }
    let (mut goal_shares, mut of_goal, mut given) = (Vec::new(), Vec::new(), Vec::new());
    shares(WHOLE, &goals, &mut goal_shares);
    out.clear();
    out.resize(plan.measures.len(), 0);
    let mut first = 0;
    while let Some(goal) = plan.measures.get(first).map(|measure| measure.goal) {
        let after = first + plan.measures[first..].iter().take_while(|measure| measure.goal == goal).count();
        of_goal.clear();
        of_goal.extend((first..after).map(|i| if counts(i) { plan.measures[i].weight } else { 0 }));
        shares(goal_shares[goal], &of_goal, &mut given);
        out[first..after].copy_from_slice(&given);
        first = after;
    }
}

/// What a measure adds to the score, in hundredths of a point.
pub(crate) fn contribution(points: u32, weight: u32) -> i32 {
    let rounded = scale_round(i64::from(points), i64::from(weight), i64::from(WHOLE));
    i32::try_from(rounded).unwrap_or(0)
}

/// The cap in force, with what it takes from `raw`.
pub(crate) fn cap(plan: &Plan, raw: i32, facts: &impl Facts) -> Option<CapLine> {
    let (cap, limit) = plan
        .caps
        .iter()
        .enumerate()
        .filter(|(_, cap)| holds(&cap.when, facts))
        .map(|(i, cap)| (i, cap.score_at_most))
        .min_by_key(|(i, limit)| (*limit, *i))?;
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    Some(CapLine { cap, contribution: (limit - raw).min(0) })
}

/// The band of a score, given the one before: hysteresis by the margin, none after unknown.
pub(crate) fn band(plan: &Plan, score: u32, before: Option<usize>) -> usize {
    let bare = plan.bands.iter().position(|band| score >= band.at_least).unwrap_or(plan.bands.len() - 1);
    let Some(before) = before.filter(|before| *before < plan.bands.len()) else { return bare };
    if bare < before {
        // Upwards: the highest band whose limit is passed by the margin.
        let passed = |band: &model::plan::Band| score >= band.at_least.saturating_add(plan.band_margin);
        return plan.bands[..before].iter().position(passed).unwrap_or(before);
    }
    // Downwards: past every limit that is passed by the margin, and no further.
    let held = |band: &model::plan::Band| score >= band.at_least.saturating_sub(plan.band_margin);
    plan.bands[before..].iter().position(held).map_or(bare, |below| before + below)
}
