//! A transaction that stands open. No worker leaves one: a commit is one call. But what open transactions hold
//! back is part of the contract, and a worker must cope with it; so a test can leave one open.

use crate::native::Delivery;
use crate::{Kafka, Writer};
use log::{CommitError, Error, Receipt, Transaction};

/// A transaction left open under a writer's id, until it is decided, its time runs out, or the id is opened anew.
#[derive(Debug)]
pub struct Held {
    writer: Writer,
    delivery: Delivery,
}

impl Held {
    pub(crate) fn open(log: &Kafka, id: &str, transaction: &Transaction<'_>) -> Result<Self, CommitError> {
        let unknown = |error: Error| CommitError::Unknown { reason: error.to_string() };
        let mut writer = Writer::open(&log.shared, id).map_err(unknown)?;
        let delivery = writer.prepare(transaction)?;
        Ok(Self { writer, delivery })
    }

    /// Asks that it be committed.
    ///
    /// # Errors
    /// As of a commit.
    pub fn commit(&mut self) -> Result<Receipt, CommitError> {
        self.writer.decide(&self.delivery)
    }

    /// Asks that it be aborted. Whether the broker complied.
    #[must_use]
    pub fn abort(&self) -> bool {
        self.writer.abort().is_ok()
    }
}
