//! Reading: gaps, ends, stamps, headers, starts.

use super::actor::{Actor, drive, sole_member};
use super::stage::{
    MemberOf, TICK, aborted, answer, appends, commit, committed_records, create, ends, keyed, put, read,
    read_on, spec, topic, values, wait, writer,
};
use super::{Case, Rig, Verdict};
use crate::{Appends, Batch, Cleanup, Ends, Error, Event, Isolation, Log, Member, Partition, Reader, Stamp};
use std::sync::Arc;

pub(super) fn cases<R: Rig>() -> Vec<Case<R>> {
    vec![
        ("offsets grow and have gaps after commit and abort", gaps),
        ("the end of a partition that ends in control records is reached", control_records_at_the_end),
        ("the end of an empty partition is reached", empty_partition),
        ("the end of a fully compacted tail is reached", compacted_tail),
        ("the end is reported anew, also when nothing visible came", end_anew),
        ("a reader starts where it is told", start_offsets),
        ("a member delivers from its start on, until it is paused", start_and_pause),
        ("the log or the maker stamps, as the topic says", stamps),
        ("keys, values and headers come back as they were", contents),
        ("a poll brings about as much as the batch takes", batch_limit),
    ]
}

fn gaps<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "gaps", 1);
    let partition = Partition::new(Arc::clone(&topic), 0);
    let id = rig.name("gaps");
    let mut writer = writer(rig, &log, &id);
    put(rig, &mut writer, &appends(&partition, &["a", "b"]));
    let bad = appends(&Partition::new(topic, 9), &["x"]);
    aborted(commit(rig, &mut writer, &[&appends(&partition, &["no"]), &bad], &[], None));
    put(rig, &mut writer, &appends(&partition, &["c"]));
    let mut reader = read(rig, &log, &partition, 0, Isolation::Committed);
    let Ends { end, .. } = ends(rig, &log, &partition);
    let (seen, reached) = read_on(rig, &mut reader, end);
    assert_eq!(values(&seen), ["a", "b", "c"]);
    assert!(reached > seen[2].offset);
    Ok(())
}

fn control_records_at_the_end<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "control", 1);
    let partition = Partition::new(topic, 0);
    let id = rig.name("control");
    let mut writer = writer(rig, &log, &id);
    put(rig, &mut writer, &appends(&partition, &["a", "b"]));
    let reached = {
        let mut reader = read(rig, &log, &partition, 0, Isolation::Committed);
        let Ends { end, .. } = ends(rig, &log, &partition);
        read_on(rig, &mut reader, end).1
    };
    let mut reader = read(rig, &log, &partition, reached, Isolation::Committed);
    let (seen, again) = read_on(rig, &mut reader, reached);
    assert!(seen.is_empty() && again >= reached);
    Ok(())
}

fn empty_partition<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "empty", 1);
    let partition = Partition::new(Arc::clone(&topic), 0);
    assert_eq!(ends(rig, &log, &partition), Ends { first: 0, end: 0 });
    for isolation in [Isolation::Committed, Isolation::Uncommitted] {
        let mut reader = read(rig, &log, &partition, 0, isolation);
        assert_eq!(read_on(rig, &mut reader, 0), (Vec::new(), 0));
    }
    let group = rig.name("empty-group");
    let mut member = sole_member(rig, &log, &group, &topic, 1);
    answer(rig, || member.member.start(&partition, 0)).unwrap();
    drive(rig, "the end", [&mut member], |[member]| !member.ends.is_empty());
    assert_eq!(member.ends, [(partition, 0)]);
    Ok(())
}

fn compacted_tail<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let mut spec = spec(&rig.name("tail"), 1);
    spec.cleanup = Cleanup::Compact;
    create(rig, &log, &spec);
    let partition = Partition::new(Arc::clone(&spec.name), 0);
    let id = rig.name("tail");
    let mut writer = writer(rig, &log, &id);
    put(rig, &mut writer, &keyed(&partition, &[("a", Some("1")), ("b", Some("2"))]));
    put(rig, &mut writer, &keyed(&partition, &[("b", None)]));
    committed_records(rig, &log, &partition);
    let Ends { end, .. } = ends(rig, &log, &partition);
    rig.compact(&spec.name)?;
    assert_eq!(ends(rig, &log, &partition).end, end, "compaction moved the end");
    let mut reader = read(rig, &log, &partition, 0, Isolation::Committed);
    assert_eq!(values(&read_on(rig, &mut reader, end).0), ["1"]);
    let tail = end - 1;
    let mut reader = read(rig, &log, &partition, tail, Isolation::Committed);
    assert_eq!(read_on(rig, &mut reader, end), (Vec::new(), end));
    Ok(())
}

fn end_anew<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "anew", 1);
    let partition = Partition::new(Arc::clone(&topic), 0);
    let id = rig.name("anew");
    let mut writer = writer(rig, &log, &id);
    let group = rig.name("anew-group");
    let mut reader = read(rig, &log, &partition, 0, Isolation::Committed);
    let mut member = sole_member(rig, &log, &group, &topic, 1);
    answer(rig, || member.member.start(&partition, 0)).unwrap();
    let mut reached = 0;
    for value in [Some("a"), None, Some("b"), None, Some("c")] {
        if let Some(value) = value {
            put(rig, &mut writer, &appends(&partition, &[value]));
        } else {
            let bad = appends(&Partition::new(Arc::clone(&topic), 9), &["x"]);
            aborted(commit(rig, &mut writer, &[&appends(&partition, &["no"]), &bad], &[], None));
        }
        let Ends { end, .. } = ends(rig, &log, &partition);
        // An abort may leave no trace: then there is no new end.
        if end > reached {
            let (seen, anew) = read_on(rig, &mut reader, end);
            assert_eq!(values(&seen), value.map_or_else(Vec::new, |value| vec![value.to_owned()]));
            reached = anew;
            drive(rig, "the end anew", [&mut member], |[member]| {
                member.ends.last().is_some_and(|(_, offset)| *offset >= end)
            });
        }
    }
    Ok(())
}

fn start_offsets<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "starts", 1);
    let partition = Partition::new(topic, 0);
    let id = rig.name("starts");
    let mut writer = writer(rig, &log, &id);
    for value in ["a", "b", "c"] {
        put(rig, &mut writer, &appends(&partition, &[value]));
    }
    let all = committed_records(rig, &log, &partition);
    let Ends { end, .. } = ends(rig, &log, &partition);
    for from in 0..=end {
        let mut reader = read(rig, &log, &partition, from, Isolation::Committed);
        let expected: Vec<_> = all.iter().filter(|seen| seen.offset >= from).cloned().collect();
        assert_eq!(read_on(rig, &mut reader, end).0, expected, "from {from}");
    }
    Ok(())
}

fn start_and_pause<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "paused", 1);
    let partition = Partition::new(Arc::clone(&topic), 0);
    let (group, id) = (rig.name("paused-group"), rig.name("paused"));
    let mut writer = writer(rig, &log, &id);
    put(rig, &mut writer, &appends(&partition, &["a", "b"]));
    let stored = committed_records(rig, &log, &partition);
    let mut member = sole_member(rig, &log, &group, &topic, 1);
    let quiet = |rig: &mut R, member: &mut Actor<MemberOf<R>>| {
        for _ in 0..20 {
            member.poll();
            rig.pass(TICK);
        }
        assert!(member.seen.is_empty() && member.ends.is_empty(), "delivered unasked: {member:?}");
    };
    quiet(rig, &mut member);
    let refused = answer(rig, || member.member.start(&Partition::new(Arc::clone(&topic), 5), 0));
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    answer(rig, || member.member.start(&partition, stored[1].offset)).unwrap();
    drive(rig, "the second record", [&mut member], |[member]| !member.ends.is_empty());
    assert_eq!(member.started_values(), ["b"]);
    member.member.pause(&partition);
    put(rig, &mut writer, &appends(&partition, &["c"]));
    member.seen.clear();
    member.ends.clear();
    quiet(rig, &mut member);
    assert!(member.owned.contains(&partition));
    answer(rig, || member.member.start(&partition, 0)).unwrap();
    drive(rig, "all records", [&mut member], |[member]| member.seen.len() == 3);
    assert_eq!(member.started_values(), ["a", "b", "c"]);
    Ok(())
}

fn stamps<R: Rig>(rig: &mut R) -> Verdict {
    const SLACK_MS: i64 = 60_000;
    let log = rig.process("a");
    let (mut by_log, mut by_maker) = (spec(&rig.name("by-log"), 1), spec(&rig.name("by-maker"), 1));
    by_log.stamp = Stamp::Append;
    by_maker.stamp = Stamp::Create;
    create(rig, &log, &by_log);
    create(rig, &log, &by_maker);
    let id = rig.name("stamps");
    let mut writer = writer(rig, &log, &id);
    let given = log.now() - 86_400_000;
    let before = log.now() - SLACK_MS;
    let mut records = Appends::default();
    for topic in [&by_log.name, &by_maker.name] {
        records.push_stamped(topic, 0, Some(given), None, Some(b"given"), &[]);
        records.push(topic, 0, None, Some(b"none"), &[]);
    }
    let receipt = put(rig, &mut writer, &records);
    let now = before..=log.now() + SLACK_MS;
    let logged = committed_records(rig, &log, &Partition::new(Arc::clone(&by_log.name), 0));
    assert!(logged.iter().all(|seen| now.contains(&seen.stamp)), "the log stamps: {logged:?}");
    assert!(logged.iter().all(|seen| seen.stamped_by == Stamp::Append), "and says so: {logged:?}");
    assert_eq!(receipt.stamp, logged.iter().map(|seen| seen.stamp).max());
    let made = committed_records(rig, &log, &Partition::new(Arc::clone(&by_maker.name), 0));
    assert_eq!((made[0].stamp, made[0].stamped_by), (given, Stamp::Create), "the maker's stamp stays");
    assert_eq!(made[1].stamped_by, Stamp::Create, "a topic of such stamps has no others: {made:?}");
    assert!(now.contains(&made[1].stamp), "without a stamp it is that of the append: {made:?}");
    let mut records = Appends::default();
    records.push_stamped(&by_maker.name, 0, Some(given), None, Some(b"given"), &[]);
    assert_eq!(put(rig, &mut writer, &records).stamp, None);
    Ok(())
}

fn contents<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "contents", 1);
    let id = rig.name("contents");
    let mut writer = writer(rig, &log, &id);
    let bytes: Vec<u8> = (0..=255).collect();
    let mut records = Appends::default();
    records.push(&topic, 0, None, None, &[]);
    records.push(&topic, 0, Some(b""), Some(b""), &[("", b"")]);
    records.push(&topic, 0, Some(&bytes), Some(&bytes), &[("b", &bytes), ("a", b"1"), ("b", b"2")]);
    put(rig, &mut writer, &records);
    let seen = committed_records(rig, &log, &Partition::new(topic, 0));
    assert_eq!((seen[0].key.as_deref(), seen[0].value.as_deref()), (None, None));
    assert!(seen[0].headers.is_empty());
    assert_eq!((seen[1].key.as_deref(), seen[1].value.as_deref()), (Some(&b""[..]), Some(&b""[..])));
    assert_eq!(seen[1].headers, [(Vec::new(), Vec::new())]);
    assert_eq!((seen[2].key.as_ref(), seen[2].value.as_ref()), (Some(&bytes), Some(&bytes)));
    let pair = |name: &str, value: &[u8]| (name.as_bytes().to_vec(), value.to_vec());
    assert_eq!(seen[2].headers, [pair("b", &bytes), pair("a", b"1"), pair("b", b"2")]);
    Ok(())
}

fn batch_limit<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "limit", 1);
    let partition = Partition::new(topic, 0);
    let id = rig.name("limit");
    let mut writer = writer(rig, &log, &id);
    let value = "v".repeat(1_000);
    put(rig, &mut writer, &appends(&partition, &[value.as_str(); 40]));
    let mut reader = read(rig, &log, &partition, 0, Isolation::Committed);
    let mut batch = Batch::default();
    batch.limit = 4_096;
    let mut count = 0;
    wait(rig, "all records", |_| {
        if let Ok(Event::Records) = reader.poll(&mut batch, TICK) {
            assert!(batch.size() <= 2 * batch.limit, "{} bytes in a batch of {}", batch.size(), batch.limit);
            count += batch.len();
        } else {
            assert!(batch.is_empty(), "records without being told");
        }
        (count == 40).then_some(())
    });
    Ok(())
}
