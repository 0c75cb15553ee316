//! When state is missing or older than the log allows, a shard does not go live, and says what to do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use log::simulated::{Cluster, Simulated};
use log::{Event, Isolation, Log, Member, OffsetCommit, Partition, Transaction, Writer};
use pipeline::settings::{self, Identity, Rebuild};
use pipeline::status::Phase;
use pipeline::{Score, topic};
use std::time::Duration;
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

const GROUP: &str = "vitals-score";

fn rebuilding() -> settings::Score {
    settings::Score { rebuild: Rebuild::Yes, ..settings::Score::default() }
}

/// How many records of each output there are.
fn said(cluster: &Cluster) -> [usize; 3] {
    [topic::HEALTH, topic::ALERTS, topic::ACCOUNT_HEALTH]
        .map(|topic| cluster.committed_records(&Partition::new(topic, 0)).len())
}

/// Lets a score worker fold all there is, and commit it.
fn fold_all(cluster: &Cluster, log: &Simulated, settings: settings::Score) {
    let mut score = Score::new(log.clone(), Identity { worker: 2, ..Identity::default() }, settings);
    for _ in 0..10_000 {
        score.step().unwrap();
        cluster.advance(20);
        let round = log.ends(&[topic::JOURNAL.into()]).unwrap();
        if score.has_reached(&[round.topics[0][0].end]) {
            score.stop();
            return;
        }
    }
    panic!("not folded: {:?}", score.status());
}

#[test]
fn a_state_without_a_committed_offset_is_refused_and_rebuilt_nothing_is_said_twice() {
    let cluster = folded();
    let before = said(&cluster);
    assert!(before.iter().all(|count| *count > 0), "{before:?}");
    cluster.forget_offsets(GROUP);
    let reason = refused(&cluster);
    assert!(reason.contains("no offset is committed") && reason.contains("vitals run --rebuild"), "{reason}");
    fold_all(&cluster, &cluster.process("third"), rebuilding());
    assert_eq!(said(&cluster), before);
    // Once is enough.
    assert_eq!(phase(&cluster, cluster.process("fourth"), settings::Score::default()), Phase::Live);
    assert_eq!(said(&cluster), before);
}

#[test]
fn a_state_of_which_nothing_says_what_was_said_is_refused_even_a_rebuild() {
    let cluster = folded();
    cluster.forget_offsets(GROUP);
    cluster.append_raw(&Partition::new(topic::STATE, 0), Some(b"h\0"), None, None);
    let phase = phase(&cluster, cluster.process("second"), rebuilding());
    let Phase::Refused(reason) = phase else { panic!("not refused but {phase:?}") };
    assert!(reason.contains("neither a committed offset nor the head"), "{reason}");
}

#[test]
fn a_state_without_a_head_is_refused_and_a_rebuild_mends_it() {
    let cluster = folded();
    let before = said(&cluster);
    cluster.append_raw(&Partition::new(topic::STATE, 0), Some(b"h\0"), None, None);
    let reason = refused(&cluster);
    assert!(reason.contains("the head is missing") && reason.contains("vitals run --rebuild"), "{reason}");
    fold_all(&cluster, &cluster.process("third"), rebuilding());
    assert_eq!(said(&cluster), before);
}

#[test]
fn a_state_that_is_ahead_of_the_committed_position_is_refused() {
    let cluster = folded();
    let log = cluster.process("meddler");
    let mut member = log.join(GROUP, "meddler", &[topic::JOURNAL.into()], Isolation::Committed).unwrap();
    let mut batch = log::Batch::default();
    for _ in 0..1_000 {
        cluster.advance(100);
        if let Event::Assigned(partitions) = member.poll(&mut batch, Duration::ZERO).unwrap() {
            let membership = member.membership().unwrap();
            let metadata = "s1 1 1 0 0 done".to_owned();
            let offsets = [OffsetCommit { partition: partitions[0].clone(), offset: 1, metadata }];
            let transaction = Transaction { appends: &[], offsets: &offsets, membership: Some(&membership) };
            log.writer("meddler").unwrap().commit(&transaction).unwrap();
            member.leave();
            let reason = refused(&cluster);
            assert!(
                reason.contains("the marker stands at") && reason.contains("after the committed position"),
                "{reason}"
            );
            return;
        }
    }
    panic!("not assigned");
}
