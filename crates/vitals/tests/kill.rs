//! A recorded run that is killed again and again gives what an undisturbed one gives.
//! A part of the OULAD data is played, or all of it with `VITALS_FULL=1`.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

#[path = "support/recorded.rs"]
mod recorded;
mod support;

use recorded::{assert_equal, assert_exact, count, oulad_lines, outputs};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::{Place, model};
use vitals_tests::simulation::rng::Rng;

/// Every so manyth student is taken, unless all are.
const PART: u64 = 32;
/// How often the run is killed at least, and how often of these between begin and commit.
const KILLS: usize = 10;
const BETWEEN: usize = 5;
/// Small transactions, synced, that the log tells of.
const SETTINGS: &str = "[log]\ndir = 'data'\nreserve_bytes = 0\n\
    [topics]\npartitions = 4\nsource_partitions = 2\n[admin]\nlisten = '127.0.0.1:0'\n\
    [ingest]\ntransaction_bytes = 65536\n[score]\ncommit_least_ms = 0\ncommit_most_ms = 1\ncheckpoint_interval_ms = 500\n\
    [trace]\nformat = 'json'\nfilter = 'info,vitals_log=debug'\n";

#[test]
fn whatever_is_killed_nothing_is_lost_and_nothing_is_doubled() {
    let lines = oulad_lines(PART) + &bad_lines();
    let undisturbed = ready(&lines);
    let whole = run(&undisturbed, None);
    assert!(whole.ended_well, "{whole:?}");
    assert_exact(&undisturbed);
    let expected = outputs(&undisturbed);
    assert!(count(&expected, "alerts") > 100 && count(&expected, "dead-letter") == 20);

    let mut rng = Rng::new(7);
    let (mut kills, mut between, mut rounds) = (0, 0, 0);
    // So that, on the average, the kills wanted and some more come within one run.
    let [begun, scored, told] = [whole.begun, whole.scored, whole.told].map(|all| 1 + all / 6);
    while kills < KILLS || between < BETWEEN {
        rounds += 1;
        assert!(rounds < 6, "{between} of {kills} kills came between begin and commit");
        let killed = ready(&lines);
        for number in 0.. {
            // When there are kills enough, the rest is left to go on undisturbed.
            let enough = kills >= KILLS && between >= BETWEEN;
            // Scoring goes on for long after ingest has ended, in few transactions.
            let moment = match number % 4 {
                0 => Moment::Begun(1 + rng.below(begun)),
                1 => Moment::Told(1 + rng.below(told)),
                _ => Moment::Scored(1 + rng.below(scored)),
            };
            let seen = run(&killed, if enough { None } else { Some(moment) });
            if seen.ended_well {
                break;
            }
            kills += 1;
            between += usize::from(seen.open > 0);
            let Seen { begun, open, took, .. } = seen;
            println!(
                "kill {kills}, {moment:?}: {begun} transactions begun, {open} of them open, in {took:?}"
            );
        }
        let found = assert_exact(&killed);
        assert_equal(&expected, &outputs(&killed));
        println!("round {rounds}: {kills} kills, {between} of them between begin and commit; {found}");
    }
    println!(
        "{} records, {} transactions, {} of them scoring, in {:?} undisturbed",
        lines.lines().count(),
        whole.begun,
        whole.scored,
        whole.took
    );
}

/// Records for the dead letters.
fn bad_lines() -> String {
    let line = |number| {
        format!(r#"{{"topic":"vitals.login","key":"k{number}","time":"2013-10-01T00:00:00Z","value":"bad"}}"#)
    };
    (0..20).map(|number| line(number) + "\n").collect()
}

fn ready(lines: &str) -> Place {
    let place = Place::new();
    place.write("vitals.toml", SETTINGS);
    let yaml = model("oulad.yaml");
    place.run(["setup", "--model", yaml.to_str().unwrap()]).fine();
    place.feed(["produce"], lines).fine();
    place
}

/// When a run is killed: by what it does, not by the clock, so that a slow machine and a fast one do the same.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// As soon as so many transactions have begun.
    Begun(usize),
    /// As soon as so many of those that score have begun.
    Scored(usize),
    /// As soon as it has told so much, whatever it is.
    Told(usize),
}

/// What a run told before its end.
#[derive(Debug, Default)]
struct Seen {
    /// Transactions begun.
    begun: usize,
    /// Those of them that score.
    scored: usize,
    /// Lines of whatever kind.
    told: usize,
    /// Writers whose last transaction was begun and not told to be committed.
    open: usize,
    ended_well: bool,
    took: Duration,
    last: Vec<String>,
}

/// Runs to the end, or until it is killed.
fn run(place: &Place, kill: Option<Moment>) -> Seen {
    let begun = Instant::now();
    let mut command = place.command(["run", "--mode", "recorded"]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let told = BufReader::new(child.stderr.take().unwrap());
    let mut seen = Seen::default();
    let mut writers: BTreeMap<String, bool> = BTreeMap::new();
    for line in told.lines() {
        let line = line.unwrap();
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        let is_begin = event["message"] == "begin";
        if is_begin || event["message"] == "commit" || event["message"] == "no commit" {
            writers.insert(event["writer"].as_str().unwrap().to_owned(), is_begin);
        } else {
            seen.last.push(line);
        }
        seen.begun += usize::from(is_begin);
        seen.scored += usize::from(is_begin && event["writer"].as_str().unwrap().contains("-score-"));
        seen.told += 1;
        let is_due = match kill {
            Some(Moment::Begun(number)) => seen.begun >= number,
            Some(Moment::Scored(number)) => seen.scored >= number,
            Some(Moment::Told(number)) => seen.told >= number,
            None => false,
        };
        if is_due {
            // SIGKILL; what it had written is still read. It may have ended by itself.
            child.kill().unwrap_or_default();
        }
    }
    let status = child.wait().unwrap();
    seen.open = writers.values().filter(|is_open| **is_open).count();
    seen.ended_well = status.success();
    seen.took = begun.elapsed();
    assert!(seen.ended_well || status.code().is_none(), "{status}: {:#?}", seen.last);
    seen
}
