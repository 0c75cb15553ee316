//! The JSON Schema: every model that is shipped validates, and broken ones, which the parser refuses, do not.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test")]

use jsonschema::{Validator, draft202012};
use model::{compile, schema};
use rstest::rstest;
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};
use std::fs;

const B2B: &str = include_str!("../../../deploy/models/b2b.yaml");
const PAGE: &str = include_str!("../../../deploy/models/README.md");
const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/models");

/// The fragments of the page, one after the other.
fn page() -> String {
    PAGE.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(yaml, _)| yaml).collect()
}

/// YAML as a program that knows nothing of the language reads it: plain numbers are numbers.
fn json(text: &str) -> Value {
    enum Open {
        List(Vec<Value>),
        Map(Map<String, Value>, Option<String>),
    }
    let (mut open, mut root): (Vec<Open>, Value) = (Vec::new(), Value::Null);
    for event in Parser::new_from_str(text) {
        let value = match event.unwrap().0 {
            Event::Scalar(text, ScalarStyle::Plain, ..) => {
                if text.is_empty() {
                    Value::Null
                } else {
                    serde_json::from_str(&text).unwrap_or_else(|_| text.into())
                }
            }
            Event::Scalar(text, ..) => text.into(),
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop().unwrap() {
                Open::List(items) => items.into(),
                Open::Map(entries, _) => entries.into(),
            },
            _ => continue,
        };
        match open.last_mut() {
            None => root = value,
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(entries, key)) => match key.take() {
                Some(key) => drop(entries.insert(key, value)),
                None => *key = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
            },
        }
    }
    root
}

fn validator() -> Validator {
    draft202012::new(&schema()).unwrap()
}

#[test]
fn the_schema_is_one() {
    assert!(draft202012::meta::is_valid(&schema()));
}

#[test]
fn every_model_that_is_shipped_validates() {
    let validator = validator();
    let files = fs::read_dir(DIR).unwrap().map(|entry| entry.unwrap().path());
    let models = files.filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".yaml") && !name.ends_with(".test.yaml")
    });
    let texts: Vec<String> = models.map(|path| fs::read_to_string(path).unwrap()).chain([page()]).collect();
    assert!(texts.len() > 5);
    for text in texts {
        let value = json(&text);
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        assert!(compile(&text).is_ok());
    }
}

#[rstest]
#[case::key_of_the_top("owner:", "ownr:")]
#[case::missing("model: b2b-customer-health\n", "")]
#[case::version("format: 1", "format: 2")]
#[case::name("model: b2b-customer-health", "model: B2B")]
#[case::date("change_note: First version.", "review_by: soon")]
#[case::points("healthy: 70", "healthy: 170")]
#[case::points_as_text("healthy: 70", "healthy: 70%")]
#[case::percentage("min_coverage: 60%", "min_coverage: 0.6")]
#[case::span("publish_every: 1d", "publish_every: 1 day")]
#[case::empty_span("publish_every: 1d", "publish_every: 0d")]
#[case::source("  login:         {", "  logn: {")]
#[case::key_of_a_source("max_delay: 30m", "delay: 30m")]
#[case::operator("count_days: login", "count_day: login")]
#[case::two_operators("{ overdue: milestone }", "{ overdue: milestone, reached: milestone }")]
#[case::source_of_a_signal("count_days: login", "count_days: logins")]
#[case::key_of_another_operator("{ since_last: feature-usage }", "{ since_last: feature-usage, over: 7d }")]
#[case::field_of_another_source("distinct: feature, from: feature-usage", "distinct: feature, from: login")]
#[case::type_of_a_field("latest: seats", "latest: plan")]
#[case::no_window("where: { kind: payment-failed }, over: 30d", "where: { kind: payment-failed }")]
#[case::word("kind: signed-in", "kind: sign-in")]
#[case::test_of_another_source("where: { kind: signed-in }", "where: { feature: x }")]
#[case::field_that_is_no_word("where: { kind: signed-in }", "where: { user: ada }")]
#[case::kind("kind: activity", "kind: active")]
#[case::weight("weight: 50\n", "weight: many\n")]
#[case::curve("curve: { 20%: 0, 60%: 100 }", "curve: { 20%: 0 }")]
#[case::value_of_a_curve("curve: { 20%: 0, 60%: 100 }", "curve: { low: 0, high: 100 }")]
#[case::key_of_a_cap("score_at_most: 44", "at_most: 44")]
#[case::comparison("last_use: { at_least: 28d }", "last_use: { atleast: 28d }")]
#[case::severity("severity: info", "severity: low")]
#[case::no_notify("    notify: support\n", "")]
#[case::time("keep_firing_for: 1d", "keep_firing_for: 1")]
#[case::outcome(
    "good: { subscription: { kind: [renewed, expanded] } }",
    "good: { subscription: { kind: [renew] } }"
)]
fn a_broken_model_does_not_validate_either(#[case] good: &str, #[case] bad: &str) {
    broken(B2B, good, bad);
}

#[rstest]
#[case::key_of_a_benchmark("    refresh: 30d", "    refreshed: 30d")]
#[case::outcome("outcome: good", "outcome: best")]
#[case::no_cohort("    cohort: { outcome: good, within: 365d }\n", "")]
#[case::value("value: median", "value: mean")]
#[case::by("by: segment\n", "by: team\n")]
#[case::accounts("min_accounts: 20", "min_accounts: 0")]
#[case::period("per: quarter", "per: week")]
#[case::whose("by: [company, segment]", "by: [company, account]")]
#[case::share("share_of: arr", "share_of: revenue")]
#[case::no_plan("plan: 36, ", "")]
#[case::when("by: 2027-06-30 }", "by: soon }")]
#[case::both("by: 2027-06-30 }", "by: 2027-06-30, within: 60d }")]
#[case::neither("share_of_accounts: 85%, by: 2027-06-30 }", "share_of_accounts: 85% }")]
#[case::no_measure("target: { stickiness: 60%, ", "target: { ")]
#[case::share_of_accounts("share_of_accounts: 85%", "share_of_accounts: 0.85")]
fn a_broken_page_does_not_validate_either(#[case] good: &str, #[case] bad: &str) {
    broken(&page(), good, bad);
}

fn broken(text: &str, good: &str, bad: &str) {
    assert!(text.contains(good), "{good}");
    let text = text.replacen(good, bad, 1);
    assert!(compile(&text).is_err(), "the parser takes it");
    assert!(!validator().is_valid(&json(&text)), "the schema takes it");
}
