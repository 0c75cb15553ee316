//! What can go wrong, by what the caller must do about it.

use crate::Partition;
use std::time::Duration;

/// The result of a call on a log.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call on a log did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not now: nothing has happened, call again later.
    #[error("not now: {0}")]
    Busy(String),
    /// The topic does not exist.
    #[error("topic {0} does not exist; `vitals setup` creates it")]
    Missing(String),
    /// The log does not do this; calling again gives the same answer.
    #[error("refused: {0}")]
    Refused(String),
    /// The offset is below the first that the partition still holds, or above its end.
    #[error("offset {offset} of {partition} is outside of what the log holds, {first} to {end}")]
    OutOfRange {
        /// Which partition.
        partition: Partition,
        /// The offset asked for.
        offset: i64,
        /// The least offset there is.
        first: i64,
        /// The high watermark.
        end: i64,
    },
    /// This handle is of no use any more.
    #[error("{0}")]
    Fatal(String),
}

/// What became of a transaction that did not commit for certain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Nothing of it is or will be visible. The writer can be used again.
    #[error("transaction aborted: {reason}")]
    Aborted {
        /// Why, in words.
        reason: String,
        /// What to change before it is sent again.
        cause: AbortCause,
        /// How long to wait before that.
        after: Duration,
    },
    /// It may or may not be committed, and even be decided later. The writer is of no use any more; a new one of
    /// the same id decides the matter, after which the committed offsets tell.
    #[error("outcome of the transaction unknown: {reason}")]
    Unknown {
        /// Why, in words.
        reason: String,
    },
    /// Another writer of this id has begun, or the coordinator has given up on this one. Nothing of it is or
    /// will be visible. The writer is of no use any more.
    #[error("writer fenced: {reason}")]
    Fenced {
        /// Why, in words.
        reason: String,
    },
}

/// Why a transaction was aborted, as far as the caller can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbortCause {
    /// The log was not well: send it again.
    Log,
    /// The membership is out of date: poll, take it afresh, leave out what was lost.
    StaleMembership,
    /// A record is larger than its topic takes: it will never go through.
    RecordTooLarge,
    /// A topic or partition does not exist.
    UnknownPartition,
}
