//! Under fire: processes and brokers are killed and stand still, connections break, crawl and hang, commits arrive late.
//! Then every activity is accounted for once, and what was published is the fold of the journal.
//!
//! A small fire; with `VITALS_FULL=1` one of two million activities, fifty kills and twenty faults of brokers, which takes
//! some twenty minutes.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

#[path = "support/processes.rs"]
mod processes;
mod support;

use kafka::{Kafka, Settings};
use log::{Appends, CommitError, Error, Log, Transaction, Writer};
use model::time::EventTime;
use processes::{Process, place};
use serde_json::json;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use support::{now, wait_for};
use vitals_tests::broker::proxy::{END_TXN, Weather};
use vitals_tests::broker::{Cluster, Options};
use vitals_tests::is_whole;
use vitals_tests::simulation::rng::Rng;

/// Two sources, of which each activity moves the score by half a point.
const MODEL: &str = "
format: 1
model: fire
owner: ops@example.com
score: { bands: { healthy: 70, at-risk: 0 }, publish_change: 1 }
sources:
  login: { max_delay: 2s, max_skew: 1m, silent_at_most: 1m }
  feature-usage: { max_delay: 2s, max_skew: 1m, silent_at_most: 1m }
signals:
  logins: { count: login, over: 7d }
  users: { distinct: user, from: feature-usage, over: 7d }
  usage: { sum: count, from: feature-usage, over: 7d }
goals:
  use:
    statement: They come back.
    owner: csm
    weight: 100
    measures:
      logins: { kind: leading, weight: 50, curve: { 0: 0, 100: 100 } }
      users: { kind: leading, weight: 10, curve: { 0: 0, 20: 100 } }
      usage: { kind: leading, weight: 40, curve: { 0: 0, 100: 100 } }
alerts: { few: { when: { logins: { below: 10 } }, notify: csm } }
";

const TOPICS: [&str; 2] = ["vitals.login", "vitals.feature-usage"];

/// A time-out that is over soon, and a group that soon learns who is gone.
const SETTINGS: &str = "transaction_timeout_ms = 5000\n\
    [kafka.consumer]\n'session.timeout.ms' = 6000\n'heartbeat.interval.ms' = 500\n";

/// How much goes wrong.
struct Size {
    activities: u64,
    per_second: u64,
    /// Of processes.
    kills: usize,
    pauses: usize,
    /// Of brokers: half of them are killed, half stand still.
    brokers: usize,
    /// Of connections.
    connections: usize,
}

const SMALL: Size =
    Size { activities: 40_000, per_second: 1_000, kills: 5, pauses: 1, brokers: 2, connections: 4 };
const FULL: Size =
    Size { activities: 2_000_000, per_second: 4_000, kills: 50, pauses: 10, brokers: 20, connections: 32 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    KillProcess,
    PauseProcess,
    KillBroker,
    PauseBroker,
    Cut,
    Slow,
    Hang,
    LateCommit,
}

/// A span of chance.
fn chosen(rng: &mut Rng, least_ms: i64, most_ms: i64) -> Duration {
    Duration::from_millis(rng.between(least_ms, most_ms).unsigned_abs())
}

impl Size {
    const fn accounts(&self) -> u64 {
        self.activities / 200
    }

    /// All that is done, in an order of chance.
    fn acts(&self, rng: &mut Rng) -> Vec<Act> {
        let mut acts = vec![Act::KillProcess; self.kills];
        acts.extend(vec![Act::PauseProcess; self.pauses]);
        acts.extend([Act::KillBroker, Act::PauseBroker].into_iter().cycle().take(self.brokers));
        let connections = [Act::LateCommit, Act::Cut, Act::Slow, Act::Hang];
        acts.extend(connections.into_iter().cycle().take(self.connections));
        for place in (1..acts.len()).rev() {
            acts.swap(place, rng.below(place + 1));
        }
        acts
    }
}

/// For how long activities are sent.
#[derive(Default)]
struct Until {
    /// All acts are done.
    is_over: AtomicBool,
    /// The test has failed.
    is_broken: AtomicBool,
}

/// Tells that it is over, or that the test has failed.
struct Ending<'u>(&'u Until);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
        self.0.is_broken.store(thread::panicking(), Ordering::Relaxed);
    }
}

impl Until {
    fn goes_on(&self, sent: u64, wanted: u64) -> bool {
        let [is_over, is_broken] = [&self.is_over, &self.is_broken].map(|flag| flag.load(Ordering::Relaxed));
        !(is_broken || is_over && sent >= wanted)
    }
}

/// Sends each activity at least once, at a steady pace. Returns how many there are.
fn produce(log: &Kafka, size: &Size, until: &Until) -> u64 {
    let open = || {
        wait_for("the producer", || match log.writer("fire") {
            Ok(writer) => Some(writer),
            Err(Error::Busy(_)) => None,
            Err(error) => panic!("{error}"),
        })
    };
    let (topics, accounts) = (TOPICS.map(Arc::from), size.accounts());
    let (mut writer, mut sent) = (open(), 0);
    let (begun, batch) = (Instant::now(), size.per_second / 10);
    while until.goes_on(sent, size.activities) {
        let due = Duration::from_millis(sent * 1_000 / size.per_second);
        thread::sleep(due.saturating_sub(begun.elapsed()));
        let mut appends = Appends::default();
        for number in sent..sent + batch {
            add(&mut appends, &topics, number, accounts);
        }
        let transaction = Transaction { appends: &[&appends], offsets: &[], membership: None };
        wait_for("a commit", || match writer.commit(&transaction) {
            Ok(_) => Some(()),
            Err(CommitError::Aborted { after, .. }) => {
                thread::sleep(after);
                None
            }
            // Perhaps it was committed: then what is sent again is a duplicate.
            Err(CommitError::Fenced { .. } | CommitError::Unknown { .. }) => {
                writer = open();
                None
            }
        });
        sent += batch;
    }
    sent
}

/// An activity of a source and an account.
fn activity(id: &str, account: u64, at: i64, user: u64) -> serde_json::Value {
    json!({ "id": id, "account": format!("account-{account}"), "time": EventTime(at).to_string(),
        "user": format!("user-{user}"), "feature": "report" })
}

/// One activity of each account and source an hour ago: in recorded time, so that nobody waits for its spread any more.
fn an_hour_ago(accounts: u64) -> String {
    let line = |account: u64, topic: &str| {
        let value = activity(&format!("before-{account}"), account, now() - 3_600_000, 0);
        json!({ "topic": topic, "key": account.to_string(), "value": value }).to_string() + "\n"
    };
    (0..accounts).flat_map(|account| TOPICS.map(|topic| line(account, topic))).collect()
}

fn add(appends: &mut Appends, topics: &[Arc<str>; 2], number: u64, accounts: u64) {
    let account = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % accounts;
    let topic = &topics[usize::try_from(number % 2).unwrap()];
    let value = activity(&number.to_string(), account, now(), number % 23).to_string();
    let partition = u32::try_from(account % 2).unwrap();
    appends.push(topic, partition, None, Some(value.as_bytes()), &[]);
}

/// Does one thing, and what it takes to mend it.
fn act(act: Act, cluster: &mut Cluster, processes: &mut [Process<'_>], rng: &mut Rng) -> String {
    let (process, node) = (rng.below(processes.len()), rng.below(3));
    let span = chosen(rng, 500, 4_000);
    match act {
        Act::KillProcess => processes[process].kill(),
        Act::PauseProcess => {
            // Sometimes for longer than a session and a transaction may last.
            let span = span * 3;
            processes[process].signal("STOP");
            thread::sleep(span);
            processes[process].signal("CONT");
        }
        Act::KillBroker => {
            cluster.node(node).kill();
            thread::sleep(span);
            cluster.node(node).start_again();
        }
        Act::PauseBroker => {
            cluster.node(node).pause();
            thread::sleep(span * 2);
            cluster.node(node).resume();
        }
        Act::Cut => cluster.node(node).proxy().cut(),
        Act::Slow | Act::Hang => {
            let slow = Weather {
                delay: chosen(rng, 10, 200),
                bytes_per_second: Some(400_000),
                stands: act == Act::Hang,
            };
            cluster.node(node).proxy().set(slow);
            thread::sleep(span);
            cluster.node(node).proxy().set(Weather::default());
        }
        Act::LateCommit => {
            // Not every broker decides of transactions, and one of which many are may be out of reach.
            let late = wait_for("a commit", || {
                (0..3).find_map(|node| {
                    let proxy = cluster.node(node).proxy();
                    let caught = proxy.catch(END_TXN, true).recv_timeout(Duration::from_secs(1));
                    proxy.catch_nothing();
                    caught.ok()
                })
            });
            thread::sleep(span);
            let answer = late.release();
            let code = answer.last_chunk().map(|code| i16::from_be_bytes(*code));
            return format!("a commit came {span:.1?} late and was told {code:?}");
        }
    }
    format!("process {process} or broker {node}, {span:.1?}")
}

#[test]
fn under_fire_nothing_is_lost_and_nothing_is_doubled() {
    let options = Options { nodes: 3, proxied: true, ..Options::default() };
    let Some(mut cluster) = Cluster::start(&options) else { return };
    let size = if is_whole() { FULL } else { SMALL };
    let place = place(&cluster, SETTINGS);
    place.write("fire.yaml", MODEL);
    place.run(["setup", "--model", "fire.yaml"]).fine();
    // Past the proxies: late commits are to meet the processes.
    let log = Kafka::new(Settings::plain(cluster.direct())).unwrap();
    place.feed(["produce"], &an_hour_ago(size.accounts())).fine();
    place.run(["run", "--mode", "recorded"]).fine();
    let mut processes = ["one", "two", "three"].map(|name| Process::start(&place, name));
    wait_for("the processes", || processes.iter_mut().all(Process::is_ready).then_some(()));

    let (rng, until) = (&mut Rng::new(0x5eed), Until::default());
    let acts = size.acts(rng);
    let pace = Duration::from_secs(size.activities / size.per_second) / u32::try_from(acts.len()).unwrap();
    let all = thread::scope(|scope| {
        let producer = scope.spawn(|| produce(&log, &size, &until));
        let ending = Ending(&until);
        for (number, what) in acts.iter().enumerate() {
            let begun = Instant::now();
            let told = act(*what, &mut cluster, &mut processes, rng);
            println!("{number:3} {what:?}: {told}");
            processes.iter_mut().for_each(Process::must_live);
            thread::sleep(pace.saturating_sub(begun.elapsed()));
        }
        drop(ending);
        producer.join().unwrap()
    });
    let all = i64::try_from(all + 2 * size.accounts()).unwrap();
    let is_folded =
        catch_unwind(|| wait_for("everything to be folded", || place.is_balanced(all).then_some(())));
    if is_folded.is_err() {
        let said = processes.iter().map(Process::said).collect::<String>();
        panic!("of {all}: {:?}\n{said}", place.balance());
    }
    processes.iter_mut().for_each(Process::must_live);
    drop(processes);
    let found = place.run(["replay", "--verify", "--json"]).fine().json().remove(0);
    println!("{} acts, {all} activities: {found}", acts.len());
    assert!(found["compared"].as_i64().unwrap() > all / 8, "{found}");
    for count in ["missing", "extra", "different"] {
        assert_eq!(found[count], 0, "{found}");
    }
}
