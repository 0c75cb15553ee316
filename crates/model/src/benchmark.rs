//! Benchmarks: what a cohort of accounts does, and the gaps of single accounts to it. Checked, and not yet computed: the
//! fold sees one account at a time, so every gap is unknown.

use crate::block::{Block, KEEP, Keys, Spot, not_computed};
use crate::nearest::suggestion;
use crate::outcome;
use crate::plan::{Operator, SourceSet};
use crate::problem::{Report, quoted};
use crate::quantity::LONGEST;
use crate::signal::Signals;
use crate::time::DAY;

pub(crate) const KEYS: Keys =
    Keys { known: &["cohort", "by", "value", "signals", "refresh", "min_accounts"], later: &[] };
pub(crate) const COHORT: Keys = Keys { known: &["outcome", "within"], later: &[] };
/// What a benchmark is worked out for, each by itself.
pub(crate) const BY: [(&str, ()); 1] = [("segment", ())];
/// What is taken of the values of a cohort.
pub(crate) const VALUES: [(&str, ()); 1] = [("median", ())];
/// The most benchmarks.
pub(crate) const MOST: usize = 64;
/// The longest time between two workings out.
const RAREST: i64 = 366 * DAY;
/// The greatest least number of accounts.
pub(crate) const GREATEST: u32 = 1_000_000;

/// A benchmark that is defined.
struct Benchmark<'t> {
    name: &'t str,
    spot: Spot<'t>,
    /// What feeds its signals.
    sources: SourceSet,
    is_used: bool,
}

/// Reads the block `benchmarks` of a model, once its signals are read, and finds that of each gap.
pub(crate) fn read<'t>(model: &Block<'t>, signals: &mut Signals<'t>, report: &mut Report) {
    let mut all = Vec::new();
    if let Some(block) = model.get("benchmarks").and_then(|spot| Block::open(&spot, report)) {
        let outcomes = model.get("outcomes").and_then(|spot| Block::open(&spot, &mut Report::default()));
        for (key, spot) in block.named(MOST, report) {
            let sources = benchmark(&spot, outcomes.as_ref(), signals, report);
            spot.note(report, not_computed(&format!("the benchmark `{}`", key.text)), KEEP);
            all.push(Benchmark { name: &key.text, spot, sources, is_used: false });
        }
    }
    gaps(&mut all, signals, report);
    for Benchmark { name, spot, .. } in all.iter().filter(|benchmark| !benchmark.is_used) {
        let fix = format!("name it in a signal, like `{{ gap_to: {name} }}`, or leave it out");
        spot.warn(report, format!("nobody uses the benchmark `{name}`"), fix);
    }
}

/// Reads one benchmark; what feeds its signals.
fn benchmark(
    spot: &Spot<'_>,
    outcomes: Option<&Block<'_>>,
    signals: &mut Signals<'_>,
    report: &mut Report,
) -> SourceSet {
    let Some(block) = Block::with(spot, &KEYS, report) else { return SourceSet::default() };
    if let Some(spot) = block.need("cohort", "{ outcome: good, within: 365d }", report) {
        cohort(&spot, outcomes, report);
    }
    block.need("by", "segment", report).and_then(|spot| spot.choice(&BY, report));
    block.need("value", "median", report).and_then(|spot| spot.choice(&VALUES, report));
    block.need("refresh", "30d", report).and_then(|spot| spot.span(DAY, RAREST, report));
    block.need("min_accounts", "20", report).and_then(|spot| spot.whole(1, GREATEST, report));
    let of = block.need("signals", "[adoption, login_days]", report).and_then(|spot| spot.words(report));
    let mut sources = SourceSet::default();
    for (spot, name) in of.unwrap_or_default() {
        let found = signals.find(&name, (spot.node.mark, &spot.path), report);
        let Some(signal) = found.and_then(|index| signals.list.get(index)) else { continue };
        if matches!(signal.operator, Operator::GapTo) {
            let message = format!("{} is a gap itself", quoted(&name));
            spot.problem(report, message, "name signals that an account has without a benchmark");
        }
        sources = sources.union(signal.sources);
    }
    sources
}

fn cohort(spot: &Spot<'_>, outcomes: Option<&Block<'_>>, report: &mut Report) {
    let Some(block) = Block::with(spot, &COHORT, report) else { return };
    block.need("within", "365d", report).and_then(|spot| spot.span(DAY, LONGEST, report));
    let Some(spot) = block.need("outcome", "good", report) else { return };
    let words = outcome::KEYS.known.iter().map(|word| (*word, *word));
    let Some(word) = spot.choice(&words.collect::<Vec<_>>(), report) else { return };
    if outcomes.is_none_or(|outcomes| outcomes.get(word).is_none()) {
        let message = format!("the model declares no outcome `{word}`");
        let fix = format!("add it to `outcomes`, like `{word}: {{ subscription: {{ kind: … }} }}`");
        spot.problem(report, message, fix);
    }
}

/// Finds the benchmark of each gap, which is fed by what feeds that.
fn gaps(all: &mut [Benchmark<'_>], signals: &mut Signals<'_>, report: &mut Report) {
    for (signal, spot) in signals.list.iter_mut().zip(&signals.spots) {
        if !matches!(signal.operator, Operator::GapTo) {
            continue;
        }
        let to = Block::open(spot, report).and_then(|block| block.get("gap_to"));
        let Some((to, name)) = to.and_then(|to| Some((to.clone(), to.text(report)?))) else { continue };
        if let Some(benchmark) = all.iter_mut().find(|benchmark| benchmark.name == name) {
            benchmark.is_used = true;
            signal.sources = benchmark.sources;
            let message =
                format!("the gap `{}` is checked and not yet computed: no account has one", signal.name);
            let fix = "keep it: it is unknown, so what weight it has goes to its siblings and lowers the coverage, and an alert that names it holds unless it says `if_unknown: proceed`";
            spot.note(report, message, fix);
        } else if !report.is_full() {
            let fix = suggestion(name, all.iter().map(|benchmark| benchmark.name));
            to.problem(report, format!("unknown benchmark {}", quoted(name)), fix);
        }
    }
}
