//! What is wrong is refused with one clear message and the way out; nothing is lost by it.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod support;

use serde_json::json;
use support::{Place, model, wait_for};

#[test]
fn an_unknown_key_of_a_model_is_told_with_its_place_and_never_published() {
    let place = Place::ready(None);
    let good = std::fs::read_to_string(model("b2b.yaml")).unwrap();
    place.write("bad.yaml", &good.replace("  publish_change:", "  publish_chance:"));
    for (command, status) in [(["model", "check"], 1), (["model", "publish"], 70), (["setup", "--model"], 70)]
    {
        let said = place.run(command.iter().chain(&["bad.yaml"]));
        assert_eq!(said.status, Some(status), "{said:?}");
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
    assert_eq!(running.get("/readyz").0, 200);
    assert_eq!(running.terminate(), Some(0));
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
    wait_for("the record", || {
        let status = place.run(["status", "--balance", "--json"]).json().remove(0);
        let balance = status["balance"].as_array().unwrap();
        let applied: i64 = balance.iter().map(|of| of["applied"].as_i64().unwrap()).sum();
        (applied == 1 && balance.iter().all(|of| of["unaccounted"] == 0)).then_some(())
    });
    assert_eq!(running.terminate(), Some(0));
    assert!(place.run(["replay", "--verify"]).fine().out.contains("equal, byte for byte"));
}
