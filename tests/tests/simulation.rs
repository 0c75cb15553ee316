//! The simulation: thousands of seeds, each a run of the real workers in which much goes wrong.
//!
//! `VITALS_SEEDS` says how many (2,000 by default), `VITALS_SEED` runs one alone and shows its trace, and
//! `VITALS_WEATHER` (`fair`, `rain`, `storm`) says how much goes wrong.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a test")]

#[path = "../../crates/engine/tests/slow/mod.rs"]
mod slow;

use engine::entry::{Entry, Position};
use engine::{Shard, Step};
use log::simulated::{Fault, Stored, Tally};
use pipeline::variant::Correct;
use slow::recorder::Recorder;
use slow::{Fold, Search};
use std::sync::Arc;
use vitals_tests::simulation::{self, Deed, Deeds, Report, Weather};
use wire::frame::FrameBuffer;

/// How many seeds a wrong worker may escape.
const ESCAPES: u64 = 400;

/// How many entries of a journal the slow fold is asked about: it takes all of them into account at each.
const SLOWLY: usize = 600;

/// Seeds that once found a fault of the workers or of the fold, live and in recorded time.
const FOUND: ([u64; 13], [u64; 3]) =
    ([0, 1, 4, 5, 50, 135, 330, 737, 1_023, 1_195, 1_223, 3_099, 572], [166, 465, 1_533]);

fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn seeds(share: u64) -> std::ops::Range<u64> {
    let many = || 0..(env("VITALS_SEEDS").unwrap_or(2_000) / share).max(1);
    env("VITALS_SEED").map_or_else(many, |seed| seed..seed + 1)
}

fn weather() -> Weather {
    match std::env::var("VITALS_WEATHER").as_deref() {
        Ok("fair") => Weather::Fair,
        Ok("rain") => Weather::Rain,
        _ => Weather::Storm,
    }
}

/// Adds up what seeds came to, and shows what was found.
#[derive(Default)]
struct Sum {
    seeds: u64,
    entries: u64,
    outputs: u64,
    steps: u64,
    faults: u64,
    least: Option<(u64, u64)>,
    tally: Tally,
    deeds: Deeds,
    found: Vec<(u64, String)>,
}

impl Sum {
    fn add(&mut self, report: &Report, test: &str) {
        if report.finding.is_some() || env("VITALS_SEED").is_some() {
            let (seed, finding) = (report.seed, report.finding.as_deref().unwrap_or("nothing was found"));
            eprintln!("{}seed {seed}: {finding}", report.tail);
            eprintln!(
                "run it alone: VITALS_SEED={seed} cargo test -p vitals-tests --test simulation {test} -- --nocapture\n"
            );
        }
        if let Some(finding) = &report.finding {
            self.found.push((report.seed, finding.clone()));
            return;
        }
        self.seeds += 1;
        self.entries += report.entries;
        self.outputs += report.outputs;
        self.steps += report.steps;
        self.faults += report.faults;
        let (entries, faults) = self.least.unwrap_or((u64::MAX, u64::MAX));
        self.least = Some((entries.min(report.entries), faults.min(report.faults)));
        self.tally.add(&report.tally);
        self.deeds.add(&report.deeds);
    }

    fn tell(&self, began: std::time::Instant) {
        let Self { seeds, entries, outputs, steps, faults, .. } = self;
        let (least_entries, least_faults) = self.least.unwrap_or_default();
        println!(
            "{seeds} seeds in {:?}: {entries} entries (a seed at least {least_entries}), {faults} faults (a seed at least {least_faults}), {outputs} outputs, {steps} steps\n{}{}",
            began.elapsed(),
            self.tally,
            self.deeds
        );
        assert!(self.found.is_empty(), "{:#?}", self.found);
    }

    /// A kind of fault that changed nothing has tested nothing.
    fn assert_every_fault_changed_something(&self) {
        let idle: Vec<Fault> =
            Fault::ALL.into_iter().filter(|fault| self.tally.changed(*fault) == 0).collect();
        let without: Vec<Deed> =
            Deed::ALL.into_iter().filter(|deed| self.deeds.changed(*deed) == 0).collect();
        assert!(idle.is_empty(), "in {} seeds these changed nothing: {idle:?}", self.seeds);
        // They are rarer.
        assert!(
            without.is_empty() || self.seeds < 1_000,
            "in {} seeds these changed nothing: {without:?}",
            self.seeds
        );
    }
}

#[test]
fn live_workers_keep_their_promises_under_every_schedule() {
    let (began, weather) = (std::time::Instant::now(), weather());
    let mut sum = Sum::default();
    for seed in seeds(1) {
        sum.add(&simulation::run::<Correct>(seed, weather), "live");
    }
    sum.tell(began);
    let (entries, faults) = sum.least.unwrap();
    assert!(entries >= 500, "a seed has {entries} entries");
    assert!(faults >= 5 || weather == Weather::Fair, "a seed has {faults} faults");
    if weather == Weather::Storm && sum.seeds >= 100 {
        sum.assert_every_fault_changed_something();
    }
}

#[test]
fn seeds_that_found_a_fault_stay_quiet() {
    let began = std::time::Instant::now();
    let mut sum = Sum::default();
    for seed in FOUND.0 {
        sum.add(&simulation::run::<Correct>(seed, Weather::Storm), "live");
    }
    for seed in FOUND.1 {
        sum.add(&simulation::recorded::run::<Correct>(seed), "recorded");
    }
    sum.tell(began);
}

#[test]
fn a_recorded_run_gives_the_same_outputs_whatever_goes_wrong() {
    let began = std::time::Instant::now();
    let mut sum = Sum::default();
    for seed in seeds(8) {
        sum.add(&simulation::recorded::run::<Correct>(seed), "recorded");
    }
    sum.tell(began);
    let (entries, faults) = sum.least.unwrap();
    assert!(entries >= 500 && faults >= 5, "a seed has {entries} entries and {faults} faults");
}

/// Folds the beginning of a journal both ways and compares. Returns the number of effects.
fn fold_slowly(seed: u64, frames: &[Stored]) -> usize {
    let (mut shard, mut recorder, mut fold) = (Shard::new(), Recorder::default(), Fold::default());
    let mut buffer = FrameBuffer::default();
    for frame in frames {
        buffer.load(frame.value.as_deref().unwrap()).unwrap();
        let (mut reader, mut place) = (buffer.reader(), 0);
        while let Some(entry) = reader.next_entry().unwrap() {
            if let Entry::Model(text) = &entry {
                fold.push_model(frame.offset, place, &Arc::new(model::compile(text).unwrap().plan));
            }
            fold.push_entry(frame.offset, place, &entry);
            let at = Position { offset: frame.offset, entry: place, minute: i64::MIN };
            let mut step = shard.fold(at, &entry, &mut recorder).unwrap();
            while step == Step::More {
                step = shard.go_on(&mut recorder);
            }
            place += 1;
        }
        if fold.entries.len() >= SLOWLY {
            break;
        }
    }
    let told = fold.run(Search::Halving).effects;
    for (place, (fast, slow)) in recorder.0.iter().zip(&told).enumerate() {
        assert_eq!(
            fast, slow,
            "seed {seed}, effect {place}: the fold (left) and the slow fold (right) differ"
        );
    }
    assert_eq!(recorder.0.len(), told.len(), "seed {seed}: number of effects");
    recorder.0.len()
}

#[test]
fn journals_of_the_simulation_are_to_the_slow_fold_what_they_are_to_the_fold() {
    let began = std::time::Instant::now();
    let (mut effects, mut journals) = (0, 0);
    for seed in seeds(200) {
        let live = simulation::run::<Correct>(seed, Weather::Storm);
        let recorded = simulation::recorded::run::<Correct>(seed);
        for frames in live.journal.iter().take(1).chain(recorded.journal.iter().take(1)) {
            effects += fold_slowly(seed, frames);
            journals += 1;
        }
    }
    println!("{journals} journals in {:?}: {effects} effects", began.elapsed());
    assert!(effects > 20 * journals, "{effects} effects");
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in seeds(50) {
        let [one, other] = [(); 2].map(|()| simulation::run::<Correct>(seed, Weather::Storm));
        assert_eq!((one.hash, one.tally), (other.hash, other.tally), "seed {seed}");
        let [one, other] = [(); 2].map(|()| simulation::recorded::run::<Correct>(seed));
        assert_eq!((one.hash, one.tally), (other.hash, other.tally), "seed {seed}, recorded");
    }
}

#[test]
fn every_worker_that_is_known_to_be_wrong_is_found_out() {
    let mut escaped = Vec::new();
    for (name, run) in simulation::wrong::ALL {
        let found = (0..ESCAPES).find_map(|seed| Some((seed, run(seed).finding?)));
        match found {
            Some((seed, finding)) => {
                let finding = finding.lines().next().unwrap_or_default().to_owned();
                println!("{name:<22} seed {seed:>3}: {finding:.100}");
            }
            None => escaped.push(*name),
        }
    }
    assert!(escaped.is_empty(), "in {ESCAPES} seeds nothing was found of {escaped:?}");
}
