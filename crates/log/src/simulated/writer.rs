//! A transactional producer of the simulated log, and what may befall a commit on its way.

use super::faults::{Fault, Site};
use super::partition::Txn;
use super::state::{ProcessId, State, Timed};
use super::transaction::{Objection, Outcome};
use crate::{AbortCause, CommitError, Receipt, Transaction};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// A transactional producer.
#[derive(Debug)]
pub struct Writer {
    pub(super) state: Rc<RefCell<State>>,
    pub(super) process: ProcessId,
    pub(super) id: String,
    pub(super) epoch: u32,
    /// Why it is of no use any more.
    pub(super) spent: Option<&'static str>,
}

type Committed = Result<Receipt, CommitError>;

fn fenced(reason: &str) -> CommitError {
    CommitError::Fenced { reason: reason.to_owned() }
}

impl crate::Writer for Writer {
    fn commit(&mut self, transaction: &Transaction<'_>) -> Committed {
        let shared = Rc::clone(&self.state);
        let mut state = shared.borrow_mut();
        if let Some(reason) = self.spent {
            return Err(fenced(reason));
        }
        let producer = Producer { process: self.process, id: &self.id, epoch: self.epoch };
        let result = state.commit(&producer, transaction);
        match &result {
            Err(CommitError::Unknown { .. }) => {
                self.spent = Some("the outcome of its last transaction is unknown")
            }
            Err(CommitError::Fenced { .. }) => self.spent = Some("it was fenced before"),
            Ok(_) | Err(CommitError::Aborted { .. }) => {}
        }
        result
    }
}

/// Who commits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Producer<'a> {
    pub(super) process: ProcessId,
    pub(super) id: &'a str,
    pub(super) epoch: u32,
}

/// How long a commit takes before its appends, before its request to commit and before its answer, ms.
#[derive(Clone, Copy, Debug)]
struct Slowness {
    appends: i64,
    request: i64,
    answer: i64,
}

/// What strikes a commit, and before which of its appends (their number: before its offsets).
#[derive(Clone, Copy, Debug)]
struct Blow {
    fault: Fault,
    step: usize,
}

impl State {
    /// Refuses a producer that is dead or not the latest of its id.
    pub(super) fn admit(&self, producer: &Producer<'_>) -> Result<(), CommitError> {
        self.alive(producer.process).map_err(|error| fenced(&error.to_string()))?;
        if self.epoch(producer.id) != producer.epoch {
            return Err(fenced("a newer writer of its id has begun, or the coordinator gave up on it"));
        }
        Ok(())
    }

    fn commit(&mut self, producer: &Producer<'_>, transaction: &Transaction<'_>) -> Committed {
        self.admit(producer)?;
        let blow = self.roll(Site::Commit).map(|fault| {
            let appends: usize = transaction.appends.iter().map(|appends| appends.len()).sum();
            Blow { fault, step: self.rng.below(appends + 1) }
        });
        let slow = self.slowness();
        if let Some(Slowness { appends, .. }) = slow {
            self.tally.fire(Fault::SlowCommit);
            self.advance(appends);
        }
        let txn = self.begin(producer.id);
        let stamp = self.append_all(producer, txn, transaction, blow)?;
        if let Some(Slowness { request, .. }) = slow {
            self.wait_to_commit(producer, txn, request)?;
        }
        if let Some(Blow { fault: Fault::Stale, .. }) = blow {
            self.stale(transaction);
        }
        if !transaction.offsets.is_empty() {
            let added = self.add_offsets(producer.id, txn, transaction.membership, transaction.offsets);
            added.map_err(|objection| self.object(producer, objection))?;
        }
        match blow {
            Some(blow) => self.strike_end(producer, txn, blow.fault)?,
            None => self.decide(producer.id, Outcome::Commit),
        }
        if let Some(Slowness { answer, .. }) = slow {
            self.advance(answer);
            if stamp.is_some_and(|stamp| stamp < self.now) {
                self.tally.change(Fault::SlowCommit);
            }
        }
        Ok(Receipt { stamp })
    }

    fn slowness(&mut self) -> Option<Slowness> {
        if !self.chance(Fault::SlowCommit) {
            return None;
        }
        let (least, most) = self.faults.commit_ms;
        let all = least - 1 + self.rng.span_ms(most - least + 1);
        // Mostly it is what comes after the stamp that takes long.
        let appends = self.rng.span_ms(all / 4) - 1;
        let request = if self.rng.coin() { all - appends } else { 0 };
        Some(Slowness { appends, request, answer: all - appends - request })
    }

    /// Time passes in a transaction that is open: the coordinator may give up on it.
    fn wait_to_commit(&mut self, producer: &Producer<'_>, txn: Txn, ms: i64) -> Result<(), CommitError> {
        self.leave_undecided(producer.id, txn);
        self.advance(ms);
        if self.epoch(producer.id) == producer.epoch {
            return Ok(());
        }
        self.tally.change(Fault::SlowCommit);
        Err(fenced("the coordinator gave up on the transaction"))
    }

    /// A transaction up to its request to commit, left there.
    pub(super) fn hold(
        &mut self,
        producer: &Producer<'_>,
        transaction: &Transaction<'_>,
    ) -> Result<Txn, CommitError> {
        self.admit(producer)?;
        let txn = self.begin(producer.id);
        self.append_all(producer, txn, transaction, None)?;
        if !transaction.offsets.is_empty() {
            let added = self.add_offsets(producer.id, txn, transaction.membership, transaction.offsets);
            added.map_err(|objection| self.object(producer, objection))?;
        }
        self.leave_undecided(producer.id, txn);
        Ok(txn)
    }

    fn append_all(
        &mut self,
        producer: &Producer<'_>,
        txn: Txn,
        transaction: &Transaction<'_>,
        blow: Option<Blow>,
    ) -> Result<Option<i64>, CommitError> {
        let mut stamp = None;
        let mut step = 0;
        for append in transaction.appends.iter().flat_map(|appends| appends.records()) {
            if let Some(blow) = blow.filter(|blow| blow.step == step) {
                self.strike(producer, txn, blow.fault)?;
            }
            let told = self.append(producer.process, producer.id, txn, &append);
            stamp = stamp.max(told.map_err(|objection| self.object(producer, objection))?);
            step += 1;
        }
        if let Some(blow) = blow.filter(|blow| blow.step == step) {
            self.strike(producer, txn, blow.fault)?;
        }
        Ok(stamp)
    }

    fn object(&mut self, producer: &Producer<'_>, objection: Objection) -> CommitError {
        self.decide(producer.id, Outcome::Abort);
        let Objection { reason, cause } = objection;
        CommitError::Aborted { reason, cause, after: Duration::ZERO }
    }

    fn stale(&mut self, transaction: &Transaction<'_>) {
        let Some(membership) = transaction.membership.filter(|_| !transaction.offsets.is_empty()) else {
            return;
        };
        if let Some(group) = self.groups.iter_mut().find(|group| group.name == membership.group) {
            group.move_on(Fault::Stale);
            self.tally.fire(Fault::Stale);
        }
    }

    /// What may strike among the appends.
    fn strike(&mut self, producer: &Producer<'_>, txn: Txn, fault: Fault) -> Result<(), CommitError> {
        let id = producer.id;
        if fault == Fault::Abort {
            self.tally.strike(fault);
            self.decide(id, Outcome::Abort);
            let after = Duration::from_millis(self.rng.next() % 100);
            let reason = "the dice say so".to_owned();
            return Err(CommitError::Aborted { reason, cause: AbortCause::Log, after });
        }
        if fault == Fault::Fenced || fault == Fault::Timeout {
            self.tally.strike(fault);
            self.fence(id);
            self.decide(id, Outcome::Abort);
            let asks = fault == Fault::Timeout && self.rng.coin();
            let reason = "the coordinator gave up on the transaction".to_owned();
            return Err(if asks { CommitError::Unknown { reason } } else { CommitError::Fenced { reason } });
        }
        if fault == Fault::CrashAppending {
            self.tally.strike(fault);
            self.leave_undecided(id, txn);
            return Err(self.crash(producer));
        }
        Ok(())
    }

    /// What may strike once the offsets are in.
    fn strike_end(&mut self, producer: &Producer<'_>, txn: Txn, fault: Fault) -> Result<(), CommitError> {
        let id = producer.id;
        let lost = CommitError::Unknown { reason: "no answer to the request to commit".to_owned() };
        match fault {
            Fault::UnknownCommitted => self.decide(id, Outcome::Commit),
            Fault::UnknownAborted if self.rng.coin() => {
                self.fence(id);
                self.decide(id, Outcome::Abort);
            }
            Fault::UnknownAborted => self.leave_undecided(id, txn),
            Fault::UnknownDelayed => self.delay_end(producer, txn),
            Fault::CrashUndecided => {
                if self.rng.coin() {
                    self.delay_end(producer, txn);
                } else {
                    self.leave_undecided(id, txn);
                }
                self.tally.strike(fault);
                return Err(self.crash(producer));
            }
            Fault::CrashCommitted => {
                self.decide(id, Outcome::Commit);
                self.tally.strike(fault);
                return Err(self.crash(producer));
            }
            Fault::Busy
            | Fault::Abort
            | Fault::Stale
            | Fault::Fenced
            | Fault::Timeout
            | Fault::CrashAppending
            | Fault::Stall
            | Fault::Rebalance
            | Fault::EmptyRebalance
            | Fault::Loss
            | Fault::Gap
            | Fault::Clock
            | Fault::Foreign
            | Fault::MarkerDelay
            | Fault::SmallBatch
            | Fault::SlowCommit => {
                self.decide(id, Outcome::Commit);
                return Ok(());
            }
        }
        self.tally.strike(fault);
        Err(lost)
    }

    fn delay_end(&mut self, producer: &Producer<'_>, txn: Txn) {
        let most = self.faults.late_ms;
        let moment = self.now + self.rng.span_ms(most);
        self.at(moment, Timed::LateEnd { id: producer.id.to_owned(), epoch: producer.epoch });
        self.leave_undecided(producer.id, txn);
    }

    fn crash(&mut self, producer: &Producer<'_>) -> CommitError {
        self.kill(producer.process);
        CommitError::Unknown { reason: "the process died".to_owned() }
    }
}
