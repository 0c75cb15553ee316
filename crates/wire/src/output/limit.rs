//! The limits of a rule's condition, in words: `below 45`, `above 30d`.

use super::json;
use super::plan_text::Scale;
use super::say::text;
use engine::effect::{Alert, AlertState, Resolution};
use model::plan::{Comparison, Condition, Plan, Rule, Unit};
use model::time::{DAY, HOUR, MINUTE, SECOND};

/// What a limit is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// The score.
    Score,
    /// The signal of this index.
    Signal(usize),
}

/// Writes the limits that `of` passed when the alert began or ended; nothing if none is known.
pub(super) fn write(out: &mut Vec<u8>, alert: &Alert<'_>, rule: Option<&Rule>, of: Of) {
    let Some(rule) = rule else { return };
    let plan = alert.standing.plan;
    match (alert.state, &rule.clears_when) {
        (AlertState::Firing, _) => Tests { out, plan, of, opposite: false, any: false }.condition(&rule.when),
        (AlertState::Resolved(Resolution::Recovered), Some(clears)) => {
            Tests { out, plan, of, opposite: false, any: false }.condition(clears);
        }
        (AlertState::Resolved(Resolution::Recovered), None) => {
            Tests { out, plan, of, opposite: true, any: false }.condition(&rule.when);
        }
        (AlertState::Resolved(_), _) => {}
    }
}

struct Tests<'t> {
    out: &'t mut Vec<u8>,
    plan: &'t Plan,
    of: Of,
    /// Whether the opposite of the condition is told.
    opposite: bool,
    /// Whether a limit was told already.
    any: bool,
}

impl Tests<'_> {
    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| self.condition(part))
            }
            Condition::Score { tests } if self.of == Of::Score => self.tests(tests, None),
            Condition::Signal { signal, tests } if self.of == Of::Signal(*signal) => {
                let unit = self.plan.signals.get(*signal).map_or(Unit::Number, |signal| signal.unit);
                self.tests(tests, Some(unit));
            }
            Condition::Score { .. } | Condition::Signal { .. } | Condition::Attribute { .. } => {}
        }
    }

    fn tests(&mut self, tests: &[Comparison], unit: Option<Unit>) {
        for test in tests {
            if self.any {
                text(self.out, if self.opposite { " or " } else { " and " });
            }
            self.any = true;
            text(self.out, word(*test, self.opposite));
            match unit {
                None => json::shortest(self.out, test.limit()),
                Some(Unit::Span) => span(self.out, test.limit()),
                Some(unit) => Scale::of(unit, 0).shown(self.out, test.limit()),
            }
        }
    }
}

const fn word(test: Comparison, opposite: bool) -> &'static str {
    match (test, opposite) {
        (Comparison::Below(_), false) | (Comparison::AtLeast(_), true) => "below ",
        (Comparison::AtMost(_), false) | (Comparison::Above(_), true) => "at most ",
        (Comparison::AtLeast(_), false) | (Comparison::Below(_), true) => "at least ",
        (Comparison::Above(_), false) | (Comparison::AtMost(_), true) => "above ",
    }
}

const UNITS: [(i64, &str, &str); 4] =
    [(DAY, "d", " day"), (HOUR, "h", " hour"), (MINUTE, "m", " minute"), (SECOND, "s", " second")];

/// A span as models write it, in the largest unit of which it is a whole number.
pub(super) fn span(out: &mut Vec<u8>, ms: i64) {
    match UNITS.iter().find(|(unit, ..)| ms % unit == 0) {
        Some((unit, short, _)) => {
            json::signed(out, ms / unit);
            text(out, short);
        }
        None => {
            json::shortest(out, ms / 10);
            text(out, "s");
        }
    }
}

/// A span for people: `2 days`, `13 hours`; what is below its largest unit is cut off.
pub(super) fn long_span(out: &mut Vec<u8>, ms: i64) {
    let (unit, _, word) = UNITS.iter().find(|(unit, ..)| ms >= *unit).unwrap_or(&UNITS[3]);
    let count = ms / unit;
    json::signed(out, count);
    text(out, word);
    if count != 1 {
        text(out, "s");
    }
}
