//! When state is missing or older than the log allows, a shard does not go live, and says what to do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use log::simulated::{Cluster, Simulated};
use log::{Log, Partition};
use pipeline::settings::{self, Identity, Rebuild};
use pipeline::status::Phase;
use pipeline::{Score, topic};
use support::folded;

/// Starts a score worker and drives it until its shard is live or refused.
fn phase(cluster: &Cluster, log: Simulated, settings: settings::Score) -> Phase {
    let mut score = Score::new(log, Identity { worker: 1, ..Identity::default() }, settings);
    for _ in 0..10_000 {
        score.step().unwrap();
        cluster.advance(20);
        if let Some(shard) = score.status().shards.first()
            && matches!(shard.phase, Phase::Live | Phase::Refused(_))
        {
            return shard.phase.clone();
        }
    }
    panic!("neither live nor refused: {:?}", score.status());
}

fn refused(cluster: &Cluster) -> String {
    let phase = phase(cluster, cluster.process("second"), settings::Score::default());
    let Phase::Refused(reason) = phase else { panic!("not refused but {phase:?}") };
    reason
}

#[test]
fn a_shard_whose_state_is_whole_goes_live() {
    let cluster = folded();
    assert_eq!(phase(&cluster, cluster.process("second"), settings::Score::default()), Phase::Live);
}

#[test]
fn a_truncated_state_is_refused_and_a_rebuild_mends_it() {
    let cluster = folded();
    let log = cluster.process("second");
    let end = log.ends(&[topic::STATE.into()]).unwrap().topics[0][0].end;
    cluster.truncate_before(&Partition::new(topic::STATE, 0), end);
    let reason = refused(&cluster);
    assert!(reason.contains("state is missing") && reason.contains("vitals run --rebuild"), "{reason}");
    let rebuild = settings::Score { rebuild: Rebuild::Yes, ..settings::Score::default() };
    assert_eq!(phase(&cluster, cluster.process("third"), rebuild), Phase::Live);
}

#[test]
fn a_state_of_which_a_part_was_deleted_is_refused_and_a_rebuild_mends_it() {
    let cluster = folded();
    let state = Partition::new(topic::STATE, 0);
    // All that is younger is there, the marker too; accounts that were stored long ago are not.
    let records = cluster.committed_records(&state);
    cluster.truncate_before(&state, records[records.len() / 2].offset);
    let reason = refused(&cluster);
    assert!(reason.contains("deleted") && reason.contains("vitals run --rebuild"), "{reason}");
    let rebuild = settings::Score { rebuild: Rebuild::Yes, ..settings::Score::default() };
    assert_eq!(phase(&cluster, cluster.process("third"), rebuild), Phase::Live);
}

#[test]
fn a_journal_that_begins_after_the_checkpoint_is_refused() {
    let cluster = folded();
    let log = cluster.process("second");
    let end = log.ends(&[topic::JOURNAL.into()]).unwrap().topics[0][0].end;
    cluster.truncate_before(&Partition::new(topic::JOURNAL, 0), end);
    let reason = refused(&cluster);
    assert!(reason.contains("journal") && reason.contains("offset"), "{reason}");
}
