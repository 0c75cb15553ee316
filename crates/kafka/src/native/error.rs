//! Errors of librdkafka as values.

use rdkafka_sys as sys;
use std::fmt;

/// A code of librdkafka (below 0: its own, above: the broker's).
pub(crate) use sys::rd_kafka_resp_err_t as Code;

/// What librdkafka says is to be done about an error, in the order in which it is to be asked (`rdkafka.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The handle is of no use any more.
    Fatal,
    /// The transaction must be aborted.
    Abort,
    /// The same call may be made again.
    Retriable,
    /// None of these.
    Other,
}

/// An error.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) kind: Kind,
    pub(crate) reason: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason, name(self.code))
    }
}

impl Failure {
    /// One that has only a code.
    pub(crate) fn of(code: Code) -> Self {
        Self { code, kind: Kind::Other, reason: describe(code) }
    }

    pub(crate) fn new(code: Code, reason: impl Into<String>) -> Self {
        Self { code, kind: Kind::Other, reason: reason.into() }
    }
}

/// The name of a code, as in `rdkafka.h` without its prefix.
pub(crate) fn name(code: Code) -> String {
    // SAFETY: the name is a static string.
    unsafe { super::text(sys::rd_kafka_err2name(code)) }
}

pub(super) fn describe(code: Code) -> String {
    // SAFETY: the description is a static string.
    unsafe { super::text(sys::rd_kafka_err2str(code)) }
}

pub(super) fn check(code: Code) -> Result<(), Failure> {
    if code == Code::RD_KAFKA_RESP_ERR_NO_ERROR { Ok(()) } else { Err(Failure::of(code)) }
}

/// Takes over an error object; null is none.
///
/// # Safety
/// `error` is null or an error that the caller owns and does not use again.
pub(super) unsafe fn take(error: *mut sys::rd_kafka_error_t) -> Result<(), Failure> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: `error` is valid and ours until it is destroyed here; its text is copied before.
    unsafe {
        let kind = if sys::rd_kafka_error_is_fatal(error) != 0 {
            Kind::Fatal
        } else if sys::rd_kafka_error_txn_requires_abort(error) != 0 {
            Kind::Abort
        } else if sys::rd_kafka_error_is_retriable(error) != 0 {
            Kind::Retriable
        } else {
            Kind::Other
        };
        let code = sys::rd_kafka_error_code(error);
        let reason = super::text(sys::rd_kafka_error_string(error));
        sys::rd_kafka_error_destroy(error);
        Err(Failure { code, kind, reason })
    }
}
