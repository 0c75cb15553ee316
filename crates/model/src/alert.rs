//! Alert rules: when they begin and end, and what keeps them from flapping.

use crate::block::{Block, Keys, Spot};
use crate::condition::{self, Named, Score};
use crate::inhibition::{self, Inhibition};
use crate::plan::{Condition, IfUnknown, Purpose, Rule, Severity, SourceSet};
use crate::problem::Report;
use crate::signal::Signals;
use crate::time::{DAY, HOUR};

pub(crate) const KEYS: Keys = Keys {
    known: &[
        "when",
        "clears_when",
        "for",
        "keep_firing_for",
        "cooldown",
        "severity",
        "critical_when",
        "purpose",
        "notify",
        "play",
        "if_unknown",
        "lag_at_most",
        "inhibited_by",
    ],
    later: &[],
};
pub(crate) const SEVERITIES: [(&str, Severity); 4] = [
    ("info", Severity::Info),
    ("warning", Severity::Warning),
    ("error", Severity::Error),
    ("critical", Severity::Critical),
];
pub(crate) const PURPOSES: [(&str, Purpose); 2] =
    [("risk", Purpose::Risk), ("opportunity", Purpose::Opportunity)];
pub(crate) const UNKNOWNS: [(&str, IfUnknown); 2] =
    [("hold", IfUnknown::Hold), ("proceed", IfUnknown::Proceed)];
/// The most rules.
const MOST: usize = 256;
/// The longest time of a rule.
const LONGEST: i64 = 400 * DAY;

/// Rules in the model's order, and the order in which they are decided.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    /// The rules.
    pub(crate) rules: Vec<Rule>,
    /// Their places, each after those of the rules that inhibit it.
    pub(crate) order: Vec<usize>,
}

/// Reads the block `alerts`.
pub(crate) fn read(spot: &Spot<'_>, signals: &mut Signals<'_>, report: &mut Report) -> Alerts {
    let Some(block) = Block::open(spot, report) else { return Alerts::default() };
    let named = block.named(MOST, report);
    let Inhibition { by, order } = inhibition::read(&named, report);
    let rules = named.iter().zip(by);
    let rules = rules.filter_map(|((key, spot), by)| rule(&key.text, spot, by, signals, report)).collect();
    Alerts { rules, order }
}

fn rule(
    name: &str,
    spot: &Spot<'_>,
    inhibited_by: Vec<usize>,
    signals: &mut Signals<'_>,
    report: &mut Report,
) -> Option<Rule> {
    let block = Block::with(spot, &KEYS, report)?;
    let when = block.need("when", "{ score: { below: 45 } }", report);
    let when = when.and_then(|spot| condition::read(&spot, Score::Named, signals, report));
    let clears_when = optional(&block, "clears_when", signals, report);
    let critical_when = optional(&block, "critical_when", signals, report);
    let mut span = |key: &str, default: i64| match block.get(key) {
        Some(spot) => spot.span(0, LONGEST, report),
        None => Some(default),
    };
    let (for_ms, keep_firing_for) = (span("for", 0), span("keep_firing_for", 0));
    let (cooldown, lag_at_most) = (span("cooldown", 0), span("lag_at_most", HOUR));
    let severity = block.get("severity").map_or(Some(Severity::Warning), |s| s.choice(&SEVERITIES, report));
    let purpose = block.get("purpose").map_or(Some(Purpose::Risk), |s| s.choice(&PURPOSES, report));
    let if_unknown = block.get("if_unknown").map_or(Some(IfUnknown::Hold), |s| s.choice(&UNKNOWNS, report));
    let notify = block.need("notify", "csm", report).and_then(|spot| spot.short_text(256, report));
    let play = block.get("play").map_or(Some(""), |spot| spot.short_text(1_000, report));

    let (when, clears_when) = (when?, clears_when?);
    let mut named = Named::default();
    named.by(&when);
    clears_when.iter().for_each(|clears_when| named.by(clears_when));
    if named.signals.is_empty() && !named.score {
        let message = "the rule names neither the score nor a signal, so no clock drives it";
        spot.problem(report, message, "add one of them to `when`");
        return None;
    }
    let mut of: Vec<usize> = named.signals.iter().map(|(signal, _)| *signal).collect();
    of.sort_unstable();
    of.dedup();
    let sources = if named.score {
        signals.sources()
    } else {
        let sources = of.iter().filter_map(|index| signals.list.get(*index)).map(|signal| signal.sources);
        sources.fold(SourceSet::default(), SourceSet::union)
    };
    Some(Rule {
        name: name.to_owned(),
        when,
        clears_when,
        for_ms: for_ms?,
        keep_firing_for: keep_firing_for?,
        cooldown: cooldown?,
        severity: severity?,
        critical_when: critical_when?,
        purpose: purpose?,
        notify: notify?.to_owned(),
        play: play?.to_owned(),
        if_unknown: if_unknown?,
        lag_at_most: lag_at_most?,
        inhibited_by,
        signals: of,
        on_score: named.score,
        sources,
    })
}

/// A condition that may be left out: `None` where it has problems.
fn optional(
    block: &Block<'_>,
    key: &str,
    signals: &mut Signals<'_>,
    report: &mut Report,
) -> Option<Option<Condition>> {
    match block.get(key) {
        Some(spot) => condition::read(&spot, Score::Named, signals, report).map(Some),
        None => Some(None),
    }
}
