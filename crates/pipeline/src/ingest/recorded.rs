//! Ingest in recorded time: all source partitions, up to the ends found at the start, merged by event time.
//!
//! The order of entries in each journal partition is a function of the topics alone: the least head is taken
//! (ties by topic, partition, offset; what is no activity is taken as soon as it is a head), every source's
//! watermark is the merge's position less its max delay and the greatest max skew, and watermarks are told by
//! event time only. One worker, no wall clock. A live run may follow on the same journal.

use super::{Feed, GROUP, Intake, Load};
use crate::commit::{Committer, Outcome, Resolution};
use crate::failure::{Failure, Progress, later};
use crate::metadata;
use crate::model_topic::{Follower, Published};
use crate::settings;
use crate::status::{FeedStatus, IngestStatus};
use crate::topic;
use crate::variant::{Correct, Variant};
use engine::entry::{SourceMark, Watermarks};
use log::{Batch, Event, Isolation, Log, Member, OffsetCommit, Partition, Transaction};
use model::source::Source;
use model::time::MINUTE;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;

/// How much event time passes between two watermark entries, ms.
const TICK: i64 = 15 * MINUTE;
/// How many records one step merges at most.
const STEP: usize = 4_096;
/// How many bytes of a partition are read ahead at most.
const AHEAD: usize = 4 << 20;

/// One source partition of the merge.
#[derive(Debug)]
struct Lane {
    partition: Partition,
    feed: Feed,
    /// The offset at which it is exhausted.
    end: i64,
    batches: VecDeque<Batch>,
    /// Next record of the first batch.
    cursor: usize,
    /// Where reading goes on after what is held.
    read_to: i64,
    paused: bool,
    exhausted: bool,
    /// Whether its head stands in the heap.
    queued: bool,
}

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
    lanes: Vec<Lane>,
    heads: BinaryHeap<Reverse<(i64, usize)>>,
    /// The last quarter of an hour that was told.
    tick: Option<i64>,
    /// The given end, or none for the greatest event time.
    until: Option<i64>,
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
    /// A run that has done nothing. `until`: the instant up to which time is to advance; by default the greatest
    /// event time there is.
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
        Self {
            topics: Source::ALL.map(topic::of_source).to_vec(),
            models: Follower::new(log.clone()),
            model: None,
            member: None,
            committer,
            intake: Intake::new(settings.clone()),
            load: None,
            assigned: Vec::new(),
            lanes: Vec::new(),
            heads: BinaryHeap::new(),
            tick: None,
            until,
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
        let merged = if self.is_full() { 0 } else { self.merge() };
        let full = self.is_full();
        let over = self.lanes.iter().all(|lane| lane.exhausted && lane.batches.is_empty());
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
        self.assigned.clear();
        (self.tick, self.finished, self.lost, self.merged) = (None, false, false, 0);
    }

    fn prepare(&mut self) -> Result<bool, Failure> {
        if self.model.is_none() {
            let Some(published) = self.models.current()? else {
                self.reason =
                    Some("no model is published; publish one with `vitals model publish FILE`".to_owned());
                return Ok(false);
            };
            self.model = Some(published.clone());
            self.reason = None;
        }
        if self.load.is_none() {
            let Some(spec) = later(self.log.topic(topic::JOURNAL))? else { return Ok(false) };
            let spec = spec.ok_or_else(|| log::Error::Missing(topic::JOURNAL.to_owned()))?;
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

    /// Finds the ends, and where each partition was left, once all are assigned.
    fn open_lanes(&mut self) -> Result<bool, Failure> {
        let Some(member) = &mut self.member else { return Ok(false) };
        let Some(round) = later(self.log.ends(&self.topics))? else { return Ok(false) };
        let all: usize = round.topics.iter().map(Vec::len).sum();
        if self.assigned.len() < all {
            return Ok(false);
        }
        self.assigned.sort();
        self.assigned.dedup();
        let Some(committed) = later(member.committed(&self.assigned))? else { return Ok(false) };
        let (mut lanes, mut total) = (Vec::new(), 0);
        for (partition, committed) in self.assigned.iter().zip(committed) {
            let place = self.topics.iter().position(|topic| *topic == partition.topic);
            let ends = place.and_then(|place| round.topics[place].get(partition.number as usize));
            let (Some(source), Some(ends)) = (topic::source_of(&partition.topic), ends) else { continue };
            let (next, kept) = match committed {
                None => (ends.first, metadata::Source::default()),
                Some(committed) => {
                    let kept = metadata::Source::read(&committed.metadata).ok_or_else(|| {
                        let reason = "its committed offset has metadata of another program";
                        Failure::refused(partition, reason, "use another group or delete the group's offsets")
                    })?;
                    (committed.offset, kept)
                }
            };
            self.committer.pass(kept.stamp);
            self.tick = self.tick.max(kept.tick);
            self.done |= kept.tick == Some(i64::MAX);
            let exhausted = next >= ends.end;
            if !exhausted && later(member.start(partition, next))?.is_none() {
                return Ok(false);
            }
            total += ends.end.saturating_sub(next).max(0).unsigned_abs();
            lanes.push(Lane {
                partition: partition.clone(),
                feed: Feed::new(source, partition.number, next, kept).up_to(ends.end),
                end: ends.end,
                batches: VecDeque::new(),
                cursor: 0,
                read_to: next,
                paused: exhausted,
                exhausted,
                queued: false,
            });
        }
        if self.done {
            // The last entry of an earlier run was told; what was appended since is for a live run.
            return Ok(false);
        }
        (self.lanes, self.total) = (lanes, total);
        Ok(true)
    }

    /// Polls, and keeps what comes for its lane. Returns whether anything came.
    fn poll(&mut self) -> Result<bool, Failure> {
        let Some(member) = &mut self.member else { return Ok(false) };
        let starving = self.lanes.iter().any(|lane| !lane.exhausted && lane.batches.is_empty());
        let wait =
            if starving || self.lanes.is_empty() { self.settings.wait } else { std::time::Duration::ZERO };
        let mut batch = self.spare.pop().unwrap_or_default();
        match later(member.poll(&mut batch, wait))? {
            None | Some(Event::Idle) => {
                self.spare.push(batch);
                return Ok(false);
            }
            Some(Event::Records) => {
                let lane =
                    self.lanes.iter_mut().find(|lane| Some(&lane.partition) == batch.partition.as_ref());
                let Some(lane) = lane else { return Ok(true) };
                let last = batch.records().last().map_or(0, |record| record.offset);
                if lane.exhausted || last < lane.read_to {
                    return Ok(true);
                }
                lane.read_to = last + 1;
                lane.exhausted = lane.read_to >= lane.end;
                lane.batches.push_back(batch);
                let held: usize = lane.batches.iter().map(Batch::size).sum();
                if lane.exhausted || held > AHEAD {
                    member.pause(&lane.partition);
                    lane.paused = true;
                }
                return Ok(true);
            }
            Some(Event::End { partition, offset }) => {
                if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.partition == partition) {
                    lane.exhausted |= offset >= lane.end;
                }
            }
            Some(Event::Assigned(partitions)) => self.assigned.extend(partitions),
            Some(Event::Lost(_)) => self.lost = true,
            Some(Event::Revoked(partitions)) => {
                if let Some(partition) = partitions.first() {
                    let reason =
                        "another member took partitions of the group while a recorded run merges all of them";
                    return Err(Failure::refused(
                        partition,
                        reason,
                        "stop the other ingest process; a recorded run is one worker",
                    ));
                }
            }
        }
        self.spare.push(batch);
        Ok(true)
    }

    /// Merges as far as every lane has a head. Returns how many records.
    fn merge(&mut self) -> usize {
        let mut merged = 0;
        while merged < STEP {
            if !self.queue_heads(&mut merged) {
                break;
            }
            let Some(Reverse((time, lane))) = self.heads.pop() else { break };
            self.lanes[lane].queued = false;
            if time.div_euclid(TICK) > self.tick.unwrap_or(i64::MIN) {
                self.tell(time, time.div_euclid(TICK), None);
            } else if self.lanes[lane].feed.is_crowded() {
                // Activity of old is far apart: what stands in an offset's metadata is bounded.
                self.tell(time, self.tick.unwrap_or(i64::MIN), None);
            }
            self.take(lane);
            merged += 1;
            if self.is_full() {
                break;
            }
        }
        merged
    }

    /// Puts the head of every lane into the heap. Returns whether all that have one to come have one.
    fn queue_heads(&mut self, merged: &mut usize) -> bool {
        let mut all = true;
        for place in 0..self.lanes.len() {
            while !self.lanes[place].queued {
                let lane = &mut self.lanes[place];
                let Some(batch) = lane.batches.front() else {
                    if !lane.exhausted {
                        if lane.paused
                            && let Some(member) = &mut self.member
                            && member.start(&lane.partition, lane.read_to).is_ok()
                        {
                            lane.paused = false;
                        }
                        all = false;
                    }
                    break;
                };
                let record = batch.record(lane.cursor);
                let Some(record) = record.filter(|record| record.offset < lane.end) else {
                    // A batch is empty once its records are merged; beyond the end nothing is.
                    if let Some(mut batch) = lane.batches.pop_front() {
                        batch.clear();
                        self.spare.push(batch);
                    }
                    lane.cursor = 0;
                    continue;
                };
                let plan = self.model.as_ref().map(|model| &*model.plan);
                if let Some(time) = plan.and_then(|plan| self.intake.time(&lane.feed, &record, plan)) {
                    self.heads.push(Reverse((time, place)));
                    lane.queued = true;
                } else {
                    self.take(place);
                    *merged += 1;
                }
            }
        }
        all
    }

    /// Takes the head of a lane into the load.
    fn take(&mut self, place: usize) {
        let (Some(model), Some(load)) = (&self.model, &mut self.load) else { return };
        let lane = &mut self.lanes[place];
        let Some(batch) = lane.batches.front() else { return };
        if let Some(record) = batch.record(lane.cursor) {
            // Nothing is stopped in recorded time: what is bad is bad for ever, and is all in the dead letters.
            self.intake.take(&lane.partition, &record, &model.plan, &mut lane.feed, load, 0);
            lane.feed.kept.stopped = false;
            self.merged += 1;
        }
        lane.cursor += 1;
    }

    /// Moves the watermarks of all sources, and tells them.
    fn tell(&mut self, time: i64, tick: i64, last: Option<i64>) {
        let Some(model) = &self.model else { return };
        let skew = model.plan.sources.iter().map(|rules| rules.max_skew).max().unwrap_or(0);
        for lane in &mut self.lanes {
            let delay = model.plan.sources[lane.feed.source.index()].max_delay;
            lane.feed.move_to(last.map_or(time - delay - skew, |last| last - delay));
            lane.feed.kept.tick = Some(tick);
        }
        self.tick = Some(tick);
        self.tell_all();
    }

    /// Tells how every source stands.
    fn tell_all(&mut self) {
        let (Some(model), Some(load)) = (&self.model, &mut self.load) else { return };
        let mut sources: BTreeMap<Source, SourceMark> = BTreeMap::new();
        for lane in &mut self.lanes {
            let told = lane.feed.tell();
            let mark = sources.entry(lane.feed.source).or_insert_with(|| SourceMark {
                source: lane.feed.source,
                partition_count: 0,
                partitions: Vec::new(),
            });
            mark.partition_count = mark.partition_count.max(lane.feed.number + 1);
            mark.partitions.push(told);
        }
        load.mark(&Watermarks { model: Some(model.plan.id), sources: sources.into_values().collect() });
    }

    /// The end: time advances to the given instant, or to the greatest there is.
    fn finish(&mut self) {
        let newest = self.lanes.iter().filter_map(|lane| lane.feed.kept.newest).max();
        match self.until.or(newest) {
            Some(end) => self.tell(end, i64::MAX, Some(end)),
            // Nothing was accepted, so there is no time to tell; what was rejected counts all the same.
            None if self.lanes.iter().any(|lane| lane.feed.is_untold()) => self.tell_all(),
            None => {}
        }
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
        IngestStatus {
            feeds: self.lanes.iter().map(feed).collect(),
            reasons: self.reason.iter().cloned().chain(self.committer.trouble()).collect(),
            waiting: if self.lanes.is_empty() { self.assigned.len() } else { 0 },
            journal: self.load.as_ref().map(Load::partitions),
            transactions: self.committer.tally(),
        }
    }
}
