//! Bad records: each in the dead letters with its reason, and no more of them than a source may have.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod support;

use serde_json::{Value, json};
use std::fmt::Write as _;
use support::{Place, Running, model, wait_for};

#[test]
fn each_bad_record_ends_in_the_dead_letters_with_its_reason_and_the_flow_goes_on() {
    let place = Place::ready(Some(&model("b2b.yaml")));
    let running = place.start();
    let usage = |id: &str| json!({"id": id, "time": "2026-01-01T00:00:00Z", "account": "acme", "user": "ada", "feature": "x"});
    let with = |field: &str, value: Value| {
        let mut activity = usage("1");
        activity[field] = value;
        activity.to_string()
    };
    let digits = format!(r#"{},"count":{}}}"#, usage("1").to_string().trim_end_matches('}'), "9".repeat(400));
    let deep = format!(
        r#"{},"x":{}{}}}"#,
        usage("1").to_string().trim_end_matches('}'),
        "[".repeat(9_000),
        "]".repeat(9_000)
    );
    let mut nobody = usage("1");
    nobody.as_object_mut().unwrap().remove("account");
    let bad = [
        ("not-json", "no json".to_owned()),
        ("missing-field", nobody.to_string()),
        ("time-in-future", with("time", json!("2026-01-02T00:00:00Z"))),
        ("too-large", with("feature", json!("x".repeat(2 << 20)))),
        ("too-deep", deep),
        ("too-long", with("account", json!("a".repeat(10_000)))),
        ("wrong-value", digits),
    ];
    let mut lines = line("feature-usage", "good", &usage("first").to_string());
    for (reason, value) in &bad {
        lines += &line("feature-usage", reason, value);
        lines += &line("feature-usage", "good", &usage(reason).to_string());
    }
    lines += "{\"topic\":\"vitals.feature-usage\",\"key\":\"not-utf8\",\"value_hex\":\"00ff80fe\"}\n";
    place.feed(["produce"], &lines).fine();
    let letters = wait_for("the dead letters", || Some(place.letters()).filter(|all| all.len() > bad.len()));
    assert_eq!(letters.len(), bad.len() + 1);
    for letter in &letters {
        // The key is the reason that is expected.
        assert_eq!(letter["headers"]["vitals-reason"], letter["key"], "{}", letter["headers"]);
        let value = bad.iter().find(|(reason, _)| letter["key"] == *reason).map(|(_, value)| value);
        if letter["key"] == "too-large" {
            assert_eq!(letter["headers"]["vitals-size"], value.unwrap().len().to_string());
            assert_eq!(letter["headers"]["vitals-sha256"].as_str().unwrap().len(), 64);
        } else if let Some(value) = value {
            let kept = letter["value"].as_str().map_or_else(|| letter["value"].to_string(), str::to_owned);
            // JSON is shown as JSON, whose numbers and order may change; its length tells.
            assert_eq!(letter["headers"]["vitals-size"], value.len().to_string(), "{kept:.80}");
        }
    }
    wait_for("the accounts of all", || is_balanced(&place, "feature-usage", 8, 8).then_some(()));
    assert_eq!(running.get("/readyz").0, 200);
    assert_eq!(running.terminate(), Some(0));
    assert!(place.run(["replay", "--verify"]).fine().out.contains("equal, byte for byte"));
}

#[test]
fn a_source_stops_after_a_thousand_in_a_row_stays_so_and_is_resumed() {
    let place = Place::ready(Some(&model("b2b.yaml")));
    let running = place.start();
    let mut lines = line("login", "k", "no json").repeat(1_500);
    lines += &line("login", "k", &activity("after").to_string());
    place.feed(["produce"], &lines).fine();
    wait_for("the stop", || is_stopped(&running).then_some(()));
    // Whatever was under way is told at the next mark.
    assert_eq!(goes_on(&place, &running, 1), 1_001);
    running.kill();

    let running = place.start();
    wait_for("the stop after the restart", || is_stopped(&running).then_some(()));
    assert_eq!(running.get("/livez").0, 200);
    assert_eq!(goes_on(&place, &running, 2), 1_002);
    assert_eq!(place.run(["status"]).status, Some(1));

    place.run(["source", "resume", "login"]).fine();
    wait_for("readiness", || (running.get("/readyz").0 == 200).then_some(()));
    wait_for("the rest", || (place.letters().len() == 1_502).then_some(()));
    wait_for("the good one", || is_balanced(&place, "login", 1, 1_500).then_some(()));
    wait_for("the difference to be told", || is_settled(&running).then_some(()));
    running.kill();
    // What was consumed is known after a restart too.
    let running = place.start();
    wait_for("the difference to be told again", || is_settled(&running).then_some(()));
    assert_eq!(running.terminate(), Some(0));
}

/// Another source goes on: one good and one bad record of it, and how many dead letters there are then.
fn goes_on(place: &Place, running: &Running<'_>, round: i64) -> usize {
    let good = line("feature-usage", "k", &activity(&round.to_string()).to_string());
    place.feed(["produce"], &(line("feature-usage", "k", "no json") + &good)).fine();
    wait_for("another source", || is_balanced(place, "feature-usage", round, round).then_some(()));
    assert!(is_stopped(running));
    let letters = place.letters();
    let of_login =
        letters.iter().filter(|letter| letter["headers"]["vitals-topic"] == "vitals.login").count();
    assert_eq!(of_login, 1_000);
    letters.len()
}

fn is_stopped(running: &Running<'_>) -> bool {
    let (status, body) = running.get("/readyz");
    let told = body.contains("source login is stopped") && body.contains("vitals source resume login");
    assert!(!told || status == 503, "{status} {body}");
    told
}

fn activity(id: &str) -> Value {
    json!({"id": id, "time": "2026-01-01T00:00:00Z", "account": "acme", "user": "ada", "feature": "x"})
}

/// A record of these bytes, appended a minute after what it tells.
fn line(source: &str, key: &str, value: &str) -> String {
    let topic = format!("vitals.{source}");
    let mut line = String::new();
    let record = json!({"topic": topic, "key": key, "time": "2026-01-01T00:01:00Z", "value": value});
    writeln!(line, "{record}").unwrap();
    line
}

/// Whether the metrics say that nothing is unaccounted for, of every source partition, and more than nothing consumed.
fn is_settled(running: &Running<'_>) -> bool {
    let text = running.get("/metrics").1;
    let of = |name: &str| {
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect::<Vec<i64>>()
    };
    let differences = of("vitals_process_unaccounted_records{");
    let consumed: i64 = of("vitals_ingest_consumed_total{").iter().sum();
    differences.len() == 18 && differences.iter().all(|difference| *difference == 0) && consumed == 1_505
}

/// Whether all records of a source are accounted for, and so many of them are applied and rejected.
fn is_balanced(place: &Place, source: &str, applied: i64, rejected: i64) -> bool {
    place.counts(source, ["applied", "rejected", "unaccounted"]) == [applied, rejected, 0]
}
