//! What is expected at an instant: score, band, coverage, values, points, the cap, alerts that are open, and how often
//! they have begun.

use super::instant::Calendar;
use super::{MOST, Place};
use crate::alert::SEVERITIES;
use crate::block::{Block, Keys, Spot};
use crate::condition;
use crate::nearest::suggestion;
use crate::number::scale_round;
use crate::plan::{Comparison, Plan, Severity, Unit};
use crate::problem::{Mark, Report, quoted};
use crate::time::{DAY, EventTime, HOUR, MINUTE, SECOND};
use crate::tree::Value;

const KEYS: Keys = Keys {
    known: &["at", "score", "band", "coverage", "values", "points", "cap", "alerts", "fired"],
    later: &[],
};
/// Where there is no score, and no band.
const UNKNOWN: &str = "unknown";

/// Where the account is to stand at an instant. What is `None` or not named is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The instant.
    pub at: EventTime,
    /// Where it is written.
    pub place: Place,
    /// The score, hundredths of a point.
    pub score: Option<Expected>,
    /// The name of the band; `unknown` or `not-scored` where there is none.
    pub band: Option<String>,
    /// The share of the weight that is known and fresh, hundredths of a per cent.
    pub coverage: Option<Expected>,
    /// Signals by their index, with their values.
    pub values: Vec<(usize, Expected)>,
    /// Measures by their index, with their points, hundredths.
    pub points: Vec<(usize, Expected)>,
    /// The cap in force by its index; `Some(None)` for none.
    pub cap: Option<Option<usize>>,
    /// All rules, by their index, whose alert is open; with a severity where one is written.
    pub alerts: Option<Vec<(usize, Option<Severity>)>>,
    /// Rules by their index, with how often their alert has begun since the start.
    pub fired: Vec<(usize, u32)>,
}

/// What a number is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Not known.
    Unknown,
    /// This, once rounded half up to a multiple of `to`: as many decimals as are written.
    Rounded {
        /// The number.
        value: i64,
        /// The last decimal that is written.
        to: i64,
    },
    /// So much and less than one unit more: a span counts whole units.
    Whole {
        /// The span.
        value: i64,
        /// The unit in which it is written.
        unit: i64,
    },
    /// A number that passes all of these.
    Passes(Vec<Comparison>),
}

impl Expected {
    /// Whether a number, or none, is as expected.
    #[must_use]
    pub fn meets(&self, found: Option<i64>) -> bool {
        match (self, found) {
            (Self::Unknown, None) => true,
            (Self::Unknown, Some(_)) | (_, None) => false,
            (Self::Rounded { value, to }, Some(found)) => scale_round(found, 1, *to) * to == *value,
            (Self::Whole { value, unit }, Some(found)) => found.div_euclid(*unit) * unit == *value,
            (Self::Passes(tests), Some(found)) => tests.iter().all(|test| test.passes(found)),
        }
    }
}

/// Reads the list, into the order of the instants.
pub(super) fn read(
    spot: &Spot<'_>,
    calendar: Calendar,
    plan: &Plan,
    report: &mut Report,
) -> Vec<Expectation> {
    let items = spot.items(report).unwrap_or_default();
    if items.len() > MOST {
        spot.problem(report, format!("more than {MOST} instants are asked for"), "ask for fewer");
    }
    let mut all: Vec<Expectation> = Vec::new();
    for item in items.iter().take(MOST) {
        let last = all.last().map_or(calendar.start, |expectation| expectation.at);
        all.extend(one(item, calendar, last, plan, report));
    }
    all.sort_by_key(|expectation| expectation.at);
    all
}

fn one(
    item: &Spot<'_>,
    calendar: Calendar,
    last: EventTime,
    plan: &Plan,
    report: &mut Report,
) -> Option<Expectation> {
    let block = Block::with(item, &KEYS, report)?;
    let at = block.need("at", "day 30", report).and_then(|spot| calendar.instant(&spot, last, report));
    if block.iter().all(|(key, _)| key.text == "at") {
        item.problem(report, "nothing is expected", "add `band: …`, `score: …`, `values: …` or `alerts: …`");
    }
    let score = block.get("score").and_then(|spot| hundredths(&spot, Unit::Number, report));
    let coverage = block.get("coverage").and_then(|spot| hundredths(&spot, Unit::Percent, report));
    let band = block.get("band").and_then(|spot| band(&spot, plan, report));
    let cap = block.get("cap").and_then(|spot| cap(&spot, plan, report));
    let signals = || plan.signals.iter().map(|signal| signal.name.as_str());
    let measured = |measure: &crate::plan::Measure| plan.signals.get(measure.signal).map_or("", |s| &s.name);
    let mut values = Vec::new();
    for (key, spot) in entries(&block, "values", report) {
        let Some(signal) = index(&key, &spot, "signal", signals(), report) else { continue };
        let unit = plan.signals.get(signal).map_or(Unit::Number, |signal| signal.unit);
        values.extend(number(&spot, unit, report).map(|expected| (signal, expected)));
    }
    let mut points = Vec::new();
    for (key, spot) in entries(&block, "points", report) {
        let Some(measure) = index(&key, &spot, "measure", plan.measures.iter().map(measured), report) else {
            continue;
        };
        points.extend(hundredths(&spot, Unit::Number, report).map(|expected| (measure, expected)));
    }
    let mut fired = Vec::new();
    for (key, spot) in entries(&block, "fired", report) {
        let Some(rule) = index(&key, &spot, "alert", rules(plan), report) else { continue };
        fired.extend(spot.whole(0, 10_000, report).map(|times| (rule, times)));
    }
    let alerts = block.get("alerts").and_then(|spot| alerts(&spot, plan, report));
    let place = Place::of(item);
    Some(Expectation { at: at?, place, score, band, coverage, values, points, cap, alerts, fired })
}

fn rules(plan: &Plan) -> impl Iterator<Item = &str> + Clone {
    plan.rules.iter().map(|rule| rule.name.as_str())
}

/// A key with its place.
type Named = (String, Mark);

/// What stands in a block that may be left out.
fn entries<'t>(block: &Block<'t>, key: &str, report: &mut Report) -> Vec<(Named, Spot<'t>)> {
    let Some(spot) = block.get(key) else { return Vec::new() };
    let Some(block) = Block::open(&spot, report) else { return Vec::new() };
    if block.first().is_none() {
        spot.problem(report, "nothing is expected", "name what is looked at, or leave the key out");
    }
    block.iter().map(|(key, spot)| ((key.text.clone(), key.mark), spot)).collect()
}

/// The place of a name among those that are known.
fn index<'a>(
    (name, mark): &Named,
    spot: &Spot<'_>,
    what: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    report: &mut Report,
) -> Option<usize> {
    let found = known.clone().position(|known| known == name);
    if found.is_none() {
        report.problem(
            *mark,
            &spot.path,
            format!("the model has no {what} {}", quoted(name)),
            suggestion(name, known),
        );
    }
    found
}

fn band(spot: &Spot<'_>, plan: &Plan, report: &mut Report) -> Option<String> {
    let text = spot.text(report)?;
    let known = plan.bands.iter().map(|band| band.name.as_str()).chain([UNKNOWN, "not-scored"]);
    if !known.clone().any(|known| known == text) {
        spot.problem(report, format!("the model has no band {}", quoted(text)), suggestion(text, known));
        return None;
    }
    Some(text.to_owned())
}

fn cap(spot: &Spot<'_>, plan: &Plan, report: &mut Report) -> Option<Option<usize>> {
    let text = spot.text(report)?;
    if text == "none" {
        return Some(None);
    }
    let known = plan.caps.iter().map(|cap| cap.name.as_str());
    index(&(text.to_owned(), spot.node.mark), spot, "cap", known, report).map(Some)
}

fn alerts(spot: &Spot<'_>, plan: &Plan, report: &mut Report) -> Option<Vec<(usize, Option<Severity>)>> {
    let mut all = Vec::new();
    match &spot.node.value {
        // `[]`: none is open.
        Value::Sequence(items) if items.is_empty() => {}
        Value::Sequence(_) => {
            for item in spot.items(report)? {
                let name = (item.text(report)?.to_owned(), item.node.mark);
                all.push((index(&name, &item, "alert", rules(plan), report)?, None));
            }
        }
        Value::Mapping(_) => {
            for (key, spot) in Block::open(spot, report)?.iter() {
                let rule = index(&(key.text.clone(), key.mark), &spot, "alert", rules(plan), report);
                let severity = spot.choice(&SEVERITIES, report);
                all.push((rule?, Some(severity?)));
            }
        }
        Value::Scalar(_) => {
            spot.problem(report, "a list belongs here", "write `[]` for none, or `[at-risk]`");
            return None;
        }
    }
    all.sort_by_key(|(rule, _)| *rule);
    all.dedup_by_key(|(rule, _)| *rule);
    Some(all)
}

/// A number of a signal: a value, comparisons, or that it is unknown.
fn number(spot: &Spot<'_>, unit: Unit, report: &mut Report) -> Option<Expected> {
    if matches!(spot.node.value, Value::Mapping(_)) {
        let tests = condition::tests(spot, report, |spot, report| spot.value(unit, report))?;
        return Some(Expected::Passes(tests));
    }
    let text = spot.text(report)?;
    if text == UNKNOWN {
        return Some(Expected::Unknown);
    }
    let value = spot.value(unit, report)?;
    Some(match unit {
        Unit::Span => Expected::Whole { value, unit: unit_of(text) },
        Unit::Count | Unit::Days | Unit::Percent | Unit::Number => {
            Expected::Rounded { value, to: last_decimal(text, 6) }
        }
    })
}

/// The same of points or a share of the weight, in hundredths.
fn hundredths(spot: &Spot<'_>, unit: Unit, report: &mut Report) -> Option<Expected> {
    let read = |spot: &Spot<'_>, report: &mut Report| match unit {
        Unit::Percent => spot.share(report),
        Unit::Count | Unit::Days | Unit::Span | Unit::Number => spot.points(report),
    };
    if matches!(spot.node.value, Value::Mapping(_)) {
        let tests = condition::tests(spot, report, |spot, report| read(spot, report).map(i64::from))?;
        return Some(Expected::Passes(tests));
    }
    let text = spot.text(report)?;
    if text == UNKNOWN {
        return Some(Expected::Unknown);
    }
    let value = i64::from(read(spot, report)?);
    Some(Expected::Rounded { value, to: last_decimal(text, 2) })
}

/// The last decimal that is written, in parts of 10^-`places`.
fn last_decimal(text: &str, places: u32) -> i64 {
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let written = fraction.bytes().take_while(u8::is_ascii_digit).count();
    let written = u32::try_from(written).unwrap_or(places).min(places);
    10_i64.pow(places - written)
}

/// The unit in which a span is written.
fn unit_of(text: &str) -> i64 {
    match text.bytes().last() {
        Some(b'w') => 7 * DAY,
        Some(b'd') => DAY,
        Some(b'h') => HOUR,
        Some(b'm') => MINUTE,
        _ => SECOND,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::SCALE;

    #[test]
    fn a_number_is_met_to_the_decimals_that_are_written() {
        for (text, found, meets) in [
            ("67", 66_666_667, true),
            ("66.7", 66_666_667, true),
            ("66.6", 66_666_667, false),
            ("66.67", 66_666_667, true),
            ("3", 3 * SCALE, true),
            ("3", 3_500_000, false),
            ("-0.5", -450_000, false),
            ("-0.5", -500_000, true),
        ] {
            let (whole, _) = text.split_once('.').unwrap_or((text, ""));
            assert!(!whole.is_empty());
            let value = crate::number::Number::parse(text).unwrap().0;
            let expected = Expected::Rounded { value, to: last_decimal(text, 6) };
            assert_eq!(expected.meets(Some(found)), meets, "{text}: {found}");
        }
    }

    #[test]
    fn a_span_counts_whole_units() {
        let days = Expected::Whole { value: 14 * DAY, unit: unit_of("14d") };
        for (found, meets) in
            [(14 * DAY, true), (15 * DAY - 1, true), (15 * DAY, false), (14 * DAY - 1, false)]
        {
            assert_eq!(days.meets(Some(found)), meets);
        }
        assert!(!days.meets(None) && Expected::Unknown.meets(None) && !Expected::Unknown.meets(Some(0)));
    }
}
