//! When state is missing or older than the log allows, a shard does not go live, and says what to do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use log::simulated::{Cluster, Simulated};
use log::{Event, Isolation, Log, Member, OffsetCommit, Partition, Transaction, Writer};
use model::source::Source;
use pipeline::settings::{self, Identity, Rebuild};
use pipeline::status::Phase;
use pipeline::{Ingest, Recorded, Score, topic};
use std::collections::BTreeMap;
use std::time::Duration;
use support::folded;
use wire::frame::FrameBuffer;

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

/// Lets an ingest worker take in what there is, and says why partitions are refused.
fn ingest(cluster: &Cluster, name: &str, rebuild: Rebuild) -> Vec<String> {
    let settings = settings::Ingest { rebuild, ..settings::Ingest::default() };
    let mut ingest = Ingest::new(cluster.process(name), Identity::default(), settings);
    for _ in 0..400 {
        ingest.step().unwrap();
        cluster.advance(20);
    }
    let reasons = ingest.status().reasons;
    ingest.stop();
    reasons
}

#[test]
fn a_journal_that_was_cut_off_or_made_anew_and_has_grown_again_is_refused() {
    for kept in [0, 3] {
        let cluster = folded();
        let journal = Partition::new(topic::JOURNAL, 0);
        let records = cluster.committed_records(&journal);
        let before = cluster.committed_offset(GROUP, &journal).unwrap();
        cluster.recreate(&journal);
        // Others stand where the old ones stood, and beyond: sound frames, only not these.
        for (place, _) in (0..).zip(0..2 * records.len()) {
            let other = if place < kept { place } else { (place * 7 + 1) % records.len() };
            cluster.append_raw(&journal, None, records[other].value.as_deref(), None);
        }
        let said_before = said(&cluster);
        for settings in [settings::Score::default(), rebuilding()] {
            let phase = phase(&cluster, cluster.process("second"), settings);
            let Phase::Refused(reason) = phase else { panic!("not refused but {phase:?}") };
            assert!(reason.contains("journal") && reason.contains("backup"), "{reason}");
        }
        // Ingest does not add to what is not the journal that it was told to.
        let reasons = ingest(&cluster, "ingest again", Rebuild::No);
        assert!(reasons.iter().any(|reason| reason.contains("truncated or made anew")), "{reasons:?}");
        assert_eq!(said(&cluster), said_before);
        assert_eq!(cluster.committed_offset(GROUP, &journal), Some(before.clone()));
    }
}

#[test]
fn a_journal_that_was_given_more_partitions_is_refused_with_all_that_goes_with_it() {
    let cluster = folded();
    let said_before = said(&cluster);
    let login = topic::of_source(Source::Login);
    // A source partition that is new, too, has no offset that could tell.
    for topic in [topic::JOURNAL, topic::STATE, topic::HEALTH, topic::ALERTS, topic::ACCOUNT_HEALTH, &login] {
        cluster.add_partitions(topic, 3);
    }
    let records = cluster.committed_records(&Partition::new(login.clone(), 0));
    for (number, record) in records.iter().take(20).enumerate() {
        let partition = Partition::new(login.clone(), 1 + u32::try_from(number % 2).unwrap());
        cluster.append_raw(&partition, record.key.as_deref(), record.value.as_deref(), None);
    }
    for settings in [settings::Score::default(), rebuilding()] {
        let phase = phase(&cluster, cluster.process("second"), settings);
        let Phase::Refused(reason) = phase else { panic!("not refused but {phase:?}") };
        assert!(reason.contains("had 1 partitions and has 3") && reason.contains("backup"), "{reason}");
    }
    for rebuild in [Rebuild::No, Rebuild::Yes] {
        // Nothing comes into the new ones, which have no state to say so.
        let reasons = ingest(&cluster, "ingest again", rebuild);
        assert!(reasons.iter().any(|reason| reason.contains("had 1 partitions and has 3")), "{reasons:?}");
    }
    for number in [1, 2] {
        assert_eq!(cluster.span(&Partition::new(topic::JOURNAL, number)), (0, 0));
    }
    assert_eq!(said(&cluster), said_before);
}

#[test]
fn a_journal_of_which_the_beginning_was_deleted_is_not_compared() {
    let cluster = folded();
    let log = cluster.process("second");
    let end = log.ends(&[topic::JOURNAL.into()]).unwrap().topics[0][0].end;
    for first in [1, end] {
        cluster.truncate_before(&Partition::new(topic::JOURNAL, 0), first);
        let error = pipeline::verify(&log, "vitals", &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains(&format!("begins at offset {first}")) && error.contains("backup"), "{error}");
    }
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

/// Commits an offset of the one partition of a topic, as a program of another kind might.
fn meddle(cluster: &Cluster, group: &str, topic: &str, offset: i64, metadata: &str) {
    let log = cluster.process("meddler");
    let mut member = log.join(group, "meddler", &[topic.into()], Isolation::Committed).unwrap();
    let mut batch = log::Batch::default();
    for _ in 0..1_000 {
        cluster.advance(100);
        if let Event::Assigned(partitions) = member.poll(&mut batch, Duration::ZERO).unwrap() {
            let membership = member.membership().unwrap();
            let (partition, metadata) = (partitions[0].clone(), metadata.to_owned());
            let offsets = [OffsetCommit { partition, offset, metadata }];
            let transaction = Transaction { appends: &[], offsets: &offsets, membership: Some(&membership) };
            log.writer("meddler").unwrap().commit(&transaction).unwrap();
            return member.leave();
        }
    }
    panic!("not assigned");
}

/// The latest value of each key of the state that begins with `kind`.
fn state(cluster: &Cluster, kind: u8) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let records = cluster.committed_records(&Partition::new(topic::STATE, 0));
    let of_kind = records.into_iter().filter(|record| record.key.as_ref().unwrap()[0] == kind);
    of_kind.map(|record| (record.key.unwrap(), record.value.unwrap_or_default())).collect()
}

/// Refused with this reason and this way out; nothing was said, stored or begun anew by it.
fn assert_refused(cluster: &Cluster, reason: &str, way_out: &str) {
    let stored = |cluster: &Cluster| cluster.committed_records(&Partition::new(topic::STATE, 0)).len();
    let before = (said(cluster), stored(cluster));
    let told = refused(cluster);
    assert!(told.contains(reason) && told.contains(way_out), "{told}");
    assert_eq!(told.matches(reason).count(), 1, "{told}");
    assert_eq!((said(cluster), stored(cluster)), before);
}

/// The metadata of an offset after the first record of the journal.
fn after_the_first(cluster: &Cluster) -> String {
    let first = &cluster.committed_records(&Partition::new(topic::JOURNAL, 0))[0];
    let mut frame = FrameBuffer::default();
    frame.load(first.value.as_deref().unwrap()).unwrap();
    format!("s1 1 1 {} 0 done {:x}", first.offset, frame.checksum())
}

const WAY_OUT: &str = "vitals run --rebuild";

#[test]
fn a_state_that_is_ahead_of_the_committed_position_is_refused() {
    let cluster = folded();
    meddle(&cluster, GROUP, topic::JOURNAL, 1, &after_the_first(&cluster));
    assert_refused(&cluster, "the marker stands at", WAY_OUT);
    assert_rebuilt(&cluster);
}

#[test]
fn an_account_that_is_ahead_of_the_committed_position_is_refused() {
    let cluster = folded();
    // A marker that was taken before: at the journal's beginning.
    let marker = cluster.committed_records(&Partition::new(topic::STATE, 0));
    let marker = marker.iter().find(|record| record.key.as_deref() == Some(b"k\0")).unwrap();
    cluster.append_raw(&Partition::new(topic::STATE, 0), Some(b"k\0"), marker.value.as_deref(), None);
    meddle(&cluster, GROUP, topic::JOURNAL, 1, &after_the_first(&cluster));
    assert_refused(&cluster, ", after the committed position", WAY_OUT);
    assert_rebuilt(&cluster);
}

/// The way out is one: all is folded again, and nothing is said twice.
fn assert_rebuilt(cluster: &Cluster) {
    let before = said(cluster);
    assert!(before.iter().all(|count| *count > 0), "{before:?}");
    fold_all(cluster, &cluster.process("rebuilder"), rebuilding());
    assert_eq!(said(cluster), before);
    assert_eq!(phase(cluster, cluster.process("after"), settings::Score::default()), Phase::Live);
    assert_eq!(said(cluster), before);
}

#[test]
fn outputs_of_which_nothing_says_how_they_came_are_not_written_again() {
    let cluster = folded();
    let before = said(&cluster);
    cluster.forget_offsets(GROUP);
    // As if the topic had been deleted and set up anew.
    let state = Partition::new(topic::STATE, 0);
    cluster.recreate(&state);
    let found = pipeline::verify(&cluster.process("auditor"), "default", &mut |_| {}).unwrap();
    assert_eq!((found.untouched, found.extra), (vec![0], before.iter().sum::<usize>() as u64));
    for settings in [settings::Score::default(), rebuilding()] {
        let phase = phase(&cluster, cluster.process("second"), settings);
        let Phase::Refused(reason) = phase else { panic!("not refused but {phase:?}") };
        assert!(
            reason.contains("neither a committed offset nor state") && reason.contains("backup"),
            "{reason}"
        );
    }
    assert_eq!(said(&cluster), before);
}

#[test]
fn a_committed_position_beyond_the_end_of_the_journal_is_refused_even_a_rebuild() {
    let cluster = folded();
    let end = cluster.process("looker").ends(&[topic::JOURNAL.into()]).unwrap().topics[0][0].end;
    meddle(&cluster, GROUP, topic::JOURNAL, end + 10, &format!("s1 1 1 {} 0 done 0", end + 9));
    assert_refused(&cluster, "beyond the end of the journal", "backup");
    let phase = phase(&cluster, cluster.process("third"), rebuilding());
    assert!(
        matches!(&phase, Phase::Refused(reason) if reason.contains("beyond the end of the journal")),
        "{phase:?}"
    );
}

#[test]
fn a_model_that_the_state_names_and_lacks_is_refused() {
    let cluster = folded();
    let models = state(&cluster, b'm');
    assert_eq!(models.len(), 1);
    for model in models.keys() {
        cluster.append_raw(&Partition::new(topic::STATE, 0), Some(model), None, None);
    }
    assert_refused(&cluster, "is missing in the state", WAY_OUT);
    fold_all(&cluster, &cluster.process("third"), rebuilding());
    assert_eq!(phase(&cluster, cluster.process("fourth"), settings::Score::default()), Phase::Live);
}

#[test]
fn an_account_of_which_a_part_is_missing_is_refused() {
    let cluster = folded();
    let (key, mut value) = state(&cluster, b'a').pop_first().unwrap();
    // The first of two parts; there is no second.
    value[0] = 2;
    cluster.append_raw(&Partition::new(topic::STATE, 0), Some(&key), Some(&value), None);
    assert_refused(&cluster, "is stored in part", WAY_OUT);
    fold_all(&cluster, &cluster.process("third"), rebuilding());
    assert_eq!(phase(&cluster, cluster.process("fourth"), settings::Score::default()), Phase::Live);
}

#[test]
fn an_offset_of_the_journal_with_the_metadata_of_another_program_is_refused() {
    let cluster = folded();
    let before = said(&cluster);
    meddle(&cluster, GROUP, topic::JOURNAL, 1, "of somebody else");
    assert_refused(&cluster, "metadata of another program: \"of somebody else\"", WAY_OUT);
    // The way out.
    cluster.forget_offsets(GROUP);
    fold_all(&cluster, &cluster.process("third"), rebuilding());
    assert_eq!(said(&cluster), before);
}

#[test]
fn an_offset_of_a_source_with_the_metadata_of_another_program_is_refused() {
    let cluster = folded();
    let (group, login) = ("vitals-ingest", topic::of_source(Source::Login));
    let journal = || cluster.committed_records(&Partition::new(topic::JOURNAL, 0)).len();
    let committed = || cluster.committed_offset(group, &Partition::new(login.clone(), 0)).unwrap();
    for (offset, metadata, reason, way_out) in [
        (0, "of somebody else", "metadata of another program: \"of somebody else\"", WAY_OUT),
        (1 << 40, "i1 1 1 - - - 0 0 0 0 0 -", "beyond the end of the topic", "begin anew"),
    ] {
        meddle(&cluster, group, &login, offset, metadata);
        let live = settings::Ingest::default();
        let mut ingest = Ingest::new(cluster.process("second"), Identity::default(), live);
        let mut told = Vec::new();
        for _ in 0..2_000 {
            cluster.advance(20);
            ingest.step().unwrap();
            told = ingest.status().reasons;
        }
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("vitals.login/0: "), "{told:?}");
        assert!(told[0].contains(reason) && told[0].contains(way_out), "{told:?}");
        // All others go on.
        let feeds = ingest.status().feeds;
        assert!(feeds.len() == 8 && feeds.iter().all(|feed| feed.source != Source::Login), "{feeds:?}");
        assert_eq!((committed().offset, &*committed().metadata), (offset, metadata));
        ingest.stop();
        let before = journal();
        let mut recorded =
            Recorded::new(cluster.process("third"), Identity::default(), settings::Ingest::default(), None);
        let told = (0..10_000).find_map(|_| {
            cluster.advance(20);
            recorded.step().err()
        });
        let told = told.unwrap().to_string();
        assert!(told.contains(reason) && told.contains("begin anew"), "{told}");
        assert_eq!(journal(), before);
        recorded.stop();
    }
}
