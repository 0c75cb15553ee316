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
//! - What a partition has accepted and not told is in its offset's metadata; a crash loses none of it.

mod feed;
mod intake;
mod load;
mod recorded;

pub use recorded::Recorded;

use crate::commit::{Committer, Outcome, Resolution};
use crate::failure::{Failure, Progress, later};
use crate::metadata;
use crate::model_topic::{Follower, Published};
use crate::settings::{self, millis};
use crate::status::{FeedStatus, IngestStatus};
use crate::topic;
use crate::variant::{Correct, Variant};
use engine::entry::{SourceMark, Watermarks};
pub(crate) use feed::Feed;
use intake::{Intake, Taken};
use load::Load;
use log::{Batch, Event, Isolation, Log, Member, OffsetCommit, Partition, Round, Transaction};
use model::source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How long a comparison of the clocks is good for, ms.
const CLOCK_CHECK: i64 = 60_000;

/// The group of the ingest workers.
pub const GROUP: &str = "vitals-ingest";

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
    /// Revoked and not given up, since their content is not committed yet.
    leaving: BTreeSet<Partition>,
    /// Partitions whose content is in the transaction being sent.
    sending: Vec<Partition>,
    round: Option<Round>,
    round_asked: i64,
    marked: i64,
    committed_at: i64,
    /// When the clocks were compared last, and by how much they differed.
    clock: Option<(i64, i64)>,
    batch: Batch,
    /// Why it is not ready.
    reason: Option<String>,
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
            leaving: BTreeSet::new(),
            sending: Vec::new(),
            round: None,
            round_asked: i64::MIN,
            marked: i64::MIN,
            committed_at: i64::MIN,
            clock: None,
            batch: Batch::default(),
            reason: None,
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
        if !self.prepare()? {
            return Ok(Progress::Idle);
        }
        if self.committer.is_in_doubt() {
            return self.resolve();
        }
        self.start_waiting()?;
        let now = self.log.now();
        self.ask_ends(now)?;
        if self.is_due(now) && self.committer.is_ready() {
            self.mark(now);
            self.commit(now)?;
        }
        self.let_go();
        self.take()
    }

    /// Has all that a worker needs: a model, a writer, a membership.
    fn prepare(&mut self) -> Result<bool, Failure> {
        match self.models.current()? {
            Some(published) if self.model.as_ref().is_none_or(|model| model.plan.id != published.plan.id) => {
                self.model = Some(published.clone());
            }
            Some(_) => {}
            None if self.model.is_none() => {
                self.reason = Some("no model is published; publish one with `vitals model publish FILE`".to_owned());
                return Ok(false);
            }
            None => {}
        }
        self.reason = None;
        if self.load.is_none() {
            let Some(spec) = later(self.log.topic(topic::JOURNAL))? else { return Ok(false) };
            let spec = spec.ok_or_else(|| log::Error::Missing(topic::JOURNAL.to_owned()))?;
            self.load = Some(Load::new(spec.partitions, self.identity.epoch, self.settings.max_record_bytes));
        }
        if !self.committer.is_in_doubt() && !self.committer.open()? {
            return Ok(false);
        }
        if self.member.is_none() {
            let instance = self.identity.id("ingest");
            self.member = later(self.log.join(GROUP, &instance, &self.topics, Isolation::Committed))?;
        }
        Ok(self.member.is_some())
    }

    /// Starts assigned partitions where their committed offsets say.
    fn start_waiting(&mut self) -> Result<(), Failure> {
        let Some(member) = &mut self.member else { return Ok(()) };
        if self.waiting.is_empty() {
            return Ok(());
        }
        let partitions: Vec<Partition> = self.waiting.iter().cloned().collect();
        let Some(committed) = later(member.committed(&partitions))? else { return Ok(()) };
        let topics: Vec<Arc<str>> = partitions.iter().map(|partition| Arc::clone(&partition.topic)).collect();
        let Some(round) = later(self.log.ends(&topics))? else { return Ok(()) };
        for ((partition, committed), ends) in partitions.into_iter().zip(committed).zip(&round.topics) {
            let Some(source) = topic::source_of(&partition.topic) else { continue };
            let first = ends.get(partition.number as usize).map_or(0, |ends| ends.first);
            let (next, kept) = match committed {
                None => (first, metadata::Source::default()),
                Some(committed) => {
                    let kept = metadata::Source::read(&committed.metadata).ok_or_else(|| {
                        let reason = format!("its committed offset has metadata of another program: {:?}", committed.metadata);
                        Failure::refused(&partition, reason, "use another group or delete the group's offsets")
                    })?;
                    if committed.offset < first {
                        let reason = format!("records from offset {} to {first} were deleted before they were read", committed.offset);
                        return Err(Failure::refused(&partition, reason, "keep source topics for longer than ingest may stand still; to accept the loss, move the group's offset"));
                    }
                    (committed.offset, kept)
                }
            };
            self.committer.pass(kept.stamp);
            let feed = Feed::new(source, partition.number, next, kept);
            if !feed.kept.stopped && later(member.start(&partition, next))?.is_none() {
                continue;
            }
            self.waiting.remove(&partition);
            self.feeds.insert(partition, feed);
        }
        Ok(())
    }

    /// Asks for the ends of all source topics, about once a second.
    fn ask_ends(&mut self, now: i64) -> Result<(), Failure> {
        if now.saturating_sub(self.round_asked) >= millis(self.settings.mark_interval)
            && let Some(round) = later(self.log.ends(&self.topics))?
        {
            self.round = Some(round);
            self.round_asked = now;
        }
        Ok(())
    }

    fn is_due(&self, now: i64) -> bool {
        let Some(load) = &self.load else { return false };
        if self.feeds.is_empty() {
            return false;
        }
        let waited = now.saturating_sub(self.committed_at) >= millis(self.settings.commit_interval);
        let has = !load.is_empty() || self.feeds.values().any(|feed| feed.touched);
        let marks = now.saturating_sub(self.marked) >= millis(self.settings.mark_interval);
        !self.leaving.is_empty() && has
            || load.size() >= self.settings.transaction_bytes
            || has && waited
            || marks && waited
    }

    /// Moves the watermarks by what was read and by what was proved, and tells of them when it is time.
    fn mark(&mut self, now: i64) {
        let (Some(model), Some(load)) = (&self.model, &mut self.load) else { return };
        let skew = model.plan.sources.iter().map(|rules| rules.max_skew).min().unwrap_or(0);
        let fresh = self.clock.filter(|(at, _)| now.saturating_sub(*at) < CLOCK_CHECK);
        if fresh.is_none() {
            // With nothing recent to compare the clocks by, a frame is written to be reported back.
            load.probe();
        }
        let trusted = fresh.is_some_and(|(_, by)| by.abs() <= skew);
        if let Some((_, by)) = fresh.filter(|(_, by)| by.abs() > skew) {
            self.reason = Some(format!("the clock of this machine is {by} ms off that of the log, more than max_skew; set it right: until then time stands still where nothing comes in"));
        }
        for (partition, feed) in &mut self.feeds {
            let rules = &model.plan.sources[feed.source.index()];
            if let Some(newest) = feed.kept.newest {
                feed.move_to(newest - rules.max_delay - rules.max_skew);
            }
            let asked = self.topics.iter().position(|topic| *topic == partition.topic);
            let round = self.round.as_ref();
            let ends = asked.and_then(|place| round?.topics.get(place)?.get(partition.number as usize));
            if let (Some(ends), Some(round), false) = (ends, round, feed.kept.stopped)
                && trusted
                && feed.position() >= ends.end
            {
                feed.move_to(round.sent_at - rules.max_delay);
            }
        }
        let urgent = self.feeds.values().any(Feed::is_urgent);
        if !urgent && now.saturating_sub(self.marked) < millis(self.settings.mark_interval) {
            return;
        }
        let mut sources: BTreeMap<Source, SourceMark> = BTreeMap::new();
        for (partition, feed) in &mut self.feeds {
            if !feed.is_untold() {
                continue;
            }
            let Some(told) = feed.tell() else { continue };
            let place = self.topics.iter().position(|topic| *topic == partition.topic);
            let count = place.and_then(|place| self.round.as_ref()?.topics.get(place)).map_or(0, Vec::len);
            let count = u32::try_from(count).unwrap_or(u32::MAX).max(feed.number + 1);
            let mark = sources.entry(feed.source).or_insert_with(|| SourceMark {
                source: feed.source,
                partition_count: count,
                partitions: Vec::new(),
            });
            mark.partition_count = mark.partition_count.max(count);
            mark.partitions.push(told);
        }
        self.marked = now;
        if !sources.is_empty() {
            load.mark(&Watermarks { model: Some(model.plan.id), sources: sources.into_values().collect() });
        }
    }

    fn commit(&mut self, now: i64) -> Result<(), Failure> {
        let (Some(member), Some(load)) = (&mut self.member, &mut self.load) else { return Ok(()) };
        let stamp = self.committer.stamp();
        let mut touched: Vec<&Partition> =
            self.feeds.iter().filter(|(_, feed)| feed.touched).map(|(partition, _)| partition).collect();
        if touched.is_empty() {
            // A transaction without offsets would not be fenced, so one that has nothing to say says it anyway.
            if load.is_empty() {
                self.committed_at = now;
                return Ok(());
            }
            touched.extend(self.feeds.keys().next());
        }
        self.sending = touched.into_iter().cloned().collect();
        let mut offsets = Vec::new();
        for partition in &self.sending {
            let Some(feed) = self.feeds.get_mut(partition) else { continue };
            let metadata = feed.metadata(stamp);
            offsets.push(OffsetCommit { partition: partition.clone(), offset: feed.next, metadata });
        }
        let Some(membership) = member.membership() else { return Ok(()) };
        let appends = load.seal();
        let transaction = Transaction { appends: &[appends], offsets: &offsets, membership: Some(&membership) };
        match self.committer.commit(&transaction)? {
            Outcome::Committed(receipt) => {
                if let Some(stamp) = receipt.stamp {
                    let by = self.log.now() - stamp;
                    self.clock = Some((now, by));
                }
                self.is_committed(now);
            }
            Outcome::Again | Outcome::Doubt | Outcome::Stale => {}
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

    /// Finds out what became of the transaction in doubt.
    fn resolve(&mut self) -> Result<Progress, Failure> {
        let now = self.log.now();
        let Some(member) = &mut self.member else { return Ok(Progress::Idle) };
        // Those that are being lost tell nothing; polling goes on so that they are known.
        let ours: Vec<Partition> =
            self.sending.iter().filter(|partition| self.feeds.contains_key(*partition)).cloned().collect();
        if ours.is_empty() {
            self.committer.resolve(member, &[], metadata::Source::stamp)?;
            if !self.committer.is_in_doubt() {
                self.start_over();
            }
            return Ok(Progress::Worked);
        }
        match self.committer.resolve(member, &ours, metadata::Source::stamp)? {
            Resolution::Later => return self.take_events(),
            Resolution::Committed => self.is_committed(now),
            // What waits holds entries of all its partitions: with one gone it cannot be sent again.
            Resolution::Aborted if ours.len() == self.sending.len() => {}
            Resolution::Aborted | Resolution::Mixed => self.start_over(),
        }
        Ok(Progress::Worked)
    }

    /// Drops all that is not committed, and reads it again.
    fn start_over(&mut self) {
        if let Some(load) = &mut self.load {
            load.clear();
        }
        self.sending.clear();
        self.waiting.extend(std::mem::take(&mut self.feeds).into_keys());
        self.clock = None;
        for partition in &self.leaving {
            self.waiting.remove(partition);
        }
        if let Some(member) = &mut self.member {
            self.waiting.iter().for_each(|partition| member.pause(partition));
        }
    }

    /// Gives up what was revoked, once nothing of it waits.
    fn let_go(&mut self) {
        if self.leaving.is_empty() || self.committer.is_in_doubt() {
            return;
        }
        let waits = self.leaving.iter().any(|partition| self.feeds.get(partition).is_some_and(|feed| feed.touched));
        let load = self.load.as_ref().is_none_or(Load::is_empty);
        // What a membership that is out of date cannot commit, nobody can: the next owner reads it again.
        let hopeless = self.member.as_ref().is_none_or(|member| member.membership().is_none());
        if (waits || !load) && !hopeless {
            return;
        }
        if hopeless {
            self.start_over();
        }
        let leaving: Vec<Partition> = std::mem::take(&mut self.leaving).into_iter().collect();
        for partition in &leaving {
            self.feeds.remove(partition);
            self.waiting.remove(partition);
        }
        if let Some(member) = &mut self.member {
            member.release(&leaving);
        }
    }

    fn take_events(&mut self) -> Result<Progress, Failure> {
        self.poll(Duration::ZERO)
    }

    /// Polls and takes in what comes.
    fn take(&mut self) -> Result<Progress, Failure> {
        self.poll(self.settings.wait)
    }

    fn poll(&mut self, wait: Duration) -> Result<Progress, Failure> {
        let Some(member) = &mut self.member else { return Ok(Progress::Idle) };
        let mut batch = std::mem::take(&mut self.batch);
        let event = later(member.poll(&mut batch, wait));
        let progress = match event? {
            None | Some(Event::Idle) => Progress::Idle,
            Some(Event::Records) => {
                self.take_batch(&batch)?;
                Progress::Worked
            }
            Some(Event::End { partition, offset }) => {
                if let Some(feed) = self.feeds.get_mut(&partition) {
                    feed.end = feed.end.max(offset);
                }
                Progress::Worked
            }
            Some(Event::Assigned(partitions)) => {
                self.waiting.extend(partitions);
                Progress::Worked
            }
            Some(Event::Revoked(partitions)) => {
                self.leaving.extend(partitions);
                Progress::Worked
            }
            Some(Event::Lost(partitions)) => {
                let mut had = false;
                for partition in partitions {
                    self.waiting.remove(&partition);
                    self.leaving.remove(&partition);
                    had |= self.feeds.remove(&partition).is_some_and(|feed| feed.touched);
                }
                // Frames mix partitions, so what waits cannot be sent without what was lost.
                if had && !self.committer.is_in_doubt() {
                    self.start_over();
                }
                Progress::Worked
            }
        };
        self.batch = batch;
        Ok(progress)
    }

    fn take_batch(&mut self, batch: &Batch) -> Result<(), Failure> {
        let (Some(partition), Some(model), Some(load)) = (&batch.partition, &self.model, &mut self.load) else {
            return Ok(());
        };
        let Some(feed) = self.feeds.get_mut(partition) else { return Ok(()) };
        let now = self.log.now();
        for record in batch.records() {
            if record.offset < feed.next || feed.kept.stopped {
                continue;
            }
            if self.intake.take(partition, &record, &model.plan, feed, load, now) == Taken::Stop {
                if let Some(member) = &mut self.member {
                    member.pause(partition);
                }
            }
        }
        Ok(())
    }

    /// Ends the stop of a source: its partitions of this worker are consumed again.
    ///
    /// # Errors
    /// [`Failure`] if the log fails.
    pub fn resume(&mut self, source: Source) -> Result<usize, Failure> {
        let mut resumed = 0;
        for (partition, feed) in &mut self.feeds {
            if feed.source == source && feed.kept.stopped {
                feed.resume();
                if let Some(member) = &mut self.member {
                    later(member.start(partition, feed.next))?;
                }
                resumed += 1;
            }
        }
        Ok(resumed)
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
        let mut reasons: Vec<String> = self.reason.iter().cloned().collect();
        let feeds: Vec<FeedStatus> = self.feeds.iter().map(|(partition, feed)| {
            let place = self.topics.iter().position(|topic| *topic == partition.topic);
            let round = self.round.as_ref();
            let ends = place.and_then(|place| round?.topics.get(place)?.get(partition.number as usize));
            FeedStatus::of(feed.source, feed.number, feed.position(), ends.map(|ends| ends.end), feed)
        }).collect();
        let stopped: BTreeSet<Source> = feeds.iter().filter(|feed| feed.stopped).map(|feed| feed.source).collect();
        reasons.extend(stopped.into_iter().map(|source| {
            format!("source {source} is stopped: too many of its records were rejected; see the dead-letter topic, then `vitals source resume {source}`")
        }));
        IngestStatus { feeds, reasons, waiting: self.waiting.len() }
    }
}
