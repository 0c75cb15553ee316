//! Back-tests as a user has them: on the OULAD data, on small streams, and where they cannot be done.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod support;

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{Place, Said, model, wait_for};
use vitals_tests::oulad::{self, Dataset, Presentation};

/// Each presentation with its days 35 and 196.
const SPANS: [(&str, &str, &str); 2] =
    [("2013B", "2013-03-08", "2013-08-16"), ("2013J", "2013-11-05", "2014-04-15")];

/// The score of `deploy/models/oulad.yaml` tells who withdraws, and an independent script finds the same scores. One
/// presentation, or both where the whole is wanted.
#[test]
fn the_oulad_score_tells_who_withdraws_and_is_worked_out_alike_by_another() {
    let dataset = Dataset::read(&oulad::directory()).unwrap();
    let parts = if vitals_tests::is_whole() { 2 } else { 1 };
    let readme = include_str!("../../../README.md");
    for (code, from, to) in &SPANS[..parts] {
        let place = Place::new();
        let mut lines = Vec::new();
        oulad::write(&dataset, Presentation::of_code(code), &mut lines).unwrap();
        fs::write(place.path("activity.jsonl"), lines).unwrap();
        let yaml = model("oulad.yaml");
        let cuts = ["--from", from, "--to", to];
        let files = ["--input", "activity.jsonl", "--scores", "scores.jsonl", "--svg", "scores.svg"];
        let flags = cuts.iter().chain(&files).chain(&["--json", "--at-least", "0.7"]);
        let found =
            place.run(["backtest", yaml.to_str().unwrap()].iter().chain(flags)).fine().json().remove(0);
        let report = &found["models"][0];
        let auc = report["auc"]["value"].as_f64().unwrap();
        let figure = |name: &str| format!("{:.3}", report["auc"][name].as_f64().unwrap());
        let [value, low, high] = ["value", "low", "high"].map(figure);
        let row =
            format!("| {code} | {} | {} | {value} | {low} to {high} |", report["rows"], report["outcomes"]);
        assert!(readme.contains(&row), "the README should say {row}");
        assert_eq!(report["cuts"].as_array().unwrap().len(), 24);
        assert!(auc >= 0.7, "{auc}");
        assert!(fs::read_to_string(place.path("scores.svg")).unwrap().ends_with("</svg>\n"));
        check_scores(&place, &yaml, from, to);
    }
}

/// Has the script compare; and lets it find what is wrong by a hundredth.
fn check_scores(place: &Place, yaml: &Path, from: &str, to: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/backtest_scores.py");
    let compare = |scores: &str, to: &str| {
        let mut python = Command::new("python3");
        python.arg(&script).arg(yaml).args([place.path("activity.jsonl"), place.path(scores)]);
        python.args(["--from", from, "--to", to]).output().map(Said::of)
    };
    let Ok(said) = compare("scores.jsonl", to) else {
        return witness::skip("python3 cannot be run, so the scores are not worked out again");
    };
    println!("{}", said.fine().out);
    let text = fs::read_to_string(place.path("scores.jsonl")).unwrap();
    let first = format!("{from}T00:00:00Z");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut lines: Vec<Value> = lines.filter(|line| line["cut"] == first.as_str()).collect();
    let score = lines[999]["score"].as_f64().unwrap();
    lines[999]["score"] = json!(if score < 50.0 { score + 0.01 } else { score - 0.01 });
    let changed: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::write(place.path("changed.jsonl"), changed.join("\n")).unwrap();
    let said = compare("changed.jsonl", from).unwrap();
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(said.out.contains(", 1 differ"), "{said:?}");
}

/// Who logs in less has a lower score.
const LOGINS: &str = "
format: 1
model: logins
score: { bands: { healthy: 70, at-risk: 0 } }
outcomes: { bad: { subscription: { kind: ended } } }
signals:
  logins: { count_days: login, over: 28d }
  meetings: { count: csm-activity, over: 28d }
goals:
  use:
    statement: They come back.
    owner: csm
    weight: 100
    measures:
      logins: { kind: leading, weight: 80, curve: { 0: 0, 28: 100 } }
      meetings: { kind: activity, weight: 20, curve: { 0: 0, 5: 100 } }
";

/// A hundred days of forty accounts: each fourth leaves on day 90 or a few days before, and logs in seldom from day 40 on.
fn stream() -> String {
    let mut lines: Vec<(u32, String)> = Vec::new();
    let mut tell = |day: u32, account: u32, source: &str, kind: &str| {
        let time = format!("2026-{:02}-{:02}T{:02}:00:00Z", 1 + day / 28, 1 + day % 28, 6 + account % 12);
        let name = format!("account-{account}");
        let id = format!("{source}-{kind}-{day}-{account}");
        let value = json!({ "id": id, "time": time, "account": name, "user": "u", "kind": kind, "subscription": name });
        let line = json!({ "topic": format!("vitals.{source}"), "key": name, "time": time, "value": value });
        lines.push((day, line.to_string()));
    };
    for account in 0..40 {
        let leaves = (account % 4 == 0).then_some(90 - account / 4);
        tell(0, account, "subscription", "started");
        for day in 0..leaves.unwrap_or(100) {
            if leaves.is_none() || day < 40 || day % 9 == 0 {
                tell(day, account, "login", "signed-in");
            }
            if day % 20 == account % 20 {
                tell(day, account, "csm-activity", "meeting");
            }
        }
        if let Some(day) = leaves {
            tell(day, account, "subscription", "ended");
        }
    }
    lines.sort_by_key(|(day, _)| *day);
    lines.into_iter().map(|(_, line)| line + "\n").collect()
}

/// Account, cut and score of each line of a file.
fn rows(place: &Place, name: &str) -> Vec<(String, String, String)> {
    let text = fs::read_to_string(place.path(name)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.to_string();
    let mut rows: Vec<_> =
        lines.map(|line| (text(&line["account"]), text(&line["cut"]), text(&line["score"]))).collect();
    rows.sort();
    rows
}

#[test]
fn files_a_journal_and_a_process_that_holds_it_say_the_same() {
    let place = Place::new();
    place.write("logins.yaml", LOGINS);
    place.write("activity.jsonl", &stream());
    place.set_up(Some(&place.path("logins.yaml")));
    place.run(["produce", "activity.jsonl"]).fine();
    place.run(["run", "--mode", "recorded"]).fine();
    let ask = ["backtest", "logins.yaml", "--to", "2026-04-10", "--json", "--scores"];
    let found = place.run(ask.iter().chain(&["journal", "--svg", "picture.svg"])).fine().json().remove(0);
    let report = &found["models"][0];
    assert!(report["auc"]["value"].as_f64().unwrap() > 0.9, "{report}");
    let measures: Vec<_> =
        report["measures"].as_array().unwrap().iter().map(|of| [&of["measure"], &of["verdict"]]).collect();
    assert_eq!(json!(measures), json!([["logins", "tells"], ["meetings", "vanity"]]));
    place.run(ask.iter().chain(&["files", "--input", "activity.jsonl"])).fine();
    let rows_of_journal = rows(&place, "journal");
    assert!(rows_of_journal.len() > 400);
    assert_eq!(rows_of_journal, rows(&place, "files"));
    let running = place.start();
    place.run(ask.iter().chain(&["served"])).fine();
    drop(running);
    assert_eq!(rows_of_journal, rows(&place, "served"));
}

#[test]
fn what_comes_after_a_cut_changes_no_score_at_it() {
    let place = Place::new();
    place.write("logins.yaml", LOGINS);
    let all = stream();
    let ends = all.match_indices('\n').map(|(at, _)| at + 1);
    // Each prefix ends somewhere within a day.
    for length in ends.step_by(701).skip(1).chain([all.len()]) {
        place.write("activity.jsonl", all.get(..length).unwrap());
        let name = format!("{length}.jsonl");
        let ask = [
            "backtest",
            "logins.yaml",
            "--every",
            "1d",
            "--horizon",
            "1d",
            "--input",
            "activity.jsonl",
            "--scores",
            &name,
        ];
        // Before anybody leaves there is nothing to judge.
        assert!(matches!(place.run(ask).status, Some(0 | 1 | 70)));
    }
    let whole = rows(&place, &format!("{}.jsonl", all.len()));
    let mut compared = 0;
    for file in fs::read_dir(place.path(".")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if name == "activity.jsonl" || !name.ends_with(".jsonl") {
            continue;
        }
        let part = rows(&place, &name);
        let last = part.iter().map(|(_, cut, _)| cut).max().unwrap();
        let same: Vec<_> = whole.iter().filter(|(_, cut, _)| cut <= last).cloned().collect();
        assert_eq!(part, same, "{name}");
        compared += part.len();
    }
    assert!(compared > 10_000, "{compared}");
}

#[test]
fn two_models_stand_side_by_side_and_the_text_names_what_tells_nothing() {
    let place = Place::new();
    place.write("logins.yaml", LOGINS);
    let meetings = LOGINS.replace("weight: 80", "weight: 0").replace("weight: 20", "weight: 100");
    place.write("meetings.yaml", &meetings.replace("model: logins", "model: meetings"));
    place.write("activity.jsonl", &stream());
    let ask = |one: &str, other: &str| {
        place.run(["backtest", one, "--against", other, "--input", "activity.jsonl"])
    };
    let said = ask("logins.yaml", "meetings.yaml").fine();
    for text in
        ["the first model ranks better", "`meetings` is a vanity measure: it does not tell who comes to it"]
    {
        assert!(said.out.contains(text), "{}", said.out);
    }
    // By itself the other one does not tell.
    let said = ask("meetings.yaml", "logins.yaml");
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(said.out.contains("the second model ranks better"), "{}", said.out);
}

#[test]
fn what_cannot_be_tested_is_said_with_the_way_out() {
    let place = Place::new();
    place.write("logins.yaml", LOGINS);
    place.write("activity.jsonl", &stream());
    let outcome = "outcomes: { bad: { subscription: { kind: ended } } }\n";
    place.write("without.yaml", &LOGINS.replace(outcome, ""));
    let input = ["--input", "activity.jsonl"];
    for (flags, status, text) in [
        (&["without.yaml"][..], 1, "model without.yaml has no outcome `bad`"),
        (&["logins.yaml", "--outcome", "good"], 1, "outcomes: { good: { subscription: { kind: renewed } } }"),
        (&["logins.yaml", "--horizon", "28"], 2, "like `28d` or `12h`"),
        (&["logins.yaml", "--every", "5m"], 2, "--every is less than an hour"),
        (&["logins.yaml", "--from", "2026-03-01", "--to", "2026-02-01"], 2, "--from lies after --to"),
        (&["logins.yaml", "--horizon", "365d"], 70, "scores whose 365d end after the data"),
        (&["logins.yaml", "--at-least", "0.9999"], 1, ""),
        (&["logins.yaml", "--svg", "nowhere/a.svg"], 70, "file nowhere/a.svg cannot be written"),
    ] {
        let said = place.run(["backtest"].iter().chain(flags).chain(&input));
        assert_eq!(said.status, Some(status), "{flags:?}: {said:?}");
        assert!(said.err.contains(text), "{flags:?}: {said:?}");
    }
    place.write("bad.jsonl", &format!("{}no JSON\n", stream()));
    let said = place.run(["backtest", "logins.yaml", "--input", "bad.jsonl"]);
    assert!(
        said.err.contains("bad.jsonl, line ") && said.err.ends_with("; correct it or leave it out\n"),
        "{said:?}"
    );
    place.set_up(Some(&place.path("logins.yaml")));
    let said = place.run(["backtest", "logins.yaml"]);
    assert_eq!(said.status, Some(70), "{said:?}");
    assert!(said.err.contains("there is no activity to back-test: `vitals run` takes in"), "{said:?}");
}

/// After the last activity comes one of three years later: those are no three years in which nobody left.
#[test]
fn one_wrong_time_makes_no_years() {
    let place = Place::new();
    place.write("logins.yaml", LOGINS);
    place.write("activity.jsonl", &stream());
    let late = stream().lines().last().unwrap().replace("2026-", "2029-");
    place.write("wrong.jsonl", &format!("{}{late}\n", stream()));
    let report = |file: &str| {
        let said = place.run(["backtest", "logins.yaml", "--to", "2027-06-01", "--json", "--input", file]);
        said.fine().json().remove(0)["models"][0].clone()
    };
    let (sound, wrong) = (report("activity.jsonl"), report("wrong.jsonl"));
    assert!(wrong["left_out"]["idle"].as_u64().unwrap() > 1_000, "{wrong}");
    let cuts = |report: &Value| report["cuts"].as_array().unwrap().clone();
    let (sound, mut wrong) = (cuts(&sound), cuts(&wrong));
    // The horizon of the last four cuts is over now, though the data are not.
    assert_eq!(wrong.split_off(sound.len()).len(), 4);
    assert_eq!(wrong, sound);
}

#[test]
fn what_is_interrupted_leaves_nothing_behind() {
    let place = Place::new();
    place.write("logins.yaml", LOGINS);
    for (command, with) in
        [("demo", &["--accounts", "2000"][..]), ("backtest", &["logins.yaml", "--input", "-"])]
    {
        let temporary = place.path(command);
        fs::create_dir(&temporary).unwrap();
        let mut child = place.command([command].iter().chain(with));
        // Standard input stays open, so that it waits for more.
        let child =
            child.env("TMPDIR", &temporary).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = child.spawn().unwrap();
        let entries = || fs::read_dir(&temporary).unwrap().count();
        wait_for("its directory", || (entries() > 0).then_some(()));
        support::signal(&child, "INT");
        let status = wait_for("its end", || child.try_wait().unwrap());
        assert_eq!((status.code(), entries()), (Some(130), 0), "{command}");
    }
}
