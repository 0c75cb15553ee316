//! Commands by themselves: what is refused and how, and a year's first weeks from the records to the accounts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod support;

use serde_json::{Value, json};
use support::{Place, model};

#[test]
fn wrong_use_ends_with_2_and_bad_configuration_with_64() {
    let place = Place::new();
    assert_eq!(place.run(["--bogus"]).status, Some(2));
    assert_eq!(place.run(["source", "resume", "billing"]).status, Some(2));
    assert_eq!(place.run(["tail", "health", "--from-end"]).status, Some(2));
    place.write("bad.toml", "instanc = 'x'\n[topics]\npartitions = 0\n");
    let said = place.run(["--config", "bad.toml", "setup"]);
    assert_eq!(said.status, Some(64));
    assert!(said.err.contains("instanc (bad.toml): is not a key; did you mean `instance`?"), "{}", said.err);
    assert!(said.err.contains("topics.partitions = 0"), "{}", said.err);
    assert!(!place.path("vitals-data").exists(), "nothing is opened before the configuration is right");
}

#[test]
fn what_the_configuration_is_can_be_read_back() {
    let place = Place::new();
    place.write("a.toml", "[admin]\ntoken = 's3cret'\n[log]\ndir = 'x'\n");
    let shown = place.run(["--config", "a.toml", "config", "show"]).fine().out;
    assert!(!shown.contains("s3cret"), "{shown}");
    place.write("b.toml", &shown);
    assert_eq!(
        place.run(["--config", "b.toml", "--json", "config", "show"]).fine().json()[0]["log.dir"],
        "x"
    );
}

#[test]
fn a_directory_without_a_log_and_one_that_is_not_ours_are_told_apart() {
    let place = Place::new();
    let said = place.run(["status"]);
    assert_eq!(said.status, Some(70));
    assert!(said.err.contains("holds no log; `vitals setup"), "{}", said.err);
    assert!(!place.path("vitals-data").exists());
    let said = place.run(["setup", "--dir", "."]);
    assert_eq!(said.status, Some(0), "an empty directory is fine: {said:?}");
    let place = Place::new();
    place.write("thesis.txt", "mine");
    let said = place.run(["setup", "--dir", "."]);
    assert_eq!(said.status, Some(70));
    assert!(said.err.contains("is not an embedded log"), "{}", said.err);
    let said = place.run(["demo", "--dir", "."]);
    assert_eq!(said.status, Some(70), "{said:?}");
}

#[test]
fn a_model_is_checked_with_place_and_fix() {
    let place = Place::new();
    let good = std::fs::read_to_string(model("b2b.yaml")).unwrap();
    place.write("good.yaml", &good);
    place.write("bad.yaml", &good.replace("count_days: login", "count_day: login"));
    assert_eq!(place.run(["model", "check", "good.yaml"]).status, Some(0));
    let said = place.run(["model", "check", "bad.yaml"]);
    assert_eq!(said.status, Some(1));
    assert!(said.out.contains("did you mean `count_days`?"), "{}", said.out);
    let said = place.run(["model", "check", "none.yaml"]);
    assert_eq!(said.status, Some(70));
    assert!(said.err.contains("none.yaml cannot be read"), "{}", said.err);
    assert_eq!(place.run(["setup", "--model", "bad.yaml"]).status, Some(1));
    assert!(!place.path("vitals-data").exists(), "a bad model leaves nothing behind");
    place.run(["setup"]).fine();
    let said = place.run(["model", "publish", "bad.yaml"]);
    assert!(said.status == Some(1) && said.err.contains("did you mean `count_days`?"), "{said:?}");
}

#[test]
fn what_is_not_yet_computed_is_said_and_is_no_finding() {
    let place = Place::new();
    let good = std::fs::read_to_string(model("low-touch.yaml")).unwrap();
    place.write(
        "model.yaml",
        &(good + "\nkpis: { net_retention: { plan: 106%, per: quarter, by: company } }\n"),
    );
    let words = "kpis.net_retention: the KPI `net_retention` is checked and not yet computed";
    let said = place.run(["model", "check", "--strict", "model.yaml"]).fine().out;
    assert!(said.lines().any(|line| line.contains(words) && line.ends_with("(note)")), "{said}");
    let found = &place.run(["model", "check", "--json", "model.yaml"]).fine().json()[0];
    let note = &found["notes"][0];
    assert!(note["path"] == "kpis.net_retention" && note["subject"] == "not-yet-computed", "{found}");
    for none in ["problems", "warnings", "remarks"] {
        assert!(found[none].as_array().unwrap().is_empty(), "{found}");
    }
    place.run(["setup"]).fine();
    let said = place.run(["model", "publish", "model.yaml"]).fine();
    assert!(said.err.contains(words), "{said:?}");
}

#[test]
fn flags_that_do_not_go_together_are_wrong_use_before_anything_is_opened() {
    let place = Place::new();
    for flags in [&["--until", "2026-01-01T00:00:00Z"][..], &["--mode", "recorded", "--workers", "2"]] {
        let said = place.run(["run"].iter().chain(flags));
        assert!(said.status == Some(2) && said.err.contains("leave"), "{said:?}");
    }
}

#[test]
fn a_recorded_run_ends_by_itself_and_says_why() {
    let place = Place::ready(None);
    let line = |day: &str| {
        format!(
            r#"{{"topic":"vitals.login","key":"ada","value":{{"id":"{day}","account":"ada","user":"u","time":"2026-01-{day}T00:00:00Z"}}}}"#
        ) + "\n"
    };
    place.feed(["produce"], &(line("01") + &line("08"))).fine();
    let said = place.run(["run", "--mode", "recorded"]);
    assert_eq!(said.status, Some(70), "{said:?}");
    let reason = "vitals.model/0: no model is published; publish one with `vitals model publish FILE`\n";
    assert!(said.err.ends_with(reason), "{}", said.err);
    let model = model("b2b.yaml");
    place.run(["model", "publish", model.to_str().unwrap()]).fine();
    // One of the two lies after the end.
    let run = ["run", "--mode", "recorded", "--until", "2026-01-02T00:00:00Z"];
    for _ in 0..2 {
        let said = place.run(run);
        assert_eq!(said.status, Some(1), "{said:?}");
        let reason = "1 records are not accounted for; a recorded run takes what was there when it began";
        assert!(
            said.out.contains(reason) && said.out.contains("`vitals run` takes in the rest"),
            "{}",
            said.out
        );
    }
}

#[test]
fn produce_stops_at_a_wrong_line_and_says_what_is_appended() {
    let place = Place::ready(None);
    let good = r#"{"topic":"vitals.login","key":"ada","value":{"id":"1"}}"#;
    let said = place.feed(
        ["produce"],
        &format!("{good}\n\n{good}\n{{\"topic\":\"vitals.journal\",\"value\":1}}\n{good}\n"),
    );
    assert_eq!(said.status, Some(70));
    assert!(said.err.contains("standard input, line 4"), "{}", said.err);
    assert!(said.err.contains("the 2 records before it are appended"), "{}", said.err);
    let status = place.run(["status", "--json"]).fine().json();
    let topics = status[0]["topics"].as_array().unwrap();
    let login = topics.iter().find(|topic| topic["name"] == "vitals.login").unwrap();
    let ends: i64 =
        login["partitions"].as_array().unwrap().iter().map(|ends| ends[1].as_i64().unwrap()).sum();
    assert!(ends >= 2, "{login}");
}

/// Each login of a day counts; the score that a person sets for some days is a line beside what they come to.
#[test]
fn a_score_that_is_set_by_hand_is_shown_and_ends_by_itself() {
    let place = Place::ready(Some(&model("b2b.yaml")));
    let line = |source: &str, day: u32, more: &str| {
        let value = format!(
            r#"{{"id":"{source}-{day}","account":"ada","user":"u","time":"2026-01-{day:02}T12:00:00Z"{more}}}"#
        );
        format!(r#"{{"topic":"vitals.{source}","key":"ada","value":{value}}}"#) + "\n"
    };
    let who = r#","author":"csm-7","reason":"A new sponsor.","expires_at":"2026-01-20T00:00:00Z""#;
    let logins: String = (1..29).map(|day| line("login", day, "")).collect();
    let set = line("command", 10, &format!(r#","kind":"override","score":91.5{who}"#));
    // The feed of commands goes on, and with it its time.
    let other = line("command", 28, r#","kind":"acknowledge""#);
    place.feed(["produce"], &(logins + &set + &other)).fine();
    place.run(["run", "--mode", "recorded"]).fine();
    let health = place.run(["tail", "health", "--json"]).fine().json();
    let records: Vec<&Value> = health.iter().map(|record| &record["value"]).collect();
    let is_set = |record: &&&Value| record.get("override").is_some();
    let first = records.iter().find(is_set).unwrap();
    assert_eq!((&first["score"], &first["override"]["author"]), (&json!(91.5), &json!("csm-7")));
    assert_eq!(first["cause"], json!({"kind": "activity", "source": "command"}));
    assert!(
        first["reason"]
            .as_str()
            .unwrap()
            .contains("csm-7 set it until 2026-01-20T00:00:00Z (A new sponsor.)"),
        "{first}"
    );
    let last = records.iter().rposition(|record| is_set(&record)).unwrap();
    let after = records[last + 1];
    assert_eq!((&after["as_of"], &after["cause"]["kind"]), (&json!("2026-01-20T00:00:00Z"), &json!("time")));
    assert_eq!(after["score"], records[last]["override"]["computed_score"]);
    let verified = place.run(["replay", "--verify"]).fine();
    assert!(verified.out.contains("equal, byte for byte"), "{}", verified.out);
}

#[test]
fn a_recorded_run_accounts_for_every_record_and_replays_exactly() {
    let place = Place::ready(Some(&model("b2b.yaml")));
    place.run(["produce", "--demo", "--accounts", "10", "--days", "40"]).fine();
    let run = place.run(["run", "--mode", "recorded", "--json"]).fine();
    assert!(run.json().iter().all(|balance| balance["unaccounted"] == 0), "{run:?}");
    let verified = &place.run(["replay", "--verify", "--json"]).fine().json()[0];
    assert!(verified["compared"].as_u64().unwrap() > 100, "{verified}");
    let latest = place.run(["tail", "account-health", "--json"]).fine().json();
    let scored = latest.iter().rev().find(|record| record["value"]["score"].is_number()).unwrap();
    let id = scored["key"].as_str().unwrap();
    let shown = &place.run(["account", "show", id, "--json"]).fine().json()[0];
    assert_eq!(shown["account"]["id"], id);
    let explained = place.run(["account", "explain", id]).fine().out;
    assert!(explained.contains("Contributions"), "{explained}");
    let tail = |flags: &[&str]| {
        place.run(["tail", "health", "--account", id, "--json"].iter().chain(flags)).fine().json()
    };
    let (all, newest) = (tail(&[]), tail(&["--last", "3"]));
    assert_eq!((newest.len(), &newest[..]), (3, &all[all.len() - 3..]));
    assert_eq!(tail(&["--last", "3", "--limit", "2"]), newest[..2]);
    let health = tail(&["--limit", "2"]);
    assert_eq!(health.len(), 2);
    assert!(health.iter().all(|record| record["key"] == id), "{health:?}");
    assert_eq!(place.run(["account", "show", "nobody"]).status, Some(1));
    assert!(place.run(["tail", "dead-letter"]).fine().out.contains('@'));
}

#[test]
fn a_run_without_topics_says_what_makes_them() {
    let place = Place::new();
    let said = place.run(["run", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.status, Some(70));
    assert!(said.err.contains("`vitals setup` creates them"), "{}", said.err);
}
