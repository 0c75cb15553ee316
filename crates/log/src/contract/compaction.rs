//! Compaction: what goes and what must stay.

use super::stage::{committed_records, create, ends, keyed, put, spec, values, writer};
use super::{Case, Outcome, Rig, Verdict};
use crate::{Cleanup, Ends, Partition, Transaction};
use std::sync::Arc;

pub(super) fn cases<R: Rig>() -> Vec<Case<R>> {
    vec![
        ("compaction keeps the latest of each key, and tombstones vanish", latest_per_key),
        ("compaction ignores an aborted latest", aborted_latest),
        ("nothing is compacted above an open transaction", above_open_transaction),
    ]
}

fn compacted<R: Rig>(rig: &mut R, log: &R::Log, base: &str) -> Partition {
    let mut spec = spec(&rig.name(base), 1);
    spec.cleanup = Cleanup::Compact;
    create(rig, log, &spec);
    Partition::new(Arc::clone(&spec.name), 0)
}

fn latest_per_key<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let partition = compacted(rig, &log, "latest");
    let id = rig.name("latest");
    let mut writer = writer(rig, &log, &id);
    put(rig, &mut writer, &keyed(&partition, &[("a", Some("1")), ("b", Some("2")), ("a", Some("3"))]));
    put(rig, &mut writer, &keyed(&partition, &[("c", Some("4")), ("b", None), ("d", None)]));
    put(rig, &mut writer, &keyed(&partition, &[("e", Some("5")), ("d", Some("6"))]));
    let before = committed_records(rig, &log, &partition);
    let Ends { end, .. } = ends(rig, &log, &partition);
    rig.compact(&partition.topic)?;
    let after = committed_records(rig, &log, &partition);
    assert_eq!(values(&after), ["3", "4", "5", "6"]);
    assert!(after.iter().all(|seen| before.contains(seen)), "compaction changed a record");
    assert_eq!(ends(rig, &log, &partition).end, end);
    put(rig, &mut writer, &keyed(&partition, &[("a", None)]));
    committed_records(rig, &log, &partition);
    rig.compact(&partition.topic)?;
    assert_eq!(values(&committed_records(rig, &log, &partition)), ["4", "5", "6"]);
    Ok(())
}

fn aborted_latest<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let partition = compacted(rig, &log, "aborted");
    let id = rig.name("aborted");
    let mut first = writer(rig, &log, &id);
    put(rig, &mut first, &keyed(&partition, &[("a", Some("1")), ("b", Some("2"))]));
    let records = [&keyed(&partition, &[("a", Some("x")), ("b", None)])];
    rig.hold("a", &id, &Transaction { appends: &records, offsets: &[], membership: None })?;
    assert!(rig.finish(&id, Outcome::Abort)?);
    committed_records(rig, &log, &partition);
    rig.compact(&partition.topic)?;
    assert_eq!(values(&committed_records(rig, &log, &partition)), ["1", "2"]);
    Ok(())
}

fn above_open_transaction<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let partition = compacted(rig, &log, "above-open");
    let (id, foreign) = (rig.name("above-open"), rig.name("above-open-foreign"));
    let mut writer = writer(rig, &log, &id);
    put(rig, &mut writer, &keyed(&partition, &[("a", Some("0")), ("a", Some("1"))]));
    committed_records(rig, &log, &partition);
    let records = [&keyed(&partition, &[("b", Some("held"))])];
    rig.hold("a", &foreign, &Transaction { appends: &records, offsets: &[], membership: None })?;
    put(rig, &mut writer, &keyed(&partition, &[("a", Some("2"))]));
    put(rig, &mut writer, &keyed(&partition, &[("a", Some("3"))]));
    rig.compact(&partition.topic)?;
    assert!(rig.finish(&foreign, Outcome::Commit)?);
    assert_eq!(values(&committed_records(rig, &log, &partition)), ["1", "held", "2", "3"]);
    rig.compact(&partition.topic)?;
    assert_eq!(values(&committed_records(rig, &log, &partition)), ["held", "3"]);
    Ok(())
}
