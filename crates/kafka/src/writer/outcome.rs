//! What a failure of a transaction is called.

use crate::native::Code;
use log::{AbortCause, CommitError};
use std::time::Duration;

pub(super) fn aborted(cause: AbortCause, reason: impl Into<String>, after: Duration) -> CommitError {
    CommitError::Aborted { reason: reason.into(), cause, after }
}

pub(super) fn fenced(reason: impl Into<String>) -> CommitError {
    CommitError::Fenced { reason: reason.into() }
}

/// What to change before a transaction that failed with this code is sent again.
#[allow(clippy::wildcard_enum_match_arm, reason = "there are some two hundred codes")]
pub(super) fn cause_of(code: Code) -> AbortCause {
    match code {
        Code::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION
        | Code::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID
        | Code::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
        | Code::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS
        | Code::RD_KAFKA_RESP_ERR_FENCED_MEMBER_EPOCH
        | Code::RD_KAFKA_RESP_ERR_STALE_MEMBER_EPOCH => AbortCause::StaleMembership,
        Code::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
        | Code::RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE
        | Code::RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE => AbortCause::RecordTooLarge,
        Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
        | Code::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC
        | Code::RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION => AbortCause::UnknownPartition,
        _ => AbortCause::Log,
    }
}

/// Whether a request to commit may be refused so though the one before it, of which the answer was lost, went through: the
/// broker has forgotten the producer, and with it what became of its transaction. An abort is then granted by the client
/// alone, which takes another id, and settles nothing.
pub(super) const fn may_follow_a_success(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID | Code::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING
    )
}
