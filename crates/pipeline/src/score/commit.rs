//! What waits of all shards becomes one transaction: effects, state, offsets with positions.

use super::checkpoint::{self, kind};
use super::{Score, State};
use crate::commit::Outcome;
use crate::failure::Failure;
use crate::metadata;
use crate::variant::Variant;
use log::{Appends, Log, Member, OffsetCommit, Transaction};

impl<L: Log, V: Variant> Score<L, V> {
    pub(super) fn commit(&mut self) -> Result<(), Failure> {
        let Some(member) = &mut self.member else { return Ok(()) };
        let Some(membership) = member.membership() else { return Ok(()) };
        let now = self.log.now();
        let stamp = self.committer.stamp();
        self.sending.clear();
        let mut offsets = Vec::new();
        for (partition, state) in &mut self.owned {
            let State::Folding(folding) = state else { continue };
            if !folding.has_content() {
                continue;
            }
            let (shard, to) = (&mut folding.shard, &mut folding.appends);
            folding.checkpoint.add::<V>(shard, to, &self.topics.state, partition.number, now, &self.settings);
            self.sending.push(partition.clone());
            if V::OFFSET_LEFT_OUT && self.leaving.contains(partition) {
                continue;
            }
            let metadata =
                metadata::Journal { stamp, position: folding.position, frame: folding.frame }.write();
            offsets.push(OffsetCommit { partition: partition.clone(), offset: folding.next, metadata });
        }
        if V::ACCOUNTS_AHEAD && !self.commit_accounts(&membership)? {
            return Ok(());
        }
        let appends: Vec<&Appends> = self
            .owned
            .values()
            .filter_map(|state| match state {
                State::Folding(folding) if folding.has_content() => Some(&folding.appends),
                State::Folding(_) | State::Waiting | State::Restoring(_) | State::Refused(..) => None,
            })
            .collect();
        let transaction = Transaction { appends: &appends, offsets: &offsets, membership: Some(&membership) };
        if let Outcome::Committed(_) = self.committer.commit(&transaction)? {
            self.is_committed(now);
        }
        Ok(())
    }

    /// Commits accounts before their effects: wrong, and only there to be found so.
    #[doc(hidden)]
    fn commit_accounts(&mut self, membership: &log::Membership) -> Result<bool, Failure> {
        let stamp = self.committer.stamp();
        let (mut state, mut offsets) = (Vec::new(), Vec::new());
        for (partition, owned) in &mut self.owned {
            let State::Folding(folding) = owned else { continue };
            if !folding.has_content() {
                continue;
            }
            let mut accounts = Appends::default();
            folding.shard.take_dirty(|id, account| {
                checkpoint::put(
                    &mut accounts,
                    &self.topics.state,
                    partition.number,
                    kind::ACCOUNT,
                    id.as_bytes(),
                    account,
                );
                true
            });
            state.push(accounts);
            let metadata =
                metadata::Journal { stamp, position: folding.committed, frame: folding.frame }.write();
            offsets.push(OffsetCommit {
                partition: partition.clone(),
                offset: folding.committed.offset.max(0),
                metadata,
            });
        }
        let appends: Vec<&Appends> = state.iter().collect();
        let transaction = Transaction { appends: &appends, offsets: &offsets, membership: Some(membership) };
        Ok(matches!(self.committer.commit(&transaction)?, Outcome::Committed(_)))
    }

    pub(super) fn is_committed(&mut self, now: i64) {
        for partition in self.sending.drain(..) {
            self.refusals.forget(&partition);
            if let Some(State::Folding(folding)) = self.owned.get_mut(&partition) {
                folding.committed = folding.position;
                folding.appends.clear();
            }
        }
        self.committed_at = now;
    }
}
