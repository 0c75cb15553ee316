//! Marks: the steps in which a silence or a remaining time is told.
//!
//! A span changes all the time; the fold looks at it only where something follows from it. Between marks
//! nothing does: every comparison with a mark gives what the exact span would, a curve's points are marks, and
//! however many measures are of spans, what all of them are behind by comes to less than what is published, as long
//! as their weights are those of the model. No segment of a curve is cut into more than 100 steps, though: where less than a
//! hundredth of its points is published, a step is that hundredth.

use crate::condition::Named;
use crate::plan::{Comparison, Curve, Measure, Operator, Signal, WHOLE};
use crate::problem::Report;
use crate::signal::Signals;
use crate::time::DAY;
use std::collections::BTreeSet;

/// The most marks of a signal.
const MOST: usize = 2_000;
/// The most steps within one segment of a curve.
const STEPS: i64 = 100;

/// How a span is rounded to its marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rounding {
    /// To the greatest mark that it has reached, or 0: a silence, which grows.
    Down,
    /// To the least mark not below it, or the last: a remaining time, which shrinks.
    Up,
}

/// Sets the marks of every span signal.
pub(crate) fn set(
    signals: &mut Signals<'_>,
    measures: &[Measure],
    named: &Named,
    publish_change: u32,
    report: &mut Report,
) {
    let of_signal = |(index, signal)| marks_of(signal).map(|(rounding, marks)| (index, rounding, marks));
    let spans: Vec<_> = signals.list.iter_mut().enumerate().filter_map(of_signal).collect();
    let is_span = |measure: &&Measure| spans.iter().any(|(index, ..)| *index == measure.signal);
    let step = step(publish_change, measures.iter().filter(is_span).map(|m| m.base_weight).sum());
    for (index, rounding, marks) in spans {
        let curves = measures.iter().filter(|measure| measure.signal == index).map(|measure| &measure.curve);
        let tests = named.signals.iter().filter(|(signal, _)| *signal == index).flat_map(|(_, tests)| tests);
        *marks = of(rounding, curves, tests, step);
        if marks.len() > MOST
            && let Some(spot) = signals.spots.get(index)
        {
            let message =
                format!("its curve and limits ask for {} steps, at most {MOST} can be", marks.len());
            spot.problem(report, message, "use shorter spans, fewer points or a greater `publish_change`");
        }
    }
}

/// The marks of a signal, if it is a span.
fn marks_of(signal: &mut Signal) -> Option<(Rounding, &mut Vec<i64>)> {
    match &mut signal.operator {
        Operator::SinceLast { marks, .. } | Operator::Cadence { marks, .. } => Some((Rounding::Down, marks)),
        Operator::Until { marks, .. } => Some((Rounding::Up, marks)),
        Operator::Rolling { .. }
        | Operator::DecayedMean { .. }
        | Operator::Share { .. }
        | Operator::Trend { .. }
        | Operator::OwnAverage { .. }
        | Operator::Latest { .. }
        | Operator::Ratio { .. }
        | Operator::Open { .. }
        | Operator::Reached
        | Operator::Overdue
        | Operator::GapTo => None,
    }
}

/// By how much, in hundredths of a point, a measure of a span may move from one mark to the next: all of them together,
/// which have `weight` of [`WHOLE`], then move the score by `publish_change`.
fn step(publish_change: u32, weight: u32) -> u32 {
    let step = u64::from(publish_change.max(1)) * u64::from(WHOLE) / u64::from(weight.max(1));
    u32::try_from(step).unwrap_or(u32::MAX)
}

fn of<'a>(
    rounding: Rounding,
    curves: impl Iterator<Item = &'a Curve>,
    tests: impl Iterator<Item = &'a Comparison>,
    step: u32,
) -> Vec<i64> {
    let mut marks = BTreeSet::new();
    for curve in curves {
        for segment in curve.0.windows(2) {
            if let [low, high] = segment {
                steps(*low, *high, step, &mut marks);
            }
        }
    }
    tests.for_each(|test| around(*test, rounding, &mut marks));
    marks.retain(|mark| *mark > 0);
    // A span that nothing depends on still has a mark, so that there is always a last one.
    let last = marks.last().copied().unwrap_or(DAY);
    marks.extend((1..=last / DAY).map(|day| day * DAY));
    marks.into_iter().collect()
}

/// Both ends of a segment and what lies evenly between them.
fn steps(low: (i64, u32), high: (i64, u32), step: u32, marks: &mut BTreeSet<i64>) {
    let count = i64::from(high.1.abs_diff(low.1).div_ceil(step.max(1))).clamp(1, STEPS);
    let width = high.0 - low.0;
    marks.extend((0..=count).map(|i| low.0 + width * i / count));
}

/// The marks between which a comparison changes its answer.
fn around(test: Comparison, rounding: Rounding, marks: &mut BTreeSet<i64>) {
    let limit = test.limit();
    marks.insert(limit);
    match (rounding, test) {
        // What is at the limit is a mark of its own, so what is past it needs another.
        (Rounding::Down | Rounding::Up, Comparison::AtMost(_) | Comparison::Above(_)) => {
            marks.insert(limit.saturating_add(1));
        }
        // What is just below the limit may not be rounded up to it.
        (Rounding::Up, Comparison::Below(_) | Comparison::AtLeast(_)) => {
            marks.insert(limit.saturating_sub(1));
        }
        (Rounding::Down, Comparison::Below(_) | Comparison::AtLeast(_)) => {}
    }
}

#[cfg(test)]
mod tests;
