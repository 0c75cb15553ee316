//! What compiles and is perhaps not meant: signals that nobody uses, feeds too slow for their windows.

use crate::block::Block;
use crate::condition::Named;
use crate::plan::{
    Bucket, Comparison, Fold, MOST_RECORDS, Measure, Operator, STRETCH, SourceRules, Unit, Window,
};
use crate::problem::{Report, quoted};
use crate::quantity::shown;
use crate::signal::Signals;
use crate::source::{SOURCES, Source};
use crate::time::DAY;

/// Below so many an account of an ordinary customer may well have more.
const FEW: i64 = 1_000;

/// Warns about signals that nothing names.
pub(crate) fn unused(signals: &Signals<'_>, report: &mut Report) {
    for ((signal, spot), used) in signals.list.iter().zip(&signals.spots).zip(&signals.used) {
        if !used {
            let message = format!("nobody uses the signal `{}`", signal.name);
            spot.warn(report, message, "measure it, name it in a condition, or leave it out");
        }
    }
}

/// Warns where so much is kept of each distinct value that few values fit.
pub(crate) fn few_identities(signals: &Signals<'_>, report: &mut Report) {
    for (signal, spot) in signals.list.iter().zip(&signals.spots) {
        let Some(block) = Block::open(spot, report) else { continue };
        let told =
            if let Operator::OwnAverage { fold: Fold::Distinct(_), window, windows, .. } = signal.operator {
                let of = block.get("trend").and_then(|spot| spot.text(report)).unwrap_or_default();
                few_of_average(window, windows, of).map(|told| ("over", told))
            } else if let Operator::Trend { fold: Fold::Distinct(_), window, .. } = signal.operator {
                few_of_two(window).map(|told| ("against", told))
            } else {
                None
            };
        if let Some((key, (message, fix))) = told {
            block.get(key).as_ref().unwrap_or(spot).warn(report, message, fix);
        }
    }
}

/// What is told of an average of the distinct values of a signal where few fit, and what to do.
fn few_of_average(window: Window, windows: u8, of: &str) -> Option<(String, String)> {
    let span = (1 + i64::from(windows)) * window.width;
    let fit = stretched(span / window.bucket.width());
    let message = format!(
        "it counts by hours, so about {fit} values fit that come every day, and with more it is unknown"
    );
    let (of, days) = (quoted(of), stretched(span / DAY));
    let fix = format!("give {of} an `over` of 3d or more: it then counts by days, and about {days} fit");
    (fit < FEW).then_some((message, fix))
}

/// The same of a comparison of two windows.
fn few_of_two(window: Window) -> Option<(String, String)> {
    let buckets = 2 * window.width / window.bucket.width();
    let fit = i64::from(MOST_RECORDS) / buckets;
    let each = if window.bucket == Bucket::Hour { "hour" } else { "day" };
    let message =
        format!("about {fit} values fit that come every {each} of both windows, and with more it is unknown");
    let (over, more) = (shown(Unit::Span, window.width), stretched(buckets));
    let fix = format!("write `against: own-average, over: {over}`: it says the same, and about {more} fit");
    (fit < FEW).then_some((message, fix))
}

/// How many values fit that are held by so many buckets all over.
fn stretched(buckets: i64) -> i64 {
    let stretch = i64::from(STRETCH);
    // They begin and end within a stretch.
    i64::from(MOST_RECORDS) / ((buckets + stretch - 1) / stretch + 1)
}

/// Warns where a source may be silent or late for more than a quarter of what is watched on it.
pub(crate) fn slow_feeds(
    signals: &Signals<'_>,
    measures: &[Measure],
    named: &Named,
    rules: &[SourceRules; SOURCES],
    block: Option<&Block<'_>>,
    report: &mut Report,
) {
    for (source, rules) in Source::ALL.into_iter().zip(rules) {
        let watched = (0..signals.list.len()).filter_map(|index| {
            let (of, span) = shortest(index, signals, measures, named)?;
            (of == source).then_some((span, index))
        });
        let Some((span, index)) = watched.min() else { continue };
        for (key, value) in [("silent_at_most", rules.silent_at_most), ("max_delay", Some(rules.max_delay))] {
            let Some(value) = value.filter(|value| value.saturating_mul(4) > span) else { continue };
            let written = block
                .and_then(|block| block.get(source.name()))
                .and_then(|spot| Block::open(&spot, &mut Report::default()))
                .and_then(|block| block.get(key));
            let Some(spot) = written.as_ref().or_else(|| signals.spots.get(index)) else { continue };
            let name = signals.list.get(index).map_or("", |signal| signal.name.as_str());
            let message = format!(
                "`{key}` of {source} is {}, more than a quarter of the {} that `{name}` watches",
                shown(Unit::Span, value),
                shown(Unit::Span, span),
            );
            let fix = format!("write at most {} or watch longer", shown(Unit::Span, span / 4));
            spot.warn(report, message, fix);
        }
    }
}

/// The source of a signal and the shortest time that is watched on it.
fn shortest(
    index: usize,
    signals: &Signals<'_>,
    measures: &[Measure],
    named: &Named,
) -> Option<(Source, i64)> {
    match &signals.list.get(index)?.operator {
        Operator::Rolling { feed, window, .. }
        | Operator::DecayedMean { feed, window, .. }
        | Operator::Share { feed, window, .. }
        | Operator::Trend { feed, window, .. }
        | Operator::OwnAverage { feed, window, .. } => Some((feed.source, window.width)),
        Operator::Cadence { feed, every, .. } => Some((feed.source, *every)),
        Operator::Latest { feed, expires, .. } => Some((feed.source, (*expires)?)),
        Operator::SinceLast { feed, .. } => {
            let curves = measures.iter().filter(|measure| measure.signal == index);
            let points = curves.flat_map(|measure| measure.curve.0.iter().map(|(x, _)| *x));
            let tests = named.signals.iter().filter(|(signal, _)| *signal == index);
            let limits = tests.flat_map(|(_, tests)| tests.iter().copied().map(Comparison::limit));
            let least = points.chain(limits).filter(|span| *span > 0).min()?;
            Some((feed.source, least))
        }
        Operator::Ratio { .. }
        | Operator::Open { .. }
        | Operator::Until { .. }
        | Operator::Reached
        | Operator::Overdue
        | Operator::GapTo => None,
    }
}
