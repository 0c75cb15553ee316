//! What is wrong is refused with one clear message and the way out; nothing is lost by it.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod support;

use log::{Log, Partition};
use model::source::Source;
use pipeline::topic;
use serde_json::{Value, json};
use support::{Place, Running, model, wait_for};

#[test]
fn an_unknown_key_of_a_model_is_told_with_its_place_and_never_published() {
    let place = Place::ready(None);
    let good = std::fs::read_to_string(model("b2b.yaml")).unwrap();
    place.write("bad.yaml", &good.replace("  publish_change:", "  publish_chance:"));
    for command in [["model", "check"], ["model", "publish"], ["setup", "--model"]] {
        let said = place.run(command.iter().chain(&["bad.yaml"]));
        assert_eq!(said.status, Some(1), "{said:?}");
        let told = format!("{}{}", said.out, said.err);
        let problem =
            "13:3: score.publish_chance: unknown key `publish_chance`; did you mean `publish_change`?";
        assert_eq!(told.matches(problem).count(), 1, "{told}");
    }
    assert_ne!(place.run(["model", "show"]).status, Some(0), "there is no model");
}

#[test]
fn what_would_write_beside_a_recorded_run_is_told_who_holds_the_directory() {
    let place = Place::ready(Some(&model("b2b.yaml")));
    let running = place.start();
    for command in [["run", "--mode", "recorded"].as_slice(), &["demo", "--dir", "data"], &["setup"]] {
        let said = place.run(command);
        assert_eq!(said.status, Some(70), "{said:?}");
        let pid = running.address()["pid"].to_string();
        assert!(said.err.contains(&pid) || said.err.contains("not empty"), "{said:?}");
    }
    for command in [["setup"].as_slice(), &["setup", "--dry-run"]] {
        let said = place.run(command);
        assert!(said.err.contains("stop it first") && said.err.contains("`vitals model publish"), "{said:?}");
        assert!(!said.err.contains("admin server"), "{said:?}");
    }
    assert_eq!(running.get("/readyz").0, 200);
    assert_eq!(running.terminate(), Some(0));
    place.run(["setup"]).fine();
}

#[test]
fn setup_takes_source_topics_as_they_are_and_its_own_only_as_they_must_be() {
    let place = Place::ready(None);
    let said = |arguments: &[&str], variable: &str| {
        let output = place.command(arguments).env(variable, "9").output().unwrap();
        (output.status.code(), format!("{output:?}"))
    };
    for arguments in [["setup"].as_slice(), &["setup", "--dry-run"]] {
        let (status, told) = said(arguments, "VITALS_TOPICS_SOURCE_PARTITIONS");
        assert_eq!(status, Some(0), "{told}");
    }
    for (arguments, expected) in [(["setup"].as_slice(), 70), (&["setup", "--dry-run"], 1)] {
        let (status, told) = said(arguments, "VITALS_TOPICS_PARTITIONS");
        assert_eq!(status, Some(expected), "{told}");
        assert!(told.contains("vitals.journal") && told.contains("set topics.partitions"), "{told}");
        assert!(!told.contains("vitals.login"), "{told}");
    }
}

#[test]
fn nothing_is_committed_on_a_full_disk_and_nothing_is_lost() {
    let place = Place::ready(Some(&model("b2b.yaml")));
    let value = json!({"id": "1", "time": "2026-01-01T00:00:00Z", "account": "acme", "user": "ada"});
    place.feed(["produce", "--source", "login"], &format!("{value}\n")).fine();
    let fine = std::fs::read_to_string(place.path("vitals.toml")).unwrap();
    place.write("vitals.toml", &fine.replace("reserve_bytes = 0", "reserve_bytes = 1_099_511_627_776"));
    let said = place.feed(["produce", "--source", "login"], &format!("{value}\n"));
    assert_eq!(said.status, Some(70));
    assert!(said.err.contains("nothing was appended") && said.err.contains("make room"), "{said:?}");
    let running = place.start();
    assert_eq!(running.get("/livez").0, 200);
    assert_eq!(running.terminate(), Some(0));
    place.write("vitals.toml", &fine);
    let running = place.start();
    wait_for("the record", || place.is_balanced(1).then_some(()));
    assert_eq!(running.terminate(), Some(0));
    assert!(place.run(["replay", "--verify"]).fine().out.contains("equal, byte for byte"));
}

/// Deletes all records of a topic, as nobody should.
fn truncate(place: &Place, topic: &str) {
    let log = place.open_log();
    let round = log.ends(&[topic.into()]).unwrap();
    for (number, ends) in (0..).zip(&round.topics[0]) {
        log.truncate_before(&Partition::new(topic, number), ends.end).unwrap();
    }
}

#[test]
fn records_of_a_source_that_were_deleted_unread_are_refused_until_the_loss_is_accepted() {
    let place = Place::ready(Some(&model("b2b.yaml")));
    let login = topic::of_source(Source::Login);
    let produce = |source: &str, ids: std::ops::Range<u32>| {
        let mut lines = String::new();
        for id in ids {
            let value = json!({"id": id.to_string(), "time": "2026-01-01T00:00:00Z", "account": "acme", "user": "ada", "feature": "x"});
            lines += &json!({"topic": format!("vitals.{source}"), "key": "acme", "value": value}).to_string();
            lines.push('\n');
        }
        place.feed(["produce"], &lines).fine();
    };
    let taken = |source: &str| {
        let counts = place.counts(source, ["applied", "duplicate", "late", "rejected", "skipped"]);
        counts.iter().sum::<i64>()
    };
    produce("login", 0..4);
    let running = place.start();
    wait_for("the first records", || (taken("login") == 4).then_some(()));
    assert_eq!(running.terminate(), Some(0));
    let end = || {
        place.open_log().ends(std::slice::from_ref(&login)).unwrap().topics[0]
            .iter()
            .map(|of| of.end)
            .sum::<i64>()
    };
    let before = end();
    produce("login", 4..7);
    let gone = end() - before;
    truncate(&place, &login);
    produce("login", 7..9);

    let running = place.start();
    let reason =
        wait_for("the refusal", || Some(running.reasons()).filter(|said| said.contains("source skip")));
    assert_eq!(reason.lines().count(), 1, "{reason}");
    let (place_of, _) = reason.split_once(": its committed offset ").unwrap();
    let number = place_of.strip_prefix("ingest: vitals.login/").unwrap();
    produce("feature-usage", 0..2);
    wait_for("another source", || (taken("feature-usage") == 2).then_some(()));
    assert_eq!((taken("login"), running.get("/readyz").0, running.get("/livez").0), (4, 503, 200));
    let status = place.run(["status"]);
    assert!(status.status == Some(1) && status.out.contains("refused"), "{status:?}");

    // Only what is refused can be skipped.
    for (source, partition) in [("login", "7"), ("feature-usage", number)] {
        let said = place.run(["source", "skip", source, "--partition", partition]);
        assert!(said.status == Some(70) && said.err.contains("refuses no partition"), "{said:?}");
    }
    assert_eq!(place.run(["source", "skip", "login"]).status, Some(2), "which partition must be said");
    // As the message says.
    let way_out = reason.split('`').nth(1).unwrap();
    let words: Vec<&str> = way_out.split(' ').skip(1).collect();
    let said = place.run(&words).fine();
    assert!(said.out.contains("goes on at offset"), "{said:?}");
    wait_for("readiness", || running.reasons().is_empty().then_some(()));
    wait_for("the rest", || (taken("login") == 6).then_some(()));
    assert_eq!(place.counts("login", ["lost"]), [gone]);
    let metric = format!("vitals_ingest_lost_total{{source=\"login\",partition=\"{number}\"}} {gone}");
    assert!(running.get("/metrics").1.contains(&metric));
    assert_eq!(running.terminate(), Some(0));
    assert!(place.run(["replay", "--verify"]).fine().out.contains("equal, byte for byte"));
}

/// A log in which the records of two accounts were folded.
fn folded() -> Place {
    let place = Place::ready(Some(&model("b2b.yaml")));
    let accounts = ["acme", "initech"];
    let mut lines = String::new();
    for (hour, account) in (0..20).flat_map(|hour| accounts.map(|account| (hour, account))) {
        let time = format!("2026-01-01T{hour:02}:00:00Z");
        let value = json!({"id": hour.to_string(), "time": time, "account": account, "user": "ada"});
        lines += &json!({"topic": "vitals.login", "key": account, "time": time, "value": value}).to_string();
        lines.push('\n');
    }
    place.feed(["produce"], &lines).fine();
    place.run(["run", "--mode", "recorded"]).fine();
    assert!(place.is_balanced(40));
    place
}

/// The outputs that are kept for ever.
fn outputs(place: &Place) -> Vec<Value> {
    let of = |name| place.run(["tail", name, "--json"]).fine().json();
    let outputs: Vec<_> = ["health", "alerts"].into_iter().flat_map(of).collect();
    assert!(!outputs.is_empty());
    outputs
}

/// Waits for a process to say why it is not ready: the same of each shard, with the way out.
fn refusal(running: &Running<'_>, reason: &str, way_out: &str) {
    let said =
        wait_for("the refusal", || Some(running.reasons()).filter(|said| said.matches(reason).count() == 2));
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(
        said.lines().all(|line| line.starts_with("score: vitals.journal/") && line.contains(way_out)),
        "{said}"
    );
    assert_eq!(running.get("/livez").0, 200);
}

#[test]
fn a_truncated_state_topic_is_refused_and_a_rebuild_brings_all_back() {
    let place = folded();
    let before = outputs(&place);
    truncate(&place, topic::STATE);
    // Nobody looks at a recorded run while it goes on: it ends.
    let said = place.run(["run", "--mode", "recorded"]);
    assert_eq!(said.status, Some(70), "{said:?}");
    assert!(said.err.contains("the score worker goes no further: vitals.journal-"), "{}", said.err);
    assert!(said.err.contains("state is missing, though offset"), "{}", said.err);
    let running = place.start();
    refusal(&running, "state is missing, though offset", "vitals run --rebuild");
    let status = place.run(["status"]);
    assert!(status.status == Some(1) && status.out.contains("vitals run --rebuild"), "{status:?}");
    assert_eq!(outputs(&place), before);
    assert_eq!(running.terminate(), Some(0));

    let running = place.start_with(&["--rebuild"]);
    wait_for("readiness", || running.reasons().is_empty().then_some(()));
    wait_for("the counts", || place.is_balanced(40).then_some(()));
    assert_eq!(running.terminate(), Some(0));
    // It goes on live, and what was said stands as it did.
    let after = outputs(&place);
    assert!(before.iter().all(|record| after.contains(record)));
    assert!(place.run(["replay", "--verify"]).fine().out.contains("equal, byte for byte"));
}

#[test]
fn a_journal_that_begins_after_the_checkpoint_is_refused_even_for_a_rebuild() {
    let place = folded();
    let before = outputs(&place);
    truncate(&place, topic::JOURNAL);
    for (flags, reason) in
        [(&[][..], "after the checkpoint at"), (&["--rebuild"], "the fold has no beginning")]
    {
        let running = place.start_with(flags);
        refusal(&running, reason, "backup");
        assert_eq!(outputs(&place), before);
        assert!(place.is_balanced(40), "what is known of the records is still known");
        assert_eq!(running.terminate(), Some(0));
    }
}
