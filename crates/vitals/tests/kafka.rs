//! The binary on a real Kafka: the same outputs as on the embedded log.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "tests: a failure is a panic")]

#[path = "support/processes.rs"]
mod processes;
#[path = "support/recorded.rs"]
mod recorded;
mod support;

use processes::place;
use recorded::{assert_equal, assert_exact, count, oulad_lines, outputs};
use support::{Place, model};
use vitals_tests::broker::{Cluster, Options};

/// Every so manyth student of OULAD is taken, unless all are.
const PART: u64 = 64;

#[test]
fn a_recorded_run_says_on_kafka_what_it_says_on_the_embedded_log() {
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    let embedded = Place::new();
    embedded.write(
        "vitals.toml",
        "[log]\ndir = 'data'\ndurability = 'buffered'\nreserve_bytes = 0\n\
         [topics]\npartitions = 4\nsource_partitions = 2\n[admin]\nlisten = '127.0.0.1:0'\n",
    );
    let kafka = place(&cluster, "");
    let lines = oulad_lines(PART);
    let yaml = model("oulad.yaml");
    let [one, other] = [&embedded, &kafka].map(|place| {
        place.run(["setup", "--model", yaml.to_str().unwrap()]).fine();
        place.feed(["produce"], &lines).fine();
        place.run(["run", "--mode", "recorded"]).fine();
        println!("{}", assert_exact(place));
        outputs(place)
    });
    assert!(count(&one, "health") > 2_000 && count(&one, "alerts") > 100);
    assert_equal(&one, &other);
}
