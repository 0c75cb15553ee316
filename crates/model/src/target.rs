//! The target of a goal: to which value of one of its measures, at how many of the accounts, and by when. Checked, and not
//! yet computed: the fold sees one account at a time.

use crate::block::{Block, KEEP, Spot, not_computed};
use crate::nearest::suggestion;
use crate::problem::{Report, quoted};
use crate::quantity::LONGEST;
use crate::signal::Signals;
use crate::time::DAY;

/// The keys beside the measure.
pub(crate) const KEYS: [&str; 3] = ["share_of_accounts", "by", "within"];

/// Reads the target of a goal with these measures.
pub(crate) fn read(
    spot: &Spot<'_>,
    goal: &str,
    measures: &Block<'_>,
    signals: &mut Signals<'_>,
    report: &mut Report,
) {
    let Some(block) = Block::open(spot, report) else { return };
    value(&block, measures, signals, report);
    if let Some(share) = block.need("share_of_accounts", "85%", report) {
        share.share(report);
    }
    match (block.get("by"), block.get("within")) {
        (Some(by), None) => {
            by.date(report);
        }
        (None, Some(within)) => {
            within.span(DAY, LONGEST, report);
        }
        (Some(_), Some(within)) => {
            let message =
                "a target has either a day (`by`) or a span from the start of each account (`within`)";
            within.problem(report, message, "keep one of them");
        }
        (None, None) => {
            let fix = "add `by: 2026-09-30`, or `within: 60d` from the start of each account";
            spot.problem(report, "neither `by` nor `within` says when", fix);
        }
    }
    spot.note(report, not_computed(&format!("the target of the goal `{goal}`")), KEEP);
}

/// Reads the one measure that a target is of, and the value aimed at.
fn value(block: &Block<'_>, measures: &Block<'_>, signals: &mut Signals<'_>, report: &mut Report) {
    let mut read = None;
    for (key, spot) in block.iter().filter(|(key, _)| !KEYS.contains(&key.text.as_str())) {
        let name = key.text.as_str();
        if report.is_full() {
            return;
        }
        if measures.get(name).is_none() {
            let of_goal = measures.iter().map(|(key, _)| key.text.as_str());
            let (message, fix) = if signals.has(name) {
                (format!("the signal {} is no measure of this goal", quoted(name)), suggestion(name, of_goal))
            } else {
                let known = KEYS.into_iter().chain(of_goal);
                (
                    format!("{} is neither a key nor a measure of this goal", quoted(name)),
                    suggestion(name, known),
                )
            };
            report.problem(key.mark, &spot.path, message, fix);
        } else if let Some(first) = read {
            let message = format!("the target is of {} already", quoted(first));
            report.problem(key.mark, &spot.path, message, "name one measure");
            continue;
        } else if let Some(signal) = signals.named(name).and_then(|index| signals.list.get(index)) {
            spot.value(signal.unit, report);
        }
        read = Some(name);
    }
    if read.is_none() {
        let measure = measures.first().map_or("adoption", |(key, _)| key.text.as_str());
        let fix = format!("add the value to come to, like `{}: …`", crate::problem::short(measure));
        block.spot.problem(report, "the target names no measure", fix);
    }
}
