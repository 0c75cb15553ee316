//! Commands beside a `vitals run` that holds the directory: they ask it, and it guards what it answers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod support;

use serde_json::Value;
use support::{Place, model, wait_for};

#[test]
fn everything_works_beside_a_run() {
    let place = Place::ready(None);
    let running = place.start();
    let (status, body) =
        wait_for("the reason", || Some(running.get("/readyz")).filter(|(_, body)| body.contains("no model")));
    assert_eq!(status, 503);
    assert!(body.contains("vitals model publish"), "{body}");

    let b2b = model("b2b.yaml");
    place.run(["model", "publish", b2b.to_str().unwrap()]).fine();
    assert!(place.run(["model", "show"]).fine().out.contains("b2b-customer-health"));
    wait_for("readiness", || (running.get("/readyz").0 == 200).then_some(()));

    let lines = r#"{"topic":"vitals.login","key":"ada","value":{"id":"1","time":"2026-01-01T00:00:00Z","account":"acme","user":"ada"}}
{"topic":"vitals.login","key":"bob","value_hex":"ff00"}
{"topic":"vitals.login","key":"eve","value":null}
"#;
    assert_eq!(place.feed(["produce", "--json"], lines).fine().json()[0]["appended"], 3);
    let letter = wait_for("the dead letter", || {
        let said = place.run(["tail", "dead-letter"]).fine().out;
        said.lines().next().map(str::to_owned)
    });
    assert!(letter.contains("not-utf8"), "{letter}");
    wait_for("the accounts of all records", || {
        let balance = place.run(["status", "--balance", "--json"]).json();
        let balance = balance[0]["balance"].as_array().unwrap().clone();
        balance.iter().all(|of| of["unaccounted"] == 0).then_some(())
    });
    let metrics = running.get("/metrics").1;
    assert!(metrics.contains("vitals_ingest_rejected_total"), "{metrics}");
    assert!(metrics.contains("# HELP vitals_score_shards"), "{metrics}");

    let said = place.run(["source", "resume", "login"]);
    assert_eq!(said.status, Some(70));
    assert!(said.err.contains("source login is not stopped"), "{}", said.err);
    let said = place.run(["run"]);
    assert_eq!(said.status, Some(70));
    assert!(said.err.contains("only one process can hold it"), "{}", said.err);
    assert_eq!(running.terminate(), Some(0));
    assert!(!place.path("data/admin").exists());
    assert!(place.run(["replay", "--verify"]).fine().out.contains("equal, byte for byte"));
}

#[test]
fn only_health_and_metrics_are_told_without_the_token() {
    let place = Place::ready(None);
    let running = place.start();
    let token = running.address()["token"].as_str().unwrap().to_owned();
    assert_eq!(running.get("/livez").0, 200);
    assert_eq!(running.get("/metrics").0, 200);
    for path in ["/status", "/topics", "/topics/vitals.login/0?offset=0"] {
        assert_eq!(running.get(path).0, 401, "{path}");
        assert_eq!(running.ask(path, Some("wrong")).0, 401, "{path}");
        assert_eq!(running.ask(path, Some(&token)).0, 200, "{path}");
    }
    assert_eq!(running.ask("/topics/vitals.nothing/0?offset=0", Some(&token)).0, 404);
    assert_eq!(running.ask("/topics/vitals.login/0?offset=99", Some(&token)).0, 416);
    let error: Value = serde_json::from_str(&running.get("/status").1).unwrap();
    assert!(error["error"].as_str().unwrap().contains("admin.token"));
}

#[test]
fn what_a_killed_run_leaves_behind_stands_in_nobodys_way() {
    let place = Place::ready(Some(&model("b2b.yaml")));
    let running = place.start();
    wait_for("readiness", || (running.get("/readyz").0 == 200).then_some(()));
    running.kill();
    assert!(place.path("data/admin").exists());
    place.run(["status"]).fine();
    let running = place.start();
    wait_for("readiness", || (running.get("/readyz").0 == 200).then_some(()));
    assert_eq!(running.terminate(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_told_with_the_way_out() {
    let place = Place::ready(None);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let said = place.run(["run", "--listen", &taken.local_addr().unwrap().to_string()]);
    assert_eq!(said.status, Some(70));
    assert!(said.err.contains("port 0 for any free one"), "{}", said.err);
    assert!(!place.path("data/admin").exists());
}

#[test]
fn a_source_that_is_stopped_goes_on_when_told_to() {
    let place = Place::ready(Some(&model("b2b.yaml")));
    place.write("limits.toml", "");
    let text = std::fs::read_to_string(place.path("vitals.toml")).unwrap();
    place.write("vitals.toml", &format!("{text}[ingest]\nstop_in_a_row = 5\n"));
    let running = place.start();
    let bad = r#"{"topic":"vitals.login","key":"ada","value":"no json"}"#;
    place.feed(["produce"], &format!("{bad}\n").repeat(20)).fine();
    wait_for("the stop", || running.get("/readyz").1.contains("source login is stopped").then_some(()));
    assert_eq!(place.run(["status"]).status, Some(1));
    let letters = place.run(["tail", "dead-letter"]).fine().out.lines().count();
    assert_eq!(letters, 5);
    place.run(["source", "resume", "login"]).fine();
    wait_for("the rest", || {
        (place.run(["tail", "dead-letter"]).fine().out.lines().count() > 5).then_some(())
    });
}
