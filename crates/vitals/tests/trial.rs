//! The models that are shipped pass their review and their own tests; what is not as expected is told so that a reader
//! sees why; and a case comes to what a recorded run of the same records comes to.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod support;

use serde_json::Value;
use std::fmt::Write as _;
use support::{Place, model};

#[test]
fn the_shipped_models_pass_their_review_and_their_tests() {
    let place = Place::new();
    assert_eq!(
        place.run(["model", "check", "--strict", model("oulad.yaml").to_str().unwrap()]).status,
        Some(0)
    );
    for (name, cases) in [("high-touch", "7 cases"), ("low-touch", "7 cases"), ("onboarding", "8 cases")] {
        let file = model(&format!("{name}.yaml"));
        let file = file.to_str().unwrap();
        let said = place.run(["model", "check", "--strict", file]);
        assert_eq!(said.status, Some(0), "{}", said.out);
        assert!(said.out.contains("What the score rests on"), "{}", said.out);
        let said = place.run(["model", "test", file]);
        assert_eq!(said.status, Some(0), "{}", said.out);
        assert!(said.out.contains(cases) && said.out.contains("all as expected"), "{}", said.out);
    }
}

#[test]
fn a_difference_is_told_with_its_reason() {
    let place = Place::new();
    let shipped = |name: &str| std::fs::read_to_string(model(name)).unwrap();
    place.write("low.yaml", &shipped("low-touch.yaml"));
    let tests = shipped("low-touch.test.yaml").replace("score: 60, band: fading", "score: 80, band: healthy");
    place.write("low.test.yaml", &tests);
    let said = place.run(["model", "test", "low.yaml"]);
    assert_eq!(said.status, Some(1));
    for line in [
        "FAIL  payment-fails-twice",
        "  score: expected 80, found 60",
        "  band: expected healthy, found fading",
        "cap payment-failing",
        "7 cases, looked at 14 times: 1 not as expected",
    ] {
        assert!(said.out.contains(line), "{line}: {}", said.out);
    }
    let said = place.run(["model", "test", "--json", "low.yaml"]);
    let found = &said.json()[0];
    let case =
        found["cases"].as_array().unwrap().iter().find(|case| case["case"] == "payment-fails-twice").unwrap();
    assert_eq!(case["missed"][0]["differences"][0]["what"], "score");
    assert!(case["missed"][0]["line"].as_u64().unwrap() > 50, "{case}");
    assert_eq!(said.status, Some(1));
}

#[test]
fn what_cannot_be_played_is_told_with_its_place() {
    let place = Place::new();
    place.write("low.yaml", &std::fs::read_to_string(model("low-touch.yaml")).unwrap());
    let said = place.run(["model", "test", "low.yaml"]);
    assert_eq!(said.status, Some(70));
    assert!(said.err.contains("low.test.yaml is not there"), "{}", said.err);
    let tests = |given: &str| {
        format!(
            "start: 2026-01-05\ncases:\n  one:\n    activities:\n      - {given}\n    expect: [ {{ at: day 1, alerts: [] }} ]\n"
        )
    };
    // A ticket is missing: what ingest would reject, the test does not pass over.
    place.write("low.test.yaml", &tests("{ at: day 0, support: { kind: opened } }"));
    let said = place.run(["model", "test", "low.yaml"]);
    assert_eq!(said.status, Some(1));
    assert!(
        said.out.contains("low.test.yaml:5:9: cases.one.activities[0]: `ticket` is missing"),
        "{}",
        said.out
    );
    place.write("low.test.yaml", &tests("{ at: day 0, suport: { kind: opened } }"));
    let said = place.run(["model", "test", "low.yaml"]);
    assert!(said.status == Some(1) && said.out.contains("did you mean `support`?"), "{said:?}");
}

#[test]
fn a_review_is_for_programs_too_and_findings_where_asked_for() {
    let place = Place::new();
    let text = std::fs::read_to_string(model("low-touch.yaml")).unwrap();
    place.write("low.yaml", &text.replace("review_by: 2027-06-30", "review_by: 2020-06-30"));
    let said = place.run(["model", "check", "low.yaml"]);
    assert_eq!(said.status, Some(0), "a remark is no error: {said:?}");
    assert!(
        said.out.contains("low.yaml:14:12: review_by: the model was to be looked at again by 2020-06-30"),
        "{}",
        said.out
    );
    assert_eq!(place.run(["model", "check", "--strict", "low.yaml"]).status, Some(1));
    let found = place.run(["model", "check", "--json", "low.yaml"]).fine().json();
    assert_eq!(found[0]["remarks"][0]["subject"], "review-overdue");
    assert_eq!(found[0]["weights"]["kinds"]["leading"], 92.0);
    assert!(found[0]["bytes_per_account"]["total"].as_u64().unwrap() > 1_000, "{found:?}");
    let schema: Value = serde_json::from_str(&place.run(["model", "schema"]).fine().out).unwrap();
    assert_eq!(schema["title"], "vitals health model");
}

#[test]
fn the_page_shows_a_test_file_that_its_model_passes() {
    let page = std::fs::read_to_string(model("README.md")).unwrap();
    let fenced = |fence: &str| -> String {
        page.split(fence).skip(1).filter_map(|rest| rest.split_once("```")).map(|(yaml, _)| yaml).collect()
    };
    let place = Place::new();
    place.write("page.yaml", &fenced("```yaml\n"));
    place.write("page.test.yaml", &fenced("```yaml test\n"));
    let said = place.run(["model", "test", "page.yaml"]);
    assert_eq!(said.status, Some(0), "{}{}", said.out, said.err);
    assert!(said.out.contains("1 case, looked at 2 times: all as expected"), "{}", said.out);
}

/// Records of a customer that stops after 40 days, and of a neighbour that keeps every feed alive.
fn records() -> String {
    let mut lines = String::new();
    let mut put = |topic: &str, hour: i64, account: &str, fields: &str| {
        let time = model::time::EventTime(1_767_571_200_000 + hour * model::time::HOUR);
        writeln!(
            lines,
            r#"{{"topic":"vitals.{topic}","key":"{account}","time":"{time}","value":{{"id":"{account}-{hour}","time":"{time}","account":"{account}"{fields}}}}}"#
        )
        .unwrap();
    };
    for hour in 0..=59 * 24 + 12 {
        let login = format!(r#","user":"u{}","kind":"signed-in""#, hour % 4);
        let used = format!(r#","user":"u{}","feature":"f{}""#, hour % 4, hour % 3);
        put("login", hour, "neighbour", &login);
        put("feature-usage", hour, "neighbour", &used);
        if hour % 12 == 0 {
            put("subscription", hour, "neighbour", r#","kind":"payment-recovered","subscription":"s""#);
            put("feedback", hour, "neighbour", r#","kind":"ces","score":5"#);
            put("support", hour, "neighbour", r#","kind":"replied","ticket":"t","by":"agent""#);
        }
        if hour < 40 * 24 && hour % 24 == 9 {
            put("login", hour, "acme", &login);
            put("feature-usage", hour, "acme", &used);
        }
    }
    put("subscription", 0, "acme", r#","kind":"started","subscription":"a","seats":5"#);
    put("support", 30, "acme", r#","kind":"opened","ticket":"a-1","priority":"low","by":"customer""#);
    lines
}

#[test]
fn a_case_comes_to_what_a_recorded_run_comes_to() {
    let place = Place::ready(Some(&model("low-touch.yaml")));
    place.write("records.jsonl", &records());
    place.run(["produce", "records.jsonl"]).fine();
    place.run(["run", "--mode", "recorded", "--until", "2026-03-05T12:00:00Z"]).fine();
    let latest = place.run(["tail", "account-health", "--json"]).fine().json();
    let acme = latest
        .iter()
        .rev()
        .map(|record| &record["value"])
        .find(|value| value["account"]["id"] == "acme")
        .unwrap();
    place.write(
        "given.test.yaml",
        "start: 2026-01-05\ncases:\n  acme:\n    account: acme\n    recorded: records.jsonl\n    expect:\n      - { at: 2026-03-05T12:00:00Z, score: 99.99 }\n",
    );
    let low = model("low-touch.yaml");
    let said = place.run(["model", "test", "--json", low.to_str().unwrap(), "given.test.yaml"]);
    let missed = &said.json()[0]["cases"][0]["missed"][0];
    let score: f64 = missed["differences"][0]["found"].as_str().unwrap().parse().unwrap();
    assert_eq!(Some(score), acme["score"].as_f64(), "{missed}\n{acme}");
    let open = acme["open_alerts"].as_array().unwrap();
    assert!(score < 60.0 && !open.is_empty(), "{acme}");
}
