//! The binary on a real Kafka: the same outputs as on the embedded log, and exactly once with two processes of which one
//! after the other is killed.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

#[path = "support/recorded.rs"]
mod recorded;
mod support;

use model::time::EventTime;
use recorded::{assert_equal, assert_exact, count, oulad_lines, outputs};
use serde_json::json;
use std::fmt::Write;
use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};
use support::{Place, model, wait_for};
use vitals_tests::broker::{Cluster, Options};

/// Every so manyth student of OULAD is taken, unless all are.
const PART: u64 = 64;

/// A model of one source: with it accounts are scored from the first watermark on.
const LOGINS: &str = "
format: 1
model: logins
owner: ops@example.com
score: { bands: { healthy: 70, at-risk: 0 }, publish_change: 1 }
sources: { login: { max_delay: 2s, max_skew: 1m, silent_at_most: 1m } }
signals: { logins: { count: login, over: 7d } }
goals:
  use:
    statement: They come back.
    owner: csm
    weight: 100
    measures: { logins: { kind: leading, weight: 100, curve: { 0: 0, 40: 100 } } }
alerts: { few: { when: { logins: { below: 10 } }, notify: csm } }
";

/// A place whose log is on the cluster.
fn place(cluster: &Cluster, more: &str) -> Place {
    let place = Place::new();
    let bootstrap = cluster.bootstrap().join(",");
    let text = format!(
        "[log]\nkind = 'kafka'\n[kafka]\nbootstrap = '{bootstrap}'\n{more}\n\
         [topics]\npartitions = 4\nsource_partitions = 2\n[admin]\nlisten = '127.0.0.1:0'\n"
    );
    place.write("vitals.toml", &text);
    place
}

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

/// A `vitals run` beside others.
struct Process<'p> {
    place: &'p Place,
    name: &'static str,
    child: Child,
    url: String,
}

impl<'p> Process<'p> {
    fn start(place: &'p Place, name: &'static str) -> Self {
        // Free now; whoever takes it before the process does makes the test fail with that message.
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let log = File::options().create(true).append(true).open(place.path(name)).unwrap();
        let mut command = place.command(["run", "--process", name, "--workers", "2", "--listen", &listen]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { place, name, child, url: format!("http://{listen}/readyz") }
    }

    fn kill(mut self) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        Self::start(self.place, self.name)
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.place.path(self.name)).unwrap()
    }

    fn is_ready(&mut self) -> bool {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "{} ended: {ended:?}\n{}", self.name, self.said());
        ureq::get(&self.url).call().is_ok()
    }
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Logins at an instant, by so many accounts.
fn logins(round: u32, accounts: u32, at: i64) -> String {
    let time = EventTime(at).to_string();
    let mut lines = String::new();
    for account in 0..accounts {
        let value = json!({ "id": format!("{round}-{account}"), "account": format!("account-{account}"),
            "time": time, "user": format!("user-{}", round % 5) });
        writeln!(
            lines,
            "{}",
            json!({ "topic": "vitals.login", "key": format!("{account}"), "value": value })
        )
        .unwrap();
    }
    lines
}

#[test]
fn two_processes_of_which_one_after_the_other_is_killed_lose_and_double_nothing() {
    const ROUNDS: u32 = 30;
    const ACCOUNTS: u32 = 100;
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    let place = place(&cluster, "transaction_timeout_ms = 5000");
    place.write("logins.yaml", LOGINS);
    place.run(["setup", "--model", "logins.yaml"]).fine();
    // An hour ago, in recorded time: so that no account waits for its spread any more.
    place.feed(["produce"], &logins(ROUNDS, ACCOUNTS, now() - 3_600_000)).fine();
    place.run(["run", "--mode", "recorded"]).fine();
    let mut one = Process::start(&place, "one");
    let mut other = Process::start(&place, "other");
    wait_for("both processes to be ready", || (one.is_ready() && other.is_ready()).then_some(()));
    // Nothing is said that would lead somebody astray who looks for a fault.
    assert!(!one.said().contains("bootstrap.servers"), "{}", one.said());
    let mut kills = 0;
    for round in 0..ROUNDS {
        place.feed(["produce"], &logins(round, ACCOUNTS, now())).fine();
        match round % 6 {
            2 => one = one.kill(),
            5 => other = other.kill(),
            _ => continue,
        }
        kills += 1;
    }
    let all = i64::from((ROUNDS + 1) * ACCOUNTS);
    wait_for("everything to be folded", || place.is_balanced(all).then_some(()));
    // Time goes on by watermarks, which come when they come; with them every account is scored.
    let scored = || place.run(["tail", "health", "--json"]).fine().out.lines().count();
    wait_for("all accounts to be scored", || (scored() >= ACCOUNTS as usize).then_some(()));
    drop((one, other));
    let found = place.run(["replay", "--verify", "--json"]).fine().json().remove(0);
    println!("{kills} kills: {found}");
    assert!(found["compared"].as_u64().unwrap() >= u64::from(ACCOUNTS), "{found}");
    for count in ["missing", "extra", "different"] {
        assert_eq!(found[count], 0, "{found}");
    }
}
