//! A replay is verified while a live run goes on: what it adds and supersedes meanwhile is no difference.

#![allow(clippy::unwrap_used, reason = "a test")]

use log::simulated::{Cluster, Faults, Simulated};
use log::{Log, Partition};
use model::source::Source;
use model::time::{EventTime, MINUTE, SECOND};
use pipeline::settings::{self, Identity};
use pipeline::{Ingest, Score, topic};

/// Everything changes soon and often.
const MODEL: &str = "
format: 1
model: busy
owner: ops@example.com
score: { bands: { healthy: 70, at-risk: 0 } }
sources: { login: { max_delay: 2s, max_skew: 1s } }
signals: { last_login: { since_last: login } }
goals:
  use:
    statement: They come back.
    owner: csm
    weight: 100
    measures: { last_login: { kind: leading, weight: 100, curve: { 5s: 100, 12m: 0 } } }
alerts: { silent: { when: { last_login: { at_least: 40s } }, notify: csm } }
";

/// Live workers with something to do.
struct Live {
    cluster: Cluster,
    ingest: Ingest<Simulated>,
    score: Score<Simulated>,
    round: i64,
}

impl Live {
    fn new() -> Self {
        let cluster = Cluster::new(3, Faults::none());
        let log = cluster.process("live");
        for spec in topic::specs(1, 1) {
            log.create(&spec).unwrap();
        }
        pipeline::publish(&log, MODEL, 1).unwrap();
        // So small that a transaction may end in the midst of an entry.
        let small = settings::Score { outbox_bytes: 1, ..settings::Score::default() };
        let ingest = Ingest::new(log.clone(), Identity::default(), settings::Ingest::default());
        let score = Score::new(log, Identity::default(), small);
        Self { cluster, ingest, score, round: 0 }
    }

    /// Much time passes at once, and score comes only part of the way.
    fn stop_in_the_midst(&mut self, steps: usize) {
        self.cluster.advance(10 * MINUTE);
        for _ in 0..20 {
            self.ingest.step().unwrap();
            self.cluster.advance(SECOND);
        }
        for _ in 0..steps {
            self.score.step().unwrap();
        }
    }

    /// An activity, some time, a few steps; now and then what is superseded goes.
    fn go_on(&mut self) {
        self.round += 1;
        let (id, time) = (self.round, EventTime(self.cluster.now()));
        let account = id * id % 11;
        let value = format!(r#"{{"id":"{id}","time":"{time}","account":"a{account}","user":"ada"}}"#);
        let partition = Partition::new(topic::of_source(Source::Login), 0);
        self.cluster.append_raw(&partition, Some(b"k"), Some(value.as_bytes()), None);
        self.cluster.advance(self.round % 5 * 3 * SECOND);
        for _ in 0..40 {
            self.ingest.step().unwrap();
            self.score.step().unwrap();
        }
        if self.round % 3 == 0 {
            self.cluster.compact(topic::ACCOUNT_HEALTH);
            self.cluster.compact(topic::STATE);
        }
    }
}

#[test]
fn a_replay_is_equal_while_a_live_run_goes_on() {
    let mut live = Live::new();
    // The first record of an account comes within a quarter of an hour.
    for _ in 0..300 {
        live.go_on();
    }
    let log = live.cluster.process("auditor");
    let (mut compared, mut superseded) = (0, 0);
    for steps in 0..12 {
        live.stop_in_the_midst(steps);
        let began = live.round;
        let mut folded = 0_u32;
        let found = pipeline::verify(&log, "vitals", &mut |_| {
            folded += 1;
            // Much happens before the outputs are read at all, and some while they are.
            let rounds = if folded == 1 { 12 } else { u32::from(folded.is_multiple_of(20)) };
            (0..rounds).for_each(|_| live.go_on());
        });
        let found = found.unwrap();
        assert!(found.is_equal() && found.untouched.is_empty(), "{found:#?}");
        assert!(live.round > began, "it was busy meanwhile");
        compared += found.compared;
        superseded += found.superseded;
    }
    assert!(compared > 1_000 && superseded > 1_000, "{compared} equal, {superseded} superseded");
}
