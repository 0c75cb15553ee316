//! The simulation: thousands of seeds, each a run of the real workers in which much goes wrong.

use pipeline::variant::Correct;
use vitals_tests::simulation::{self, Report, Weather};

fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn tell(report: &Report) -> String {
    let Report { seed, finding, tail, .. } = report;
    let finding = finding.as_deref().unwrap_or("nothing");
    format!("{tail}seed {seed}: {finding}\n\nrun it alone: VITALS_SEED={seed} cargo test -p vitals-tests --test simulation live\n")
}

#[test]
fn live_workers_keep_their_promises_under_every_schedule() {
    let seeds = env("VITALS_SEED").map_or_else(|| 0..env("VITALS_SEEDS").unwrap_or(2_000), |seed| seed..seed + 1);
    let weather = match std::env::var("VITALS_WEATHER").as_deref() {
        Ok("fair") => Weather::Fair,
        Ok("rain") => Weather::Rain,
        _ => Weather::Storm,
    };
    let began = std::time::Instant::now();
    let (mut count, mut entries, mut outputs, mut steps) = (0, 0, 0, 0);
    let mut found = Vec::new();
    let mut tally = log::simulated::Tally::default();
    for seed in seeds {
        let report = simulation::run::<Correct>(seed, weather);
        if report.finding.is_some() {
            eprintln!("{}", tell(&report));
            found.push((seed, report.finding));
            continue;
        }
        count += 1;
        entries += report.entries;
        outputs += report.outputs;
        steps += report.steps;
        tally.add(&report.tally);
        if env("VITALS_SEED").is_some() {
            eprintln!("{}", tell(&report));
        }
    }
    println!("{count} seeds, {entries} entries, {outputs} outputs, {steps} steps in {:?}\n{tally}", began.elapsed());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_recorded_run_gives_the_same_outputs_whatever_goes_wrong() {
    let seeds = env("VITALS_SEED").map_or_else(|| 0..env("VITALS_SEEDS").unwrap_or(2_000) / 10, |seed| seed..seed + 1);
    let (mut entries, mut outputs, mut faults, mut least) = (0, 0, 0, u64::MAX);
    let mut found = Vec::new();
    for seed in seeds {
        let report = simulation::recorded::run::<Correct>(seed);
        if report.finding.is_some() {
            eprintln!("{}", tell(&report));
            found.push((seed, report.finding));
            continue;
        }
        entries += report.entries;
        outputs += report.outputs;
        faults += report.faults;
        least = least.min(report.faults);
    }
    println!("{entries} entries, {outputs} outputs, {faults} faults, at least {least} a seed");
    assert!(found.is_empty(), "{found:#?}");
}

/// How many seeds a wrong worker may escape.
const ESCAPES: u64 = 300;

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
