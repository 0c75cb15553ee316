//! Where the silence of a feed would be taken for that of customers.
//!
//! A feed that stops adds at most its `silent_at_most` to the silence of an account. So whatever that alone can bring
//! about comes over every account at once when the feed stops; and without `silent_at_most` all of it counts.

use super::{Remarks, Subject, signal_name};
use crate::plan::{Comparison, Condition, Operator, Plan, Unit};
use crate::quantity::shown;
use crate::source::Source;

/// Something that follows from a silence: what, where it stands, and how long the silence must be.
struct Consequence {
    what: String,
    keys: Vec<String>,
    /// How long, ms.
    after: i64,
    /// Whether nothing else is asked.
    is_alone: bool,
}

/// Remarks on each signal that a silent feed falsifies.
pub(super) fn review(plan: &Plan, remarks: &mut Remarks<'_>) {
    for (index, signal) in plan.signals.iter().enumerate() {
        match &signal.operator {
            Operator::SinceLast { feed, .. } => silence(plan, index, feed.source, 0, remarks),
            Operator::Cadence { feed, every, .. } => silence(plan, index, feed.source, *every, remarks),
            Operator::Rolling { feed, window, .. }
            | Operator::DecayedMean { feed, window, .. }
            | Operator::Share { feed, window, .. }
            | Operator::Trend { feed, window, .. }
            | Operator::OwnAverage { feed, window, .. } => {
                window_empties(plan, index, feed.source, window.width, remarks);
            }
            Operator::Latest { .. }
            | Operator::Ratio { .. }
            | Operator::Open { .. }
            | Operator::Until { .. }
            | Operator::Reached
            | Operator::Overdue
            | Operator::GapTo => {}
        }
    }
}

fn silence(plan: &Plan, signal: usize, source: Source, beyond: i64, remarks: &mut Remarks<'_>) {
    let consequences = consequences(plan, signal, beyond);
    let Some(first) = consequences.iter().min_by_key(|consequence| consequence.after) else { return };
    let name = signal_name(plan, signal);
    match plan.sources.get(source.index()).and_then(|rules| rules.silent_at_most) {
        None => {
            let message = format!(
                "{source} has no `silent_at_most`, so if the whole feed stops, `{name}` counts that as silence of every account; after {} {}",
                shown(Unit::Span, first.after),
                first.what,
            );
            let fix = format!(
                "write `{source}: {{ silent_at_most: … }}` under `sources`, above the longest gap that is normal for the whole feed"
            );
            remarks.add(Subject::SilenceOfFeed, &["signals", name], message, fix);
        }
        Some(silent) => {
            for consequence in consequences.iter().filter(|consequence| consequence.after <= silent) {
                let whose = if consequence.is_alone { "" } else { " of which the rest of it holds" };
                let message = format!(
                    "if the whole feed {source} stops, its clock goes on for {}, and {} for every account{whose} after {}",
                    shown(Unit::Span, silent),
                    consequence.what,
                    shown(Unit::Span, consequence.after),
                );
                let fix = "write a longer span here, or a shorter `silent_at_most` of the source";
                let keys: Vec<&str> = consequence.keys.iter().map(String::as_str).collect();
                remarks.add(Subject::SilenceOfFeed, &keys, message, fix);
            }
        }
    }
}

/// What begins once a silence is long enough: alerts and caps. `beyond`: how long after an activity the signal begins
/// to count.
fn consequences(plan: &Plan, signal: usize, beyond: i64) -> Vec<Consequence> {
    let mut all = Vec::new();
    for rule in &plan.rules {
        if let Some(limit) = least(&rule.when, signal) {
            let keys = vec!["alerts".to_owned(), rule.name.clone(), "when".to_owned()];
            let what = format!("the alert `{}` can begin", rule.name);
            // What a rule waits for is living time as well.
            let after = limit.saturating_add(beyond).saturating_add(rule.for_ms);
            all.push(Consequence { what, keys, after, is_alone: is_alone(&rule.when, signal) });
        }
    }
    for (place, cap) in plan.caps.iter().enumerate() {
        if let Some(limit) = least(&cap.when, signal) {
            let keys = vec!["caps".to_owned(), place.to_string(), "when".to_owned()];
            let what = format!("the cap `{}` can hold", cap.name);
            let after = limit.saturating_add(beyond);
            all.push(Consequence { what, keys, after, is_alone: is_alone(&cap.when, signal) });
        }
    }
    all
}

/// The least limit that a condition asks a signal to come to, where that begins it.
fn least(condition: &Condition, signal: usize) -> Option<i64> {
    match condition {
        // All of its parts must hold; of those that ask for other things nothing is known.
        Condition::All(parts) => parts.iter().filter_map(|part| least(part, signal)).max(),
        Condition::Any(parts) => parts.iter().filter_map(|part| least(part, signal)).min(),
        Condition::Signal { signal: of, tests } if *of == signal => {
            let limits = tests.iter().filter_map(|test| match test {
                Comparison::AtLeast(limit) | Comparison::Above(limit) => Some(*limit),
                Comparison::Below(_) | Comparison::AtMost(_) => None,
            });
            limits.max()
        }
        Condition::Signal { .. } | Condition::Score { .. } | Condition::Attribute { .. } => None,
    }
}

/// Whether a condition asks for nothing but a signal.
fn is_alone(condition: &Condition, signal: usize) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().all(|part| is_alone(part, signal)),
        Condition::Signal { signal: of, .. } => *of == signal,
        Condition::Score { .. } | Condition::Attribute { .. } => false,
    }
}

fn window_empties(plan: &Plan, signal: usize, source: Source, width: i64, remarks: &mut Remarks<'_>) {
    let Some(silent) = plan.sources.get(source.index()).and_then(|rules| rules.silent_at_most) else {
        return;
    };
    if silent < width {
        return;
    }
    let name = signal_name(plan, signal);
    let message = format!(
        "if the whole feed {source} stops, its clock goes on for {}, which empties the window of {} for every account",
        shown(Unit::Span, silent),
        shown(Unit::Span, width),
    );
    let fix = "watch longer, or write a shorter `silent_at_most` of the source";
    remarks.add(Subject::SilenceOfFeed, &["signals", name], message, fix);
}
