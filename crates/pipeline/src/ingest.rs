//! The ingest worker: source records in, entries of the journal out, one transaction at a time.
//!
//! ```text
//! poll ─> decode ─> check ─> route ─┐
//!   ends asked for ─> proof ─> mark ┴─> load ─> commit (entries, dead letters, offsets with metadata)
//! ```
//!
//! Invariants:
//! - A watermark entry stands after the activities that it covers, in the same or an earlier transaction.
//! - A wall-clock watermark needs a proof: everything below the high watermark reported at W was read.
//! - While a transaction is in doubt, or what waits is full, nothing is taken in; the group is served.
//! - What a partition has accepted and not told is in its offset's metadata; a crash loses none of it.
//! - A partition of which it is not certain where it goes on is refused, and holds the time of its source; all others
//!   go on. Records that were deleted unread are passed only once that loss is accepted, and are counted.

mod consume;
mod feed;
mod handover;
mod intake;
mod load;
mod mark;
mod recorded;
mod told;
mod trace;
mod trail;

pub use recorded::Recorded;
pub(crate) use recorded::TICK;

use crate::commit::{Committer, Outcome};
use crate::failure::{Delay, Failure, Progress, apart, later};
use crate::model_topic::{Follower, Published};
use crate::refusal::Refusals;
use crate::settings;
use crate::status::{FeedStatus, IngestStatus};
use crate::topic;
use crate::variant::{Correct, Variant};
pub(crate) use feed::Feed;
use intake::Intake;
use load::Load;
use log::{Batch, Committed, Isolation, Log, Member, OffsetCommit, Partition, Transaction};
use mark::Proof;
use model::source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use told::Told;
use trail::Trail;

/// The group of the ingest workers.
const GROUP: &str = "vitals-ingest";

/// An ingest worker.
#[derive(Debug)]
pub struct Ingest<L: Log, V: Variant = Correct> {
    log: L,
    identity: settings::Identity,
    settings: settings::Ingest,
    topics: Vec<Arc<str>>,
    models: Follower<L>,
    model: Option<Published>,
    member: Option<L::Member>,
    committer: Committer<L, V>,
    intake: Intake,
    load: Option<Load>,
    feeds: BTreeMap<Partition, Feed>,
    /// Assigned and not started, since their offsets are not known yet.
    waiting: BTreeSet<Partition>,
    /// Refused, and not to be begun before they are tried again: where and why is not known to be right.
    refused: BTreeSet<Partition>,
    refusals: Refusals,
    /// What the journal was told last, while partitions are begun.
    told: Option<Told<L>>,
    /// Offsets that knew more than the journal, as far as it had been read before: it is read anew.
    short: BTreeMap<Partition, Committed>,
    /// What partitions without an offset have left, while it is read.
    trail: Option<Trail<L>>,
    /// Revoked and not given up, since their content is not committed yet.
    leaving: BTreeSet<Partition>,
    /// Partitions whose content is in the transaction being sent.
    sending: Vec<Partition>,
    /// Whether all partitions are paused, since nothing can be taken in.
    held: bool,
    proof: Option<Proof>,
    asked_at: i64,
    marked_at: i64,
    committed_at: i64,
    /// What the log's clock said last.
    clock: Option<Clock>,
    batch: Batch,
    /// Why it is not ready.
    reason: Option<String>,
    /// Why its group does not answer.
    delay: Delay,
}

/// A look at the log's clock.
#[derive(Clone, Copy, Debug)]
struct Clock {
    /// What it said.
    stamp: i64,
    /// By how much the own one was ahead of it, at least: 0 where the one may have said what the other did.
    off: i64,
}

fn replaces<V: Variant>(published: &Published, model: &Published) -> bool {
    !V::RULES_KEPT && model.plan.id != published.plan.id
}

impl<L: Log> Ingest<L> {
    /// A worker that has done nothing.
    pub fn new(log: L, identity: settings::Identity, settings: settings::Ingest) -> Self {
        Self::of_variant(log, identity, settings)
    }
}

impl<L: Log, V: Variant> Ingest<L, V> {
    /// A worker that may be known to be wrong.
    #[doc(hidden)]
    pub fn of_variant(log: L, identity: settings::Identity, settings: settings::Ingest) -> Self {
        let committer = Committer::new(log.clone(), identity.id("ingest"));
        Self {
            topics: Source::ALL.map(topic::of_source).to_vec(),
            models: Follower::new(log.clone()),
            model: None,
            member: None,
            committer,
            intake: Intake::new(settings.clone()),
            load: None,
            feeds: BTreeMap::new(),
            waiting: BTreeSet::new(),
            refused: BTreeSet::new(),
            refusals: Refusals::default(),
            told: None,
            short: BTreeMap::new(),
            trail: None,
            leaving: BTreeSet::new(),
            sending: Vec::new(),
            held: false,
            proof: None,
            asked_at: i64::MIN,
            marked_at: i64::MIN,
            committed_at: i64::MIN,
            clock: None,
            batch: Batch::default(),
            reason: None,
            delay: Delay::default(),
            log,
            identity,
            settings,
        }
    }

    /// Does the next thing there is to do.
    ///
    /// # Errors
    /// [`Failure`]: the worker cannot go on.
    pub fn step(&mut self) -> Result<Progress, Failure> {
        self.go().map_err(Failure::explain)
    }

    fn go(&mut self) -> Result<Progress, Failure> {
        if !self.prepare()? {
            return Ok(Progress::Idle);
        }
        if self.committer.is_in_doubt() {
            self.hold();
            return self.resolve();
        }
        let now = self.log.now();
        self.ask_ends(now)?;
        if self.is_due(now) && self.committer.is_ready() {
            self.mark(now);
            self.commit(now)?;
        }
        if self.committer.is_in_doubt() {
            return Ok(Progress::Worked);
        }
        self.let_go();
        if self.is_full() {
            self.hold();
            return self.serve();
        }
        self.go_on()?;
        self.start_waiting()?;
        self.poll(self.settings.wait)
    }

    /// Has all that a worker needs: a model, a writer, a membership.
    fn prepare(&mut self) -> Result<bool, Failure> {
        match self.models.current()? {
            Some(published) if self.model.as_ref().is_none_or(|model| replaces::<V>(published, model)) => {
                self.model = Some(published.clone());
                // What was asked and worked out by other rules, and is not told, is by these anew.
                (self.proof, self.asked_at) = (None, i64::MIN);
                self.feeds.values_mut().for_each(Feed::forget_untold);
            }
            Some(_) => {}
            None if self.model.is_none() => {
                self.reason = Some(self.models.absence());
                return Ok(false);
            }
            None => {}
        }
        self.reason = None;
        if self.load.is_none() {
            let Some(spec) = later(self.log.topic(topic::JOURNAL))? else { return Ok(false) };
            let spec = spec.ok_or_else(|| log::Error::Missing(topic::JOURNAL.to_owned()))?;
            if let Some(failure) = self.models.widened(spec.partitions) {
                self.reason = Some(failure.to_string());
                return Ok(false);
            }
            self.load = Some(Load::new(spec.partitions, self.identity.epoch, self.settings.max_record_bytes));
        }
        // While a transaction is in doubt, a new writer is the resolution's to make.
        if !self.committer.is_in_doubt() {
            self.committer.open()?;
        }
        if self.member.is_none() {
            let instance = self.identity.id("ingest");
            self.member =
                self.delay.take(self.log.join(GROUP, &instance, &self.topics, Isolation::Committed))?;
        }
        Ok(self.member.is_some())
    }

    fn commit(&mut self, now: i64) -> Result<(), Failure> {
        let (Some(member), Some(load)) = (&mut self.member, &mut self.load) else { return Ok(()) };
        let Some(membership) = member.membership() else { return Ok(()) };
        let stamp = self.committer.stamp();
        let mut touched: Vec<&Partition> =
            self.feeds.iter().filter(|(_, feed)| feed.touched).map(|(partition, _)| partition).collect();
        if touched.is_empty() {
            if load.is_empty() {
                self.committed_at = now;
                return Ok(());
            }
            // A transaction without offsets would not be fenced, so one that has nothing to say says it anyway.
            touched
                .extend(self.feeds.iter().find(|(_, feed)| feed.is_proved()).map(|(partition, _)| partition));
            if touched.is_empty() {
                // It was for a feed that is gone.
                load.clear();
                return Ok(());
            }
        }
        self.sending = touched.into_iter().cloned().collect();
        let mut offsets = Vec::new();
        for partition in &self.sending {
            let Some(feed) = self.feeds.get_mut(partition) else { continue };
            let metadata = feed.metadata(stamp, !V::RUNS_FORGOTTEN);
            // Past control records, which are deleted with what they end, and are nothing to be missed.
            offsets.push(OffsetCommit { partition: partition.clone(), offset: feed.position(), metadata });
        }
        let appends = load.seal();
        let transaction =
            Transaction { appends: &[appends], offsets: &offsets, membership: Some(&membership) };
        let before = self.log.now();
        if let Outcome::Committed(receipt) = self.committer.commit(&transaction)? {
            if let Some(stamp) = receipt.stamp {
                // It stamped at some moment in between: how long a commit takes is no fault of a clock.
                let began = if V::COMMIT_IS_OFF { self.log.now() } else { before };
                let off = (began - stamp).max(0) + (self.log.now() - stamp).min(0);
                self.clock = Some(Clock { stamp, off });
            }
            self.is_committed(now);
        }
        Ok(())
    }

    fn is_committed(&mut self, now: i64) {
        for partition in self.sending.drain(..) {
            if let Some(feed) = self.feeds.get_mut(&partition) {
                feed.touched = false;
            }
        }
        if let Some(load) = &mut self.load {
            load.clear();
        }
        self.committed_at = now;
    }

    /// Leaves the group, so that others take over at once. What is not committed is read again by them.
    pub fn stop(mut self) {
        if let Some(member) = self.member.take() {
            member.leave();
        }
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> IngestStatus {
        let mut reasons: Vec<String> = self.reason.iter().cloned().chain(self.committer.trouble()).collect();
        reasons.extend(self.clock_trouble());
        if self.reason.is_none() {
            reasons.extend(apart(self.member.as_ref(), &self.delay));
        }
        let feed = |(partition, feed): (&Partition, &Feed)| {
            let end = self.proof.as_ref().and_then(|proof| proof.end(&self.topics, partition));
            FeedStatus::of(feed.source, feed.number, feed.position(), end, feed)
        };
        // While it is tried again, what was wrong is wrong until that has come to an end.
        let unproved =
            self.feeds.iter().filter(|(_, feed)| !feed.is_proved()).map(|(partition, _)| partition);
        let refused = self.refused.union(&self.waiting).chain(unproved);
        reasons.extend(refused.filter_map(|partition| self.refusals.reason(partition)).map(str::to_owned));
        reasons.extend(self.feeds.iter().filter_map(|(partition, feed)| feed.refusal(partition)));
        let feeds: Vec<FeedStatus> = self.feeds.iter().map(feed).collect();
        let stopped: BTreeSet<Source> =
            feeds.iter().filter(|feed| feed.stopped).map(|feed| feed.source).collect();
        reasons.extend(stopped.into_iter().map(|source| {
            format!("source {source} is stopped: too many of its records were rejected; see the dead-letter topic, then `vitals source resume {source}`")
        }));
        let journal = self.load.as_ref().map(Load::partitions);
        let transactions = self.committer.tally();
        let buffered = self.load.as_ref().map_or(0, Load::size);
        IngestStatus { feeds, reasons, waiting: self.waiting.len(), journal, transactions, buffered }
    }
}
