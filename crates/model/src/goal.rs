//! Goals and the measures that they hold: why something is watched, and how it is scored.

use crate::block::{Block, Keys, Spot};
use crate::curve;
use crate::number::shares;
use crate::plan::{Goal, Kind, MOST_MEASURES, Measure, Unit, WHOLE};
use crate::problem::{Mark, Report, quoted};
use crate::signal::Signals;
use crate::target;
use crate::time::{DAY, HOUR};

pub(crate) const KEYS: Keys =
    Keys { known: &["statement", "owner", "priority", "weight", "target", "measures"], later: &[] };
pub(crate) const MEASURE: Keys =
    Keys { known: &["kind", "in_score", "weight", "target", "curve"], later: &[] };
pub(crate) const KINDS: [(&str, Kind); 4] = [
    (Kind::Leading.name(), Kind::Leading),
    (Kind::Lagging.name(), Kind::Lagging),
    (Kind::Activity.name(), Kind::Activity),
    (Kind::Quality.name(), Kind::Quality),
];
/// The most goals, and the most measures of one; of all together [`MOST_MEASURES`].
const MOST: usize = 64;
/// The greatest weight.
const HEAVIEST: u32 = 1_000_000;

/// Goals and measures in the model's order.
#[derive(Debug, Default)]
pub(crate) struct Goals {
    /// The goals.
    pub(crate) goals: Vec<Goal>,
    /// The measures, goal by goal.
    pub(crate) measures: Vec<Measure>,
}

/// Reads the block `goals`.
pub(crate) fn read(spot: &Spot<'_>, signals: &mut Signals<'_>, report: &mut Report) -> Goals {
    let mut all = Goals::default();
    let Some(block) = Block::open(spot, report) else { return all };
    let mut measured: Vec<(usize, String)> = Vec::new();
    let mut complete = true;
    for (key, spot) in block.named(MOST, report) {
        let before = all.measures.len();
        match goal(&key.text, &spot, report) {
            Some((goal, target, measures)) => {
                if let Some(target) = target {
                    target::read(&target, &goal.name, &measures, signals, report);
                }
                let index = all.goals.len();
                all.goals.push(goal);
                for (key, spot) in measures.named(MOST, report) {
                    let measure = measure((key.mark, &key.text), &spot, index, signals, report);
                    let Some(measure) = measure else {
                        complete = false;
                        continue;
                    };
                    if let Some((_, path)) = measured.iter().find(|(signal, _)| *signal == measure.signal) {
                        let message = format!("{} is already measured at {path}", quoted(&key.text));
                        report.problem(key.mark, &spot.path, message, "measure a signal once");
                    }
                    measured.push((measure.signal, spot.path));
                    all.measures.push(measure);
                }
            }
            None => complete = false,
        }
        complete &= before < all.measures.len();
    }
    if all.measures.len() > MOST_MEASURES {
        let message = format!("{} measures; at most {MOST_MEASURES} are possible", all.measures.len());
        spot.problem(report, &message, "leave out those of the least weight");
    }
    weigh(&mut all);
    if complete && all.measures.iter().all(|measure| measure.base_weight == 0) {
        let fix = "give a goal and one of its measures in the score a weight above 0";
        spot.problem(report, "all weights are zero, so there is no score", fix);
    }
    all
}

/// A goal as far as it can be read, its target, and its measures.
fn goal<'t>(name: &str, spot: &Spot<'t>, report: &mut Report) -> Option<(Goal, Option<Spot<'t>>, Block<'t>)> {
    let block = Block::with(spot, &KEYS, report)?;
    let statement = block.need("statement", "Customers work in the product every week.", report);
    let statement = statement.and_then(|spot| spot.short_text(1_000, report));
    let owner = block.need("owner", "product", report).and_then(|spot| spot.short_text(256, report));
    let priority = match block.get("priority") {
        Some(spot) => spot.whole(1, 1_000, report),
        None => Some(1),
    };
    let weight = block.need("weight", "20", report).and_then(|spot| spot.whole(0, HEAVIEST, report));
    let measures = block.need("measures", "{ … }", report).and_then(|spot| Block::open(&spot, report))?;
    // The measures are read even where the goal has problems, so that theirs are told too.
    let goal = Goal {
        name: name.to_owned(),
        statement: statement.unwrap_or_default().to_owned(),
        owner: owner.unwrap_or_default().to_owned(),
        priority: priority.unwrap_or(1),
        weight: weight.unwrap_or(1),
    };
    Some((goal, block.get("target"), measures))
}

fn measure(
    name: (Mark, &str),
    spot: &Spot<'_>,
    goal: usize,
    signals: &mut Signals<'_>,
    report: &mut Report,
) -> Option<Measure> {
    let block = Block::with(spot, &MEASURE, report)?;
    let signal = signals.find(name.1, (name.0, &spot.path), report);
    let unit = signal.and_then(|index| signals.list.get(index)).map(|signal| signal.unit);
    let kind = block.need("kind", "leading", report).and_then(|spot| spot.choice(&KINDS, report));
    let weight = block.need("weight", "20", report).and_then(|spot| spot.whole(0, HEAVIEST, report));
    let in_score = match block.get("in_score") {
        Some(spot) => spot.choice(&[("true", true), ("false", false)], report),
        None => Some(kind != Some(Kind::Lagging)),
    };
    let curve = block.need("curve", "{ 0: 0, 10: 100 }", report);
    let unit = unit?;
    let target = match block.get("target") {
        Some(spot) => Some(spot.value(unit, report)?),
        None => None,
    };
    let curve = curve::read(&curve?, unit, report)?;
    let hours = curve.0.iter().map(|(x, _)| *x).chain(target).any(|value| value % DAY != 0);
    let print_span = match unit {
        Unit::Span if hours => HOUR,
        Unit::Span => DAY,
        Unit::Count | Unit::Days | Unit::Percent | Unit::Number => 0,
    };
    Some(Measure {
        signal: signal?,
        goal,
        kind: kind?,
        in_score: in_score?,
        weight: weight?,
        base_weight: 0,
        target,
        print_span,
        curve,
    })
}

/// Gives each measure its share of the score when everything is known: goals first, then within each.
fn weigh(all: &mut Goals) {
    let counts = |measure: &Measure| if measure.in_score { measure.weight } else { 0 };
    let of = |goal: usize| all.measures.iter().filter(move |measure| measure.goal == goal);
    let weights = all
        .goals
        .iter()
        .enumerate()
        .map(|(index, goal)| if of(index).any(|measure| counts(measure) > 0) { goal.weight } else { 0 });
    let weights: Vec<u32> = weights.collect();
    let mut by_goal = Vec::new();
    shares(WHOLE, &weights, &mut by_goal);
    let mut within = Vec::new();
    let mut base: Vec<u32> = Vec::new();
    for (index, share) in by_goal.iter().enumerate() {
        let weights: Vec<u32> = of(index).map(counts).collect();
        shares(*share, &weights, &mut within);
        base.append(&mut within);
    }
    for (measure, share) in all.measures.iter_mut().zip(base) {
        measure.base_weight = share;
    }
}
