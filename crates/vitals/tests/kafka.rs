//! The binary on a real Kafka: the same outputs as on the embedded log, and live, by two processes, silence that is an
//! event, bad input that stops its source alone, a dead source that is not a silent customer, and a stalled partition that
//! delays nothing but its own source; and what does not fit together there is refused.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

#[path = "support/dead_feed.rs"]
#[allow(dead_code, reason = "the rest is of the embedded log")]
mod dead_feed;
#[path = "support/processes.rs"]
mod processes;
#[path = "support/recorded.rs"]
mod recorded;
mod support;

use dead_feed::{BACK, DAY, DAYS, DeadFeed, FULL, HOUR, MODEL, SECOND};
use kafka::{Held, Kafka, Settings};
use log::{Appends, Cleanup, Log, Stamp, TopicSpec, Transaction, Writer};
use model::source::Source;
use model::time::EventTime;
use processes::{Process, place, place_at};
use recorded::{assert_equal, assert_exact, count, oulad_lines, outputs};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;
use support::{LIVE, Place, model, now, wait_for};
use vitals_tests::broker::proxy::{DESCRIBE_CONFIGS, OFFSET_FETCH, TXN_OFFSET_COMMIT};
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
    let [(one, _), (other, found)] = [&embedded, &kafka].map(|place| {
        place.run(["setup", "--model", yaml.to_str().unwrap()]).fine();
        place.feed(["produce"], &lines).fine();
        place.run(["run", "--mode", "recorded"]).fine();
        let found = assert_exact(place);
        println!("{found}");
        (outputs(place), found)
    });
    assert!(count(&one, "health") > 2_000 && count(&one, "alerts") > 100);
    assert_equal(&one, &other);
    is_what_another_client_reads(&cluster, &kafka, &found);
}

/// Every record that Kafka's own client reads of the sources is accounted for, and what it reads of the outputs is what
/// the journal gives, as a replay has `found`.
fn is_what_another_client_reads(cluster: &Cluster, place: &Place, found: &Value) {
    let mut accounted: BTreeMap<String, BTreeMap<u32, u64>> = BTreeMap::new();
    for of in place.balance() {
        let number = |name: &str| of[name].as_u64().unwrap();
        let sum = ["applied", "duplicate", "late", "rejected", "skipped"].map(number).iter().sum();
        let topic = format!("vitals.{}", of["source"].as_str().unwrap());
        let partition = u32::try_from(number("partition")).unwrap();
        accounted.entry(topic).or_default().insert(partition, sum);
    }
    accounted.values_mut().for_each(|partitions| partitions.retain(|_, count| *count > 0));
    accounted.retain(|_, partitions| !partitions.is_empty());
    let outputs = ["vitals.health", "vitals.alerts", "vitals.account-health"];
    let topics: Vec<&str> = accounted.keys().map(String::as_str).chain(outputs).collect();
    // Each waits for more that might come, so all at once.
    let counts: BTreeMap<&str, BTreeMap<u32, u64>> = thread::scope(|scope| {
        let counts: Vec<_> =
            topics.iter().map(|topic| (*topic, scope.spawn(|| cluster.count(topic)))).collect();
        counts.into_iter().map(|(topic, count)| (topic, count.join().unwrap())).collect()
    });
    for (topic, accounted) in &accounted {
        assert_eq!(counts[topic.as_str()], *accounted, "{topic}");
    }
    assert!(accounted.values().flat_map(BTreeMap::values).sum::<u64>() > 2_000, "{counts:?}");
    let read: u64 = outputs.iter().flat_map(|topic| counts[topic].values()).sum();
    let given = found["compared"].as_u64().unwrap();
    assert!(read >= given && read - given <= found["superseded"].as_u64().unwrap(), "{read} of {found}");
}

/// Of each of these accounts, when it was last active, in seconds after t. The feed dies after the last.
const LAST: [(&str, i64); 4] = [("a", 0), ("b", 3), ("c", 8), ("e", 15)];

fn login(account: &str, at: i64) -> Value {
    let time = EventTime(at).to_string();
    json!({ "id": format!("{account}-{at}"), "account": account, "time": time, "user": "ada", "feature": "x" })
}

/// The process that has stopped a source, and says so.
fn who_stopped(processes: &mut [Process<'_>]) -> Option<usize> {
    processes.iter_mut().position(|process| {
        let told = process.readiness();
        told.is_some_and(|(status, body)| {
            status == 503
                && body.contains("source feature-usage is stopped")
                && body.contains("vitals source resume feature-usage")
        })
    })
}

#[test]
fn two_processes_find_who_is_silent_with_no_input_and_stop_a_source_that_is_bad() {
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    let place = place(&cluster, "");
    place.write("live.yaml", LIVE);
    place.run(["setup", "--model", "live.yaml"]).fine();
    // An hour ago, in recorded time: so the accounts are known, and none waits for its spread.
    let old = LAST.map(|(account, _)| {
        json!({ "topic": "vitals.login", "key": account, "value": login(account, now() - 3_600 * SECOND) })
            .to_string()
    });
    place.feed(["produce"], &old.join("\n")).fine();
    place.run(["run", "--mode", "recorded"]).fine();
    let mut processes = ["one", "two"].map(|name| Process::start(&place, name));
    wait_for("both processes", || processes.iter_mut().all(Process::is_ready).then_some(()));

    let log = Kafka::new(Settings::plain(cluster.bootstrap())).unwrap();
    let mut writer = wait_for("a writer", || log.writer("live").ok());
    let mut send = |topic: &str, partition: u32, values: &[String]| {
        let mut appends = Appends::default();
        for value in values {
            appends.push(&topic.into(), partition, None, Some(value.as_bytes()), &[]);
        }
        let transaction = Transaction { appends: &[&appends], offsets: &[], membership: None };
        wait_for("a commit", || writer.commit(&transaction).ok());
    };
    let t = now();
    let mut a_at = t;
    for second in 0..=15 {
        let wait = t + second * SECOND - now();
        thread::sleep(Duration::from_millis(u64::try_from(wait).unwrap_or(0)));
        let at = now();
        if second == 0 {
            a_at = at;
        }
        let active: Vec<_> = LAST.iter().filter(|(_, last)| *last >= second).collect();
        for (place, (account, _)) in (0..).zip(active) {
            send("vitals.login", place % 2, &[login(account, at).to_string()]);
        }
        if second == 2 {
            let mut bad = vec!["no json".to_owned(); 1_500];
            bad.push(login("good", at).to_string());
            send("vitals.feature-usage", 0, &bad);
        }
    }
    // Nothing comes in from here on.
    let alert = wait_for("the alert of a", || place.fired().into_iter().find(|alert| alert["key"] == "a"));
    println!("readable {} ms after its last activity", now() - a_at);
    assert_eq!(alert["value"]["as_of"], EventTime(a_at + 20 * SECOND).to_string(), "{alert}");

    wait_for("the stop", || who_stopped(&mut processes));
    assert_eq!(place.letters().len(), 1_000);
    processes.iter_mut().for_each(Process::kill);
    let stopped = wait_for("the stop after a restart", || who_stopped(&mut processes));
    // Long after everybody's limit by the clock on the wall, the clock of the source stands.
    thread::sleep(Duration::from_millis(u64::try_from(t + 45 * SECOND - now()).unwrap_or(0)));
    let alerts = place.fired();
    let accounts: Vec<_> = alerts.iter().map(|alert| alert["key"].as_str().unwrap()).collect();
    assert_eq!(accounts.iter().filter(|account| **account == "a").count(), 1, "{accounts:?}");
    assert!(BTreeSet::from_iter(accounts).is_subset(&BTreeSet::from(["a", "b"])), "{alerts:#?}");
    assert_eq!(place.letters().len(), 1_000);
    processes[stopped].ask(["source", "resume", "feature-usage"]).fine();
    // The good one is of no use to this model.
    wait_for("the rest", || {
        let counts = place.counts("feature-usage", ["rejected", "skipped", "unaccounted"]);
        (counts == [1_500, 1, 0]).then_some(())
    });
    assert_eq!(place.letters().len(), 1_500);
    assert_eq!(processes.map(Process::terminate), [Some(0), Some(0)]);
    let found = place.run(["replay", "--verify", "--json"]).fine().json().remove(0);
    assert!(found["compared"].as_u64().unwrap() > 0 && found["different"] == 0, "{found}");
}

/// Opens a transaction that appends to these partitions, and leaves it open: whoever reads what is committed comes no
/// further.
fn stall(log: &Kafka, id: &str, partitions: &[(Source, u32)]) -> Held {
    let mut appends = Appends::default();
    for (source, partition) in partitions {
        appends.push(&pipeline::topic::of_source(*source), *partition, None, Some(b"never"), &[]);
    }
    let open = Transaction { appends: &[&appends], offsets: &[], membership: None };
    wait_for("the open transaction", || log.hold(id, &open).ok())
}

/// How far a source is complete in every shard of two processes; nothing while not all shards are at work and know it.
fn watermark(processes: &mut [Process<'_>; 2], source: &str) -> Option<i64> {
    let standings = processes.each_mut().map(Process::standing);
    let shards: Vec<_> = standings.iter().flat_map(|of| of["shards"].as_array().unwrap()).collect();
    let clock = |shard: &&Value| {
        let clocks = shard["clocks"].as_array().unwrap();
        clocks.iter().find(|clock| clock["source"] == source)?["watermark_ms"].as_i64()
    };
    let known: Option<Vec<_>> = shards.iter().map(clock).collect();
    known.filter(|known| known.len() == 4)?.into_iter().min()
}

#[test]
fn a_dead_source_raises_nothing_and_a_stalled_partition_delays_no_other_source() {
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    let place = place(&cluster, "");
    place.write("dead-feed.yaml", MODEL);
    place.run(["setup", "--model", "dead-feed.yaml"]).fine();
    // It ends at the midnight before the last, so that the present is well beyond it.
    let feed = DeadFeed { begin: now() / DAY * DAY - (DAYS + 1) * DAY };
    let mut settings = Settings::plain(cluster.bootstrap());
    settings.transaction_timeout = Duration::from_mins(10);
    let log = Kafka::new(settings).unwrap();
    // All of it stands there before anybody reads, up to when windows are full, and behind that the rest. The sources of
    // which nothing comes have no watermark before the end, so that instants are those of the logins.
    place.feed(["produce"], &feed.lines(0, FULL * 24)).fine();
    let logins = stall(&log, "logins", &[(Source::Login, 0), (Source::Login, 1)]);
    let usage = stall(&log, "usage", &[(Source::FeatureUsage, 0)]);
    let used = [Source::Login, Source::FeatureUsage];
    let others: Vec<_> = Source::ALL.into_iter().filter(|source| !used.contains(source)).collect();
    let others: Vec<_> = others.iter().flat_map(|source| [(*source, 0), (*source, 1)]).collect();
    let others = stall(&log, "others", &others);
    place.feed(["produce"], &feed.lines(FULL * 24, DAYS * 24)).fine();

    let mut processes = ["one", "two"].map(|name| Process::start(&place, name));
    wait_for("both processes", || {
        processes.iter_mut().all(|process| process.readiness().is_some()).then_some(())
    });
    // The last activity before that, less what may still be under way.
    let full = feed.day(FULL) - 4 * HOUR - 6 * 60 * SECOND;
    for source in used {
        wait_for("full windows", || (watermark(&mut processes, source.name()) == Some(full)).then_some(()));
    }
    assert!(logins.abort());
    // Logins die and come back, and who is silent is found in time, while a partition of the usage stands still all along.
    let told = wait_for("who is silent", || {
        let told = feed.told(&place);
        (told.iter().filter(|(_, rule, _)| rule == "silent").count() == 2).then_some(told)
    });
    wait_for("the end of the logins", || {
        watermark(&mut processes, "login").filter(|at| *at > feed.day(DAYS)).map(drop)
    });
    assert_eq!(watermark(&mut processes, "feature-usage"), Some(full));
    assert_eq!(feed.told(&place), told);
    feed.only_the_silent_are_found(&told);
    assert_eq!(
        told.len(),
        2,
        "none of a source that stands still, nor of one that others wait for: {told:?}"
    );
    println!("{} records; {told:?}", feed.nothing_is_emptied_and_the_dead_are_named(&place));
    assert!(feed.found()[1] > feed.day(BACK));

    assert!(usage.abort() && others.abort());
    let all = feed.lines(0, DAYS * 24).lines().count();
    wait_for("the rest", || place.is_balanced(i64::try_from(all).unwrap()).then_some(()));
    let told = wait_for("who uses nothing", || {
        let told = feed.told(&place);
        told.iter().any(|(_, rule, _)| rule == "unused").then_some(told)
    });
    feed.only_the_silent_are_found(&told);
    let unused: Vec<_> = told.iter().filter(|(_, rule, _)| rule == "unused").map(|(who, ..)| who).collect();
    assert_eq!(unused, ["gone-off"], "{told:?}");
    assert_eq!(processes.map(Process::terminate), [Some(0), Some(0)]);
    let found = place.run(["replay", "--verify", "--json"]).fine().json().remove(0);
    for count in ["missing", "extra", "different"] {
        assert_eq!(found[count], 0, "{found}");
    }
}

/// What `vitals run` says that refuses to begin: one complaint, with these words in it.
fn assert_refused(place: &Place, words: &[&str]) {
    // Under the name of the others, whose partitions then wait for no session to end.
    let said = place.run(["run", "--process", "one", "--workers", "2"]);
    assert_eq!(said.status, Some(70), "{said:?}");
    let complaints: Vec<_> = said.err.lines().filter(|line| line.starts_with("vitals: ")).collect();
    let [complaint] = complaints.as_slice() else { panic!("{said:?}") };
    println!("{complaint}");
    for word in words {
        assert!(complaint.contains(word), "{word}: {said:?}");
    }
}

/// Makes topics anew with so many partitions.
fn make_anew(cluster: &Cluster, log: &Kafka, topics: &[(&str, Cleanup)], partitions: u32) {
    cluster.delete_topics(&topics.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (name, cleanup) in topics {
        let max_record_bytes = pipeline::topic::MAX_RECORD_BYTES;
        let (name, cleanup) = ((*name).into(), *cleanup);
        let spec = TopicSpec { name, partitions, stamp: Stamp::Append, cleanup, max_record_bytes };
        wait_for("the topic", || log.create(&spec).ok());
    }
}

#[test]
fn what_does_not_fit_is_refused_with_one_message_and_the_way_out_works() {
    let Some(mut cluster) = Cluster::start(&Options { proxied: true, ..Options::default() }) else { return };
    let place = place_at(&cluster.direct(), "");
    place.write("live.yaml", LIVE);
    place.run(["setup", "--model", "live.yaml"]).fine();
    let log = Kafka::new(Settings::plain(cluster.direct())).unwrap();
    let begins = |flags: &[&str]| {
        let mut process = Process::start_with(&place, "one", flags);
        wait_for("readiness", || process.is_ready().then_some(()));
        assert_eq!(process.terminate(), Some(0));
    };
    begins(&[]);

    // Kafka is down when they start: alive, and they say what they wait for; one is told to end, the other goes on.
    cluster.node(0).kill();
    let mut down = ["one", "two"].map(|name| Process::start(&place, name));
    let waits = format!("waiting for Kafka at {}: ", cluster.direct().join(","));
    for process in &mut down {
        let (status, body) = wait_for("the reason", || {
            process.readiness().filter(|(_, body)| body.contains(&waits) && body.contains("refused"))
        });
        let told: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, told["reasons"].as_array().unwrap().len()), (503, 1), "{body}");
        assert!(process.is_alive());
        println!("{body}");
    }
    let [mut one, two] = down;
    assert_eq!(two.terminate(), Some(0));
    cluster.node(0).start_again();
    wait_for("readiness", || one.is_ready().then_some(()));
    assert_eq!(one.terminate(), Some(0));

    // As Kafka 2.4 speaks, and as Kafka 0.10 does.
    for most in [
        &[(OFFSET_FETCH, Some(6)), (TXN_OFFSET_COMMIT, Some(2))][..],
        &[(OFFSET_FETCH, Some(2)), (TXN_OFFSET_COMMIT, None), (DESCRIBE_CONFIGS, None)],
    ] {
        cluster.node(0).proxy().pretend(most);
        assert_refused(&place_at(&cluster.bootstrap(), ""), &["Kafka 2.5 or newer is needed"]);
    }

    // A journal that does not keep what is folded from, as it can be made by hand, and the state.
    for (topic, property, bad, good) in [
        ("vitals.journal", "retention.ms", "604800000", "-1"),
        ("vitals.journal", "retention.bytes", "1073741824", "-1"),
        ("vitals.journal", "cleanup.policy", "compact", "delete"),
        ("vitals.state", "cleanup.policy", "compact,delete", "compact"),
    ] {
        cluster.set_property(topic, property, bad);
        let mends = format!("--entity-name {topic} --add-config {property}={good}` mends it");
        assert_refused(&place, &[&format!("topic {topic} "), property, bad, &mends]);
        let told = place.run(["setup", "--dry-run"]);
        assert!(told.status == Some(1) && told.out.contains(&mends), "{told:?}");
        cluster.set_property(topic, property, good);
    }
    // How long outputs are kept is for those to say who read them.
    cluster.set_property("vitals.alerts", "retention.ms", "604800000");
    begins(&[]);

    cluster.delete_topics(&["vitals.alerts", "vitals.login"]);
    assert_refused(&place, &["vitals.alerts, vitals.login do not exist", "`vitals setup` creates them"]);
    place.run(["setup"]).fine();

    let kept = [("vitals.health", Cleanup::Keep), ("vitals.alerts", Cleanup::Keep)];
    let compacted = [("vitals.state", Cleanup::Compact), ("vitals.account-health", Cleanup::Compact)];
    make_anew(&cluster, &log, &compacted, 2);
    let words = [
        "vitals.journal has 4 partitions, but vitals.state 2, vitals.account-health 2; they must have as many",
    ];
    assert_refused(&place, &words);
    assert_refused(&place, &["setup --set topics.partitions=4`", "`vitals run --rebuild`"]);
    make_anew(&cluster, &log, &[compacted, kept].concat(), 2);
    assert_refused(&place, &["vitals.journal was made anew, or given more", "in an empty place"]);
    let all = [compacted, kept].concat();
    cluster.delete_topics(&all.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    place.run(["setup", "--set", "topics.partitions=4"]).fine();
    begins(&["--rebuild"]);
}
