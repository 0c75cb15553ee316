//! The binary on a real Kafka: the same outputs as on the embedded log.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "tests: a failure is a panic")]

#[path = "support/processes.rs"]
mod processes;
#[path = "support/recorded.rs"]
mod recorded;
mod support;

use processes::place;
use recorded::{assert_equal, assert_exact, count, oulad_lines, outputs};
use std::collections::BTreeMap;
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
    is_what_another_client_reads(&cluster, &kafka);
}

/// Every record that Kafka's own client reads of the sources is accounted for, and what it reads of the outputs is what
/// the journal gives.
fn is_what_another_client_reads(cluster: &Cluster, place: &Place) {
    let status = place.run(["status", "--balance", "--json"]).fine().json().remove(0);
    let mut counts = BTreeMap::new();
    for of in status["balance"].as_array().unwrap() {
        let number = |name: &str| of[name].as_u64().unwrap();
        let accounted = ["applied", "duplicate", "late", "rejected", "skipped"].map(number);
        let topic = format!("vitals.{}", of["source"].as_str().unwrap());
        let read = counts.entry(topic.clone()).or_insert_with(|| cluster.count(&topic));
        let read = read.get(&u32::try_from(number("partition")).unwrap()).copied().unwrap_or(0);
        assert_eq!(accounted.iter().sum::<u64>(), read, "{of}");
    }
    assert!(counts.values().flat_map(BTreeMap::values).sum::<u64>() > 2_000, "{counts:?}");
    let found = place.run(["replay", "--verify", "--json"]).fine().json().remove(0);
    let outputs =
        ["vitals.health", "vitals.alerts", "vitals.account-health"].map(|topic| cluster.count(topic));
    let read: u64 = outputs.iter().flat_map(BTreeMap::values).sum();
    let given = found["compared"].as_u64().unwrap();
    assert!(read >= given && read - given <= found["superseded"].as_u64().unwrap(), "{read} of {found}");
}
