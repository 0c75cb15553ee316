//! Producers that are none of ours: plain ones, and transactions of an upstream application.

use super::faults::Fault;
use super::partition::{Incoming, PLAIN};
use super::state::{ProcessId, State};
use super::transaction::Target;
use crate::{Partition, Stamp};

impl State {
    /// Appends outside of any transaction; the offset, or `None` if there is no such partition.
    pub(super) fn append_plain(
        &mut self,
        partition: &Partition,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        stamp: Option<i64>,
    ) -> Option<i64> {
        let place = self.place(partition)?;
        let stamped_by = self.topics[place.topic].spec.stamp;
        let stamp = match stamped_by {
            Stamp::Append => self.now,
            Stamp::Create => stamp.unwrap_or(self.now),
        };
        Some(self.store(place).append(&Incoming { stamp, stamped_by, txn: PLAIN, key, value, headers: &[] }))
    }

    /// Opens a foreign transaction; its id.
    pub(super) fn open_foreign(&mut self) -> String {
        let id = format!("foreign-{}", self.number());
        self.begin(&id);
        id
    }

    /// Appends to a foreign transaction, which holds a partition back from its first record on.
    pub(super) fn append_foreign(
        &mut self,
        process: ProcessId,
        id: &str,
        partition: &Partition,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        stamp: Option<i64>,
    ) -> bool {
        let current = self.coordinators.get(id).and_then(|coordinator| coordinator.current.as_ref());
        let Some(txn) = current.filter(|current| current.decided.is_none()).map(|current| current.txn) else {
            return false;
        };
        let mut appends = crate::Appends::default();
        appends.push_stamped(&partition.topic, partition.number, stamp, key, value, &[]);
        let mut records = appends.records();
        records.next().is_some_and(|append| self.append(process, id, txn, &append).is_ok())
    }

    pub(super) fn blame_foreign(&mut self, id: &str) {
        let current = self.coordinators.get(id).and_then(|coordinator| coordinator.current.as_ref());
        let Some((txn, targets)) = current.map(|current| (current.txn, current.targets.clone())) else {
            return;
        };
        for target in targets {
            if matches!(target, Target::Records(_)) {
                self.blame(&target, txn, Fault::Foreign);
            }
        }
    }
}
