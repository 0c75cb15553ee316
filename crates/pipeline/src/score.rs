//! The score worker: entries of the journal in, effects and checkpoints out, one transaction at a time.
//!
//! ```text
//! poll ─> frame ─> fold ─> outbox ─┐
//!                     dirty accounts ┴─> commit (effects, state, head, offset with position)
//! ```
//!
//! Invariants:
//! - The fold never rolls back: what it said stays in the outbox until its transaction is committed, or the
//!   shard is dropped.
//! - A transaction has an offset of every shard of which it holds anything.
//! - While a transaction is in doubt, or the outbox is full, nothing is folded; the group is served.
//! - What one minute's advance or one entry causes is in one transaction with the position after it.

mod ahead;
mod checkpoint;
mod commit;
mod fold;
mod handover;
mod outbox;
mod owned;
mod records;
mod restore;

use crate::commit::Committer;
use crate::failure::{Delay, Failure, Progress, apart, later};
use crate::refusal::Refusals;
use crate::settings::{self, has_passed};
use crate::status::{ScoreStatus, ShardStatus};
use crate::topic;
use crate::variant::{Correct, Variant};
pub(crate) use checkpoint::kind;
use fold::Cursor;
use log::{Batch, Event, Isolation, Log, Member, Partition};
pub(crate) use outbox::Topics;
pub(crate) use owned::State;
pub(crate) use records::Records;
pub(crate) use restore::REBUILD;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wire::frame::FrameBuffer;
use wire::output::Encoder;

/// The group of the score workers.
const GROUP: &str = "vitals-score";

/// A score worker.
#[derive(Debug)]
pub struct Score<L: Log, V: Variant = Correct> {
    log: L,
    identity: settings::Identity,
    settings: settings::Score,
    journal: Arc<str>,
    topics: Topics,
    encoder: Encoder,
    member: Option<L::Member>,
    committer: Committer<L, V>,
    owned: BTreeMap<Partition, State<L, V>>,
    /// Shards that were refused and are not live again.
    refusals: Refusals,
    /// Why its group does not answer.
    delay: Delay,
    leaving: Vec<Partition>,
    sending: Vec<Partition>,
    /// The batch at hand, and the record and entry in it that is folded next.
    batch: Batch,
    /// Where a poll goes to while a batch is at hand.
    aside: Batch,
    cursor: Option<Cursor>,
    /// Whether all shards are paused, since nothing can be folded.
    held: bool,
    frame: FrameBuffer,
    committed_at: i64,
    /// Whether the last poll brought nothing.
    drained: bool,
}

impl<L: Log> Score<L> {
    /// A worker that has done nothing.
    pub fn new(log: L, identity: settings::Identity, settings: settings::Score) -> Self {
        Self::of_variant(log, identity, settings)
    }
}

impl<L: Log, V: Variant> Score<L, V> {
    /// A worker that may be known to be wrong.
    #[doc(hidden)]
    pub fn of_variant(log: L, identity: settings::Identity, settings: settings::Score) -> Self {
        Self {
            journal: topic::JOURNAL.into(),
            topics: Topics::default(),
            encoder: Encoder::new(&identity.instance),
            member: None,
            committer: Committer::new(log.clone(), identity.id("score")),
            owned: BTreeMap::new(),
            refusals: Refusals::default(),
            delay: Delay::default(),
            leaving: Vec::new(),
            sending: Vec::new(),
            batch: Batch::default(),
            aside: Batch::default(),
            cursor: None,
            held: false,
            frame: FrameBuffer::default(),
            committed_at: i64::MIN,
            drained: false,
            log,
            identity,
            settings,
        }
    }

    /// Does the next thing there is to do.
    ///
    /// # Errors
    /// [`Failure`]: the worker cannot go on. A shard that refuses is not a failure of the worker: it is in the
    /// status.
    pub fn step(&mut self) -> Result<Progress, Failure> {
        self.go().or_else(|failure| self.give_up(failure))
    }

    fn go(&mut self) -> Result<Progress, Failure> {
        if !self.prepare()? {
            return Ok(Progress::Idle);
        }
        if self.committer.is_in_doubt() {
            self.hold();
            return self.resolve();
        }
        if self.is_due() {
            self.commit()?;
            if self.committer.is_in_doubt() {
                return Ok(Progress::Worked);
            }
        }
        self.let_go();
        if self.outbox() >= self.settings.outbox_bytes {
            self.hold();
            return self.serve();
        }
        if self.cursor.is_some() {
            self.fold();
            return Ok(Progress::Worked);
        }
        self.go_on()?;
        let restored = !self.held && self.restore()?;
        let polled = self.poll()?;
        Ok(if restored { Progress::Worked } else { polled })
    }

    fn prepare(&mut self) -> Result<bool, Failure> {
        // While a transaction is in doubt, a new writer is the resolution's to make.
        if !self.committer.is_in_doubt() {
            self.committer.open()?;
        }
        if self.member.is_none() {
            let instance = self.identity.id("score");
            let topics = std::slice::from_ref(&self.journal);
            self.member = self.delay.take(self.log.join(GROUP, &instance, topics, Isolation::Committed))?;
        }
        Ok(self.member.is_some())
    }

    fn outbox(&self) -> usize {
        let sizes = self.owned.values().map(|state| match state {
            State::Folding(folding) => folding.appends.size(),
            State::Waiting | State::Restoring(_) | State::Refused(..) => 0,
        });
        sizes.sum()
    }

    fn is_due(&self) -> bool {
        if !self.committer.is_ready() {
            return false;
        }
        let content = self.owned.values().any(|state| matches!(state, State::Folding(f) if f.has_content()));
        if !content {
            return false;
        }
        let now = self.log.now();
        !self.leaving.is_empty()
            || self.drained && has_passed(now, self.committed_at, self.settings.commit_least)
            || has_passed(now, self.committed_at, self.settings.commit_most)
            || self.outbox() >= self.settings.outbox_bytes
    }

    fn poll(&mut self) -> Result<Progress, Failure> {
        let Some(member) = &mut self.member else { return Ok(Progress::Idle) };
        let wait = if self.owned.values().any(|state| matches!(state, State::Restoring(_) | State::Waiting)) {
            Duration::ZERO
        } else {
            self.settings.wait
        };
        let event = self.delay.take(member.poll(&mut self.batch, wait))?;
        self.drained = matches!(event, None | Some(Event::Idle | Event::End { .. }));
        if event == Some(Event::Records) {
            if !self.held {
                self.cursor = Some(Cursor::default());
            }
            return Ok(Progress::Worked);
        }
        Ok(self.take(event))
    }

    /// Serves the group while nothing can be folded. What comes all the same comes again.
    fn serve(&mut self) -> Result<Progress, Failure> {
        let Some(member) = &mut self.member else { return Ok(Progress::Idle) };
        let event = later(member.poll(&mut self.aside, Duration::ZERO))?;
        Ok(self.take(event))
    }

    fn take(&mut self, event: Option<Event>) -> Progress {
        match event {
            None | Some(Event::Idle) => return Progress::Idle,
            Some(Event::Records) => {}
            Some(Event::End { partition, offset }) => {
                if let Some(State::Folding(folding)) = self.owned.get_mut(&partition) {
                    folding.end = folding.end.max(Some(offset));
                }
            }
            Some(Event::Assigned(partitions)) => {
                for partition in partitions {
                    self.owned.entry(partition).or_insert(State::Waiting);
                }
            }
            Some(Event::Revoked(partitions)) => self.revoke(partitions),
            Some(Event::Lost(partitions)) => self.lose(&partitions),
        }
        Progress::Worked
    }

    /// Leaves the group, so that others take over at once.
    pub fn stop(mut self) {
        if let Some(member) = self.member.take() {
            member.leave();
        }
    }

    /// Whether every journal partition is owned, live, read to `ends` and committed.
    #[must_use]
    pub fn has_reached(&self, ends: &[i64]) -> bool {
        self.cursor.is_none()
            && (0..).zip(ends).all(|(number, end)| {
                let partition = Partition::new(Arc::clone(&self.journal), number);
                matches!(self.owned.get(&partition), Some(State::Folding(folding))
                    if folding.live && folding.end.max(Some(folding.next)) >= Some(*end) && !folding.has_content())
            })
    }

    /// Goes on counting accounts for [`Score::status`], at most so many of all its shards. Counting an account costs
    /// about as much as an activity.
    pub fn count(&mut self, most: usize) {
        let shards = self.owned.len().max(1);
        for state in self.owned.values_mut() {
            if let State::Folding(folding) = state {
                folding.count(most.div_ceil(shards));
            }
        }
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> ScoreStatus {
        let transactions = self.committer.tally();
        let mut status = ScoreStatus { transactions, outbox: self.outbox(), ..ScoreStatus::default() };
        status.reasons.extend(self.committer.trouble());
        status.reasons.extend(apart(self.member.as_ref(), &self.delay));
        for (partition, state) in &self.owned {
            // While it is tried again, what was wrong is wrong until it is live.
            let refused = match state {
                State::Refused(reason, _) => Some(&**reason),
                State::Folding(folding) if folding.live => None,
                State::Waiting | State::Restoring(_) | State::Folding(_) => self.refusals.reason(partition),
            };
            status.reasons.extend(refused.map(str::to_owned));
            status.shards.push(ShardStatus::of(partition.number, state));
        }
        status
    }
}
