//! A partition of one source stands still: no alert of another source waits for that, and none comes of it; what it held
//! back itself comes once it goes on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use log::simulated::{Cluster, Faults, Simulated};
use log::{Log, Partition};
use model::source::Source;
use model::time::{EventTime, MINUTE, SECOND};
use pipeline::settings::{self, Identity};
use pipeline::{Ingest, Score, topic};

const MODEL: &str = "
format: 1
model: stalled
owner: ops@example.com
score: { bands: { healthy: 70, at-risk: 0 } }
sources: { login: { max_delay: 2s, max_skew: 1s }, feature-usage: { max_delay: 2s, max_skew: 1s } }
signals: { last_login: { since_last: login }, last_use: { since_last: feature-usage } }
goals:
  use:
    statement: They come back.
    owner: csm
    weight: 100
    measures:
      last_login: { kind: leading, weight: 50, curve: { 5s: 100, 12m: 0 } }
      last_use:   { kind: leading, weight: 50, curve: { 5s: 100, 12m: 0 } }
alerts:
  silent: { when: { last_login: { at_least: 40s } }, notify: csm }
  unused: { when: { last_use: { at_least: 60s } }, notify: csm }
";

/// Who there is. The usage of the second one comes in the partition that will stand still.
const ACCOUNTS: [&str; 4] = ["steady", "stalled", "gone", "off"];

/// After so long at most what is told is readable: max delay, two intervals of marks, two of commits.
const SOON: i64 = 2 * SECOND + 2 * SECOND + SECOND;

/// An alert that fired: account and rule, as of when, and when it could be read first.
type Fired = (String, i64, i64);

struct Live {
    cluster: Cluster,
    ingest: Ingest<Simulated>,
    score: Score<Simulated>,
    sent: u64,
    fired: Vec<Fired>,
}

fn usage(number: u32) -> Partition {
    Partition::new(topic::of_source(Source::FeatureUsage), number)
}

impl Live {
    fn new() -> Self {
        let cluster = Cluster::new(3, Faults::none());
        let log = cluster.process("live");
        for spec in topic::specs(1, 2) {
            log.create(&spec).unwrap();
        }
        pipeline::publish(&log, MODEL, 1).unwrap();
        let ingest = Ingest::new(log.clone(), Identity::default(), settings::Ingest::default());
        let score = Score::new(log, Identity::default(), settings::Score::default());
        Self { cluster, ingest, score, sent: 0, fired: Vec::new() }
    }

    fn send(&mut self, partition: &Partition, account: &str) {
        self.sent += 1;
        let (id, time) = (self.sent, EventTime(self.cluster.now()));
        let value =
            format!(r#"{{"id":"{id}","time":"{time}","account":"{account}","user":"ada","feature":"f"}}"#);
        self.cluster.append_raw(partition, Some(b"k"), Some(value.as_bytes()), None);
    }

    /// Lets time pass. All but `silent` log in every ten seconds, all but `unused` use something.
    fn pass(&mut self, ms: i64, silent: &str, unused: &str) {
        let until = self.cluster.now() + ms;
        let mut round = 0_u32;
        while self.cluster.now() < until {
            if round.is_multiple_of(20) {
                for account in ACCOUNTS {
                    let number = u32::from(account == "stalled");
                    if account != silent {
                        self.send(&Partition::new(topic::of_source(Source::Login), number), account);
                    }
                    if account != unused {
                        self.send(&usage(number), account);
                    }
                }
            }
            round += 1;
            self.cluster.advance(500);
            for _ in 0..20 {
                self.ingest.step().unwrap();
                self.score.step().unwrap();
            }
            self.look();
        }
    }

    /// Notes which alerts can be read by now.
    fn look(&mut self) {
        let records = self.cluster.committed_records(&Partition::new(topic::ALERTS, 0));
        for record in records.iter().skip(self.fired.len()) {
            let text = std::str::from_utf8(record.value.as_deref().unwrap()).unwrap();
            let field = |name| {
                let (_, rest) = text.split_once(&format!(r#""{name}":""#)).unwrap();
                rest.split_once('"').unwrap().0.to_owned()
            };
            assert_eq!(field("state"), "firing", "{text}");
            let as_of = EventTime::parse(&field("as_of")).unwrap().0;
            self.fired.push((field("dedup_key"), as_of, self.cluster.now()));
        }
    }

    /// How far a source is complete.
    fn watermark(&self, source: Source) -> i64 {
        let shards = self.score.status().shards;
        shards[0].clocks.iter().find(|(of, ..)| *of == source).unwrap().1
    }
}

#[test]
fn a_stalled_partition_delays_no_alert_of_another_source_and_raises_none() {
    let mut live = Live::new();
    // The first record of an account comes within a quarter of an hour.
    live.pass(16 * MINUTE, "", "");
    assert_eq!(live.fired, []);
    let began = live.cluster.now();
    // When those of whom nothing more comes were seen last.
    let last = began - 10 * SECOND;
    let until = began + 10 * MINUTE;
    live.cluster.stall(&usage(1), until + SECOND);
    live.pass(until - began, "gone", "off");
    // The source that has no say about this one stands still all the while.
    assert!(live.watermark(Source::FeatureUsage) <= began);
    assert!(live.watermark(Source::Login) > until - SOON);
    let [(alert, as_of, read_at)] = live.fired.as_slice() else { panic!("{:?}", live.fired) };
    assert_eq!((alert.as_str(), *as_of), ("gone/silent", last + 40 * SECOND));
    assert!(*read_at <= as_of + SOON, "readable {} ms after it was due", read_at - as_of);
    // Now it goes on: whose activity it held back was there all along, and who was not is found.
    live.pass(2 * MINUTE, "gone", "off");
    assert!(live.watermark(Source::FeatureUsage) > until);
    let [_, (alert, as_of, read_at)] = live.fired.as_slice() else { panic!("{:?}", live.fired) };
    assert_eq!((alert.as_str(), *as_of), ("off/unused", last + 60 * SECOND));
    assert!((until..until + SOON).contains(read_at), "readable {} ms after the end", read_at - until);
}
