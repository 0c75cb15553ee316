//! One transaction at a time, and what to do when its outcome is not known.
//!
//! Each committed offset's metadata begins with a stamp: the incarnation of the writer and the number of the
//! transaction. After an outcome that is not known, a new writer of the same id decides the matter, and the
//! stamps of the offsets that were in the transaction tell which way.

use crate::failure::{Delay, Failure, later};
use crate::settings::has_passed;
use crate::status::Transactions;
use crate::variant::{Correct, Variant};
use log::{AbortCause, CommitError, Log, Member, Membership, Partition, Receipt, Transaction, Writer};
use std::marker::PhantomData;
use std::time::Duration;

/// Identifies one transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    pub(crate) incarnation: i64,
    pub(crate) sequence: u64,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Committed(Receipt),
    /// Nothing is visible: send it again.
    Again,
    /// Nothing is visible; the membership must be taken afresh first.
    Stale,
    /// Not known: call [`Committer::resolve`] until it is.
    Doubt,
}

/// What a doubt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    Later,
    Committed,
    Aborted,
    /// Neither: what is held in memory must be dropped and read again.
    Mixed,
}

/// After how many aborted transactions in a row a worker is not ready.
const TROUBLE: u32 = 3;

/// A membership as it was a generation ago: wrong, and only there to be found so.
fn previous(membership: &Membership) -> Membership {
    Membership { generation: membership.generation - 1, ..membership.clone() }
}

/// A writer that outlives its writers.
#[derive(Debug)]
pub(crate) struct Committer<L: Log, V: Variant = Correct> {
    log: L,
    id: String,
    writer: Option<L::Writer>,
    stamp: Stamp,
    /// What became of its transactions, the one in doubt included.
    tally: Transactions,
    /// When it may try again after an abort, and when that was said.
    pause: Option<(i64, Duration)>,
    fenced: Vec<i64>,
    /// How many transactions were aborted since one was committed, and why the last was.
    aborts: u32,
    trouble: Option<String>,
    /// Why there is no writer.
    delay: Delay,
    variant: PhantomData<V>,
}

impl<L: Log, V: Variant> Committer<L, V> {
    pub(crate) fn new(log: L, id: String) -> Self {
        let incarnation = log.now();
        let stamp = Stamp { incarnation, sequence: 0 };
        Self {
            log,
            id,
            writer: None,
            stamp,
            tally: Transactions::default(),
            pause: None,
            fenced: Vec::new(),
            aborts: 0,
            trouble: None,
            delay: Delay::default(),
            variant: PhantomData,
        }
    }

    /// Has a writer. Returns whether it does.
    pub(crate) fn open(&mut self) -> Result<bool, Failure> {
        if self.writer.is_none() {
            self.writer = self.delay.take(self.log.writer(&self.id))?;
        }
        Ok(self.writer.is_some())
    }

    /// The stamp of the transaction that is sent next. A transaction sent again has the same.
    pub(crate) const fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Makes sure that no transaction to come has a stamp that was seen.
    pub(crate) fn pass(&mut self, seen: Stamp) {
        if seen.incarnation >= self.stamp.incarnation {
            self.stamp.incarnation = seen.incarnation + 1;
        }
    }

    /// Why transactions are aborted one after another, if they are.
    pub(crate) fn trouble(&self) -> Option<String> {
        let aborted = self.trouble.as_ref().map(|reason| format!("nothing can be committed: {reason}"));
        aborted.or_else(|| self.delay.reason("nothing can be committed: no writer"))
    }

    /// What became of its transactions.
    pub(crate) const fn tally(&self) -> Transactions {
        self.tally
    }

    pub(crate) const fn is_in_doubt(&self) -> bool {
        self.tally.in_doubt
    }

    pub(crate) fn is_ready(&self) -> bool {
        let paused = self.pause.is_some_and(|(since, span)| !has_passed(self.log.now(), since, span));
        self.writer.is_some() && !self.tally.in_doubt && !paused
    }

    pub(crate) fn commit(&mut self, transaction: &Transaction<'_>) -> Result<Outcome, Failure> {
        let Some(writer) = &mut self.writer else { return Ok(Outcome::Again) };
        let now = self.log.now();
        let wrong = transaction.membership.filter(|_| V::MEMBERSHIP_STALE).map(previous);
        let membership = wrong.as_ref().or(transaction.membership).filter(|_| !V::MEMBERSHIP_LEFT_OUT);
        match writer.commit(&Transaction { membership, ..*transaction }) {
            Ok(receipt) => {
                self.stamp.sequence += 1;
                self.tally.committed += 1;
                (self.aborts, self.trouble) = (0, None);
                Ok(Outcome::Committed(receipt))
            }
            Err(CommitError::Aborted { reason, cause, after }) => {
                self.pause = Some((now, after));
                self.tally.aborted += 1;
                self.aborts += 1;
                if self.aborts == TROUBLE {
                    tracing::warn!(id = self.id, reason, "transactions are aborted one after another");
                }
                if self.aborts >= TROUBLE {
                    self.trouble = Some(reason.clone());
                }
                match cause {
                    AbortCause::Log if V::ABORT_FORGOTTEN => Ok(Outcome::Committed(Receipt { stamp: None })),
                    AbortCause::Log => Ok(Outcome::Again),
                    AbortCause::StaleMembership => Ok(Outcome::Stale),
                    AbortCause::RecordTooLarge | AbortCause::UnknownPartition => Err(Failure::Stuck(reason)),
                }
            }
            Err(CommitError::Unknown { reason }) => {
                tracing::warn!(id = self.id, reason, "outcome of a transaction unknown");
                self.writer = None;
                self.tally.unknown += 1;
                self.tally.in_doubt = true;
                Ok(Outcome::Doubt)
            }
            Err(CommitError::Fenced { reason }) => {
                tracing::warn!(id = self.id, reason, "writer fenced");
                self.writer = None;
                self.tally.fenced += 1;
                self.fenced.retain(|at| now - at < 60_000);
                self.fenced.push(now);
                if self.fenced.len() > 5 {
                    return Err(Failure::Fenced { id: self.id.clone(), times: self.fenced.len() });
                }
                Ok(Outcome::Again)
            }
        }
    }

    /// Finds out what became of the transaction in doubt, of which `partitions` are those still ours. `stamp`
    /// reads the stamp of an offset's metadata.
    pub(crate) fn resolve<M: Member>(
        &mut self,
        member: &mut M,
        partitions: &[Partition],
        stamp: impl Fn(&str) -> Option<Stamp>,
    ) -> Result<Resolution, Failure> {
        if !self.open()? {
            return Ok(Resolution::Later);
        }
        let Some(committed) = later(member.committed(partitions))? else { return Ok(Resolution::Later) };
        let ours = committed
            .iter()
            .filter(|offset| offset.as_ref().and_then(|offset| stamp(&offset.metadata)) == Some(self.stamp));
        let ours = ours.count();
        self.tally.in_doubt = false;
        let resolution = match ours {
            _ if V::UNKNOWN_IS_COMMITTED => Resolution::Committed,
            _ if V::UNKNOWN_IS_ABORTED => Resolution::Aborted,
            0 => Resolution::Aborted,
            all if all == partitions.len() => Resolution::Committed,
            _ => Resolution::Mixed,
        };
        match resolution {
            Resolution::Committed => self.tally.committed += 1,
            Resolution::Aborted => self.tally.aborted += 1,
            Resolution::Mixed | Resolution::Later => {}
        }
        // Whichever it was, its stamp must never be taken for that of another.
        self.stamp.sequence += 1;
        Ok(resolution)
    }
}
