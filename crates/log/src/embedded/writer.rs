//! The writer of transactions of one id.

use super::CommitPoint;
use super::held;
use super::key::Meta;
use super::prepare;
use super::state::Shared;
use crate::{CommitError, Error, Receipt, Result, Transaction};
use std::sync::Arc;

/// A transactional producer of the embedded log.
#[derive(Debug)]
pub struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) id: Arc<str>,
    pub(super) epoch: u64,
    /// Transactions begun, for the trace.
    sequence: u64,
}

impl Writer {
    /// A new epoch of `id`: whoever wrote under it before is fenced.
    pub(super) fn open(shared: Arc<Shared>, id: &str) -> Result<Self> {
        let admin = shared.admin.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let id: Arc<str> = id.into();
        let mut state = shared.live()?;
        if state.undecided_writers.contains(&id) {
            return Err(Error::Busy(format!("a transaction of writer {id} is being decided")));
        }
        let epoch = state.epochs.get(&id).copied().unwrap_or(0) + 1;
        state.epochs.insert(Arc::clone(&id), epoch);
        drop(state);
        held::abort_of(&shared, &id)?;
        shared.write(|store, batch| {
            batch.insert(&store.meta, Meta::key(Meta::WRITER, id.as_bytes()), epoch.to_be_bytes());
        })?;
        drop(admin);
        Ok(Self { shared, id, epoch, sequence: 0 })
    }
}

impl crate::Writer for Writer {
    fn commit(&mut self, transaction: &Transaction<'_>) -> std::result::Result<Receipt, CommitError> {
        let catalog = Arc::clone(&self.shared.state().catalog);
        let prepared = prepare::prepare(&catalog, transaction)?;
        self.sequence += 1;
        tracing::debug!(writer = %self.id, sequence = self.sequence, "begin");
        self.shared.options.reached(CommitPoint::Begin);
        let outcome = self.shared.commit(&self.id, self.epoch, prepared);
        match &outcome {
            Ok(_) => tracing::debug!(writer = %self.id, sequence = self.sequence, "commit"),
            Err(error) => tracing::debug!(writer = %self.id, sequence = self.sequence, %error, "no commit"),
        }
        outcome
    }
}
