//! What is known of a transaction before it begins.
//!
//! librdkafka and the broker would let some of it through: an append that is refused at once does not make the
//! transaction abortable, a negative offset is dropped in silence, metadata lose what is not ASCII, and offsets
//! of generation -1 are taken from anybody.

use super::outcome::aborted;
use super::{AGAIN, Writer, list_of, standing_of};
use crate::native::{List, Standing};
use log::batch::Append;
use log::{AbortCause, CommitError, Error, MAX_METADATA_BYTES, Membership, OffsetCommit, Transaction};
use std::time::Duration;

/// Offsets to send.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) offsets: List,
    pub(super) standing: Standing,
}

type Outcome<T> = Result<T, CommitError>;

pub(super) fn check(writer: &mut Writer, transaction: &Transaction<'_>) -> Outcome<Option<Checked>> {
    for append in transaction.appends.iter().flat_map(|appends| appends.records()) {
        check_append(writer, &append)?;
    }
    if transaction.offsets.is_empty() {
        return Ok(None);
    }
    let standing = check_membership(transaction.membership)?;
    for offset in transaction.offsets {
        check_offset(offset)?;
    }
    Ok(Some(Checked { offsets: list_of(transaction), standing }))
}

fn check_append(writer: &mut Writer, append: &Append<'_>) -> Outcome<()> {
    let fits = |writer: &Writer| {
        writer.topics.get(append.topic).map(|known| {
            (
                append.partition < known.partitions,
                append.size() <= known.max_record_bytes,
                known.max_record_bytes,
            )
        })
    };
    if !matches!(fits(writer), Some((true, true, _))) {
        writer.learn(append.topic).map_err(|error| match error {
            Error::Missing(_) => aborted(AbortCause::UnknownPartition, error.to_string(), Duration::ZERO),
            Error::Busy(_) | Error::Refused(_) | Error::OutOfRange { .. } | Error::Fatal(_) => {
                aborted(AbortCause::Log, error.to_string(), AGAIN)
            }
        })?;
    }
    let place = format_args!("{}/{}", append.topic, append.partition);
    match fits(writer) {
        Some((true, true, _)) => Ok(()),
        Some((true, false, most)) => {
            let reason = format!("a record of {} bytes for {place}, which takes {most}", append.size());
            Err(aborted(AbortCause::RecordTooLarge, reason, Duration::ZERO))
        }
        Some((false, ..)) | None => {
            let reason = format!("{place} does not exist");
            Err(aborted(AbortCause::UnknownPartition, reason, Duration::ZERO))
        }
    }
}

fn check_membership(membership: Option<&Membership>) -> Outcome<Standing> {
    let stale = |reason: &str| aborted(AbortCause::StaleMembership, reason, Duration::ZERO);
    let membership = membership.ok_or_else(|| stale("offsets without a standing in their group"))?;
    if membership.generation < 0 || membership.member.is_empty() {
        return Err(stale("offsets under a standing without a member id or a generation"));
    }
    let standing = standing_of(&membership.native)?;
    if standing.generation() != membership.generation || standing.member() != membership.member {
        return Err(stale("the standing is not the one that the client gave"));
    }
    Ok(standing)
}

fn check_offset(commit: &OffsetCommit) -> Outcome<()> {
    let OffsetCommit { partition, offset, metadata } = commit;
    let size = metadata.len();
    if *offset < 0 || size > MAX_METADATA_BYTES || !metadata.bytes().all(|byte| (0x01..0x80).contains(&byte))
    {
        let reason = format!(
            "offset {offset} of {partition} with {size} bytes of metadata: offsets are at least 0, metadata at most \
             {MAX_METADATA_BYTES} bytes of ASCII"
        );
        return Err(aborted(AbortCause::RecordTooLarge, reason, Duration::ZERO));
    }
    Ok(())
}
