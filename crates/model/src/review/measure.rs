//! What measures weigh, what they can still say, and which say the same.

use super::reach::{Reach, is_narrower, of_signal, points as points_over};
use super::{Remarks, Subject, per_cent, points, signal_name};
use crate::plan::{Feed, Fold, Kind, Measure, Operator, Plan, SourceSet, Unit, WordTest};
use crate::quantity::shown;
use crate::source::Field;

/// From this share on, what is known only afterwards decides too much of a score for daily work.
const MOST_LAGGING: u32 = 2_000;
/// From this share on, the score rises with our own diligence rather than with what the customer does.
const MOST_ACTIVITY: u32 = 5_000;

/// All kinds, in the order in which they are shown.
const KINDS: [Kind; 4] = [Kind::Leading, Kind::Quality, Kind::Activity, Kind::Lagging];

/// The share of each kind, hundredths of a per cent.
pub(super) fn kinds(plan: &Plan) -> Vec<(Kind, u32)> {
    let share = |kind| plan.measures.iter().filter(|m| m.kind == kind).map(|m| m.base_weight).sum();
    KINDS.into_iter().map(|kind| (kind, share(kind))).collect()
}

/// The share of what feeds the measures, hundredths of a per cent, the greatest first.
pub(super) fn feeds(plan: &Plan) -> Vec<(SourceSet, u32)> {
    let mut all: Vec<(SourceSet, u32)> = Vec::new();
    for measure in plan.measures.iter().filter(|measure| measure.base_weight > 0) {
        let sources = plan.signals.get(measure.signal).map_or_else(SourceSet::default, |s| s.sources);
        match all.iter_mut().find(|(known, _)| *known == sources) {
            Some((_, share)) => *share += measure.base_weight,
            None => all.push((sources, measure.base_weight)),
        }
    }
    all.sort_by_key(|(sources, share)| (std::cmp::Reverse(*share), sources.0));
    all
}

/// Remarks on a kind that decides too much.
pub(super) fn outweighing(kinds: &[(Kind, u32)], remarks: &mut Remarks<'_>) {
    for (kind, share) in kinds {
        let (limit, why, fix) = match kind {
            Kind::Lagging => (
                MOST_LAGGING,
                "it is known only when it is too late to act",
                "leave `in_score` out, and keep it as an outcome to compare the score with",
            ),
            Kind::Activity => (
                MOST_ACTIVITY,
                "the score rises with what our own people do, whatever the customer does",
                "give more weight to measures of what the customer does",
            ),
            Kind::Leading | Kind::Quality => continue,
        };
        if *share > limit {
            let message = format!(
                "{} of the score rest on measures of kind `{}`: {why}",
                per_cent(*share),
                kind.name()
            );
            remarks.add(Subject::KindOutweighs, &["goals"], message, fix);
        }
    }
}

/// Remarks on goals and measures that say nothing, or never all that they could.
pub(super) fn review(plan: &Plan, remarks: &mut Remarks<'_>) {
    for (place, goal) in plan.goals.iter().enumerate().filter(|(_, goal)| goal.weight > 0) {
        let mut measures = plan.measures.iter().filter(|measure| measure.goal == place);
        if !measures.any(|measure| measure.in_score && measure.weight > 0) {
            let name = &goal.name;
            let message =
                format!("no measure of `{name}` is in the score: its weight goes to the other goals");
            let fix = "write `in_score: true` at one of them, or give the goal weight 0 to show it only";
            remarks.add(Subject::NoEffect, &["goals", name, "weight"], message, fix);
        }
    }
    for measure in &plan.measures {
        let name = signal_name(plan, measure.signal);
        let goal = plan.goals.get(measure.goal);
        let goal_name = goal.map_or("", |goal| &goal.name);
        let keys = ["goals", goal_name, "measures", name];
        let unit = plan.signals.get(measure.signal).map_or(Unit::Number, |signal| signal.unit);
        let reach = of_signal(plan, measure.signal);
        if !can_change(measure, reach, unit, &keys, remarks) {
            continue;
        }
        if let Some(target) = measure.target.filter(|target| !(reach.low..=reach.high).contains(target)) {
            let message = format!(
                "`{name}` never comes to its target of {}: {}",
                shown(unit, target),
                range(unit, reach)
            );
            remarks.add(
                Subject::MeasureOutOfReach,
                &[&keys[..], &["target"]].concat(),
                message,
                "write a target within that",
            );
        }
        let counts = measure.in_score && measure.weight > 0 && goal.is_some_and(|goal| goal.weight > 0);
        if counts && measure.base_weight == 0 {
            let message = format!(
                "beside the other weights that of `{name}` is less than 0.01% of the score: it adds nothing"
            );
            remarks.add(
                Subject::MeasureWeightless,
                &[&keys[..], &["weight"]].concat(),
                message,
                "give it more weight, or write 0 to show it only",
            );
        }
    }
}

/// Remarks on a curve that gives the same everywhere, or never its best; says whether it gives different points.
fn can_change(
    measure: &Measure,
    reach: Reach,
    unit: Unit,
    keys: &[&str; 4],
    remarks: &mut Remarks<'_>,
) -> bool {
    let name = keys[3];
    let (least, most) = points_over(&measure.curve, reach);
    let best = measure.curve.0.iter().map(|(_, y)| *y).max().unwrap_or(0);
    let place = [&keys[..], &["curve"]].concat();
    if least == most {
        let is_flat = measure.curve.0.iter().all(|(_, y)| *y == least);
        let why = if is_flat { "its curve is flat".to_owned() } else { range(unit, reach) };
        let message = format!("`{name}` gives {} points whatever happens: {why}", points(least));
        let fix = "give the values that it can take different points, or leave the measure out";
        remarks.add(Subject::MeasureFixed, &place, message, fix);
        return false;
    }
    if most < best {
        let message =
            format!("`{name}` never gives more than {} points: {}", points(most), range(unit, reach));
        let fix = format!("let the curve come to {} within that", points(best));
        remarks.add(Subject::MeasureOutOfReach, &place, message, fix);
    }
    true
}

/// Which values can be, in words.
pub(super) fn range(unit: Unit, reach: Reach) -> String {
    match (reach.low, reach.high) {
        (i64::MIN, i64::MAX) => "it can be any number".to_owned(),
        (low, i64::MAX) => format!("it is at least {}", shown(unit, low)),
        (i64::MIN, high) => format!("it is at most {}", shown(unit, high)),
        (low, high) if low == high => format!("it is always {}", shown(unit, low)),
        (low, high) => format!("it is {} to {}", shown(unit, low), shown(unit, high)),
    }
}

/// What a signal looks at: which operator, which activities, which field.
struct Look<'p> {
    operator: &'static str,
    feed: &'p Feed,
    field: Option<Field>,
    /// What beside the filter of the feed must be the same.
    beside: [&'p [WordTest]; 2],
}

/// That of a signal that is taken from activities over a window or from the newest of them; `None` of others, which
/// share only what has a name of its own.
fn look(operator: &Operator) -> Option<Look<'_>> {
    const NONE: &[WordTest] = &[];
    let look = |operator, feed, field| Some(Look { operator, feed, field, beside: [NONE, NONE] });
    let folded = |fold: &Fold| match fold {
        Fold::Count => ("count", None),
        Fold::CountDays => ("count_days", None),
        Fold::Sum(field) => ("sum", Some(*field)),
        Fold::Distinct(field) => ("distinct", Some(*field)),
        Fold::Mean(field) => ("mean", Some(*field)),
        Fold::Nps => ("nps", None),
    };
    match operator {
        Operator::Rolling { feed, fold, .. } => {
            let (word, field) = folded(fold);
            look(word, feed, field)
        }
        Operator::DecayedMean { feed, field, .. } => look("mean", feed, Some(*field)),
        Operator::Trend { feed, fold, .. } | Operator::OwnAverage { feed, fold, .. } => {
            look("trend", feed, folded(fold).1)
        }
        Operator::Share { feed, part, whole, .. } => {
            Some(Look { operator: "share", feed, field: None, beside: [part, whole] })
        }
        Operator::SinceLast { feed, .. } => look("since_last", feed, None),
        Operator::Cadence { feed, .. } => look("cadence", feed, None),
        Operator::Latest { feed, field, .. } => look("latest", feed, Some(*field)),
        Operator::Until { feed, field, .. } => look("until", feed, Some(*field)),
        Operator::Ratio { .. }
        | Operator::Open { .. }
        | Operator::Reached
        | Operator::Overdue
        | Operator::GapTo => None,
    }
}

/// Remarks on pairs of measures in the score of which one looks at nothing but what the other looks at too.
pub(super) fn overlapping(plan: &Plan, remarks: &mut Remarks<'_>) {
    let looks: Vec<(&Measure, Look<'_>)> = plan
        .measures
        .iter()
        .filter(|measure| measure.base_weight > 0)
        .filter_map(|measure| Some((measure, look(&plan.signals.get(measure.signal)?.operator)?)))
        .collect();
    for (place, (later, narrow)) in looks.iter().enumerate() {
        for (earlier, wide) in looks.iter().take(place) {
            let Some(how) = overlap(wide, narrow) else { continue };
            let names = [earlier, later].map(|measure| signal_name(plan, measure.signal));
            let together = per_cent(earlier.base_weight + later.base_weight);
            let message = format!(
                "`{}` and `{}` {how}: together {together} of the score rest on it",
                names[0], names[1]
            );
            let goal = plan.goals.get(later.goal).map_or("", |goal| &goal.name);
            let fix = "keep one of them, or give both the weight that one would deserve";
            remarks.add(Subject::SignalsOverlap, &["goals", goal, "measures", names[1]], message, fix);
        }
    }
}

/// What two looks share, in words.
fn overlap(one: &Look<'_>, other: &Look<'_>) -> Option<String> {
    let is_same = one.operator == other.operator
        && one.field == other.field
        && one.beside == other.beside
        && one.feed.source == other.feed.source;
    if !is_same {
        return None;
    }
    let within = |a: &Feed, b: &Feed| b.filter.iter().all(|test| is_narrower(&a.filter, test));
    let (word, source) = (one.operator, one.feed.source);
    match (within(one.feed, other.feed), within(other.feed, one.feed)) {
        (true, true) => Some(format!("are both a `{word}` of the same activity of {source}")),
        (false, false) => None,
        (true, false) | (false, true) => {
            Some(format!("are both a `{word}` of {source}, one of a part of what the other takes in"))
        }
    }
}
