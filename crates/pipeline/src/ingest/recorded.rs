//! Ingest in recorded time: all source partitions, up to the ends found at the start, merged by event time.
//!
//! The order of entries in each journal partition is a function of the topics alone: the least head is taken
//! (ties by topic, partition, offset; what is no activity is taken as soon as it is a head), every source's
//! watermark is the merge's position less its max delay and the greatest max skew, and watermarks are told by
//! event time only. With a given end, what happened after it is left, from the first such head of each partition on. After a
//! crash it goes on to the ends with which it began. One worker, no wall clock. A live run may follow on the same journal.

mod lane;
mod merge;

use super::told::Told;
use super::trail::Trail;
use super::{GROUP, Intake, Load};
use crate::commit::{Committer, Outcome, Resolution};
use crate::failure::{Failure, Progress, later};
use crate::metadata;
use crate::model_topic::{Follower, NO_MODEL, PUBLISH, Published};
use crate::settings;
use crate::status::{FeedStatus, IngestStatus};
use crate::topic;
use crate::variant::{Correct, Variant};
use engine::entry::Latest;
use lane::Lane;
use log::{Batch, Committed, Isolation, Log, Member, OffsetCommit, Partition, Transaction};
use model::source::Source;
use model::time::MINUTE;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

/// How much event time passes between two watermark entries, ms.
pub(crate) const TICK: i64 = 15 * MINUTE;

/// A recorded run of ingest.
#[derive(Debug)]
pub struct Recorded<L: Log, V: Variant = Correct> {
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
    assigned: Vec<Partition>,
    /// What the journal was told last, while the lanes are opened.
    told: Option<Told<L>>,
    /// Offsets that knew more than the journal, as far as it had been read before: it is read anew.
    short: BTreeMap<Partition, Committed>,
    /// What partitions without an offset have left, while it is read.
    trail: Option<Trail<L>>,
    lanes: Vec<Lane>,
    heads: BinaryHeap<Reverse<(i64, usize)>>,
    /// The last quarter of an hour that was told.
    tick: Option<i64>,
    /// The given end, or none for the greatest event time.
    until: Option<i64>,
    /// Whether the given end was reached before the data's.
    is_over: bool,
    finished: bool,
    /// Whether the partitions were lost.
    lost: bool,
    done: bool,
    merged: u64,
    total: u64,
    spare: Vec<Batch>,
    reason: Option<String>,
}

impl<L: Log> Recorded<L> {
    /// A run that has done nothing. `until`: the instant up to which activity is taken and time is to advance; by default
    /// the greatest event time there is.
    pub fn new(log: L, identity: settings::Identity, settings: settings::Ingest, until: Option<i64>) -> Self {
        Self::of_variant(log, identity, settings, until)
    }
}

impl<L: Log, V: Variant> Recorded<L, V> {
    /// A run that may be known to be wrong.
    #[doc(hidden)]
    pub fn of_variant(
        log: L,
        identity: settings::Identity,
        settings: settings::Ingest,
        until: Option<i64>,
    ) -> Self {
        let committer = Committer::new(log.clone(), identity.id("ingest"));
        // Nothing is stopped in recorded time: what is bad is bad for ever, and is all in the dead letters.
        let never = settings::Ingest { stop_in_a_row: u64::MAX, stop_share_of: u64::MAX, ..settings };
        Self {
            topics: Source::ALL.map(topic::of_source).to_vec(),
            models: Follower::new(log.clone()),
            model: None,
            member: None,
            committer,
            intake: Intake::new(never),
            load: None,
            assigned: Vec::new(),
            told: None,
            short: BTreeMap::new(),
            trail: None,
            lanes: Vec::new(),
            heads: BinaryHeap::new(),
            tick: None,
            until,
            is_over: false,
            finished: false,
            lost: false,
            done: false,
            merged: 0,
            total: 0,
            spare: Vec::new(),
            reason: None,
            log,
            identity,
            settings,
        }
    }

    /// Does the next thing there is to do.
    ///
    /// # Errors
    /// [`Failure`]: the run cannot go on.
    pub fn step(&mut self) -> Result<Progress, Failure> {
        self.go().map_err(Failure::explain)
    }

    fn go(&mut self) -> Result<Progress, Failure> {
        if self.done {
            return Ok(Progress::Done);
        }
        if self.lost && !self.committer.is_in_doubt() {
            self.start_over();
        }
        if !self.prepare()? {
            self.poll()?;
            return Ok(Progress::Idle);
        }
        if self.committer.is_in_doubt() {
            return self.resolve();
        }
        let read = self.poll()?;
        if self.lost {
            return Ok(Progress::Worked);
        }
        let merged = if self.is_full() { 0 } else { self.merge()? };
        let full = self.is_full();
        let over = self.is_over || self.lanes.iter().all(|lane| lane.exhausted && lane.batches.is_empty());
        if over && !self.finished {
            self.finish();
        }
        if (full || self.finished) && self.committer.is_ready() {
            self.commit()?;
        }
        Ok(if read || merged > 0 || full { Progress::Worked } else { Progress::Idle })
    }

    fn is_full(&self) -> bool {
        self.load.as_ref().is_some_and(|load| load.size() >= self.settings.transaction_bytes)
    }

    /// Forgets all that is not committed: the group took this worker for dead, and it merges again from there.
    fn start_over(&mut self) {
        if let Some(load) = &mut self.load {
            load.clear();
        }
        self.lanes.clear();
        self.heads.clear();
        (self.told, self.trail) = (None, None);
        (self.tick, self.is_over, self.finished, self.lost, self.merged) = (None, false, false, false, 0);
    }

    fn prepare(&mut self) -> Result<bool, Failure> {
        if self.model.is_none() {
            let Some(published) = self.models.current()? else {
                if self.models.is_read() {
                    let none = Partition::new(topic::MODEL, 0);
                    return Err(Failure::refused(&none, NO_MODEL, PUBLISH));
                }
                self.reason = Some(self.models.absence());
                return Ok(false);
            };
            self.model = Some(published.clone());
            self.reason = None;
        }
        if self.load.is_none() {
            let Some(spec) = later(self.log.topic(topic::JOURNAL))? else { return Ok(false) };
            let spec = spec.ok_or_else(|| log::Error::Missing(topic::JOURNAL.to_owned()))?;
            if let Some(failure) = self.models.widened(spec.partitions) {
                return Err(failure);
            }
            self.load = Some(Load::new(spec.partitions, self.identity.epoch, self.settings.max_record_bytes));
        }
        if !self.committer.is_in_doubt() {
            self.committer.open()?;
        }
        if self.member.is_none() {
            let instance = self.identity.id("ingest");
            self.member = later(self.log.join(GROUP, &instance, &self.topics, Isolation::Committed))?;
        }
        Ok(if self.lanes.is_empty() { self.open_lanes()? } else { true })
    }

    /// The end: time advances to the given instant, or to the greatest there is.
    fn finish(&mut self) {
        let Some(model) = &self.model else { return };
        let newest = self.lanes.iter().filter_map(|lane| {
            let skew = model.plan.sources[lane.feed.source.index()].max_skew;
            lane.feed.kept.newest.map(|newest| newest.saturating_add(skew))
        });
        let newest = newest.max();
        match self.until.or(newest) {
            Some(end) => {
                self.tell(end, i64::MAX, Some(end));
                self.tell_turns();
            }
            // Nothing was accepted, so there is no time to tell; what was rejected counts all the same.
            None if self.lanes.iter().any(|lane| lane.feed.is_untold()) => self.tell_all(Latest::All),
            None => {}
        }
        // What comes from here on is for a live run.
        self.lanes.iter_mut().for_each(|lane| lane.feed.kept.end = None);
        self.finished = true;
    }

    fn commit(&mut self) -> Result<(), Failure> {
        let (Some(member), Some(load)) = (&mut self.member, &mut self.load) else { return Ok(()) };
        let stamp = self.committer.stamp();
        let mut offsets = Vec::new();
        for lane in self.lanes.iter_mut().filter(|lane| lane.feed.touched) {
            let metadata = lane.feed.metadata(stamp, true);
            offsets.push(OffsetCommit {
                partition: lane.partition.clone(),
                offset: lane.feed.next,
                metadata,
            });
        }
        if offsets.is_empty() {
            self.done = self.finished;
            return Ok(());
        }
        let Some(membership) = member.membership() else { return Ok(()) };
        let appends = load.seal();
        let transaction =
            Transaction { appends: &[appends], offsets: &offsets, membership: Some(&membership) };
        if matches!(self.committer.commit(&transaction)?, Outcome::Committed(_)) {
            self.is_committed();
        }
        Ok(())
    }

    fn is_committed(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.feed.touched = false);
        if let Some(load) = &mut self.load {
            load.clear();
        }
        self.done = self.finished;
    }

    fn resolve(&mut self) -> Result<Progress, Failure> {
        let Some(member) = &mut self.member else { return Ok(Progress::Idle) };
        let touched = self.lanes.iter().filter(|lane| lane.feed.touched);
        let ours: Vec<Partition> = touched.map(|lane| lane.partition.clone()).collect();
        match self.committer.resolve(member, &ours, metadata::Source::stamp)? {
            Resolution::Later => return Ok(if self.poll()? { Progress::Worked } else { Progress::Idle }),
            Resolution::Aborted => {}
            Resolution::Committed => self.is_committed(),
            Resolution::Mixed => {
                return Err(Failure::Stuck(
                    "a transaction of one recorded run is committed in part".to_owned(),
                ));
            }
        }
        Ok(Progress::Worked)
    }

    /// Leaves the group.
    pub fn stop(mut self) {
        if let Some(member) = self.member.take() {
            member.leave();
        }
    }

    /// Records merged and records there are to merge.
    #[must_use]
    pub const fn progress(&self) -> (u64, u64) {
        (self.merged, self.total)
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> IngestStatus {
        let feed = |lane: &Lane| {
            let end = Some(lane.end);
            FeedStatus::of(lane.feed.source, lane.feed.number, lane.feed.position(), end, &lane.feed)
        };
        let ahead = self.lanes.iter().flat_map(|lane| &lane.batches).map(Batch::size).sum::<usize>();
        IngestStatus {
            buffered: ahead + self.load.as_ref().map_or(0, Load::size),
            feeds: self.lanes.iter().map(feed).collect(),
            reasons: self.reason.iter().cloned().chain(self.committer.trouble()).collect(),
            waiting: if self.lanes.is_empty() { self.assigned.len() } else { 0 },
            journal: self.load.as_ref().map(Load::partitions),
            transactions: self.committer.tally(),
        }
    }
}
