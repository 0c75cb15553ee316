//! What is found, compared with what is expected, in words.

use super::{Difference, Missed, Verdict};
use model::number::{SCALE, write_decimal};
use model::plan::{Comparison, Plan, Severity, Unit};
use model::quantity::shown;
use model::suite::{Case, Expectation, Expected};
use model::time::DAY;
use pipeline::rehearsal::{Evidence, Found, Freshness, Status};

/// Judges a case by what was found at each of its instants.
pub(super) fn judge(case: &Case, found: Vec<Option<Found>>) -> Verdict {
    let missed = case.expectations.iter().zip(found).filter_map(|(expectation, found)| {
        let differences = differences(expectation, found.as_ref());
        let day = expectation.at.since(case.start).div_euclid(DAY);
        let (place, at) = (expectation.place.clone(), expectation.at);
        (!differences.is_empty()).then_some(Missed { place, at, day, differences, found })
    });
    let missed = missed.collect();
    Verdict { case: case.name.clone(), about: case.about.clone(), asked: case.expectations.len(), missed }
}

fn differences(expectation: &Expectation, found: Option<&Found>) -> Vec<Difference> {
    let Some(found) = found else {
        let account = "nothing that the model uses has happened to the account by then".to_owned();
        let (what, expected) = ("account".to_owned(), "to be known".to_owned());
        return vec![Difference { what, expected, found: account, why: String::new() }];
    };
    let mut all = Vec::new();
    let mut differ = |what: &str, expected: String, found: String, why: String| {
        all.push(Difference { what: what.to_owned(), expected, found, why });
    };
    let hundredths = |value: Option<u32>| value.map(i64::from);
    if let Some(expected) = expectation.score.as_ref().filter(|it| !it.meets(hundredths(found.score))) {
        differ("score", in_words(expected, points), number(hundredths(found.score), points), String::new());
    }
    let band = band(found);
    if let Some(expected) = expectation.band.as_ref().filter(|expected| *expected != band) {
        differ("band", expected.clone(), band.to_owned(), String::new());
    }
    let coverage = hundredths(Some(found.coverage));
    if let Some(expected) = expectation.coverage.as_ref().filter(|it| !it.meets(coverage)) {
        differ("coverage", in_words(expected, share), number(coverage, share), blind(found));
    }
    if let Some(expected) = expectation.cap.filter(|expected| *expected != found.cap.map(|cap| cap.cap)) {
        let name = |cap: Option<usize>| {
            cap.and_then(|cap| found.plan.caps.get(cap))
                .map_or_else(|| "none".to_owned(), |cap| cap.name.clone())
        };
        differ("cap", name(expected), name(found.cap.map(|cap| cap.cap)), String::new());
    }
    for (signal, expected) in &expectation.values {
        let (value, why) = value_of(found, *signal);
        if !expected.meets(value) {
            let Some(signal) = found.plan.signals.get(*signal) else { continue };
            let words = |value| shown(signal.unit, value);
            differ(&format!("values.{}", signal.name), in_words(expected, words), number(value, words), why);
        }
    }
    for (measure, expected) in &expectation.points {
        let Some(line) = found.lines.get(*measure) else { continue };
        let value = (line.freshness != Freshness::Unknown).then_some(i64::from(line.points));
        if !expected.meets(value) {
            let name = measure_name(&found.plan, *measure);
            differ(
                &format!("points.{name}"),
                in_words(expected, points),
                number(value, points),
                String::new(),
            );
        }
    }
    if let Some(expected) = expectation.alerts.as_ref() {
        alerts(expected, found, &mut all);
    }
    for (rule, expected) in &expectation.fired {
        let times = found.fired.get(*rule).copied().unwrap_or(0);
        if times != *expected {
            let name = found.plan.rules.get(*rule).map_or("", |rule| &rule.name);
            all.push(Difference {
                what: format!("fired.{name}"),
                expected: format!("{expected} times"),
                found: format!("{times} times"),
                why: why_of(found, *rule),
            });
        }
    }
    all
}

/// Each alert that is open and should not be, or should be and is not.
fn alerts(expected: &[(usize, Option<Severity>)], found: &Found, all: &mut Vec<Difference>) {
    for (index, rule) in found.plan.rules.iter().enumerate() {
        let is_open = found.open.iter().find(|(open, _)| *open == index).map(|(_, severity)| *severity);
        let should = expected.iter().find(|(open, _)| *open == index).map(|(_, severity)| *severity);
        let opened = |severity: Severity| format!("open, {}", severity.name());
        let (expected, found_so) = match (should, is_open) {
            (None, None) | (Some(None), Some(_)) => continue,
            (Some(Some(wanted)), Some(open)) if wanted == open => continue,
            (None, Some(open)) => ("not open".to_owned(), opened(open)),
            (Some(wanted), None) => (wanted.map_or_else(|| "open".to_owned(), opened), "not open".to_owned()),
            (Some(Some(wanted)), Some(open)) => (opened(wanted), opened(open)),
        };
        let what = format!("alerts.{}", rule.name);
        all.push(Difference { what, expected, found: found_so, why: why_of(found, index) });
    }
}

/// The values that a rule looks at.
fn why_of(found: &Found, rule: usize) -> String {
    let Some(rule) = found.plan.rules.get(rule) else { return String::new() };
    let mut parts: Vec<String> = Vec::new();
    if rule.on_score {
        parts.push(format!("the score is {}", number(found.score.map(i64::from), points)));
    }
    for signal in &rule.signals {
        let (value, why) = value_of(found, *signal);
        let Some(signal) = found.plan.signals.get(*signal) else { continue };
        let why = if why.is_empty() { why } else { format!(" ({why})") };
        parts.push(format!("{} is {}{why}", signal.name, number(value, |value| shown(signal.unit, value))));
    }
    parts.join(", ")
}

/// The value of a signal, and why it is not known or not fresh.
fn value_of(found: &Found, signal: usize) -> (Option<i64>, String) {
    let Some(Evidence { value, freshness, .. }) = found.signals.get(signal) else {
        return (None, String::new());
    };
    let why = match freshness {
        Freshness::Fresh | Freshness::Unknown => "",
        Freshness::Stale => "stale: its feed is out",
    };
    (*value, why.to_owned())
}

/// Measures that are not known or stale.
fn blind(found: &Found) -> String {
    let not = |freshness: Freshness, word: &str| {
        let lines = found.lines.iter().filter(|line| line.freshness == freshness);
        let names: Vec<&str> = lines.map(|line| measure_name(&found.plan, line.measure)).collect();
        (!names.is_empty()).then(|| format!("{word}: {}", names.join(", ")))
    };
    let parts = [not(Freshness::Unknown, "unknown"), not(Freshness::Stale, "stale")];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn band(found: &Found) -> &str {
    match found.status {
        Status::NotScored => "not-scored",
        Status::Scored => {
            found.band.and_then(|band| found.plan.bands.get(band)).map_or("unknown", |band| &band.name)
        }
    }
}

fn measure_name(plan: &Plan, measure: usize) -> &str {
    let signal = plan.measures.get(measure).and_then(|measure| plan.signals.get(measure.signal));
    signal.map_or("", |signal| &signal.name)
}

/// What each measure and the cap come to: name, value, points, weight, contribution.
pub(crate) fn contributions(found: Option<&Found>) -> Vec<[String; 5]> {
    let Some(found) = found else { return Vec::new() };
    let mut rows: Vec<[String; 5]> = Vec::new();
    for line in &found.lines {
        let measure = found.plan.measures.get(line.measure);
        let unit = measure.and_then(|m| found.plan.signals.get(m.signal)).map_or(Unit::Number, |s| s.unit);
        let stale = if line.freshness == Freshness::Stale { " (stale)" } else { "" };
        rows.push([
            measure_name(&found.plan, line.measure).to_owned(),
            format!("{}{stale}", number(line.value, |value| shown(unit, value))),
            points(i64::from(line.points)),
            points(i64::from(line.weight)),
            points(i64::from(line.contribution)),
        ]);
    }
    if let Some(cap) = found.cap {
        let name = found.plan.caps.get(cap.cap).map_or("", |cap| &cap.name);
        let contribution = points(i64::from(cap.contribution));
        rows.push([format!("cap {name}"), String::new(), String::new(), String::new(), contribution]);
    }
    rows
}

fn number(value: Option<i64>, words: impl Fn(i64) -> String) -> String {
    value.map_or_else(|| "unknown".to_owned(), words)
}

fn in_words(expected: &Expected, words: impl Fn(i64) -> String) -> String {
    match expected {
        Expected::Unknown => "unknown".to_owned(),
        Expected::Rounded { value, .. } | Expected::Whole { value, .. } => words(*value),
        Expected::Passes(tests) => {
            let test = |test: &Comparison| match test {
                Comparison::Below(limit) => format!("below {}", words(*limit)),
                Comparison::AtMost(limit) => format!("at most {}", words(*limit)),
                Comparison::AtLeast(limit) => format!("at least {}", words(*limit)),
                Comparison::Above(limit) => format!("above {}", words(*limit)),
            };
            tests.iter().map(test).collect::<Vec<_>>().join(" and ")
        }
    }
}

/// Hundredths of a point, as they are written.
fn points(hundredths: i64) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    write_decimal(&mut text, hundredths, 2).unwrap_or_default();
    text
}

/// Hundredths of a per cent, as they are written.
fn share(hundredths: i64) -> String {
    shown(Unit::Percent, hundredths * (SCALE / 100))
}
