//! "Score": from the readings of all signals to lines, score, coverage and band.

use engine::effect::{CapLine, Freshness, Line, Status};
use model::plan::{Measure, Plan, WHOLE};

use super::condition::Facing;
use super::exact::{half_up, points, shares};
use super::signal::Reading;

/// What the readings come to, with no memory of what was before (so the band is not here).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Without previous values and changes.
    pub(crate) lines: Vec<Line>,
    pub(crate) cap: Option<CapLine>,
    /// What an override in force adds.
    pub(crate) added: Option<i32>,
    pub(crate) score: Option<u32>,
    pub(crate) coverage: u32,
    pub(crate) status: Status,
}

pub(crate) fn tally(plan: &Plan, facing: &Facing<'_>) -> Tally {
    let in_stage = facing.stage.is_some_and(|stage| plan.not_scored_stages.iter().any(|one| one == stage));
    let of_segment =
        facing.segment.is_some_and(|segment| plan.not_scored_segments.iter().any(|one| one == segment));
    let not_scored = in_stage || of_segment;
    let weights = if not_scored { vec![0; plan.measures.len()] } else { weights(plan, facing.readings) };
    let line = |(measure, weight): (usize, u32)| {
        let Reading { value, freshness } = facing.readings[plan.measures[measure].signal];
        let points = value.map_or(0, |value| points(&plan.measures[measure].curve, value));
        let contribution = half_up(i128::from(points) * i128::from(weight), i128::from(WHOLE));
        let contribution = i32::try_from(contribution).unwrap();
        Line { measure, freshness, value, previous_value: None, points, weight, contribution, change: 0 }
    };
    let lines: Vec<Line> = weights.iter().copied().enumerate().map(line).collect();
    let fresh = lines.iter().filter(|line| line.freshness == Freshness::Fresh);
    let coverage = fresh.map(|line| counted(&plan.measures[line.measure]).base_weight).sum();
    if not_scored {
        return Tally { lines, cap: None, added: None, score: None, coverage: 0, status: Status::NotScored };
    }
    let anything = weights.iter().any(|weight| *weight > 0);
    if !anything {
        return Tally { lines, cap: None, added: None, score: None, coverage, status: Status::Scored };
    }
    let sum: i32 = lines.iter().map(|line| line.contribution).sum();
    let in_force = (0..plan.caps.len()).filter(|cap| facing.holds(&plan.caps[*cap].when));
    let cap = in_force.min_by_key(|cap| (plan.caps[*cap].score_at_most, *cap)).map(|cap| {
        let limit = i32::try_from(plan.caps[cap].score_at_most).unwrap();
        CapLine { cap, contribution: (limit - sum).min(0) }
    });
    let score = sum + cap.map_or(0, |cap| cap.contribution);
    let score = Some(u32::try_from(score).unwrap());
    Tally { lines, cap, added: None, score, coverage, status: Status::Scored }
}

/// What a tally comes to under an override: to a score in hundredths, or into a band.
pub(crate) fn overridden(plan: &Plan, tally: Tally, to: &To) -> Tally {
    if tally.status == Status::NotScored {
        return tally;
    }
    let computed = tally.score.unwrap_or(0);
    let score = match to {
        To::Score(score) => *score,
        To::Band(name) => {
            // The nearest score that is in the band.
            let in_band = |score: &u32| {
                let band = plan.bands.iter().find(|band| *score >= band.at_least);
                band.is_some_and(|band| band.name == *name)
            };
            let nearest = (0..=WHOLE).filter(in_band).min_by_key(|score| score.abs_diff(computed));
            let Some(nearest) = nearest else { return tally };
            nearest
        }
    };
    Tally { added: Some(score.cast_signed() - computed.cast_signed()), score: Some(score), ..tally }
}

/// What an override sets.
#[derive(Clone, Debug)]
pub(crate) enum To {
    Score(u32),
    Band(String),
}

/// The measure as it counts: one that is not in the score weighs nothing.
fn counted(measure: &Measure) -> Counted {
    if measure.in_score {
        Counted { weight: measure.weight, base_weight: measure.base_weight }
    } else {
        Counted { weight: 0, base_weight: 0 }
    }
}

struct Counted {
    weight: u32,
    base_weight: u32,
}

/// The effective weight of each measure, hundredths of a per cent.
///
/// A measure without weight gives its goal nothing to share, so a goal counts as known only by one that has
/// some.
fn weights(plan: &Plan, readings: &[Reading]) -> Vec<u32> {
    let known = |measure: &Measure| readings[measure.signal].freshness != Freshness::Unknown;
    let within = |goal: usize| {
        let weight = |one: &Measure| if one.goal == goal && known(one) { counted(one).weight } else { 0 };
        plan.measures.iter().map(weight).collect::<Vec<u32>>()
    };
    let of_goals: Vec<u32> = (0..plan.goals.len())
        .map(|goal| if within(goal).iter().any(|weight| *weight > 0) { plan.goals[goal].weight } else { 0 })
        .collect();
    let mut weights = vec![0; plan.measures.len()];
    for (goal, share) in shares(WHOLE, &of_goals).into_iter().enumerate() {
        for (measure, part) in shares(share, &within(goal)).into_iter().enumerate() {
            weights[measure] += part;
        }
    }
    weights
}

/// The band after `present`, as an index; bands stand from the highest limit to the lowest.
pub(crate) fn band(plan: &Plan, present: Option<usize>, tally: &Tally) -> Option<usize> {
    let score = i64::from(tally.score?);
    if tally.coverage < plan.min_coverage && tally.added.is_none() {
        return None;
    }
    let limit = |band: usize| i64::from(plan.bands[band].at_least);
    let margin = i64::from(plan.band_margin);
    let Some(mut band) = present else {
        return (0..plan.bands.len()).find(|band| score >= limit(*band));
    };
    if let Some(higher) = (0..band).find(|higher| score >= limit(*higher) + margin) {
        return Some(higher);
    }
    while score < limit(band) - margin {
        band += 1;
    }
    Some(band)
}
