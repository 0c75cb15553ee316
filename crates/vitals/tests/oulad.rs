//! A real recorded stream, twice: a part of the OULAD data, or all of it with `VITALS_FULL=1`.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

#[path = "support/recorded.rs"]
mod recorded;
mod support;

use recorded::{Outputs, assert_equal, assert_exact, count, oulad_lines, outputs};
use std::time::Instant;
use support::{Place, model};

/// Every so manyth student is taken, unless all are.
const PART: u64 = 32;

#[test]
fn oulad_is_accounted_for_replays_exactly_and_gives_the_same_twice() {
    let lines = oulad_lines(PART);
    let one = play(&lines);
    let counts = ["health", "alerts", "account-health", "dead-letter"].map(|topic| count(&one, topic));
    println!("health, alerts, accounts, dead letters: {counts:?}");
    assert!(counts[0] > 5_000 && counts[1] > 200 && counts[2] > 200 && counts[3] == 0, "{counts:?}");
    assert_equal(&one, &play(&lines));
}

fn play(lines: &str) -> Outputs {
    let begun = Instant::now();
    let place = Place::new();
    let yaml = model("oulad.yaml");
    place.run(["setup", "--set", "topics.partitions=4", "--model", yaml.to_str().unwrap()]).fine();
    place.feed(["produce"], lines).fine();
    let listen = ["--listen", "127.0.0.1:0"];
    let run = ["run", "--log", "embedded", "--mode", "recorded", "--json"];
    let balances = place.run(run.iter().chain(&listen)).fine().json();
    let records: u64 = balances.iter().map(|of| of["records"].as_u64().unwrap()).sum();
    assert_eq!(records, u64::try_from(lines.lines().count()).unwrap());
    assert!(balances.iter().all(|of| of["unaccounted"] == 0), "{balances:?}");
    let ran = begun.elapsed();
    let found = assert_exact(&place);
    println!("{records} records in {ran:?}; verified after {:?}: {found}", begun.elapsed());
    outputs(&place)
}
