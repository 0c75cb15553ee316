//! A transaction that stands open. No worker leaves one: a commit is one call. But what open transactions hold back is part
//! of the contract, and a worker must cope with it; so a test can leave one open.

use crate::native::{Failure, Kind};
use crate::{Kafka, Writer};
use log::{CommitError, Error, Transaction};
use std::time::Duration;

/// How long a decision may take.
const DECIDE: Duration = Duration::from_secs(10);

/// A transaction left open under a writer's id, until it is decided, its time runs out, or the id is opened anew.
#[derive(Debug)]
pub struct Held {
    writer: Writer,
}

impl Held {
    pub(crate) fn open(log: &Kafka, id: &str, transaction: &Transaction<'_>) -> Result<Self, CommitError> {
        let unknown = |error: Error| CommitError::Unknown { reason: error.to_string() };
        let mut writer = Writer::open(&log.shared, id).map_err(unknown)?;
        writer.prepare(transaction)?;
        Ok(Self { writer })
    }

    /// Asks that it be committed. Whether the broker complied.
    #[must_use]
    pub fn commit(&self) -> bool {
        granted(|| self.writer.handle().commit(DECIDE))
    }

    /// Asks that it be aborted. Whether the broker complied.
    #[must_use]
    pub fn abort(&self) -> bool {
        granted(|| self.writer.handle().abort(DECIDE))
    }
}

fn granted(mut call: impl FnMut() -> Result<(), Failure>) -> bool {
    loop {
        match call() {
            Ok(()) => return true,
            Err(failure) if failure.kind == Kind::Retriable => {}
            Err(_) => return false,
        }
    }
}
