//! Is the recorded data set told completely, in order, and the same way each time?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::{Dataset, Presentation};
use crate::oulad;
use serde_json::Value;

static LINES: LazyLock<String> = LazyLock::new(|| told(None));

fn told(only: Option<Presentation>) -> String {
    let mut out = Vec::new();
    oulad::write(&Dataset::read(&oulad::directory()).unwrap(), only, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn lines() -> impl Iterator<Item = Value> {
    LINES.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// FNV-1a.
fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// How many records of a topic there are by kind, stage, feature or evidence: whichever tells them apart.
fn counts() -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for line in lines() {
        let value = &line["value"];
        let names = ["evidence", "kind", "stage", "feature"].map(|field| text(value, field));
        let name = names.into_iter().find(|name| !name.is_empty()).unwrap();
        *counts.entry((text(&line, "topic").to_owned(), name.to_owned())).or_default() += 1;
    }
    counts
}

#[test]
fn the_bytes_are_the_same_each_time() {
    assert_eq!(fingerprint(&LINES), 0x6c0a_48e3_a859_7684);
}

#[test]
fn every_row_of_the_data_set_is_told() {
    let counts = counts();
    let expected = [
        ("vitals.account", "registered", 13_529),
        ("vitals.account", "studying", 13_529 - 974),
        ("vitals.feature-usage", "cma", 35_754),
        ("vitals.feature-usage", "exam", 1570),
        ("vitals.feature-usage", "pre-course", 10_032),
        ("vitals.feature-usage", "tma", 44_715),
        ("vitals.milestone", "banked", 719 - 29),
        ("vitals.milestone", "handed-in", 82_758 - 719),
        ("vitals.milestone", "planned", 127_408),
        ("vitals.subscription", "ended", 3723),
        ("vitals.subscription", "started", 13_529),
    ];
    let counts: Vec<(&str, &str, usize)> =
        counts.iter().map(|((topic, name), count)| (topic.as_str(), name.as_str(), *count)).collect();
    assert_eq!(counts, expected);
}

#[test]
fn one_presentation_is_what_both_tell_of_it() {
    for presentation in [Presentation::B2013, Presentation::J2013] {
        let prefix = format!("\"account\":\"{}-", presentation.code());
        let alone = told(Some(presentation));
        assert!(alone.lines().eq(LINES.lines().filter(|line| line.contains(&prefix))));
    }
}

#[test]
fn lines_come_in_the_order_of_their_times_and_no_id_comes_twice() {
    let mut latest = String::new();
    let mut ids = BTreeSet::new();
    for line in lines() {
        let time = text(&line, "time");
        assert!(*time >= *latest && text(&line["value"], "time") == time, "{line}");
        assert_ne!(text(&line, "key"), text(&line["value"], "account"));
        time.clone_into(&mut latest);
        assert!(ids.insert(text(&line["value"], "id").to_owned()), "{line}");
    }
}

#[test]
fn an_account_is_told_first_and_a_milestone_planned_before_it_is_reached() {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in lines() {
        let value = &line["value"];
        let account = text(value, "account").to_owned();
        match text(value, "kind") {
            _ if text(value, "stage") == "registered" => {
                assert!(known.insert(account, BTreeSet::new()).is_none(), "{line}");
            }
            "planned" => {
                let planned = known.get_mut(&account).unwrap();
                assert!(planned.insert(text(value, "milestone").to_owned()), "{line}");
            }
            "reached" => assert!(known[&account].contains(text(value, "milestone")), "{line}"),
            _ => assert!(known.contains_key(&account), "{line}"),
        }
    }
}

#[test]
fn a_submission_of_the_due_day_is_in_time() {
    // Assessment 1752 is due on day 19; student 11391 handed it in on day 18.
    let reached = lines().find(|line| text(&line["value"], "id") == "reached-1752-11391").unwrap();
    let (time, due_at) = (text(&reached["value"], "time"), text(&reached["value"], "due_at"));
    assert_eq!(due_at, "2013-10-20T23:59:59Z");
    assert!(time.starts_with("2013-10-19T"), "{time}");
}

#[test]
fn a_cell_that_cannot_be_read_is_named() {
    let directory = std::env::temp_dir().join(format!("vitals-oulad-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    for entry in std::fs::read_dir(oulad::directory()).unwrap() {
        let entry = entry.unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let text = text.replace("1752,28400,22,", "1752,28400,soon,");
        std::fs::write(directory.join(entry.file_name()), text).unwrap();
    }
    let error = Dataset::read(&directory).unwrap_err().to_string();
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(error, "studentAssessment.csv:3: column `date_submitted`: `soon` is not a whole number");
}
