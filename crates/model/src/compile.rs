//! From the text of a model to its plan, or to every problem at once.

use crate::alert::Alerts;
use crate::block::{Block, Keys, Spot};
use crate::condition::Named;
use crate::goal::Goals;
use crate::outcome::Outcomes;
use crate::plan::{Cap, Plan, Rule};
use crate::problem::{Problem, Problems, Report, quoted};
use crate::score::Score;
use crate::signal::Signals;
use crate::{alert, behaviour, benchmark, cap, check, fingerprint, goal, kpi, mark, outcome, score, tree};

pub(crate) const KEYS: Keys = Keys {
    known: &[
        "format",
        "model",
        "owner",
        "change_note",
        "review_by",
        "score",
        "sources",
        "signals",
        "goals",
        "caps",
        "alerts",
        "outcomes",
        "benchmarks",
        "kpis",
    ],
    later: &["calendars", "milestones", "profiles"],
};

/// What a text is, for messages.
pub(crate) const WHAT: &str = "model";

/// A model that compiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// What the fold reads.
    pub plan: Plan,
    /// What a back-test looks for.
    pub outcomes: Outcomes,
    /// What is perhaps not meant, in the order of the text.
    pub warnings: Vec<Problem>,
    /// What is checked and not yet computed, in the order of the text.
    pub notes: Vec<Problem>,
}

/// Compiles the text of a model.
///
/// ```
/// let model = "
/// format: 1
/// model: smallest
/// score: { bands: { healthy: 50, at-risk: 0 } }
/// signals:
///   login_days: { count_days: login, over: 28d }
/// goals:
///   adoption:
///     statement: Customers come back.
///     owner: product
///     weight: 1
///     measures:
///       login_days: { kind: leading, weight: 1, curve: { 0: 0, 15: 100 } }
/// ";
/// let compiled = model::compile(model)?;
/// assert_eq!(compiled.plan.measures[0].base_weight, model::plan::WHOLE);
/// assert!(compiled.warnings.is_empty());
///
/// let problems = model::compile(&model.replace("count_days", "count_day")).unwrap_err();
/// assert_eq!(
///     problems.to_string(),
///     "6:17: signals.login_days.count_day: unknown operator `count_day`; did you mean `count_days`?",
/// );
/// # Ok::<(), model::Problems>(())
/// ```
///
/// # Errors
/// All problems at once; where the text is not YAML, the first.
pub fn compile(text: &str) -> Result<Compiled, Problems> {
    let root = tree::parse(text, WHAT)?;
    let mut report = Report::default();
    let plan = top(&root, &mut report);
    let notes = report.notes();
    let warnings = report.close()?;
    // Without problems there is a plan.
    plan.map(|(plan, outcomes)| Compiled { plan, outcomes, warnings, notes })
        .ok_or_else(|| Problems(Vec::new()))
}

/// The plan of a tree and its outcomes; they count only where the report holds no problem.
pub(crate) fn top(root: &tree::Node, report: &mut Report) -> Option<(Plan, Outcomes)> {
    let block = Block::with(&Spot::top(root), &KEYS, report)?;
    let name = heading(&block, report);
    let score = block.need("score", "{ bands: { healthy: 70, neutral: 45, at-risk: 0 } }", report);
    let score = score.map_or_else(Score::default, |spot| score::read(&spot, report));
    let rules_of_sources = behaviour::read(block.get("sources").as_ref(), report);
    let signals = block.need("signals", "{ login_days: { count_days: login, over: 28d } }", report);
    let mut signals = signals.map_or_else(Signals::default, |spot| Signals::read(&spot, report));
    benchmark::read(&block, &mut signals, report);
    let goals = block.need("goals", "{ … }", report);
    let goals = goals.map_or_else(Goals::default, |spot| goal::read(&spot, &mut signals, report));
    if let Some(spot) = block.get("kpis") {
        kpi::read(&spot, &goals, &mut signals, report);
    }
    let Goals { goals, measures } = goals;
    let caps = block.get("caps").map_or_else(Vec::new, |spot| cap::read(&spot, &mut signals, report));
    let alerts = block.get("alerts");
    let Alerts { rules, order: rule_order } =
        alerts.map_or_else(Alerts::default, |spot| alert::read(&spot, &mut signals, report));
    let outcomes = block.get("outcomes").map_or_else(Outcomes::default, |spot| outcome::read(&spot, report));

    let named = named(&caps, &rules);
    mark::set(&mut signals, &measures, &named, score.publish_change, report);
    signals.define();
    check::unused(&signals, report);
    check::few_identities(&signals, report);
    let sources = block.get("sources").and_then(|spot| Block::open(&spot, &mut Report::default()));
    check::slow_feeds(&signals, &measures, &named, &rules_of_sources, sources.as_ref(), report);
    let plan = Plan {
        id: fingerprint::model(root),
        name: name?,
        sources: rules_of_sources,
        used: signals.sources(),
        signals: signals.list,
        goals,
        measures,
        caps,
        rules,
        rule_order,
        bands: score.bands,
        band_margin: score.band_margin,
        min_coverage: score.min_coverage,
        publish_change: score.publish_change,
        publish_every: score.publish_every,
        not_scored_stages: score.not_scored_stages,
        not_scored_segments: score.not_scored_segments,
    };
    Some((plan, outcomes))
}

/// Reads what a model says about itself; its name.
fn heading(block: &Block<'_>, report: &mut Report) -> Option<String> {
    if let Some(spot) = block.need("format", "1", report)
        && let Some(format) = spot.text(report).filter(|format| *format != "1")
    {
        spot.problem(report, format!("unknown format {}", quoted(format)), "write `format: 1`");
    }
    for (key, limit) in [("owner", 256), ("change_note", 1_000)] {
        if let Some(spot) = block.get(key) {
            spot.short_text(limit, report);
        }
    }
    if let Some(spot) = block.get("review_by") {
        spot.date(report);
    }
    let name = block.need("model", "acme-customer-health", report)?;
    name.name(report).map(str::to_owned)
}

fn named(caps: &[Cap], rules: &[Rule]) -> Named {
    let mut named = Named::default();
    caps.iter().for_each(|cap| named.by(&cap.when));
    for rule in rules {
        named.by(&rule.when);
        rule.clears_when.iter().chain(&rule.critical_when).for_each(|condition| named.by(condition));
    }
    named
}
